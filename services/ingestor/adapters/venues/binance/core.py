"""The Binance futures protocol: one core for USD-M, COIN-M and venues that speak the same.

USD-M split its sockets in April 2026: route `public` carries depth, bookTicker and trade, route `market` carries
aggTrade and markPrice. Its old unrouted address still accepts a subscription to the latter and never serves it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from services.ingestor.adapters.core import Core, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.levels import written
from services.ingestor.adapters.protocol import FetchSnapshot, Output, Poll, Request, RouteSpec
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.binance import frames as wire
from services.ingestor.adapters.wire import INTERVALS, chosen_intervals, text_of
from services.ingestor.engine.booksync import Update

PUBLIC: Final = "public"
MARKET: Final = "market"
SNAPSHOT_LEVELS: Final = 1_000
SNAPSHOT_WEIGHT: Final = 20
INTEREST_SECONDS: Final = 30.0
MICROS_PER_MILLI: Final = 1_000
TRADE_STREAMS: Final = ("trade", "aggTrade")
DEPTH_STREAMS: Final = ("depth@0ms", "depth@100ms")


class BinanceFutures(Core):
    """Any number of symbols. trades: `trade` (every fill) or `aggTrade`; depth: `depth@0ms` or `depth@100ms`.

    candles: intervals whose candles are wanted, as in "1m,1h"; none by default.
    """

    book_route: ClassVar[str] = PUBLIC
    steady: ClassVar[Mapping[str, str]] = {"quote": PUBLIC, "book": PUBLIC, "funding": MARKET}
    snapshots_in_feed: ClassVar[bool] = False
    api: ClassVar[str]

    def __init__(
        self, instruments: Sequence[Instrument], *, trades: str = "trade", depth: str = "depth@0ms", candles: str = ""
    ) -> None:
        super().__init__(instruments)
        if trades not in TRADE_STREAMS or depth not in DEPTH_STREAMS:
            raise ValueError(f"{self.name} has no stream {trades} or {depth}")
        self._trades, self._depth = trades, depth
        self._candles = chosen_intervals(candles, {each: each for each in INTERVALS})
        self._requests = 0
        self._handlers: dict[type[Any], Callable[[SymbolFeed, Any, int], list[Output]]] = {
            wire.Depth: _on_depth,
            wire.RawTrade: _on_raw_trade,
            wire.AggregateTrade: _on_aggregate_trade,
            wire.MarkPrice: _on_mark_price,
            wire.ForceOrder: _on_force_order,
            wire.Kline: _on_kline,
        }

    @property
    def routes(self) -> Sequence[RouteSpec]:
        """Both connections."""
        return RouteSpec(PUBLIC, "/public/stream"), RouteSpec(MARKET, "/market/stream")

    def streams(self, route: str) -> list[str]:
        """The route's streams."""
        names: list[str] = []
        for name in (symbol.lower() for symbol in self.symbols):
            if route == PUBLIC:
                names += [f"{name}@{self._depth}", f"{name}@bookTicker"]
                names += [f"{name}@trade"] if self._trades == "trade" else []
            else:
                names += [f"{name}@aggTrade"] if self._trades == "aggTrade" else []
                names += [f"{name}@markPrice@1s", f"{name}@forceOrder"]
                names += [f"{name}@kline_{interval}" for interval in self._candles]
        return names

    def subscriptions(self, route: str) -> list[str]:
        """One request for all streams of the route."""
        self._requests += 1
        request = {"method": "SUBSCRIBE", "params": self.streams(route), "id": self._requests}
        return [text_of(request)]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """The depth endpoint."""
        parameters: dict[str, str | int] = {"symbol": symbol, "limit": SNAPSHOT_LEVELS}
        request = Request(f"{self.api}/depth", parameters, weight=SNAPSHOT_WEIGHT)
        return [FetchSnapshot(symbol, attempt, reason, request)]

    def take_snapshot(self, feed: SymbolFeed, data: bytes, at: int) -> list[Output]:
        """Join the book."""
        body = wire.SNAPSHOT.decode(data)
        return feed.join_snapshot(
            body.last, body.bids, body.asks, body.T * MICROS_PER_MILLI, at, full_length=SNAPSHOT_LEVELS
        )

    @property
    def polls(self) -> Sequence[Poll]:
        """Open interest, which no stream carries."""
        path = f"{self.api}/openInterest"
        return [Poll(each, Request(path, {"symbol": each}), INTEREST_SECONDS) for each in self.symbols]

    def take_poll(self, feed: SymbolFeed, data: bytes, at: int) -> list[Output]:
        """Base units, or contracts of COIN-M; one side."""
        body = wire.OPEN_INTEREST.decode(data)
        return feed.interest(body.time, feed.instrument.sizes[body.open_interest], body.time * MICROS_PER_MILLI, at)

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """A frame of a combined stream, or the answer to a request."""
        message = wire.FRAME.decode(data)
        body = message.data
        if type(body) is wire.BookTicker:
            # Three frames of four: without the look-up and the call that others take.
            feed = self.symbols.get(body.s) or self.symbol(body.s)
            return feed.quote(body.u, body.b, body.B, body.a, body.A, body.T * MICROS_PER_MILLI, at)
        if body is None:
            return _answer(message)
        feed = self.symbols.get(body.s) or self.symbol(body.s)
        return self._handlers[type(body)](feed, body, at)


