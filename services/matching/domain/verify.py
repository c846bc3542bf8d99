"""What must hold between any two commands, to the unit (domain rule R7)."""

from collections import Counter
from typing import Final

from cleartide.rules.assets import SETTLEMENT_ASSET

from services.matching.domain.accounts import Account
from services.matching.domain.conditional.verify import verify_conditionals
from services.matching.domain.deadlines import Deadline
from services.matching.domain.errors import InvariantBroken
from services.matching.domain.ledger import EXTERNAL, locked_name
from services.matching.domain.market import Market
from services.matching.domain.state import MatchingState
from services.matching.domain.vaults.verify import verify_vaults

POTS: Final = frozenset(
    {
        "cash",
        "collateral",
        "farm",
        "position",
        "insurance",
        "fees",
        "funding",
        "locked",
        "pool",
        "referral",
        "settlement",
        "vault",
    }
)
NEVER_BELOW_ZERO: Final = frozenset({"collateral", "farm", "insurance", "locked", "pool", "referral", "vault"})


def verify(state: MatchingState) -> None:
    """Raise InvariantBroken unless money, positions, funding and books agree with each other."""
    _money(state)
    for market in state.markets.values():
        _positions(state, market)
        _book(market)
    _expiries(state)
    _auctions(state)
    _rounds(state)
    verify_conditionals(state)
    verify_vaults(state)
    for account in state.accounts.values():
        _open_orders(account)


def _money(state: MatchingState) -> None:
    """Every pot is known by its name, and together they hold exactly the net deposits, of each asset."""
    assets: dict[str, Counter[str]] = {}
    for account in state.ledger.accounts.values():
        assets.setdefault(account.asset, Counter())[account.name.partition(":")[0]] += account.balance
    for asset, pots in assets.items():
        net_deposits = -pots.pop(EXTERNAL, 0)
        unknown = set(pots) - POTS
        if unknown or sum(pots.values()) != net_deposits:
            raise InvariantBroken(f"{asset}: {dict(pots)} against net deposits {net_deposits}, {sorted(unknown)}")
    for account in state.ledger.accounts.values():
        if account.balance < 0 and account.name.partition(":")[0] in NEVER_BELOW_ZERO:
            raise InvariantBroken(f"{account.name} is overdrawn by {-account.balance}")
        if account.balance and account.name.startswith("settlement:"):
            raise InvariantBroken(f"{account.name} did not end at zero")


def _positions(state: MatchingState, market: Market) -> None:
    """Longs and shorts cancel out, and the funding pot owes exactly what holders have not yet been paid."""
    holders = {name: account for name, account in state.accounts.items() if market.id in account.holdings}
    if market.holders != holders:
        raise InvariantBroken(f"{market.id}: {len(market.holders)} known holders of {len(holders)}")
    holdings = [account.holdings[market.id] for account in holders.values()]
    lots = sum(held.lots for held in holdings)
    longs = sum(held.lots for held in holdings if held.lots > 0)
    if lots or longs != market.open_interest:
        raise InvariantBroken(f"{market.id}: sum {lots}, longs {longs}, open interest {market.open_interest}")
    if any(held.quote.balance for held in holdings if not held.lots):
        raise InvariantBroken(f"{market.id}: a closed position still has a cost")
    unsettled = sum(held.unsettled for held in holdings)
    if unsettled != market.funding_pot.balance:
        raise InvariantBroken(f"{market.id}: unsettled {unsettled}, pot {market.funding_pot.balance}")


def _book(market: Market) -> None:
    """Not crossed while it matches; levels hold what their orders show; within a price orders stand by priority."""
    if market.is_crossed and market.status.matches:
        raise InvariantBroken(f"{market.id}: crossed at {market.book.bids.best_price}")
    for half in (market.book.bids, market.book.asks):
        lots: Counter[int] = Counter()
        last: dict[int, int] = {}
        for order in half.orders():
            shows_enough = 0 < order.shown <= min(order.display or order.remaining, order.remaining)
            if not shows_enough or order.priority <= last.get(order.price, 0):
                raise InvariantBroken(f"{market.id}: order {order.order_id} is out of place")
            lots[order.price] += order.shown
            last[order.price] = order.priority
        if list(lots.items()) != list(half.levels()):
            raise InvariantBroken(f"{market.id}: levels do not hold their orders")


def _expiries(state: MatchingState) -> None:
    """Every open order with an end is known to the clock, and nothing else is."""
    orders = [order for account in state.accounts.values() for order in account.orders.values() if order.expires_at]
    known = all(Deadline(order.expires_at, "order_expiry", order.order_id) in state.deadlines for order in orders)
    if not known or {order.order_id: order for order in orders} != state.expiring:
        raise InvariantBroken(f"expiring orders {sorted(state.expiring)}")


def _auctions(state: MatchingState) -> None:
    """Every auction is of an open order outside the book, waits for its next slot, and has its quotes in order."""
    for number, auction in state.auctions.running.items():
        order, side = auction.order, auction.order.side
        known = state.accounts[order.account].orders.get(order.client_order_id) is order
        if not known or order.order_id != number or order.row or not order.remaining:
            raise InvariantBroken(f"auction {number} is of no open order")
        if auction.deadline not in state.deadlines:
            raise InvariantBroken(f"auction {number} waits for nothing")
        ranks = [(quote.price * side, quote.priority) for quote in auction.quotes]
        if ranks != sorted(ranks) or any(quote.remaining <= 0 or quote.side == side for quote in auction.quotes):
            raise InvariantBroken(f"auction {number}: quotes are out of place")


def _rounds(state: MatchingState) -> None:
    """Every round waits for its end, knows its own commitments, and their bonds are locked."""
    rounds, locked = state.rounds, Counter[str]()
    for round_ in rounds.open.values():
        if round_.deadline not in state.deadlines or len(rounds.open) < len(rounds.collecting):
            raise InvariantBroken(f"round {round_.number} waits for nothing")
        for number, commitment in round_.commitments.items():
            if rounds.sealed.get(number) is not commitment or commitment.round_id != round_.number:
                raise InvariantBroken(f"commitment {number} is in no round")
            locked[commitment.account] += commitment.bond
    for account, bonds in locked.items():
        escrow = state.ledger.accounts.get(locked_name(SETTLEMENT_ASSET, account))
        if bonds > (escrow.balance if escrow is not None else 0):
            raise InvariantBroken(f"{account}: bonds of {bonds} are not locked")


def _open_orders(account: Account) -> None:
    """The sums that margin uses are those of the resting orders."""
    sums: Counter[tuple[str, int]] = Counter()
    reserved = 0
    for order in account.orders.values():
        stage = "partially_filled" if order.filled else "open"
        if order.state not in (stage, "armed") or order.filled < 0 or (order.quote > 0) != (order.filled > 0):
            raise InvariantBroken(f"order {order.order_id} is {order.state}, filled {order.filled} for {order.quote}")
        if not order.reduce_only and order.state != "armed":
            sums[order.market, order.side] += order.remaining
            reserved += order.remaining * order.loss_per_lot
    kept = {(held.market.id, 1): held.bids for held in account.holdings.values() if held.bids}
    kept.update({(held.market.id, -1): held.asks for held in account.holdings.values() if held.asks})
    if kept != dict(sums) or reserved != account.reserved:
        raise InvariantBroken(f"{account.name}: open orders {dict(sums)}, kept {kept}")
