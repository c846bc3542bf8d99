"""Looking at accounts and markets by the operator's alert rules, and saying what begins and what ends."""

from cleartide.contracts import RuleAlertRaised, TradingEvent
from cleartide.contracts.risk import RuleFigure
from cleartide.fold import Effects
from cleartide.money import units_text
from cleartide.rules.accounts import VENUE

from services.risk.domain.alerting import alert_of, body_of
from services.risk.domain.health import HasHealth, health_of, margin_of
from services.risk.domain.levels import Level
from services.risk.domain.rule_figures import Look
from services.risk.domain.rules import Rule, Shown
from services.risk.domain.state import Account, Market, RiskState

RESOLVED_AT_ONCE = 64
"""Alerts that one step of taking a rule back resolves."""


def look_at_price(state: RiskState, market: Market, cause: TradingEvent, effects: Effects) -> None:
    """A market has a new price: look at it, and at those of its holders whose turn it is."""
    look_at_market(state, market, cause, effects)
    if state.book.watches_holders:
        for name in state.book.next_looks(market.market):
            look_at(state, state.accounts[name], cause, effects)


def look_at_market(state: RiskState, market: Market, cause: TradingEvent, effects: Effects) -> None:
    """By the rules about markets; the pool of the venue's own account does."""
    rules = state.book.about("market")
    if not rules or not state.pool.owns(VENUE):
        return
    venue = Account(VENUE)
    look = Look(venue, margin_of(venue), market=market)
    for rule in rules:
        if rule.covers(market.market) and rule.turns(look.figure, VENUE, market.market, effects.at):
            _turn(state, rule, market.market, look, cause, effects)


def look_at(
    state: RiskState, account: Account, cause: TradingEvent, effects: Effects, judged: HasHealth | None = None
) -> None:
    """By the rules about accounts and positions. judged: its health, where the same event asked for that already."""
    health = judged or health_of(account)
    if health is None:
        return
    of_account = Look(account, health)
    for rule in state.book.about("account"):
        if rule.turns(of_account.figure, account.account, "", effects.at):
            _turn(state, rule, "", of_account, cause, effects)
    rules = state.book.about("position")
    if not rules:
        return
    looks = {name: Look(account, health, account.positions[name]) for name in sorted(account.positions)}
    for rule in rules:
        for name, look in looks.items():
            if rule.covers(name) and rule.turns(look.figure, account.account, name, effects.at):
                _turn(state, rule, name, look, cause, effects)
        for name in sorted(set(rule.alerted.get(account.account, ())) - looks.keys()):
            if rule.holds(account.account, name):
                _turn(state, rule, name, of_account, cause, effects)


def take_back(state: RiskState, name: str, cause: TradingEvent, effects: Effects) -> bool:
    """Resolve what holds by a rule that ends, so many at once. Returns whether there is more."""
    rule = state.book.rules.get(name)
    if rule is None:
        return False
    holding = sorted((who, where) for who, of in rule.alerted.items() for where in of if rule.holds(who, where))
    for who, where in holding[:RESOLVED_AT_ONCE]:
        account = state.account(who)
        _turn(state, rule, where, Look(account, margin_of(account)), cause, effects)
    return len(holding) > RESOLVED_AT_ONCE


def _turn(state: RiskState, rule: Rule, market: str, look: Look, cause: TradingEvent, effects: Effects) -> None:
    """Say that an alert begins or ends; an end for want of what it was about, or of its rule, names no figures."""
    account = state.account(look.account.account)
    begins = not rule.holds(account.account, market)
    figures = rule.shown(look.figure) if look.is_about(rule.spec.each) else ()
    alert = alert_of(
        account,
        look.health,
        (rule.level, Level.NONE) if begins else (Level.NONE, rule.level),
        cause,
        effects,
        alert_seq=state.alerts + 1,
        kind="rule",
        market=market,
        rule=rule.spec.name,
        condition=rule.spec.when,
        figures=tuple(_text(rule, figure) for figure in figures),
    )
    effects.emit(
        RuleAlertRaised,
        **body_of(state, alert),
        rule=alert.rule,
        condition=alert.condition,
        figures=tuple(RuleFigure(name=name, value=value, unit=unit) for name, value, unit in alert.figures),
    )
    state.book.turn(rule, account.account, market, effects.at)
    state.record_alert(account, alert)


def _text(rule: Rule, figure: Shown) -> tuple[str, str, str]:
    unit, decimals = rule.unit(figure.name)
    text = units_text(figure.value, decimals)
    return figure.name, text.rstrip("0").rstrip(".") if decimals else text, unit
