"""What the fold remembers: each instrument's newest quote and status, and when each index was last said."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cleartide.contracts import (
    MarketEvent,
    VenueGap,
    VenueGroupedBook,
    VenueInstrument,
    VenueLiquidity,
    VenueOracle,
    VenueStatus,
    VenueTicker,
    VenueTrade,
)

from services.ingestor.domain.index_markets import IndexMarket
from services.ingestor.domain.index_price import AnyQuote, IndexPrice, OracleQuote, Quote, index_price, ticks_to_text

INDEX_INTERVAL_MICROS: Final = 1_000_000
InstrumentKey = tuple[str, str]


@dataclass
class Newest:
    """The newest quote and last trade of one instrument, in its ticks and lots. Times in microseconds; 0 = not yet."""

    bid_ticks: int = 0
    bid_lots: int = 0
    ask_ticks: int = 0
    ask_lots: int = 0
    quote_seq: int = 0
    quote_venue_time: int = 0
    quote_received_at: int = 0
    last_ticks: int = 0
    last_lots: int = 0
    trade_seq: int = 0
    trade_venue_time: int = 0

    def take_ticker(self, event: VenueTicker) -> bool:
        """Take a quote that is newer by venue time, then by sequence; tells whether it was."""
        if (event.venue_time, event.venue_seq) <= (self.quote_venue_time, self.quote_seq):
            return False
        self.bid_ticks, self.bid_lots = event.bid_ticks, event.bid_lots
        self.ask_ticks, self.ask_lots = event.ask_ticks, event.ask_lots
        self.quote_seq, self.quote_venue_time = event.venue_seq, event.venue_time
        self.quote_received_at = event.received_at
        return True

    def take_trade(self, event: VenueTrade) -> bool:
        """Take a trade that is newer by venue time, then by sequence; tells whether it was."""
        if (event.venue_time, event.venue_seq) <= (self.trade_venue_time, self.trade_seq):
            return False
        self.last_ticks, self.last_lots = event.price_ticks, event.size_lots
        self.trade_seq, self.trade_venue_time = event.venue_seq, event.venue_time
        return True

    def quote(self) -> Quote | None:
        """As the index takes it, dated by the older of the venue's clock and ours: neither may hide a frozen quote."""
        if not self.quote_received_at:
            return None
        at = min(self.quote_venue_time, self.quote_received_at)
        return Quote(self.bid_ticks, self.ask_ticks, self.last_ticks or None, at)


@dataclass
class NewestOracle:
    """The newest price of one oracle, with its slot. Times in microseconds; 0 = not yet."""

    price: int = 0
    confidence: int = 0
    exponent: int = 0
    slot: int = 0
    venue_time: int = 0
    received_at: int = 0

    def take(self, event: VenueOracle) -> bool:
        """Take a price of a later slot, whatever times it names; tells whether it was."""
        if event.venue_seq <= self.slot:
            return False
        self.price, self.confidence, self.exponent = event.price, event.confidence, event.exponent
        self.slot, self.venue_time, self.received_at = event.venue_seq, event.venue_time, event.received_at
        return True

    def quote(self) -> OracleQuote:
        """As the index takes it, dated by the older of the oracle's clock and ours."""
        return OracleQuote(self.price, self.confidence, self.exponent, min(self.venue_time, self.received_at))


@dataclass
class FeedStatus:
    """An instrument's feed: its status, since when, when it was last heard of, and how many gaps it has had."""

    status: str = "connected"
    detail: str = ""
    since: int = 0
    heard_at: int = 0
    gaps: int = 0
    last_gap_at: int = 0


@dataclass(frozen=True)
class Emission:
    """One index price as it was said at sequenced time `at`, microseconds UTC."""

    market: IndexMarket
    at: int
    price: IndexPrice

    @property
    def price_text(self) -> str | None:
        """The index as decimal text, None when it is stale."""
        return None if self.price.ticks is None else self.text(self.price.ticks)

    def text(self, ticks: int) -> str:
        """Index ticks as decimal text."""
        return ticks_to_text(ticks, self.market.tick_size)