def _answer(message: wire.Frame) -> list[Output]:
    refusal = message.error or (message if message.code else None)
    if refusal is not None:
        raise Unusable("refused", f"{refusal.code} {refusal.msg}")
    if message.id is None:
        raise Unusable("no_data", "neither data nor an answer")
    return []


def _on_depth(feed: SymbolFeed, frame: wire.Depth, at: int) -> list[Output]:
    update = Update(frame.first, frame.final, frame.previous, written(frame.bids), written(frame.asks))
    return feed.difference(update, frame.T * MICROS_PER_MILLI, at)


def _on_raw_trade(feed: SymbolFeed, frame: wire.RawTrade, at: int) -> list[Output]:
    """One fill; those of the insurance fund and of deleveraging only move the id on."""
    venue_time = frame.T * MICROS_PER_MILLI
    if frame.X != "MARKET":
        return feed.pass_trade(frame.t, venue_time, at)
    return feed.trade(frame.t, str(frame.t), frame.p, frame.q, "sell" if frame.m else "buy", venue_time, at)


def _on_aggregate_trade(feed: SymbolFeed, frame: wire.AggregateTrade, at: int) -> list[Output]:
    """Fills of one order at one price, as one trade."""
    side, venue_time = "sell" if frame.m else "buy", frame.T * MICROS_PER_MILLI
    return feed.trade(frame.a, f"agg-{frame.a}", frame.p, frame.q, side, venue_time, at)


def _on_mark_price(feed: SymbolFeed, frame: wire.MarkPrice, at: int) -> list[Output]:
    """Mark, index and funding rate, once a second; COIN-M may leave the index out, and then nothing is said."""
    if not frame.i:
        feed.heard["funding"] = at
        return []
    next_funding_at, venue_time = frame.T * MICROS_PER_MILLI, frame.E * MICROS_PER_MILLI
    return feed.funding(frame.E, frame.p, frame.i, rate_ppb(frame.r), next_funding_at, venue_time, at)


def _on_force_order(feed: SymbolFeed, frame: wire.ForceOrder, at: int) -> list[Output]:
    """A liquidation; the venue says at most one a second."""
    order = frame.o
    ident = f"{order.T}-{order.S}-{order.q}-{order.ap}"
    return feed.liquidation(ident, order.ap, order.q, order.S.lower(), order.T * MICROS_PER_MILLI, at)


def _on_kline(feed: SymbolFeed, frame: wire.Kline, at: int) -> list[Output]:
    """The candle as it stands, several times a second, and once as final."""
    bar, venue_time = frame.k, frame.E * MICROS_PER_MILLI
    prices = (bar.o, bar.h, bar.l, bar.c)
    lots = feed.instrument.sizes[bar.v]
    return feed.candle(bar.i, bar.t * MICROS_PER_MILLI, prices, lots, bar.x, venue_time, at)
