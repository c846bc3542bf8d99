"""Tables of the ingestor: time series by day, and the little that the fold must remember."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from cleartide.contracts import (
    VenueBook,
    VenueCandle,
    VenueFunding,
    VenueGap,
    VenueGroupedBook,
    VenueInstrument,
    VenueLiquidation,
    VenueOpenInterest,
    VenueStats,
    VenueTicker,
    VenueTrade,
)
from cleartide.fold import Changes, Repository, Row, Table

from services.ingestor.domain.index_markets import IndexMarket
from services.ingestor.domain.state import Emission, FeedStatus, IngestorState, Newest, NewestOracle

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _series(name: str, key: tuple[str, ...], columns: dict[str, str]) -> Table:
    """A history table by day: the first row of a key stays, so that ingesting again changes nothing."""
    return Table(name, (*key, "ts"), {"ts": "timestamptz", **columns}, write="ignore", load=False)


_HEAD: Final = {
    "venue": "text",
    "symbol": "text",
    "venue_seq": "bigint",
    "received_at": "timestamptz",
    "quality": "text",
}
TICKERS: Final = _series(
    "venue_tickers",
    ("venue", "symbol", "venue_seq"),
    {**_HEAD, "bid_ticks": "bigint", "bid_lots": "bigint", "ask_ticks": "bigint", "ask_lots": "bigint"},
)
TRADES: Final = _series(
    "venue_trades",
    ("venue", "symbol", "trade_id"),
    {**_HEAD, "trade_id": "text", "price_ticks": "bigint", "size_lots": "bigint", "taker_side": "text"},
)
BOOKS: Final = _series("venue_books", ("venue", "symbol", "venue_seq"), {**_HEAD, "bids": "jsonb", "asks": "jsonb"})
FUNDING: Final = _series(
    "venue_funding",
    ("venue", "symbol", "venue_seq"),
    {
        **_HEAD,
        "mark_ticks": "bigint",
        "index_ticks": "bigint",
        "rate_ppb": "bigint",
        "interval_micros": "bigint",
        "next_funding_at": "timestamptz",
        "predicted_rate_ppb": "bigint",
    },
)
FUNDING_RATES: Final = Table(
    "venue_funding_rates",
    ("venue", "symbol", "ts"),
    {"ts": "timestamptz", **_HEAD, "rate_ppb": "bigint"},
    write="ignore",
    load=False,
)
INTEREST: Final = _series("venue_interest", ("venue", "symbol", "venue_seq"), {**_HEAD, "open_interest_lots": "bigint"})
LIQUIDATIONS: Final = _series(
    "venue_liquidations",
    ("venue", "symbol", "liquidation_id"),
    {**_HEAD, "liquidation_id": "text", "price_ticks": "bigint", "size_lots": "bigint", "side": "text"},
)
CANDLES: Final = _series(
    "venue_candles",
    ("venue", "symbol", "span", "open_at"),
    {
        **_HEAD,
        "span": "text",
        "open_at": "timestamptz",
        "open_ticks": "bigint",
        "high_ticks": "bigint",
        "low_ticks": "bigint",
        "close_ticks": "bigint",
        "volume_lots": "bigint",
    },
)
STATS: Final = _series(
    "venue_stats",
    ("venue", "symbol", "venue_seq"),
    {**_HEAD, "last_ticks": "bigint", "high_ticks": "bigint", "low_ticks": "bigint", "volume_lots": "bigint"},
)
GAPS: Final = _series("venue_gaps", ("id",), {**_HEAD, "id": "text", "expected_seq": "bigint", "reason": "text"})
LIQUIDITY: Final = _series(
    "venue_liquidity",
    ("venue", "symbol"),
    {
        **_HEAD,
        "bid_ticks": "bigint",
        "ask_ticks": "bigint",
        "bid_depths": "jsonb",
        "ask_depths": "jsonb",
        "bid_reach": "bigint",
        "ask_reach": "bigint",
        "buy_slippages": "jsonb",
        "sell_slippages": "jsonb",
        "buy_impacts": "jsonb",
        "sell_impacts": "jsonb",
    },
)
GROUPED_BOOKS: Final = _series(
    "venue_grouped_books",
    ("venue", "symbol", "multiple"),
    {**_HEAD, "multiple": "integer", "bids": "jsonb", "asks": "jsonb"},
)
INSTRUMENTS: Final = Table(
    "venue_instruments",
    key=("venue", "symbol"),
    columns={
        "venue": "text",
        "symbol": "text",
        "base": "text",
        "quote": "text",
        "contract_type": "text",
        "tick_size": "text",
        "lot_size": "text",
        "size_step": "text",
        "funding_interval_micros": "bigint",
        "maker_ppb": "bigint",
        "taker_ppb": "bigint",
        "said_at": "bigint",
    },
    load=False,
    beside=("said_at", 0),
)
INDEX_PRICES: Final = _series("index_prices", ("market",), {"market": "text", "price": "text", "used": "integer"})
INDEX_SOURCES: Final = _series(
    "index_sources",
    ("market", "venue", "symbol"),
    {
        "market": "text",
        "venue": "text",
        "symbol": "text",
        "price": "text",
        "weight": "integer",
        "age_micros": "bigint",
        "rejected": "text",
    },
)
NEWEST: Final = Table(
    "venue_newest",
    key=("venue", "symbol"),
    columns={
        "venue": "text",
        "symbol": "text",
        "bid_ticks": "bigint",
        "bid_lots": "bigint",
        "ask_ticks": "bigint",
        "ask_lots": "bigint",
        "quote_seq": "bigint",
        "quote_venue_time": "bigint",
        "quote_received_at": "bigint",
        "last_ticks": "bigint",
        "last_lots": "bigint",
        "trade_seq": "bigint",
        "trade_venue_time": "bigint",
    },
)
ORACLES: Final = Table(
    "oracle_newest",
    key=("venue", "symbol"),
    columns={
        "venue": "text",
        "symbol": "text",
        "price": "bigint",
        "confidence": "bigint",
        "exponent": "smallint",
        "slot": "bigint",
        "venue_time": "bigint",
        "received_at": "bigint",
    },
)
STATUSES: Final = Table(
    "venue_statuses",
    key=("venue", "symbol"),
    columns={
        "venue": "text",
        "symbol": "text",
        "status": "text",
        "detail": "text",
        "since": "bigint",
        "heard_at": "bigint",
        "gaps": "bigint",
        "last_gap_at": "bigint",
    },
)
INDEX_CLOCK: Final = Table(
    "index_clock", key=("market",), columns={"market": "text", "said_at": "bigint", "price": "text"}
)
SERIES: Final = (
    TICKERS,
    TRADES,
    BOOKS,
    FUNDING,
    FUNDING_RATES,
    INTEREST,
    LIQUIDATIONS,
    CANDLES,
    STATS,
    GAPS,
    LIQUIDITY,
    GROUPED_BOOKS,
    INDEX_PRICES,
    INDEX_SOURCES,
)


def instant(micros: int) -> datetime:
    """Microseconds UTC as an aware datetime, exactly."""
    return EPOCH + timedelta(microseconds=micros)


class IngestorRepository(Repository[IngestorState]):
    """Time series are only written; newest quotes, statuses and the index clock are the state."""

    tables: ClassVar[tuple[Table, ...]] = (*SERIES, INSTRUMENTS, NEWEST, ORACLES, STATUSES, INDEX_CLOCK)

    def __init__(self, markets: tuple[IndexMarket, ...], liquidity_span: int = 10_000_000) -> None:
        self._markets = markets
        self._liquidity_span = liquidity_span

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> IngestorState:
        """State from the loaded tables."""
        return IngestorState(
            self._markets,
            self._liquidity_span,
            newest={(venue, symbol): Newest(*rest) for venue, symbol, *rest in rows[NEWEST.name]},
            oracles={(venue, symbol): NewestOracle(*rest) for venue, symbol, *rest in rows[ORACLES.name]},
            statuses={(venue, symbol): FeedStatus(*rest) for venue, symbol, *rest in rows[STATUSES.name]},
            said_at={market: said_at for market, said_at, _ in rows[INDEX_CLOCK.name]},
        )

    def collect(self, state: IngestorState) -> Changes:
        """Rows of everything that came or changed since the last call."""
        changes = Changes()
        for event in state.recorded:
            table, columns = _ROWS[event.type]
            changes.put(table, (*_head(event), *columns(event)))
        changes.put_all(LIQUIDITY, (liquidity_row(start, event) for start, event in state.measures))
        changes.put_all(GROUPED_BOOKS, (_grouped_row(start, event) for start, event in state.grouped_books))
        instruments = sorted(state.instruments.items())
        changes.put_all(INSTRUMENTS, ((*key, *_instrument(event)) for key, event in instruments))
        for emission in state.emissions:
            _put_index(changes, emission)
        last = {emission.market.market: emission for emission in state.emissions}
        changes.put_all(INDEX_CLOCK, ((name, each.at, each.price_text) for name, each in last.items()))
        newest, statuses = sorted(state.touched_newest), sorted(state.touched_statuses)
        changes.put_all(NEWEST, ((*key, *astuple(state.newest[key])) for key in newest))
        oracles = sorted(state.touched_oracles)
        changes.put_all(ORACLES, ((*key, *astuple(state.oracles[key])) for key in oracles))
        changes.put_all(STATUSES, ((*key, *astuple(state.statuses[key])) for key in statuses))
        state.recorded, state.emissions, state.measures, state.instruments = [], [], [], {}
        state.grouped_books = []
        state.touched_newest, state.touched_oracles, state.touched_statuses = set(), set(), set()
        return changes


def _head(event: Any) -> Row:
    """A candle is dated by its opening, so that it is the same row whoever tells it."""
    at = event.open_at if event.type == "VenueCandle" else event.venue_time
    venue_time, received_at = instant(at), instant(event.received_at)
    return venue_time, event.venue, event.symbol, event.venue_seq, received_at, event.quality


def _ticker(event: VenueTicker) -> Row:
    return event.bid_ticks, event.bid_lots, event.ask_ticks, event.ask_lots


def _trade(event: VenueTrade) -> Row:
    return event.trade_id, event.price_ticks, event.size_lots, event.taker_side


def _book(event: VenueBook | VenueGroupedBook) -> Row:
    return [list(level) for level in event.bids], [list(level) for level in event.asks]


def _funding(event: VenueFunding) -> Row:
    next_at = instant(event.next_funding_at)
    rates = event.rate_ppb, event.interval_micros, next_at, event.predicted_rate_ppb
    return event.mark_ticks, event.index_ticks, *rates


def _interest(event: VenueOpenInterest) -> Row:
    return (event.open_interest_lots,)


def _liquidation(event: VenueLiquidation) -> Row:
    return event.liquidation_id, event.price_ticks, event.size_lots, event.side


def _candle(event: VenueCandle) -> Row:
    prices = (event.open_ticks, event.high_ticks, event.low_ticks, event.close_ticks)
    return event.interval, instant(event.open_at), *prices, event.volume_lots


def _stats(event: VenueStats) -> Row:
    return event.last_ticks, event.high_ticks, event.low_ticks, event.volume_lots


def _gap(event: VenueGap) -> Row:
    return event.id, event.expected_seq, event.reason


def liquidity_row(start: int, event: Any) -> Row:
    """A measure as it is stored for the span that begins at `start`, microseconds UTC."""
    _, *head = _head(event)
    prices, reaches = (event.bid_ticks, event.ask_ticks), (event.bid_reach, event.ask_reach)
    costs = (event.buy_slippages, event.sell_slippages, event.buy_impacts, event.sell_impacts)
    depths = (list(event.bid_depths), list(event.ask_depths))
    return instant(start), *head, *prices, *depths, *reaches, *(list(each) for each in costs)


def _grouped_row(start: int, event: Any) -> Row:
    _, *head = _head(event)
    return instant(start), *head, event.multiple, *_book(event)


def _instrument(event: VenueInstrument) -> Row:
    grid = (event.contract_type, event.tick_size, event.lot_size, event.size_step)
    fees = (event.funding_interval_micros, event.maker_ppb, event.taker_ppb, event.venue_time)
    return event.base, event.quote, *grid, *fees


# By the event's own word: a reader may be given another class of the same shape.
_ROWS: Final[Mapping[str, tuple[Table, Callable[[Any], Row]]]] = {
    "VenueTicker": (TICKERS, _ticker),
    "VenueTrade": (TRADES, _trade),
    "VenueBook": (BOOKS, _book),
    "VenueFunding": (FUNDING, _funding),
    "VenueOpenInterest": (INTEREST, _interest),
    "VenueLiquidation": (LIQUIDATIONS, _liquidation),
    "VenueCandle": (CANDLES, _candle),
    "VenueStats": (STATS, _stats),
    "VenueGap": (GAPS, _gap),
}


def _put_index(changes: Changes, emission: Emission) -> None:
    name, ts, sources = emission.market.market, instant(emission.at), emission.price.sources
    used = sum(not each.rejected for each in sources)
    changes.put(INDEX_PRICES, (ts, name, emission.price_text, used))
    for each in sources:
        audit = (emission.text(each.ticks), each.source.weight, each.age_micros, each.rejected)
        changes.put(INDEX_SOURCES, (ts, name, each.source.venue, each.source.symbol, *audit))
