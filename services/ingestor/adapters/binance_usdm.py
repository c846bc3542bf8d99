"""Binance USD-M futures: the protocol core. No socket, no clock; one instance serves any number of symbols.

The venue split its sockets in April 2026: route `public` carries depth, bookTicker and trade, route `market` carries
aggTrade and markPrice. Its old unrouted address still accepts a subscription to the latter and never serves it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from cleartide.money import MoneyError

from services.ingestor.adapters import binance_frames as wire
from services.ingestor.adapters import events
from services.ingestor.adapters.binance_symbol import VENUE, BinanceSymbol
from services.ingestor.adapters.protocol import Malformed, Output, Subscribe
from services.ingestor.adapters.scale import Instrument

PUBLIC: Final = "public"
MARKET: Final = "market"
# Streams whose rate is known: one that is quiet for longer than this is stale, however alive the socket is.
STEADY: Final[Mapping[str, str]] = {"bookTicker": PUBLIC, "depth": PUBLIC, "markPrice": MARKET}
STALE_MICROS: Final = 5_000_000
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
DETAIL_CHARS: Final = 160

TradeStream = Literal["trade", "aggTrade"]
DepthStream = Literal["depth@0ms", "depth@100ms"]


class BinanceUsdm:
    """The venue's core; `protocol.VenueCore` describes the methods."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        depth: DepthStream = "depth@0ms",
        trades: TradeStream = "trade",
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._symbols = {each.symbol: BinanceSymbol(each, self.counts) for each in instruments}
        self._routes = _routes(self._symbols, depth, trades)
        self._open: dict[str, int] = {}
        self._requests = 0
        self._handlers: dict[type[Any], Callable[[BinanceSymbol, Any, int], list[Output]]] = {
            wire.Depth: BinanceSymbol.on_depth,
            wire.BookTicker: BinanceSymbol.on_ticker,
            wire.RawTrade: BinanceSymbol.on_raw_trade,
            wire.AggregateTrade: BinanceSymbol.on_aggregate_trade,
            wire.MarkPrice: BinanceSymbol.on_mark_price,
        }

    @property
    def venue(self) -> str:
        """The venue's name in subjects and rows."""
        return VENUE

    @property
    def routes(self) -> Mapping[str, Sequence[str]]:
        """Streams by route."""
        return self._routes

    def symbol(self, name: str) -> BinanceSymbol:
        """One symbol's state."""
        return self._symbols[name]

    def resume_trades(self, highest: Mapping[str, int]) -> None:
        """Highest trade id recorded by an earlier run, by symbol."""
        for name, number in highest.items():
            if name in self._symbols:
                self._symbols[name].resume_trades(number)

    def connected(self, route: str, at: int) -> list[Output]:
        """Subscribe to the route's streams and say so per symbol."""
        self._open[route] = at
        self._requests += 1
        request = {"method": "SUBSCRIBE", "params": self._routes[route], "id": self._requests}
        out: list[Output] = [Subscribe(route, msgspec.json.encode(request).decode())]
        out += (each.status("connected", f"connected-{route}", route, at) for each in self._symbols.values())
        return out

    def disconnected(self, route: str, at: int, reason: str) -> list[Output]:
        """Drop the books if the route carried them. Trade ids stay: what was missed will show as missing."""
        self._open.pop(route, None)
        out: list[Output] = []
        for each in self._symbols.values():
            if route == PUBLIC:
                each.reset_book()
            out.append(each.status("disconnected", f"disconnected-{route}", f"{route}: {reason}", at))
        return out

    def frame(self, data: bytes | str, at: int) -> list[Output]:
        """Decode one message and let its symbol take it; nothing that the venue sends makes it raise."""
        try:
            message = wire.FRAME.decode(data)
        except UNREADABLE as error:
            return self._malformed("unreadable", str(error))
        body = message.data
        if body is None:
            return self._answer(message)
        symbol = self._symbols.get(body.s)
        if symbol is None:
            return self._malformed("unknown_symbol", body.s)
        try:
            return self._handlers[type(body)](symbol, body, at)
        except MoneyError as error:
            return self._malformed(error.reason, f"{body.s}: {error}")

    def snapshot(self, symbol: str, data: bytes, at: int) -> list[Output]:
        """Take the answer to a FetchSnapshot."""
        state = self._symbols[symbol]
        try:
            body = wire.SNAPSHOT.decode(data)
        except UNREADABLE as error:
            return self._malformed("unreadable", str(error)) + state.unreadable_snapshot()
        return state.on_snapshot(body, at)

    def silent_micros(self, route: str, at: int) -> int:
        """Time since the newest data of any symbol on the route, or since the route opened."""
        if route not in self._open:
            return 0
        return at - max(self._heard(each, kind) for each in self._symbols.values() for kind in self._steady(route))

    def heartbeat(self, at: int) -> list[events.Status]:
        """`synced` when the book is joined and every steady stream is fresh; otherwise what is wrong."""
        return [self._judge(each, at) for each in self._symbols.values()]

    def _judge(self, symbol: BinanceSymbol, at: int) -> events.Status:
        closed = [route for route in self._routes if route not in self._open]
        if closed:
            return symbol.status("disconnected", "heartbeat", ", ".join(closed), at)
        wrong = [f"{kind} silent" for kind in STEADY if at - self._heard(symbol, kind) > STALE_MICROS]
        if not symbol.synced:
            wrong.append("book resyncing")
        status = "stale" if wrong else "synced"
        if self.counts["malformed"]:
            wrong.append(f"{self.counts['malformed']} malformed frames")
        return symbol.status(status, "heartbeat", "; ".join(wrong), at)

    def _heard(self, symbol: BinanceSymbol, kind: str) -> int:
        return max(symbol.heard.get(kind, 0), self._open[STEADY[kind]])

    def _steady(self, route: str) -> list[str]:
        return [kind for kind, carrier in STEADY.items() if carrier == route]

    def _answer(self, message: wire.Frame) -> list[Output]:
        refusal = message.error or (message if message.code else None)
        if refusal is not None:
            return self._malformed("refused", f"{refusal.code} {refusal.msg}")
        return [] if message.id is not None else self._malformed("no_data", "neither data nor an answer")

    def _malformed(self, reason: str, detail: str) -> list[Output]:
        self.counts["malformed"] += 1
        return [Malformed(reason, detail[:DETAIL_CHARS])]


def _routes(symbols: Iterable[str], depth: DepthStream, trades: TradeStream) -> dict[str, list[str]]:
    routes: dict[str, list[str]] = {PUBLIC: [], MARKET: []}
    for name in (symbol.lower() for symbol in symbols):
        routes[PUBLIC] += [f"{name}@{depth}", f"{name}@bookTicker"]
        routes[PUBLIC if trades == "trade" else MARKET].append(f"{name}@{trades}")
        routes[MARKET].append(f"{name}@markPrice@1s")
    return routes
