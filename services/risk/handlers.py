"""Event -> domain -> effects: what matching says moves accounts, and what moved is said to others."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from cleartide.contracts import (
    AlertAnswered,
    AlertRuleRemoved,
    AlertRuleSet,
    AssetChanged,
    AssetListed,
    CollateralChanged,
    CollateralSwapped,
    FundingSettled,
    InsuranceChanged,
    InsuranceFunded,
    LeverageSet,
    LiquidateAccount,
    LiquidationExecuted,
    LiquidationRejected,
    MarketChanged,
    MarketListed,
    MarkPriceUpdated,
    PositionChanged,
    PositionSettled,
    RiskLimitsSet,
    TradingEvent,
    TransferApplied,
)
from cleartide.fold import Effects, Handlers, Reject
from cleartide.money import MoneyError, quanta_to_text
from cleartide.rules.accounts import SYSTEM_ACCOUNTS, VENUE
from cleartide.rules.assets import SETTLEMENT_ASSET

from services.risk.domain.alerting import raise_health, watch_figures, watch_index
from services.risk.domain.alerts import PositionMargin
from services.risk.domain.collateral import Asset
from services.risk.domain.health import Health, margin_of
from services.risk.domain.measures import DAY_MICROS, MINUTE_MICROS, Limits, Track
from services.risk.domain.review import Verdict, affected_by_mark, judge, review
from services.risk.domain.rules import Rule
from services.risk.domain.ruling import look_at, look_at_market, look_at_price, take_back
from services.risk.domain.state import HOUR_MICROS, Account, Answer, InsurancePoint, Market, Request, RiskState

GAINS_AND_LOSSES: Final = frozenset({"socialized_loss"})
"""Kinds of transfer that are no payment in or out, so that they count as loss or gain."""


def on_market_rules(state: RiskState, event: MarketListed | MarketChanged, effects: Effects) -> None:
    """Learn a market; new rules for an open one are a new requirement for all who hold it."""
    spec = event.spec
    bounds = (spec.oi_scale_lower_quanta, spec.oi_scale_upper_quanta)
    fresh = Market(event.market, spec.tick_size, spec.lot_size, event.quanta_per_lot_tick, spec.brackets, bounds)
    fresh.taker_fee_ppb = spec.taker_fee_ppb
    market = state.list_market(fresh)
    _review(state, _holders(market), event, effects)


def on_mark_price(state: RiskState, event: MarkPriceUpdated, effects: Effects) -> None:
    """Re-evaluate only the accounts whose level the new price may change, and those due for liquidation."""
    market = _market(state, event.market)
    affected = affected_by_mark(state, market, event.mark_ticks, event.index_ticks)
    state.set_mark(market, event.mark_ticks, event.index_ticks, event.index_stale, event.open_interest_lots)
    is_new_hour = state.record_hour(market, effects.at // HOUR_MICROS)
    if affected:
        _review(state, affected.values(), event, effects)
    for name in sorted(market.limited):
        watch_figures(state, market.limited[name], event, effects, limits_only=True, with_tail=is_new_hour)
    if state.pool.owns(VENUE):
        watch_index(state, market, event, effects)
    if state.book.rules:
        look_at_price(state, market, event, effects)


def on_funding_settled(state: RiskState, event: FundingSettled, effects: Effects) -> None:
    """Funding moves the equity of every holder at once, before it reaches cash."""
    market = _market(state, event.market)
    state.set_funding_index(market, event.funding_index_quanta, event.rate_ppb)
    _review(state, market.holders.values(), event, effects)
    look_at_market(state, market, event, effects)


def on_transfer(state: RiskState, event: TransferApplied, effects: Effects) -> None:
    """Cash moved in or out."""
    if event.account not in SYSTEM_ACCOUNTS:
        account = state.account(event.account)
        if account.track is not None and event.kind not in GAINS_AND_LOSSES:
            account.track.transfer(event.cash_quanta - account.cash_quanta)
            state.dirty.limits.add(event.account)
        state.set_cash(event.account, event.cash_quanta)
        _review(state, (account,), event, effects)
        _watch(state, account, event, effects)


def on_asset_rules(state: RiskState, event: AssetListed | AssetChanged, effects: Effects) -> None:
    """Learn an asset; new weights or another price change the equity of all who hold it."""
    if event.spec.index_market is not None:
        _market(state, event.spec.index_market)
    asset = state.list_asset(event.spec)
    _review(state, asset.holders.values(), event, effects)


def on_collateral_changed(state: RiskState, event: CollateralChanged, effects: Effects) -> None:
    """Collateral beside cash moved in or out."""
    asset, account = _asset(state, event.asset), state.account(event.account)
    before = margin_of(account).equity_quanta
    state.set_collateral(event.account, asset, event.balance_units)
    if account.track is not None:
        account.track.transfer(margin_of(account).equity_quanta - before)
        state.dirty.limits.add(event.account)
    _review(state, (account,), event, effects)
    _watch(state, account, event, effects)


def on_collateral_swapped(state: RiskState, event: CollateralSwapped, effects: Effects) -> None:
    """One asset became another, at once: both balances are taken over before the account is judged."""
    sides = ((event.sold_asset, event.sold_balance_units), (event.bought_asset, event.bought_balance_units))
    for asset, balance in sides:
        if asset == SETTLEMENT_ASSET:
            state.set_cash(event.account, balance)
        else:
            state.set_collateral(event.account, _asset(state, asset), balance)
    _review(state, (state.account(event.account),), event, effects, may_request=event.kind == "swap")


def on_leverage_set(state: RiskState, event: LeverageSet, effects: Effects) -> None:  # noqa: ARG001 - the fold's form
    """A choice of leverage: it raises initial margin alone, so no level can change."""
    state.set_leverage(event.account, event.market, event.leverage)


def on_fill(state: RiskState, event: PositionChanged, effects: Effects) -> None:
    """A fill left this position and this cash behind; fills are counted by the minute."""
    _take_position(state, event, effects, fills=1)


def on_position_settled(state: RiskState, event: PositionSettled, effects: Effects) -> None:
    """The end of the market left this position and this cash behind."""
    _take_position(state, event, effects, fills=0)


def _take_position(state: RiskState, event: PositionChanged | PositionSettled, effects: Effects, *, fills: int) -> None:
    market = _market(state, event.market)
    if event.account in SYSTEM_ACCOUNTS:
        return
    account = state.set_cash(event.account, event.cash_quanta)
    state.set_position(account, market, event.lots, event.quote_quanta, event.funding_index_quanta)
    if fills:
        minute = effects.at // MINUTE_MICROS
        account.fills = account.fills + fills if minute == account.busy_minute else fills
        account.busy_minute = minute
    margin, verdict = judge(state, account, may_request=False)
    if verdict is not None:
        _act(state, verdict, event, effects)
    _watch(state, account, event, effects, judged=margin)


def on_limits_set(state: RiskState, event: RiskLimitsSet, effects: Effects) -> None:
    """The account's own limits from here on; what they are measured from begins with the first of them."""
    account = state.account(event.account)
    equity = margin_of(account).equity_quanta
    track = account.track or Track(effects.at // DAY_MICROS, equity, equity)
    state.set_limits(account, Limits(*(getattr(event, name) for name in Limits._fields)), track)
    watch_figures(state, account, event, effects)


def on_rule_set(state: RiskState, event: AlertRuleSet, effects: Effects) -> bool:
    """Watch by a rule; what held by the one of its name is resolved first, so many alerts a step."""
    try:
        rule = Rule.of(event.rule)
    except MoneyError as error:
        raise Reject(error.reason, str(error)) from None
    if take_back(state, rule.spec.name, event, effects):
        return True
    state.book.drop(rule.spec.name, state.markets.values())
    state.book.put(rule, state.markets.values())
    return False


def on_rule_removed(state: RiskState, event: AlertRuleRemoved, effects: Effects) -> bool:
    """Watch by a rule no longer, once what held by it is resolved."""
    if take_back(state, event.name, event, effects):
        return True
    state.book.drop(event.name, state.markets.values())
    return False


def on_alert_answered(state: RiskState, event: AlertAnswered, effects: Effects) -> None:
    """Keep what the account said to an alert that it had."""
    if event.alert <= state.account(event.account).account_seq:
        answer = Answer(event.account, event.alert, event.answer, event.note, event.actor, effects.at)
        state.dirty.answers.append(answer)


def on_insurance(state: RiskState, event: InsuranceFunded | InsuranceChanged, effects: Effects) -> None:
    """Keep what is in the fund, for the picture of it over time; the pool of the venue's own account does."""
    if state.pool.owns(VENUE):
        state.dirty.insurance.append(InsurancePoint(event.market, effects.seq, effects.at, event.balance_quanta))


def on_liquidation_answered(
    state: RiskState, event: LiquidationExecuted | LiquidationRejected, effects: Effects
) -> None:
    """The request is answered. Who is still below maintenance is asked for again at the next price.

    Not at once: matching may be in the midst of several steps, and a refusal would only be refused again.
    """
    account = state.accounts.get(event.account)
    if account is not None:
        state.close_request(account)
        _review(state, (account,), event, effects, may_request=False)


def _watch(
    state: RiskState, account: Account, event: TradingEvent, effects: Effects, judged: Health | None = None
) -> None:
    """Something happened to an account: compare its figures, by the venue's thresholds, its own and the rules."""
    watch_figures(state, account, event, effects, judged=judged)
    if state.book.watches_holders:
        look_at(state, account, event, effects, judged)


def _market(state: RiskState, market: str) -> Market:
    known = state.markets.get(market)
    if known is None:
        raise Reject("unknown_market", market)
    return known


def _asset(state: RiskState, asset: str) -> Asset:
    known = state.assets.get(asset)
    if known is None:
        raise Reject("unknown_asset", asset)
    return known


def _holders(market: Market) -> list[Account]:
    """Everybody whose figures the market's rules enter: through a position, or through collateral that it prices."""
    found = {**market.holders}
    for asset in market.assets.values():
        found.update(asset.holders)
    return list(found.values())


def _review(
    state: RiskState, accounts: Iterable[Account], cause: TradingEvent, effects: Effects, *, may_request: bool = True
) -> None:
    for verdict in review(state, accounts, may_request=may_request):
        _act(state, verdict, cause, effects)


def _act(state: RiskState, verdict: Verdict, cause: TradingEvent, effects: Effects) -> None:
    if verdict.level is not verdict.account.level:
        raise_health(state, verdict.account, verdict.margin, verdict.level, cause, effects)
    if verdict.liquidate is not None:
        _request_liquidation(state, verdict, verdict.liquidate, effects)


def _request_liquidation(state: RiskState, verdict: Verdict, target: PositionMargin, effects: Effects) -> None:
    effects.emit(
        LiquidateAccount,
        account=verdict.account.account,
        market=target.market,
        equity=quanta_to_text(verdict.margin.equity_quanta),
        maintenance_margin=quanta_to_text(verdict.margin.maintenance_margin_quanta),
        mark_price_ticks=target.mark_ticks,
        observed_seq=effects.seq,
    )
    state.open_request(verdict.account, Request(target.market, effects.seq, effects.at))


def _of_our_pool(handler: Callable[..., None]) -> Callable[..., None]:
    """Events of other pools' accounts are theirs to hear, and theirs to refuse."""

    def handle(state: RiskState, event: Any, effects: Effects) -> None:
        if state.pool.owns(event.account):
            handler(state, event, effects)

    return handle


HANDLERS: Final[Handlers] = {
    MarketListed: on_market_rules,
    MarketChanged: on_market_rules,
    MarkPriceUpdated: on_mark_price,
    FundingSettled: on_funding_settled,
    TransferApplied: _of_our_pool(on_transfer),
    PositionChanged: _of_our_pool(on_fill),
    PositionSettled: _of_our_pool(on_position_settled),
    LiquidationExecuted: _of_our_pool(on_liquidation_answered),
    LiquidationRejected: _of_our_pool(on_liquidation_answered),
    AssetListed: on_asset_rules,
    AssetChanged: on_asset_rules,
    CollateralChanged: _of_our_pool(on_collateral_changed),
    CollateralSwapped: _of_our_pool(on_collateral_swapped),
    LeverageSet: _of_our_pool(on_leverage_set),
    RiskLimitsSet: _of_our_pool(on_limits_set),
    AlertAnswered: _of_our_pool(on_alert_answered),
    AlertRuleSet: on_rule_set,
    AlertRuleRemoved: on_rule_removed,
    InsuranceFunded: on_insurance,
    InsuranceChanged: on_insurance,
}
