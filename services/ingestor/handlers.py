"""Event -> domain -> effects. Every message of MARKET is also a clock: it may make an index price due."""

from typing import Final

from cleartide.contracts import (
    IndexSource,
    UpdateIndexPrice,
    VenueBook,
    VenueCandle,
    VenueFunding,
    VenueGap,
    VenueGroupedBook,
    VenueInstrument,
    VenueLiquidation,
    VenueLiquidity,
    VenueOpenInterest,
    VenueOracle,
    VenueStats,
    VenueStatus,
    VenueTicker,
    VenueTrade,
)
from cleartide.fold import Effects, Handlers

from services.ingestor.domain.index_price import SourcePrice
from services.ingestor.domain.state import Emission, IngestorState


def on_ticker(state: IngestorState, event: VenueTicker, effects: Effects) -> None:
    """Record the quote; it may move the index."""
    state.record(event)
    state.take_ticker(event)
    _say_index(state, effects)


def on_trade(state: IngestorState, event: VenueTrade, effects: Effects) -> None:
    """Record the trade; its price is one of the three that make a source price."""
    state.record(event)
    state.take_trade(event)
    _say_index(state, effects)


def on_oracle(state: IngestorState, event: VenueOracle, effects: Effects) -> None:
    """An oracle's price, whose part in each index is kept with the index."""
    state.take_oracle(event)
    _say_index(state, effects)


def on_book(state: IngestorState, event: VenueBook, effects: Effects) -> None:
    """Record the top of the book."""
    state.record(event)
    _say_index(state, effects)


def on_funding(state: IngestorState, event: VenueFunding, effects: Effects) -> None:
    """Record the venue's mark, index and rate."""
    state.record(event)
    _say_index(state, effects)


def on_figure(
    state: IngestorState,
    event: VenueOpenInterest | VenueLiquidation | VenueCandle | VenueStats,
    effects: Effects,
) -> None:
    """Record a figure that no price is made of; of a candle the final form alone."""
    if event.type != "VenueCandle" or event.closed:
        state.record(event)
    _say_index(state, effects)


def on_instrument(state: IngestorState, event: VenueInstrument, effects: Effects) -> None:
    """Remember what the instrument is."""
    state.take_instrument(event)
    _say_index(state, effects)


def on_liquidity(state: IngestorState, event: VenueLiquidity, effects: Effects) -> None:
    """Record what the book can bear, once in each span."""
    state.take_liquidity(event)
    _say_index(state, effects)


def on_grouped_book(state: IngestorState, event: VenueGroupedBook, effects: Effects) -> None:
    """Record the book in steps, once in each span."""
    state.take_grouped_book(event)
    _say_index(state, effects)


def on_gap(state: IngestorState, event: VenueGap, effects: Effects) -> None:
    """Record that something is missing."""
    state.record(event)
    state.take_gap(event, effects.at)
    _say_index(state, effects)


def on_status(state: IngestorState, event: VenueStatus, effects: Effects) -> None:
    """The feed's heartbeat: with a silent venue it is the only thing that lets the index grow stale."""
    state.take_status(event, effects.at)
    _say_index(state, effects)


def _say_index(state: IngestorState, effects: Effects) -> None:
    for emission in state.due_index_prices(effects.at):
        effects.emit(
            UpdateIndexPrice,
            market=emission.market.market,
            price=emission.price_text,
            sources=tuple(_source(emission, each) for each in emission.price.sources),
        )


def _source(emission: Emission, priced: SourcePrice) -> IndexSource:
    return IndexSource(
        venue=priced.source.venue,
        price=emission.text(priced.ticks),
        weight=priced.source.weight,
        age_micros=priced.age_micros,
        rejected=priced.rejected,
    )


HANDLERS: Final[Handlers] = {
    VenueTicker: on_ticker,
    VenueTrade: on_trade,
    VenueBook: on_book,
    VenueFunding: on_funding,
    VenueOpenInterest: on_figure,
    VenueLiquidation: on_figure,
    VenueCandle: on_figure,
    VenueStats: on_figure,
    VenueInstrument: on_instrument,
    VenueLiquidity: on_liquidity,
    VenueGroupedBook: on_grouped_book,
    VenueGap: on_gap,
    VenueOracle: on_oracle,
    VenueStatus: on_status,
}
