"""From a verdict or a figure to the alert that says it: numbered, with everything it was computed from."""

from typing import Any

from cleartide.contracts import AlertInput, CollateralInput, RiskAlertRaised, TradingEvent
from cleartide.fold import Effects
from cleartide.money import health_factor_text, quanta_to_text
from cleartide.rules.accounts import VENUE

from services.risk.domain.alerts import Alert, CollateralValue, PositionMargin
from services.risk.domain.health import (
    HasHealth,
    Health,
    collateral_values,
    health_of,
    margin_of,
    position_margins,
    unsettled_funding,
)
from services.risk.domain.levels import NAMES, Level
from services.risk.domain.measures import (
    DAY_MICROS,
    FORMULAS,
    STALE_MICROS,
    Figure,
    is_beyond,
    is_quiet,
    limit_figures,
    venue_figures,
)
from services.risk.domain.state import Account, Market, RiskState


def raise_health(
    state: RiskState, account: Account, margin: HasHealth, level: Level, cause: TradingEvent, effects: Effects
) -> None:
    """The account is at another level of health."""
    _raise(state, account, margin, (level, account.level), cause, effects)


def raise_figure(
    state: RiskState, account: Account, margin: HasHealth, figure: Figure, cause: TradingEvent, effects: Effects
) -> None:
    """A figure has passed its threshold, or come back from it."""
    on = (figure.kind, figure.market) not in account.flags
    levels = (Level.WARNING, Level.NONE) if on else (Level.NONE, Level.WARNING)
    _raise(state, account, margin, levels, cause, effects, **figure._asdict())
    state.set_flag(account, figure.kind, figure.market, on)


def watch_figures(
    state: RiskState,
    account: Account,
    cause: TradingEvent,
    effects: Effects,
    *,
    limits_only: bool = False,
    with_tail: bool = True,
    judged: Health | None = None,
) -> None:
    """Compare an account's figures with their thresholds, and say what has changed; what is gone is resolved.

    limits_only: only a price has come, so only the account's own limits are looked at. judged: its health, where the
    same event has asked for that already.
    """
    margin = judged or health_of(account)
    if margin is None or (account.limits is None and not account.flags and is_quiet(account, margin, effects.at)):
        return
    if account.track is not None:
        before = (account.track.day, account.track.peak_equity_quanta)
        account.track.follow(effects.at // DAY_MICROS, margin.equity_quanta)
        if before != (account.track.day, account.track.peak_equity_quanta):
            state.dirty.limits.add(account.account)
    figures: list[Figure] = []
    if account.limits is not None:
        figures += limit_figures(state, account, margin, with_tail=with_tail)
    if not limits_only:
        figures += venue_figures(account, margin, effects.at)
    flags, there = len(account.flags), 0
    for figure in figures:
        active = (figure.kind, figure.market) in account.flags
        there += active
        if is_beyond(figure, active) != active:
            raise_figure(state, account, margin, figure, cause, effects)
    if there < flags and not limits_only:
        _resolve_gone(state, account, margin, figures, cause, effects)


def watch_index(state: RiskState, market: Market, cause: TradingEvent, effects: Effects) -> None:
    """Tell the venue when a market's index has been stale for a minute, and when it is fresh again."""
    venue = state.accounts.get(VENUE)
    flagged = venue is not None and ("stale_price", market.market) in venue.flags
    since, market.stale_since = market.stale_since, 0
    if market.index_stale:
        market.stale_since = since or effects.at
    stale = market.index_stale and effects.at - market.stale_since >= STALE_MICROS
    if stale != flagged:
        seconds = effects.at - market.stale_since if stale else 0
        figure = Figure("stale_price", market.market, seconds, STALE_MICROS)
        account = state.account(VENUE)
        raise_figure(state, account, margin_of(account), figure, cause, effects)


def _resolve_gone(
    state: RiskState,
    account: Account,
    margin: HasHealth,
    figures: list[Figure],
    cause: TradingEvent,
    effects: Effects,
) -> None:
    """An alert whose figure no longer exists, as of a closed position or a limit taken back, is over."""
    there = {(figure.kind, figure.market) for figure in figures}
    for kind, market in sorted(flag for flag in account.flags if flag not in there):
        raise_figure(state, account, margin, Figure(kind, market, 0, 0), cause, effects)


def _raise(
    state: RiskState,
    account: Account,
    margin: HasHealth,
    levels: tuple[Level, Level],
    cause: TradingEvent,
    effects: Effects,
    **figure: Any,
) -> None:
    alert = alert_of(account, margin, levels, cause, effects, alert_seq=state.alerts + 1, **figure)
    effects.emit(
        RiskAlertRaised,
        **body_of(state, alert),
        kind=alert.kind,
        value=None if alert.value is None else quanta_to_text(alert.value),
        threshold=None if alert.threshold is None else quanta_to_text(alert.threshold),
        formula=FORMULAS.get(alert.kind, ""),
    )
    state.record_alert(account, alert)


def alert_of(
    account: Account,
    margin: HasHealth,
    levels: tuple[Level, Level],
    cause: TradingEvent,
    effects: Effects,
    **rest: Any,
) -> Alert:
    """The next alert of an account, now at the first level after the second, with what it is computed from."""
    return Alert(
        account=account.account,
        account_seq=account.account_seq + 1,
        level=levels[0],
        previous_level=levels[1],
        equity_quanta=margin.equity_quanta,
        maintenance_margin_quanta=margin.maintenance_margin_quanta,
        cash_quanta=account.cash_quanta,
        unsettled_funding_quanta=unsettled_funding(account),
        inputs=position_margins(account),
        collateral=collateral_values(account),
        cause_id=cause.id,
        cause_seq=effects.seq,
        raised_at=effects.at,
        **rest,
    )


def body_of(state: RiskState, alert: Alert) -> dict[str, Any]:
    """What every alert says."""
    return {
        "account": alert.account,
        "account_seq": alert.account_seq,
        "level": NAMES[alert.level],
        "previous_level": NAMES[alert.previous_level] if alert.previous_level else None,
        "health_factor": health_factor_text(alert.equity_quanta, alert.maintenance_margin_quanta),
        "equity": quanta_to_text(alert.equity_quanta),
        "maintenance_margin": quanta_to_text(alert.maintenance_margin_quanta),
        "cash": quanta_to_text(alert.cash_quanta),
        "unsettled_funding": quanta_to_text(alert.unsettled_funding_quanta),
        "inputs": tuple(_input(position) for position in alert.inputs),
        "collateral": tuple(_collateral(state, value) for value in alert.collateral),
        "cause_id": alert.cause_id,
        "market": alert.market or None,
    }


def _input(position: PositionMargin) -> AlertInput:
    return AlertInput(
        market=position.market,
        lots=position.lots,
        mark_ticks=position.mark_ticks,
        value=quanta_to_text(position.value_quanta),
        quote=quanta_to_text(position.quote_quanta),
        maintenance_margin=quanta_to_text(position.maintenance_margin_quanta),
    )


def _collateral(state: RiskState, held: CollateralValue) -> CollateralInput:
    asset = state.assets[held.asset]
    return CollateralInput(
        asset=held.asset,
        amount=asset.amount_text(held.units),
        price=held.price,
        weight_ppb=held.weight_ppb,
        value=quanta_to_text(held.value_quanta),
    )
