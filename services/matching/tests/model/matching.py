"""The matching loop: best price first, then age; own orders by the newer one's mode (R26, R29, R30, 3.11)."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from cleartide.contracts import JitQuoteRejected, OrderClosed, SelfTradePrevented

from services.matching.tests.model import fees
from services.matching.tests.model.courses import Auction, settle
from services.matching.tests.model.fills import Side, fill, trade
from services.matching.tests.model.guards import harms, is_full, most
from services.matching.tests.model.linked import others, over
from services.matching.tests.model.margin import may_become, standing, stays_in_range
from services.matching.tests.model.numbers import down, rate
from services.matching.tests.model.rights import head
from services.matching.tests.model.world import INSURANCE, Account, Market, Order, World

NAMES: Final = {1: "buy", -1: "sell"}
ENDS: Final = {"filled": "filled", "expired": "expired"}
"""What an order has become by a reason; by all others it is canceled."""


@dataclass
class Taker:
    """Who takes from the book: lots `left` to take. guarded: each fill must by itself leave the account safe.

    For a liquidation `order` is None; its fee goes to the insurance fund and never passes what the fill brings above
    the limit, which is the bankruptcy price. disposal: the fund gives something back, and pays like anyone. auction:
    whose quotes compete with the book.
    """

    account: Account
    market: Market
    side: int
    limit: int
    left: int
    order: Order | None = None
    guarded: bool = False
    fees: int = 0
    disposal: bool = False
    auction: Auction | None = None

    @property
    def wanted(self) -> int:
        """Lots that it would take now: a reduce-only order's no more than the position (R30)."""
        if self.order is not None and self.order.reduce_only:
            return min(self.left, max(0, -self.side * self.account.position(self.market.name).lots))
        return self.left

    def fee(self, world: World, price: int, lots: int) -> int:
        """The taker's fee: rounded up, a liquidation's down (R6, R22)."""
        notional = price * lots * self.market.unit
        if self.order is not None or self.disposal:
            return fees.taker_fee(world, self.account.name, self.market, notional)
        surplus = abs(price - self.limit) * lots * self.market.unit
        return min(down(notional * rate(self.market.spec.liquidation_fee_ppb)), surplus)


class Bar(NamedTuple):
    """Why a fill may not be, and which resting order goes for it; None: the taker stops."""

    reason: str
    goes: Order | None


def close(world: World, order: Order, reason: str) -> None:
    """A resting order leaves the book, an armed one stops waiting, an auction ends."""
    if order.number in world.auctions:
        settle(world, world.auctions[order.number], reason)
    else:
        (world.orders if order.number in world.orders else world.armed).pop(order.number)
    say_closed(world, order, reason)


def say_closed(world: World, order: Order, reason: str) -> None:
    """An order is over."""
    over(world, order)
    world.say(
        OrderClosed,
        order_id=order.number,
        account=order.account,
        market=order.market,
        client_order_id=order.name,
        filled_lots=order.filled,
        unfilled_lots=order.size - order.filled,
        reason=reason,
        state=ENDS.get(reason, "canceled"),
    )


def used_up(order: Order) -> str:
    """Why an order with nothing left is over."""
    return "self_trade" if order.prevented else "filled"


def sweep(world: World, taker: Taker) -> str | None:
    """Trade against the other side until there is enough or nothing crosses; a reason when it had to stop early."""
    stopped = _walk(world, taker)
    if taker.order is not None:
        taker.order.left = taker.left
    for order in world.spent:
        if order.number in world.groups:
            close(world, order, "oco")
    world.spent = []
    return stopped


def _walk(world: World, taker: Taker) -> str | None:
    """The loop of `sweep`. An order of whose group another has just traded leaves the book when it is met."""
    gone: set[int] = set()
    while taker.wanted:
        waiting = _offers(world, taker)
        if not waiting or not crosses(taker.side, taker.limit, waiting[0].price):
            return None
        maker = waiting[0]
        if maker.number in gone and not maker.quoted:
            close(world, maker, "oco")
            continue
        if head(world, maker.account) == head(world, taker.account.name):
            if _meets_itself(world, taker, maker):
                return "self_trade"
            continue
        lots = _tradable(world, taker, maker)
        verdict = _bar(world, taker, maker) if lots else Bar("reduce_only", maker)
        if verdict is not None and verdict.goes is None:
            return verdict.reason
        if verdict is None:
            lots = _allowed(world, taker, maker, lots)
            if not lots:
                return "open_interest_cap"
            verdict = _maker_fault(world, taker, maker, lots)
        if verdict is not None:
            _leave(world, taker, maker, verdict.reason)
            continue
        fee = taker.fee(world, maker.price, lots)
        if taker.guarded and not may_fill(world, taker.account, maker.market, taker.side * lots, maker.price, fee):
            return "insufficient_margin"
        met = [order for order in (maker, taker.order) if order is not None and not order.quoted]
        gone.update(other.number for order in met for other in others(world, order))
        _match(world, taker, maker, lots, fee)
    return None


def _offers(world: World, taker: Taker) -> list[Order]:
    """Best price first; of equal ones the book, then the quotes, each by age (R33)."""
    quotes = taker.auction.quotes if taker.auction is not None else []
    both = [*world.book(taker.market.name, -taker.side), *quotes]
    return sorted(both, key=lambda offer: (taker.side * offer.price, offer.quoted, offer.age))


