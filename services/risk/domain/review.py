"""Judging accounts: the level each is in now, and whether to ask for its liquidation."""

from collections.abc import Iterable
from functools import cmp_to_key
from typing import NamedTuple

from cleartide.rules.margin import is_liquidatable

from services.risk.domain.alerts import PositionMargin
from services.risk.domain.health import (
    Health,
    compare_health,
    health_of,
    position_margins,
    prices_are_fresh,
)
from services.risk.domain.levels import Level, next_level
from services.risk.domain.state import Account, Market, RiskState


class Verdict(NamedTuple):
    """Something must be said about an account: a level it has moved to, a position to liquidate, or both."""

    account: Account
    margin: Health
    level: Level
    liquidate: PositionMargin | None


def affected_by_mark(state: RiskState, market: Market, mark_ticks: int, index_ticks: int) -> dict[str, Account]:
    """Whom new prices of a market may change, by position or by collateral, and those who are due.

    The first price of a market makes all its holders judgeable.
    """
    affected = {account.account: account for account in state.watch.moved(market, mark_ticks, index_ticks)}
    affected.update(market.due if market.mark_ticks else market.holders)
    return affected


def review(state: RiskState, accounts: Iterable[Account], *, may_request: bool = True) -> list[Verdict]:
    """Judge accounts and watch them anew; verdicts come lowest health first, then by account id (R19)."""
    verdicts = [verdict for account in accounts if (verdict := judge(state, account, may_request)[1])]
    verdicts.sort(key=cmp_to_key(_riskier_first))
    return verdicts


def watch(state: RiskState, account: Account) -> None:
    """Watch an account whose level is already known, as after a restart."""
    margin = health_of(account)
    if margin is not None:
        below = is_liquidatable(margin.equity_quanta, margin.maintenance_margin_quanta)
        _set_due(account, below and not account.liquidating)
        state.watch.place(account, margin, account.level, below)


def judge(state: RiskState, account: Account, may_request: bool) -> tuple[Health | None, Verdict | None]:
    """One account's health, None while it cannot be told, and the verdict if there is anything to do."""
    margin = health_of(account)
    if margin is None:
        state.watch.leave(account)
        return None, None
    level = next_level(account.level, margin.equity_quanta, margin.maintenance_margin_quanta)
    below = is_liquidatable(margin.equity_quanta, margin.maintenance_margin_quanta)
    waiting = below and not account.liquidating
    target = _largest_requirement(account) if waiting and may_request and prices_are_fresh(account) else None
    _set_due(account, waiting and target is None)
    state.watch.place(account, margin, level, below)
    if level is account.level and target is None:
        return margin, None
    return margin, Verdict(account, margin, level, target)


def _largest_requirement(account: Account) -> PositionMargin:
    """The position to close: largest maintenance margin first, then market id (domain rule R20)."""
    return min(position_margins(account), key=lambda margin: (-margin.maintenance_margin_quanta, margin.market))


def _set_due(account: Account, due: bool) -> None:
    """Whether to look again at the next fresh price of anything that the account holds."""
    if not due and not account.is_due:
        return
    account.is_due = due
    markets = [position.market for position in account.positions.values()]
    markets += [stake.asset.market for stake in account.collateral.values() if stake.asset.market is not None]
    for market in markets:
        if due:
            market.due[account.account] = account
        else:
            market.due.pop(account.account, None)


def _riskier_first(first: Verdict, second: Verdict) -> int:
    by_account = (first.account.account > second.account.account) - (first.account.account < second.account.account)
    return compare_health(first.margin, second.margin) or by_account
