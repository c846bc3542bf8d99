"""Crypto.com Exchange perpetuals: books by changes that name their predecessor, hourly funding.

Whoever does not answer public/heartbeat is cut off. Ids may lie beyond 64 bits and are only repeated, never read.
Trades come newest first; several fills may share a match.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.book import NO_LEVELS, Layout, TextLevel, Written
from services.ingestor.adapters.booksync import Update
from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Output, Request, RouteSpec, Send, VenueCore
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Millis, Text, chosen_intervals
from services.ingestor.engine.side import Shape

DEPTH: Final = 50
PERPETUAL: Final = "PERPETUAL_SWAP"
SUFFIX: Final = "-PERP"
INTERVALS: Final = {
    **{each: each for each in ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "12h")}, "1d": "1D", "1w": "7D",
}  # fmt: skip
_INTERVALS: Final = {theirs: ours for ours, theirs in INTERVALS.items()}
HEARTBEAT: Final = "public/heartbeat"

Level = tuple[Text, Text, str]


class Sides(msgspec.Struct, gc=False):
    """Levels as (price, size, orders)."""

    asks: msgspec.Raw = NO_LEVELS
    bids: msgspec.Raw = NO_LEVELS


class Book(Sides, gc=False):
    """A snapshot at update u, or in `update` what changed since pu."""

    t: Millis = 0
    u: int | str = 0
    pu: int | str = 0
    update: Sides | None = None


class Trade(msgspec.Struct, gc=False):
    """One fill; `s` is the taker's side."""

    d: Annotated[str, Meta(min_length=1, max_length=48)]
    t: Millis
    p: Text
    q: Text
    s: Literal["BUY", "SELL"]


class Ticker(msgspec.Struct, gc=False):
    """Best bid b and ask k, last a, figures of 24 hours, open interest oi in base units."""

    t: Millis
    b: Text | None = None
    bs: Text | None = None
    k: Text | None = None
    ks: Text | None = None
    a: Text | None = None
    h: Text | None = None
    l: Text | None = None  # noqa: E741 - the venue's name
    v: Text | None = None
    oi: Text | None = None


class Value(msgspec.Struct, gc=False):
    """A mark, an index or a rate."""

    v: Text
    t: Millis


class Candle(msgspec.Struct, gc=False):
    """A candle from t on, as it stands."""

    t: Millis
    o: Text
    h: Text
    l: Text  # noqa: E741 - the venue's name
    c: Text
    v: Text


class Result(msgspec.Struct, gc=False):
    """Data of a channel."""

    channel: str = ""
    instrument_name: str = ""
    interval: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Frame(msgspec.Struct, gc=False):
    """One message."""

    method: str = ""
    id: msgspec.Raw = msgspec.Raw()
    code: int = 0
    message: str = ""
    result: Result | None = None


class Info(msgspec.Struct, gc=False):
    """One instrument of the listing."""

    symbol: str
    inst_type: str
    base_ccy: str
    quote_ccy: str
    price_tick_size: str
    qty_tick_size: str
    tradable: bool = True


class Page(msgspec.Struct, gc=False):
    """The instruments of one answer."""

    data: list[Info]


class Listing(msgspec.Struct, gc=False):
    """The answer of get-instruments."""

    result: Page


_FRAME: Final = msgspec.json.Decoder(Frame)
_LEVELS: Final = msgspec.json.Decoder(list[Level])
_BOOK: Final = msgspec.json.Decoder(list[Book])
_TRADES: Final = msgspec.json.Decoder(list[Trade])
_TICKER: Final = msgspec.json.Decoder(list[Ticker])
_CANDLES: Final = msgspec.json.Decoder(list[Candle])
_VALUE: Final = msgspec.json.Decoder(list[Value])
_LISTING: Final = msgspec.json.Decoder(Listing)


