"""Bybit v5, linear (sizes in base units) and inverse (sizes in USD): the protocol core and the listing.

Books: a snapshot with the subscription, then frames whose `u` rises by one; a snapshot at any time begins anew, and
`u` 1 is one too (the venue restarted). Tickers: after the first, a frame carries the changed keys only. Open interest
counts both sides.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.levels import written
from services.ingestor.adapters.protocol import Keepalive, Output, RouteSpec, Send
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.bybit import frames as wire
from services.ingestor.adapters.wire import MILLI, chosen_intervals, text_of
from services.ingestor.engine.booksync import Update

PING: Final = Keepalive(20.0, '{"op":"ping"}')
TOPICS_PER_REQUEST: Final = 10
DEPTHS: Final = ("50", "200", "500", "1000")
INTERVALS: Final = {
    "1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "2h": "120", "4h": "240", "6h": "360",
    "12h": "720", "1d": "D", "1w": "W",
}  # fmt: skip
_INTERVALS: Final = {theirs: ours for ours, theirs in INTERVALS.items()}
_TICKER_HEAD: Final = b'{"topic":"tickers.'
_QUOTE: Final = ("bid1_price", "bid1_size", "ask1_price", "ask1_size")


class BybitCore(OneSocketCore):
    """Any number of symbols of one category. depth: levels of the book stream; candles: intervals, as in "1m,1h"."""

    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "quote": ROUTE}
    category: ClassVar[str]

    def __init__(self, instruments: Sequence[Instrument], *, depth: str = "500", candles: str = "") -> None:
        super().__init__(instruments)
        if depth not in DEPTHS:
            raise ValueError(f"{self.name} has no book of depth {depth}; there are {', '.join(DEPTHS)}")
        self._depth = depth
        self._candles = chosen_intervals(candles, INTERVALS)
        self._tickers: dict[str, dict[str, str]] = {}

    @property
    def routes(self) -> Sequence[RouteSpec]:
        """One connection carries everything."""
        return (RouteSpec(ROUTE, f"/v5/public/{self.category}", PING),)

    def subscriptions(self, route: str) -> list[str]:
        """Ten topics a request, as the venue allows."""
        topics = [
            f"{topic}.{symbol}"
            for symbol in self.symbols
            for topic in (f"orderbook.{self._depth}", "publicTrade", "tickers", "allLiquidation", *self._kline_topics)
        ]
        groups = (topics[start : start + TOPICS_PER_REQUEST] for start in range(0, len(topics), TOPICS_PER_REQUEST))
        self._tickers.clear()
        return [_request("subscribe", group) for group in groups]

    @property
    def _kline_topics(self) -> list[str]:
        return [f"kline.{interval}" for interval in self._candles]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        topic = [f"orderbook.{self._depth}.{symbol}"]
        return [Send(ROUTE, (_request("unsubscribe", topic), _request("subscribe", topic)), attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """A frame of a topic, or an answer to a request or ping. Tickers, the most, are told by how they begin."""
        if isinstance(data, bytes) and data.startswith(_TICKER_HEAD):
            return self._on_ticker(wire.TICKER.decode(data), at)
        frame = wire.FRAME.decode(data)
        kind = frame.topic.partition(".")[0]
        if kind == "orderbook":
            return self._on_book(frame, at)
        if kind == "publicTrade":
            return [each for trade in wire.TRADES.decode(frame.data) for each in self._on_trade(trade, at)]
        if kind == "tickers":
            return self._on_ticker(wire.TICKER.decode(data), at)
        if kind == "allLiquidation":
            return [each for order in wire.LIQUIDATIONS.decode(frame.data) for each in self._on_liquidation(order, at)]
        if kind == "kline":
            feed = self.symbol(frame.topic.rpartition(".")[2])
            return [each for candle in wire.CANDLES.decode(frame.data) for each in _on_candle(feed, candle, at)]
        if not frame.success:
            raise Unusable("refused", frame.ret_msg)
        if not frame.op:
            raise Unusable("no_data", "neither data nor an answer")
        return []

    def _on_book(self, frame: wire.Frame, at: int) -> list[Output]:
        body, venue_time = wire.BOOK.decode(frame.data), (frame.cts or frame.ts) * MILLI
        feed, bids, asks = self.symbol(body.s), written(body.b), written(body.a)
        if frame.type == "snapshot" or body.u == 1:
            return feed.begin_book(body.u, bids, asks, venue_time, at, full_length=int(self._depth))
        return feed.difference(Update(body.u, body.u, body.u - 1, bids, asks), venue_time, at)

    def _on_trade(self, trade: wire.TradeData, at: int) -> list[Output]:
        return self.symbol(trade.s).trade(0, trade.i, trade.p, trade.v, trade.S.lower(), trade.T * MILLI, at)

    def _on_liquidation(self, order: wire.LiquidationData, at: int) -> list[Output]:
        ident, side = f"{order.T}-{order.S}-{order.v}-{order.p}", "sell" if order.S == "Buy" else "buy"
        return self.symbol(order.s).liquidation(ident, order.p, order.v, side, order.T * MILLI, at)

    def _on_ticker(self, frame: wire.TickerFrame, at: int) -> list[Output]:
        body = frame.data
        symbol, feed = body.symbol, self.symbol(body.symbol)
        now = self._tickers.get(symbol)
        if now is None or frame.type == "snapshot":
            now = self._tickers[symbol] = {}
        _renew(now, body)
        venue_time = frame.ts * MILLI
        out: list[Output] = []
        bid, bid_size, ask, ask_size = map(now.get, _QUOTE)
        if bid and bid_size and ask and ask_size:
            out = feed.quote(frame.cs, bid, bid_size, ask, ask_size, venue_time, at)
        second, interest = self._said.get(symbol, (0, ""))
        if frame.ts // MILLI > second:
            newest = now.get("single_open_interest", now.get("open_interest", ""))
            out += _figures(feed, now, newest if newest != interest else "", frame.ts, at)
            self._said[symbol] = (frame.ts // MILLI, newest)
        return out


def _renew(now: dict[str, str], body: wire.TickerData) -> None:
    """What is not named stays as it was; most frames name nothing but a best price or its size."""
    if body.bid1_price:
        now["bid1_price"] = body.bid1_price
    if body.bid1_size:
        now["bid1_size"] = body.bid1_size
    if body.ask1_price:
        now["ask1_price"] = body.ask1_price
    if body.ask1_size:
        now["ask1_size"] = body.ask1_size
    prices = body.last_price or body.mark_price or body.index_price or body.high_price24h or body.low_price24h
    interest = body.open_interest or body.single_open_interest or body.volume24h
    if prices or interest or body.next_funding_time or body.funding_rate:
        now.update({name: value for name, value in msgspec.structs.asdict(body).items() if value})


def _on_candle(feed: SymbolFeed, candle: wire.CandleData, at: int) -> list[Output]:
    interval = _INTERVALS.get(candle.interval)
    if interval is None:
        raise Unusable("unknown_interval", candle.interval)
    prices, venue_time = (candle.open, candle.high, candle.low, candle.close), candle.timestamp * MILLI
    lots = feed.instrument.sizes[candle.volume]
    return feed.candle(interval, candle.start * MILLI, prices, lots, candle.confirm, venue_time, at)


def _figures(feed: SymbolFeed, now: Mapping[str, str], interest: str, millis: int, at: int) -> list[Output]:
    """Once a second: funding, 24 hour figures, and open interest when it changed."""
    venue_time = millis * MILLI
    out: list[Output] = []
    if all(now.get(name) for name in ("mark_price", "index_price", "funding_rate", "next_funding_time")):
        next_at = int(now["next_funding_time"]) * MILLI
        rate = rate_ppb(now["funding_rate"])
        out += feed.funding(millis, now["mark_price"], now["index_price"], rate, next_at, venue_time, at)
    if interest:
        lots = feed.instrument.sizes[interest]
        out += feed.interest(millis, lots if "single_open_interest" in now else (lots + 1) // 2, venue_time, at)
    if all(now.get(name) for name in ("last_price", "high_price24h", "low_price24h", "volume24h")):
        prices = (now["last_price"], now["high_price24h"], now["low_price24h"])
        out += feed.stats(millis, *prices, now["volume24h"], venue_time, at)
    return out


def _request(op: str, topics: Sequence[str]) -> str:
    return text_of({"op": op, "args": topics})


class LinearCore(BybitCore):
    """USDT and USDC perpetuals."""

    name: ClassVar[str] = "bybit"
    category: ClassVar[str] = "linear"


class InverseCore(BybitCore):
    """USD perpetuals settled in their base."""

    name: ClassVar[str] = "bybit-inverse"
    category: ClassVar[str] = "inverse"
