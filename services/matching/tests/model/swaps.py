"""Assets for others at the index: on request, for a debt, before a liquidation (decision 14)."""

from fractions import Fraction
from typing import Final

from cleartide.contracts import CollateralSwapped, SwapCollateral, TransferRejected

from services.matching.tests.model.collateral import (
    SETTLEMENT,
    fee_of,
    give,
    holding,
    is_priced,
    price,
    require_asset,
    weight,
)
from services.matching.tests.model.margin import is_no_riskier, standing, with_orders
from services.matching.tests.model.moves import fill_pool, keep
from services.matching.tests.model.numbers import down, up
from services.matching.tests.model.rights import known, require_right
from services.matching.tests.model.texts import require_pool_room, require_room, units_of
from services.matching.tests.model.world import MOST_BALANCE, Account, Refusal, World

POOL: Final = "swap"
AIM: Final = Fraction(105, 100)
"""Of maintenance: what a sale before a liquidation wants to restore (R20)."""


def swap(world: World, command: SwapCollateral) -> None:
    """What it brings less the higher fee of the two, floored, of what the pool has; E >= IM after it, or 3.11."""
    try:
        sold, bought = require_asset(world, command.sell_asset), require_asset(world, command.buy_asset)
        units = units_of(world, sold, command.sell_amount)
        least = units_of(world, bought, command.least_amount) if command.least_amount is not None else 1
        account = known(world, command.account)
        require_right(world, account, command.actor, "trade")
        brings = _judge(world, account, sold, units, bought, least)
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    _exchange(world, account, "swap", (sold, units), (bought, brings))


def _judge(world: World, account: Account, sold: str, units: int, bought: str, least: int) -> int:
    """The units bought. Raises Refusal."""
    if sold == bought:
        raise Refusal("same_asset")
    if not is_priced(world, sold) or not is_priced(world, bought):
        raise Refusal("index_stale")
    if units > holding(account, sold):
        raise Refusal("exceeds_balance")
    fee = max(fee_of(world, sold), fee_of(world, bought))
    brings = down(units * price(world, sold) / price(world, bought) * (1 - fee))
    if brings < least:
        raise Refusal("below_least_amount")
    if brings > world.pools.get(POOL, {}).get(bought, 0):
        raise Refusal("exceeds_pool")
    require_room(world, account.name, brings, bought)
    require_pool_room(world, POOL, units, sold)
    tried = account.copy()
    give(tried, sold, -units)
    give(tried, bought, brings)
    free, initial = with_orders(world, tried)
    if free < initial and not is_no_riskier(standing(world, account), standing(world, tried)):
        raise Refusal("insufficient_margin")
    return brings


def repay(world: World, account: Account) -> None:
    """Who holds no position and owes cash sells for it, the best asset first."""
    if any(position.lots for position in account.positions.values()):
        return
    for asset in _best_first(world, account):
        if account.cash < 0:
            _sell(world, account, "repayment", asset, Fraction(-account.cash), Fraction(1))


def repay_all(world: World) -> None:
    """Everybody who still owes what he has assets for, by name."""
    for _, account in sorted(world.accounts.items()):
        if account.collateral and account.cash < 0:
            repay(world, account)


def restore(world: World, account: Account) -> None:
    """Cash counts in full, an asset by its weight: so many are sold as lift E to the aim, where selling lifts it."""
    for asset in _best_first(world, account):
        now = standing(world, account)
        gain = 1 - fee_of(world, asset) - weight(world, asset)
        if gain > 0 and now.equity < up(now.maintenance * AIM):
            _sell(world, account, "liquidation", asset, Fraction(up(now.maintenance * AIM) - now.equity), gain)


def _best_first(world: World, account: Account) -> list[str]:
    return sorted(account.collateral, key=lambda asset: (-weight(world, asset), asset))


def _sell(world: World, account: Account, kind: str, asset: str, wanted: Fraction, part: Fraction) -> None:
    """The fewest units whose value, this part of it less the fee, reaches so much; as far as the pool can pay."""
    pool = world.pools.get(POOL)
    if pool is None or not is_priced(world, asset):
        return
    kept = price(world, asset) * (1 - fee_of(world, asset))
    units = min(account.collateral[asset], up(wanted / min(price(world, asset) * part, kept)))
    if down(units * kept) > pool.get(SETTLEMENT, 0):
        units = down(pool.get(SETTLEMENT, 0) / kept)
    units = min(units, MOST_BALANCE - pool.get(asset, 0))
    if down(units * kept):
        counted = up(units * price(world, asset) * weight(world, asset))
        world.conceded[account.name] += max(0, counted - down(units * kept))
        _exchange(world, account, kind, (asset, units), (SETTLEMENT, down(units * kept)))


def _exchange(world: World, account: Account, kind: str, paid: tuple[str, int], received: tuple[str, int]) -> None:
    """One move of each asset, in opposite directions."""
    for (asset, units), way in ((paid, -1), (received, 1)):
        give(account, asset, way * units)
        fill_pool(world, POOL, asset, -way * units, kind, account.name)
        keep(world, account.name, kind, "completed", way * units, asset=asset, moved=way * units, counterparty=POOL)
    world.say(
        CollateralSwapped,
        account=account.name,
        sold_asset=paid[0],
        sold_units=paid[1],
        sold_balance_units=holding(account, paid[0]),
        bought_asset=received[0],
        bought_units=received[1],
        bought_balance_units=holding(account, received[0]),
        kind=kind,
    )
