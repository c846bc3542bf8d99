"""Judging accounts: the level each is in now, whether to ask for its liquidation, and its new safe box."""

from collections.abc import Iterable
from functools import cmp_to_key
from typing import NamedTuple

from cleartide.rules.collateral import quanta_per_tick
from cleartide.rules.margin import AccountMargin, is_liquidatable

from services.risk.domain.alerts import PositionMargin
from services.risk.domain.health import (
    compare_health,
    has_prices,
    margin_of,
    position_margins,
    prices_are_fresh,
)
from services.risk.domain.levels import Guards, Level, guards, next_level
from services.risk.domain.safe_box import FLAT, Exposure, safe_box
from services.risk.domain.state import Account, Market, RiskState


class Verdict(NamedTuple):
    """Something must be said about an account: a level it has moved to, a position to liquidate, or both."""

    account: Account
    margin: AccountMargin
    level: Level
    liquidate: PositionMargin | None


def affected_by_mark(market: Market, mark_ticks: int, index_ticks: int) -> dict[str, Account]:
    """Whom a new mark price may change: those whose safe interval it leaves, and those who are due.

    So does the index behind it, for those who hold collateral that it prices. The first price of a market makes all
    its holders judgeable.
    """
    affected = {
        account.account: account for asset in market.assets.values() for account in asset.fences.crossed(index_ticks)
    }
    if not market.mark_ticks:
        affected.update(market.holders)
        return affected
    affected.update({account.account: account for account in market.fences.crossed(mark_ticks)})
    affected.update(market.due)
    return affected


def review(state: RiskState, accounts: Iterable[Account], *, may_request: bool = True) -> list[Verdict]:
    """Judge accounts and place their boxes anew; verdicts come lowest health first, then by account id (R19)."""
    verdicts = [verdict for account in accounts if (verdict := _judge(state, account, may_request))]
    verdicts.sort(key=cmp_to_key(_riskier_first))
    return verdicts


def place_box(state: RiskState, account: Account) -> None:
    """Fence an account whose level is already known, as after a restart."""
    if has_prices(account):
        margin = margin_of(account)
        below = is_liquidatable(margin.equity_quanta, margin.maintenance_margin_quanta)
        _set_due(account, below and not account.liquidating)
        _fence(state, account, margin, guards(account.level, below))


def _judge(state: RiskState, account: Account, may_request: bool) -> Verdict | None:
    if not has_prices(account):
        return None
    margin = margin_of(account)
    level = next_level(account.level, margin.equity_quanta, margin.maintenance_margin_quanta)
    below = is_liquidatable(margin.equity_quanta, margin.maintenance_margin_quanta)
    waiting = below and not account.liquidating
    target = _largest_requirement(account) if waiting and may_request and prices_are_fresh(account) else None
    _set_due(account, waiting and target is None)
    _fence(state, account, margin, guards(level, below))
    if level is account.level and target is None:
        return None
    return Verdict(account, margin, level, target)


def _largest_requirement(account: Account) -> PositionMargin:
    """The position to close: largest maintenance margin first, then market id (domain rule R20)."""
    return min(position_margins(account), key=lambda margin: (-margin.maintenance_margin_quanta, margin.market))


def _set_due(account: Account, due: bool) -> None:
    """Whether to look again at the next fresh price of anything that the account holds."""
    markets = [position.market for position in account.positions.values()]
    markets += [stake.asset.market for stake in account.collateral.values() if stake.asset.market is not None]
    for market in markets:
        if due:
            market.due[account.account] = account
        else:
            market.due.pop(account.account, None)


def _fence(state: RiskState, account: Account, margin: AccountMargin, guarded: Guards) -> None:
    """Without a position there is no requirement, so no price can matter."""
    state.boxes += 1
    account.box = state.boxes
    if not account.positions:
        return
    fences = [(position.market.fences, len(position.market.holders)) for position in account.positions.values()]
    exposures = [
        Exposure(position.lots * market.quanta_per_lot_tick, market.mark_ticks, market.slope)
        for position in account.positions.values()
        for market in (position.market,)
    ]
    for asset, units in account.collateral.values():
        if asset.market is not None:
            fences.append((asset.fences, len(asset.holders)))
            per_tick = quanta_per_tick(units, asset.per_tick, asset.spec.maintenance_weight_ppb)
            exposures.append(Exposure(per_tick, asset.ticks, FLAT))
    for (placed, holders), bounds in zip(fences, safe_box(exposures, margin, guarded), strict=True):
        placed.place(account, bounds, holders)


def _riskier_first(first: Verdict, second: Verdict) -> int:
    by_account = (first.account.account > second.account.account) - (first.account.account < second.account.account)
    return compare_health(first.margin, second.margin) or by_account