@dataclass
class IngestorState:
    """The fold's state; what changed since the last collection is kept beside it.

    liquidity_span: microseconds of which one measure of a book, and one of its forms in steps, is stored: the first.
    """

    markets: tuple[IndexMarket, ...]
    liquidity_span: int = 10_000_000
    newest: dict[InstrumentKey, Newest] = field(default_factory=dict)
    oracles: dict[InstrumentKey, NewestOracle] = field(default_factory=dict)
    statuses: dict[InstrumentKey, FeedStatus] = field(default_factory=dict)
    said_at: dict[str, int] = field(default_factory=dict)
    recorded: list[MarketEvent] = field(default_factory=list)
    measured: dict[InstrumentKey, int] = field(default_factory=dict)
    measures: list[tuple[int, VenueLiquidity]] = field(default_factory=list)
    grouped: dict[tuple[str, str, int], int] = field(default_factory=dict)
    grouped_books: list[tuple[int, VenueGroupedBook]] = field(default_factory=list)
    instruments: dict[InstrumentKey, VenueInstrument] = field(default_factory=dict)
    emissions: list[Emission] = field(default_factory=list)
    touched_newest: set[InstrumentKey] = field(default_factory=set)
    touched_oracles: set[InstrumentKey] = field(default_factory=set)
    touched_statuses: set[InstrumentKey] = field(default_factory=set)

    def record(self, event: MarketEvent) -> None:
        """Keep the event for its time series."""
        self.recorded.append(event)

    def take_instrument(self, event: VenueInstrument) -> None:
        """What an instrument is; the newest word holds."""
        self.instruments[event.venue, event.symbol] = event

    def take_liquidity(self, event: VenueLiquidity) -> None:
        """Keep the first measure of each span. The table does so too, so a restart within a span changes nothing."""
        key, start = (event.venue, event.symbol), self._span_of(event)
        if self.measured.get(key) != start:
            self.measured[key] = start
            self.measures.append((start, event))

    def take_grouped_book(self, event: VenueGroupedBook) -> None:
        """Keep the first book of each span in steps of each multiple, as measures are kept."""
        key, start = (event.venue, event.symbol, event.multiple), self._span_of(event)
        if self.grouped.get(key) != start:
            self.grouped[key] = start
            self.grouped_books.append((start, event))

    def take_ticker(self, event: VenueTicker) -> None:
        """A best bid and ask."""
        key = (event.venue, event.symbol)
        if self.newest.setdefault(key, Newest()).take_ticker(event):
            self.touched_newest.add(key)

    def take_trade(self, event: VenueTrade) -> None:
        """A trade of the venue."""
        key = (event.venue, event.symbol)
        if self.newest.setdefault(key, Newest()).take_trade(event):
            self.touched_newest.add(key)

    def take_oracle(self, event: VenueOracle) -> None:
        """An oracle's price."""
        key = (event.venue, event.symbol)
        if self.oracles.setdefault(key, NewestOracle()).take(event):
            self.touched_oracles.add(key)

    def take_gap(self, event: VenueGap, at: int) -> None:
        """Something of the instrument is missing."""
        status = self._status(event)
        status.gaps += 1
        status.last_gap_at = at

    def take_status(self, event: VenueStatus, at: int) -> None:
        """The feed's own word on the instrument, at least once a second while it runs."""
        status = self._status(event)
        if status.status != event.status or not status.since:
            status.since = at
        status.status, status.detail, status.heard_at = event.status, event.detail, at

    def due_index_prices(self, at: int) -> Iterable[Emission]:
        """Index prices that are to be said now: every market's, at most once a second of sequenced time."""
        for market in self.markets:
            said_at = self.said_at.get(market.market)
            if said_at is not None and at - said_at < INDEX_INTERVAL_MICROS:
                continue
            self.said_at[market.market] = at
            emission = Emission(market, at, index_price(market, self._quotes(market), at))
            self.emissions.append(emission)
            yield emission

    def _quotes(self, market: IndexMarket) -> dict[InstrumentKey, AnyQuote]:
        quotes: dict[InstrumentKey, AnyQuote] = {}
        for source in market.sources:
            key = (source.venue, source.symbol)
            newest = self.oracles.get(key) if source.oracle else self.newest.get(key)
            quote = newest.quote() if newest else None
            if quote is not None:
                quotes[key] = quote
        return quotes

    def _span_of(self, event: MarketEvent) -> int:
        return event.venue_time - event.venue_time % self.liquidity_span

    def _status(self, event: MarketEvent) -> FeedStatus:
        key = (event.venue, event.symbol)
        self.touched_statuses.add(key)
        return self.statuses.setdefault(key, FeedStatus())