def _leave(world: World, taker: Taker, maker: Order, reason: str) -> None:
    """A maker may not trade, and goes."""
    if taker.auction is None or not maker.quoted:
        close(world, maker, reason)
        return
    taker.auction.quotes.remove(maker)
    world.say(
        JitQuoteRejected,
        quote_id=maker.number,
        auction_id=taker.auction.order.number,
        account=maker.account,
        market=maker.market,
        reason=reason,
    )


def _meets_itself(world: World, taker: Taker, maker: Order) -> bool:
    """What the newer order's mode says (R29); True: it goes no further."""
    mode = taker.order.prevention if taker.order is not None else "expire_maker"
    if mode == "decrement":
        lots = min(taker.left, maker.shown)
        taker.left -= lots
        if taker.order is not None:
            taker.order.prevented += lots
        maker.prevented += lots
        shrink(world, maker, lots)
        world.say(
            SelfTradePrevented,
            market=maker.market,
            maker_order_id=maker.number,
            taker_order_id=taker.order.number if taker.order is not None else None,
            price_ticks=maker.price,
            prevented_lots=lots,
            maker_remaining_lots=maker.left,
            taker_remaining_lots=taker.left,
        )
        if not maker.left:
            close(world, maker, "self_trade")
        return False
    if mode in ("expire_maker", "expire_both"):
        close(world, maker, "self_trade")
    return mode in ("expire_taker", "expire_both")


def shrink(world: World, maker: Order, lots: int) -> None:
    """What is shown gets less; an iceberg that shows nothing more shows its next part, behind all others."""
    maker.left -= lots
    maker.shown -= lots
    if maker.left and not maker.shown:
        world.rest(maker)


def _match(world: World, taker: Taker, maker: Order, lots: int, fee: int) -> None:
    shrink(world, maker, lots)
    taker.left -= lots
    notional, liquidated = maker.price * lots * taker.market.unit, taker.order is None and not taker.disposal
    made = fees.maker_fee(world, maker.account, taker.market, notional, fee)
    rebate = max(0, -made)
    taker.fees += fee - (rebate if liquidated else 0)
    kept = 0 if liquidated else fees.share(world, taker.account.name, fee, rebate)
    taking = Side(taker.account, taker.order, fee, to_insurance=liquidated, share=kept)
    asked = None if maker.quoted else maker
    making = Side(world.accounts[maker.account], asked, made, to_insurance=liquidated and rebate > 0)
    for side in (taking, making):
        if side is making or side.order is not None:
            fees.traded(world, side.account, notional)
    if taker.order is not None:
        taker.order.paid += notional
    buyer, seller = (taking, making) if taker.side > 0 else (making, taking)
    origin = "book" if taker.order is not None else "liquidation"
    trade(world, taker.market, maker.price, lots, buyer, seller, origin, taker_side=NAMES[taker.side])
    if maker.quoted and taker.auction is not None:
        taker.auction.made += lots
        taker.auction.quotes = [held for held in taker.auction.quotes if held.left]
    elif not maker.left:
        close(world, maker, used_up(maker))


def _bar(world: World, taker: Taker, maker: Order) -> Bar | None:
    """Who has to go because of the bands, which bind no liquidation, or of its position's cap (R31, R32)."""
    bound = taker.order is not None or taker.disposal
    loser = next((side for side in (1, -1) if bound and harms(taker.market, side, maker.price)), 0)
    if loser:
        return Bar("price_band", maker if loser == maker.side else None)
    if is_full(taker.market, taker.account, taker.side):
        return Bar("position_cap", None)
    return Bar("position_cap", maker) if is_full(taker.market, world.accounts[maker.account], maker.side) else None


def _allowed(world: World, taker: Taker, maker: Order, lots: int) -> int:
    owner = world.accounts[maker.account]
    buyer, seller = (taker.account, owner) if taker.side > 0 else (owner, taker.account)
    return most(world, taker.market, buyer, seller, lots)


def _maker_fault(world: World, taker: Taker, maker: Order, lots: int) -> Bar | None:
    """Why a resting order may not trade so much now (3.11)."""
    owner, market = world.accounts[maker.account], taker.market
    if not stays_in_range(owner, owner.position(market.name), maker.price * lots * market.unit):
        return Bar("balance_cap", maker)
    taken = taker.fee(world, maker.price, lots)
    fee = fees.maker_fee(world, maker.account, market, maker.price * lots * market.unit, taken)
    if owner.name != INSURANCE and not may_fill(world, owner, market.name, maker.side * lots, maker.price, fee):
        return Bar("insufficient_margin", maker)
    return None


def _tradable(world: World, taker: Taker, maker: Order) -> int:
    """Lots of the next fill; a reduce-only maker never turns its position."""
    lots = min(taker.wanted, maker.shown)
    if maker.reduce_only:
        held = world.accounts[maker.account].position(maker.market).lots
        lots = min(lots, max(0, -maker.side * held))
    return lots


def may_fill(world: World, account: Account, market: str, lots: int, price: int, fee: int) -> bool:
    """Make the fill on a copy, and look."""
    tried = account.copy()
    fill(tried, world.markets[market], lots, price, fee)
    return may_become(standing(world, account), standing(world, tried))


def crosses(side: int, limit: int, price: int) -> bool:
    """Whether an order with this limit trades at this price."""
    return price <= limit if side > 0 else price >= limit
