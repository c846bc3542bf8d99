"""Crypto.com Exchange perpetuals: books by changes that name their predecessor, hourly funding.

Whoever does not answer public/heartbeat is cut off. Ids may lie beyond 64 bits and are only repeated, never read.
Trades come newest first; several fills may share a match.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.levels import layout, written
from services.ingestor.adapters.protocol import Output, RouteSpec, Send
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.cryptocom import frames as wire
from services.ingestor.adapters.wire import MILLI, text_of
from services.ingestor.engine.book import Written
from services.ingestor.engine.booksync import Update
from services.ingestor.engine.side import Shape

DEPTH: Final = 50
PERPETUAL: Final = "PERPETUAL_SWAP"
SUFFIX: Final = "-PERP"
INTERVALS: Final = {
    **{each: each for each in ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "12h")}, "1d": "1D", "1w": "7D",
}  # fmt: skip
HEARTBEAT: Final = "public/heartbeat"
_TICKER: Final = b'"channel":"ticker","data":'


class CryptocomCore(OneSocketCore):
    """Any number of perpetuals on one connection; index prices come by pair. candles: intervals, as in "1m,1h"."""

    name: ClassVar[str] = "cryptocom"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "quote": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/exchange/v1/market")

    def __init__(self, instruments: Sequence[Instrument], *, candles: str = "") -> None:
        super().__init__(instruments)
        self._running = RunningCandles(candles, INTERVALS)
        self._by_index = {f"{symbol.removesuffix(SUFFIX)}-INDEX": symbol for symbol in self.symbols}
        self._now: dict[str, dict[str, Any]] = {symbol: {} for symbol in self.symbols}

    def subscriptions(self, route: str) -> list[str]:
        """The books, then everything else."""
        others = [f"{kind}.{symbol}" for symbol in self.symbols for kind in ("ticker", "trade", "mark", "funding")]
        others += [f"index.{name}" for name in self._by_index]
        others += [f"candlestick.{each}.{symbol}" for symbol in self.symbols for each in self._running.wanted]
        self._running.forget()
        books = [f"book.{symbol}.{DEPTH}" for symbol in self.symbols]
        return [self._request("subscribe", others), self._request("subscribe", books, **_DELTAS)]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        book = [f"book.{symbol}.{DEPTH}"]
        frames = (self._request("unsubscribe", book), self._request("subscribe", book, **_DELTAS))
        return [Send(ROUTE, frames, attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message. Tickers, the most by far, are told by their channel and decoded once."""
        if isinstance(data, bytes) and _TICKER in data:
            told = wire.TICKER_FRAME.decode(data)
            if not told.code:
                feed, tickers = self._feed(told.result.instrument_name), told.result.data
                if len(tickers) == 1:
                    return self._on_ticker(feed, tickers[0], at)
                return [each for ticker in tickers for each in self._on_ticker(feed, ticker, at)]
        frame = wire.FRAME.decode(data)
        if frame.method == HEARTBEAT:
            answer = {"id": frame.id, "method": "public/respond-heartbeat"}
            return [Send(ROUTE, (text_of(answer),))]
        if frame.code:
            raise Unusable("refused", f"{frame.code} {frame.message}")
        result = frame.result
        if result is None or not result.channel:
            if not frame.method:
                raise Unusable("no_data", "neither data nor an answer")
            return []
        feed = self._feed(result.instrument_name)
        if result.channel in ("book", "book.update"):
            return [each for book in wire.BOOK.decode(result.data) for each in _on_book(feed, book, at)]
        if result.channel == "trade":
            return [each for trade in reversed(wire.TRADES.decode(result.data)) for each in _on_trade(feed, trade, at)]
        if result.channel == "ticker":
            return [each for ticker in wire.TICKER.decode(result.data) for each in self._on_ticker(feed, ticker, at)]
        if result.channel == "candlestick":
            candles = wire.CANDLES.decode(result.data)
            return [each for candle in candles for each in self._on_candle(feed, result.interval, candle, at)]
        return self._on_value(feed, result.channel, wire.VALUE.decode(result.data)[-1:], at)

    def _feed(self, name: str) -> SymbolFeed:
        """The symbol of a name, which may be that of its index."""
        return self.symbols.get(name) or self.symbol(self._by_index.get(name, name))

    def _on_ticker(self, feed: SymbolFeed, ticker: wire.Ticker, at: int) -> list[Output]:
        venue_time, now = ticker.t * MILLI, self._now[feed.instrument.symbol]
        out: list[Output] = []
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

    def _on_value(self, feed: SymbolFeed, channel: str, values: Sequence[wire.Value], at: int) -> list[Output]:
        """A mark is said with the newest index and rate, once there are both."""
        if channel not in ("mark", "index", "funding") or not values:
            raise Unusable("no_data", channel)
        (value,), now = values, self._now[feed.instrument.symbol]
        now[channel] = value.v
        if channel != "mark" or not {"index", "funding"} <= set(now):
            return []
        venue_time = value.t * MILLI
        next_at = feed.instrument.next_funding(venue_time)
        return feed.funding(value.t, value.v, now["index"], rate_ppb(now["funding"]), next_at, venue_time, at)

    def _on_candle(self, feed: SymbolFeed, name: str, candle: wire.Candle, at: int) -> list[Output]:
        prices = (candle.o, candle.h, candle.l, candle.c)
        return self._running.take(feed, name, candle.t * MILLI, prices, candle.v, at, at)

    def _request(self, method: str, channels: Sequence[str], **more: Any) -> str:
        self._requests += 1
        parameters = {"channels": channels, **more}
        return text_of({"id": self._requests, "method": method, "params": parameters})


_DELTAS: Final[dict[str, Any]] = {"book_subscription_type": "SNAPSHOT_AND_UPDATE", "book_update_frequency": 10}


def _on_book(feed: SymbolFeed, book: wire.Book, at: int) -> list[Output]:
    venue_time, number = book.t * MILLI, _number(book.u)
    if book.update is None:
        return feed.begin_book(number, *_levels(book), venue_time, at, full_length=DEPTH)
    previous = _number(book.pu)
    return feed.difference(Update(previous + 1, number, previous, *_levels(book.update)), venue_time, at)


def _on_trade(feed: SymbolFeed, trade: wire.Trade, at: int) -> list[Output]:
    return feed.trade(0, trade.d, trade.p, trade.q, trade.s.lower(), trade.t * MILLI, at)


def _levels(sides: wire.Sides) -> tuple[Written, Written]:
    return written(sides.bids, _LAYOUT), written(sides.asks, _LAYOUT)


_LAYOUT: Final = layout(Shape(b'["', b'","', b'","', b'"]', counted=True), wire.Level, lambda level: level[:2])


def _number(value: int | str) -> int:
    """An update number, which comes as a JSON number or a string."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Unusable("unreadable", f"update {text[:40]}")
    return int(text)
