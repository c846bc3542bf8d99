"""Exchanging collateral with the venue's swap pool at index prices: on request, to repay a debt, before a liquidation.

The pool gives no more than it has and keeps the fee and what is less than a smallest unit, so every exchange is exact:
one move of each asset, in opposite directions, told by one event.
"""

from typing import Final, NamedTuple

from cleartide.contracts import CollateralSwapped, SwapCollateral
from cleartide.money import PPB, ceil_div
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.rules.collateral import CollateralView, collateral_value, converted, quanta_of, units_worth
from cleartide.rules.margin import AccountMargin

from services.matching.domain.access import known, require
from services.matching.domain.accounts import Account
from services.matching.domain.assets import Asset, Pocket
from services.matching.domain.bankruptcy import BUFFER_PERCENT
from services.matching.domain.errors import Refused
from services.matching.domain.limits import MAX_UNITS
from services.matching.domain.margin import initial_collateral, no_riskier, order_margin, standing
from services.matching.domain.moves import asset_of, balance_of, exchange, require_room
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import SWAP_POOL, Pool

MOST_DEBTORS: Final = 256
"""Whose debts are tried again with one price or one payment into the pool."""


class Swap(NamedTuple):
    """What goes into the pool and what comes out of it, in smallest units."""

    sold: Asset
    sold_units: int
    bought: Asset
    bought_units: int


def swap(state: MatchingState, command: SwapCollateral, out: Output) -> None:
    """Sell an amount of one asset for another; afterwards E >= IM, or the account is no riskier than before (3.11)."""
    sold, bought = asset_of(state, command.sell_asset), asset_of(state, command.buy_asset)
    amount = sold.amounts.parse(command.sell_amount)
    least = bought.amounts.parse(command.least_amount) if command.least_amount is not None else 1
    account = known(state, command.account)
    require(account, command.actor, "trade")
    if sold is bought:
        raise Refused("same_asset")
    if not (_is_priced(sold) and _is_priced(bought)):
        raise Refused("index_stale")
    if amount > balance_of(state, account, sold):
        raise Refused("exceeds_balance")
    fee = max(sold.spec.conversion_fee_ppb, bought.spec.conversion_fee_ppb)
    wanted = Swap(sold, amount, bought, converted(amount, sold.price, bought.price, fee))
    if wanted.bought_units < least:
        raise Refused("below_least_amount")
    pool = state.treasury.pools.get(SWAP_POOL)
    if pool is None or wanted.bought_units > balance_of(state, pool, bought):
        raise Refused("exceeds_pool")
    require_room(state, account, bought, wanted.bought_units)
    require_room(state, pool, sold, amount)
    _require_margin(account, wanted)
    _exchange(state, out, "swap", account, pool, wanted)


def _is_priced(asset: Asset) -> bool:
    return asset.is_fresh and asset.price.numerator > 0


def _require_margin(account: Account, wanted: Swap) -> None:
    """Afterwards E >= IM with what counts for more risk, or the account is no less healthy than before (3.11)."""
    held = {pocket.asset: pocket.held.balance for pocket in account.collateral.values()}
    cash = 0
    for asset, change in ((wanted.sold, -wanted.sold_units), (wanted.bought, wanted.bought_units)):
        if asset.is_settlement:
            cash = change
        else:
            held[asset] = held.get(asset, 0) + change
    pockets = [(units, asset.price, asset) for asset, units in held.items()]
    usable = collateral_value(
        [CollateralView(units, price, asset.initial_weight_ppb) for units, price, asset in pockets]
    )
    equity, initial = order_margin(account)
    if equity - account.reserved + cash + usable - initial_collateral(account) >= initial:
        return
    now, sound = standing(account), [pocket.maintenance_view() for pocket in account.collateral.values()]
    healthy = [CollateralView(units, price, asset.spec.maintenance_weight_ppb) for units, price, asset in pockets]
    after = now.equity_quanta + cash + collateral_value(healthy) - collateral_value(sound)
    if not no_riskier(now.equity_quanta, now.maintenance_margin_quanta, after, now.maintenance_margin_quanta):
        raise Refused("insufficient_margin")


def repay(state: MatchingState, out: Output, account: Account) -> None:
    """Sell collateral for the cash that an account without positions owes, as far as pool and prices allow.

    What is left of the debt is tried again with every price and every payment into the pool.
    """
    debtors = state.treasury.debtors
    debtors.discard(account.name)
    if any(held.lots for held in account.holdings.values()):
        return
    for pocket in _best_first(account):
        if account.cash.balance < 0:
            _sell(state, out, "repayment", account, pocket, -account.cash.balance, PPB)
    if account.is_debtor:
        debtors.add(account.name)


def repay_debtors(state: MatchingState, out: Output) -> None:
    """Try again what could not be repaid, in the order of names."""
    for name in sorted(state.treasury.debtors)[:MOST_DEBTORS]:
        repay(state, out, state.accounts[name])


def restore_health(state: MatchingState, out: Output, account: Account) -> AccountMargin:
    """Sell collateral before positions are closed: cash counts in full where collateral counts by its weight.

    Sells what lifts equity to 1.05 of maintenance and no more; returns the standing afterwards.
    """
    for pocket in _best_first(account):
        now = standing(account)
        aim = ceil_div(now.maintenance_margin_quanta * (100 + BUFFER_PERCENT), 100)
        gain = PPB - pocket.asset.spec.conversion_fee_ppb - pocket.asset.spec.maintenance_weight_ppb
        if gain > 0 and aim > now.equity_quanta:
            _sell(state, out, "liquidation", account, pocket, aim - now.equity_quanta, gain)
    return standing(account)


def _best_first(account: Account) -> list[Pocket]:
    """The collateral with the highest weight first, then by name."""
    return sorted(
        account.collateral.values(), key=lambda pocket: (-pocket.asset.spec.maintenance_weight_ppb, pocket.asset.id)
    )


def _sell(
    state: MatchingState, out: Output, kind: str, account: Account, pocket: Pocket, wanted: int, weight_ppb: int
) -> None:
    """Sell the fewest units whose value at this weight, less the fee, reaches `wanted` quanta; less if need be."""
    asset, pool = pocket.asset, state.treasury.pools.get(SWAP_POOL)
    settlement = state.treasury.assets[SETTLEMENT_ASSET]
    if pool is None or not _is_priced(asset):
        return
    price, kept = asset.price, PPB - asset.spec.conversion_fee_ppb
    units = min(pocket.held.balance, units_worth(wanted, price, min(weight_ppb, kept)))
    stock = balance_of(state, pool, settlement)
    if quanta_of(units, price, kept) > stock:
        units = stock * price.denominator * PPB // (price.numerator * kept)
    units = min(units, MAX_UNITS - balance_of(state, pool, asset))
    received = quanta_of(units, price, kept)
    if received:
        _exchange(state, out, kind, account, pool, Swap(asset, units, settlement, received))


def _exchange(state: MatchingState, out: Output, kind: str, account: Account, pool: Pool, done: Swap) -> None:
    exchange(state, out, kind, account, pool, (done.sold, done.sold_units), (done.bought, done.bought_units))
    out.emit(
        CollateralSwapped,
        account=account.name,
        sold_asset=done.sold.id,
        sold_units=done.sold_units,
        sold_balance_units=balance_of(state, account, done.sold),
        bought_asset=done.bought.id,
        bought_units=done.bought_units,
        bought_balance_units=balance_of(state, account, done.bought),
        kind=kind,
    )