class CryptocomCore(OneSocketCore):
    """Any number of perpetuals on one connection; index prices come by pair. candles: intervals, as in "1m,1h"."""

    name: ClassVar[str] = "cryptocom"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "quote": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/exchange/v1/market")

    def __init__(self, instruments: Sequence[Instrument], *, candles: str = "") -> None:
        super().__init__(instruments)
        self._candles, self._running = chosen_intervals(candles, INTERVALS), RunningCandles()
        self._by_index = {f"{symbol.removesuffix(SUFFIX)}-INDEX": symbol for symbol in self.symbols}
        self._now: dict[str, dict[str, Any]] = {symbol: {} for symbol in self.symbols}

    def subscriptions(self, route: str) -> list[str]:
        """The books, then everything else."""
        others = [f"{kind}.{symbol}" for symbol in self.symbols for kind in ("ticker", "trade", "mark", "funding")]
        others += [f"index.{name}" for name in self._by_index]
        others += [f"candlestick.{each}.{symbol}" for symbol in self.symbols for each in self._candles]
        self._running.forget()
        books = [f"book.{symbol}.{DEPTH}" for symbol in self.symbols]
        return [self._request("subscribe", others), self._request("subscribe", books, **_DELTAS)]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        book = [f"book.{symbol}.{DEPTH}"]
        frames = (self._request("unsubscribe", book), self._request("subscribe", book, **_DELTAS))
        return [Send(ROUTE, frames, attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message."""
        frame = _FRAME.decode(data)
        if frame.method == HEARTBEAT:
            answer = {"id": frame.id, "method": "public/respond-heartbeat"}
            return [Send(ROUTE, (msgspec.json.encode(answer).decode(),))]
        if frame.code:
            raise Unusable("refused", f"{frame.code} {frame.message}")
        result = frame.result
        if result is None or not result.channel:
            if not frame.method:
                raise Unusable("no_data", "neither data nor an answer")
            return []
        feed = self.symbol(self._by_index.get(result.instrument_name, result.instrument_name))
        if result.channel in ("book", "book.update"):
            return [each for book in _BOOK.decode(result.data) for each in _on_book(feed, book, at)]
        if result.channel == "trade":
            return [each for trade in reversed(_TRADES.decode(result.data)) for each in _on_trade(feed, trade, at)]
        if result.channel == "ticker":
            return [each for ticker in _TICKER.decode(result.data) for each in self._on_ticker(feed, ticker, at)]
        if result.channel == "candlestick":
            candles = _CANDLES.decode(result.data)
            return [each for candle in candles for each in self._on_candle(feed, result.interval, candle, at)]
        return self._on_value(feed, result.channel, _VALUE.decode(result.data)[-1:], at)

    def _on_ticker(self, feed: SymbolFeed, ticker: Ticker, at: int) -> list[Output]:
        venue_time, out, now = ticker.t * MILLI, list[Output](), self._now[feed.instrument.symbol]
        if ticker.b and ticker.bs and ticker.k and ticker.ks:
            out += feed.timed_quote(ticker.b, ticker.bs, ticker.k, ticker.ks, venue_time, at)
        if now.get("second") == ticker.t // MILLI:
            return out
        now["second"] = ticker.t // MILLI
        if ticker.a and ticker.h and ticker.l and ticker.v:
            out += feed.stats(ticker.t, ticker.a, ticker.h, ticker.l, ticker.v, venue_time, at)
        if ticker.oi and ticker.oi != now.get("interest"):
            now["interest"] = ticker.oi
            out += feed.interest(ticker.t, feed.instrument.sizes[ticker.oi], venue_time, at)
        return out

    def _on_value(self, feed: SymbolFeed, channel: str, values: Sequence[Value], at: int) -> list[Output]:
        """A mark is said with the newest index and rate, once there are both."""
        if channel not in ("mark", "index", "funding") or not values:
            raise Unusable("no_data", channel)
        (value,), now = values, self._now[feed.instrument.symbol]
        now[channel] = value.v
        if channel != "mark" or not {"index", "funding"} <= set(now):
            return []
        venue_time, interval = value.t * MILLI, feed.instrument.funding_interval_micros
        next_at = (venue_time // interval + 1) * interval
        return feed.funding(value.t, value.v, now["index"], rate_ppb(now["funding"]), next_at, venue_time, at)

    def _on_candle(self, feed: SymbolFeed, name: str, candle: Candle, at: int) -> list[Output]:
        interval = _INTERVALS.get(name)
        if interval is None:
            raise Unusable("unknown_interval", name)
        prices = (candle.o, candle.h, candle.l, candle.c)
        return self._running.take(feed, interval, candle.t * MILLI, prices, candle.v, at, at)

    def _request(self, method: str, channels: Sequence[str], **more: Any) -> str:
        self._requests += 1
        parameters = {"channels": channels, **more}
        return msgspec.json.encode({"id": self._requests, "method": method, "params": parameters}).decode()


_DELTAS: Final[dict[str, Any]] = {"book_subscription_type": "SNAPSHOT_AND_UPDATE", "book_update_frequency": 10}


def _on_book(feed: SymbolFeed, book: Book, at: int) -> list[Output]:
    venue_time, number = book.t * MILLI, _number(book.u)
    if book.update is None:
        return feed.begin_book(number, *_levels(book), venue_time, at, full_length=DEPTH)
    previous = _number(book.pu)
    return feed.difference(Update(previous + 1, number, previous, *_levels(book.update)), venue_time, at)


def _on_trade(feed: SymbolFeed, trade: Trade, at: int) -> list[Output]:
    return feed.trade(0, trade.d, trade.p, trade.q, trade.s.lower(), trade.t * MILLI, at)


def _levels(sides: Sides) -> tuple[Written, Written]:
    return Written(sides.bids, _LAYOUT), Written(sides.asks, _LAYOUT)


def _texts(levels: msgspec.Raw) -> list[TextLevel]:
    return [level[:2] for level in _LEVELS.decode(levels)]


_LAYOUT: Final = Layout(Shape(b'["', b'","', b'","', b'"]', counted=True), _texts)


def _number(value: int | str) -> int:
    """An update number, which comes as a JSON number or a string."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Unusable("unreadable", f"update {text[:40]}")
    return int(text)


class Cryptocom(Venue):
    """BTCUSD-PERP."""

    name: ClassVar[str] = CryptocomCore.name
    live_socket_url: ClassVar[str] = "wss://stream.crypto.com"
    live_http_url: ClassVar[str] = "https://api.crypto.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(100, 1.0),)
    fees: ClassVar[Fees] = Fees(200_000, 500_000)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All instruments."""
        return (Request("/exchange/v1/public/get-instruments"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals; funding is paid every hour."""
        for info in _LISTING.decode(answers[0]).result.data:
            if info.inst_type == PERPETUAL:
                yield Listed(
                    symbol=info.symbol,
                    tick_size=info.price_tick_size,
                    lot_size=info.qty_tick_size,
                    funding_hours=1,
                    base=info.base_ccy,
                    quote=info.quote_ccy,
                    state="" if info.tradable else "not tradable",
                )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """Options: candles (1m,1h)."""
        return CryptocomCore(instruments, **options)

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTCUSD-PERP is (BTC, USD)."""
        base = symbol.removesuffix(f"USD{SUFFIX}")
        if symbol != f"{base}USD{SUFFIX}" or not (base.isascii() and base.isalnum()):
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return base, "USD"

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is BTCUSD-PERP."""
        return f"{base}{quote}{SUFFIX}"


VENUES: Final[Sequence[Venue]] = (Cryptocom(),)
