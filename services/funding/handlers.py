"""Event -> domain -> effects. Every event is also the clock that ends intervals."""

from typing import Final

from cleartide.contracts import (
    FundingRatePublished,
    FundingSet,
    FundingSettled,
    MarketChanged,
    MarketListed,
    MarketStateChanged,
    MarkPriceUpdated,
    PositionChanged,
    PositionSettled,
    PremiumSampled,
    SettleFunding,
)
from cleartide.fold import Effects, Handlers, Reject

from services.funding.domain.rate import SECOND_MICROS, terms_of
from services.funding.domain.state import FundingState, Market, SampleError, Settlement


def on_market_rules(state: FundingState, event: MarketListed | MarketChanged, effects: Effects) -> None:
    """Learn a market, or its new terms: they hold for the open interval."""
    seconds = event.spec.funding_interval_seconds
    state.list_market(event.market, terms_of(event.spec), None if seconds is None else seconds * SECOND_MICROS)
    _close_elapsed(state, effects)


def on_premium_sampled(state: FundingState, event: PremiumSampled, effects: Effects) -> None:
    """Count the sample in its own interval, then let time pass: it may be the last of an interval that ends."""
    try:
        state.count(_market(state, event.market), event.minute, event.premium_ppb)
    except SampleError as error:
        raise Reject(error.reason, error.detail) from error
    _close_elapsed(state, effects)


def on_mark_price(state: FundingState, event: MarkPriceUpdated, effects: Effects) -> None:
    """Time passes; at its first price a market's first interval begins."""
    state.begin(_market(state, event.market), effects.at)
    _close_elapsed(state, effects)


def on_market_state(state: FundingState, event: MarketStateChanged, effects: Effects) -> None:
    """A delisted market pays no more funding."""
    if event.state == "delisted":
        state.retire(_market(state, event.market))
    _close_elapsed(state, effects)


def on_funding_set(state: FundingState, event: FundingSet, effects: Effects) -> None:
    """The operator's rate is that of the interval open now: those that have ended by now close first."""
    market = _market(state, event.market)
    _close_elapsed(state, effects)
    state.set_funding(market, event.funding_type, event.hourly_rate_ppb)


def on_position(state: FundingState, event: PositionChanged | PositionSettled, effects: Effects) -> None:
    """Keep who holds what at each settlement, and let time pass."""
    state.hold(event.account, _market(state, event.market), event.lots)
    _close_elapsed(state, effects)


def on_funding_settled(state: FundingState, event: FundingSettled, effects: Effects) -> None:
    """Keep what matching made of the rate."""
    state.settle(
        Settlement(
            market=event.market,
            interval_start=event.interval_start,
            rate_ppb=event.rate_ppb,
            mark_ticks=event.mark_ticks,
            index_step_quanta=event.index_step_quanta,
            funding_index_quanta=event.funding_index_quanta,
            settled_at=effects.at,
        )
    )
    _close_elapsed(state, effects)


def _market(state: FundingState, market: str) -> Market:
    known = state.markets.get(market)
    if known is None:
        raise Reject("unknown_market", market)
    return known


def _close_elapsed(state: FundingState, effects: Effects) -> None:
    for closed in state.close_elapsed(effects.at):
        effects.emit(
            FundingRatePublished,
            market=closed.market,
            interval_start=closed.interval_start,
            interval_micros=closed.interval_micros,
            average_premium_ppb=closed.rate.average_premium_ppb,
            rate_ppb=closed.rate.rate_ppb,
            samples=closed.samples,
            funding_type=closed.funding_type,
        )
        effects.emit(
            SettleFunding,
            market=closed.market,
            interval_start=closed.interval_start,
            interval_micros=closed.interval_micros,
            rate_ppb=closed.rate.rate_ppb,
            samples=closed.samples,
            funding_type=closed.funding_type,
        )


HANDLERS: Final[Handlers] = {
    MarketListed: on_market_rules,
    MarketChanged: on_market_rules,
    MarketStateChanged: on_market_state,
    PremiumSampled: on_premium_sampled,
    MarkPriceUpdated: on_mark_price,
    FundingSettled: on_funding_settled,
    FundingSet: on_funding_set,
    PositionChanged: on_position,
    PositionSettled: on_position,
}
