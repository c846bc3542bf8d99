"""Hyperliquid perpetuals: whole books of twenty levels, named trades, hourly funding.

A coin with the prefix k counts a thousand units; elsewhere that is called 1000PEPE. Prices have at most
6 - szDecimals decimals. The figures of a coin (activeAssetCtx) carry no time: they are dated by their receipt.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.levels import layout, written
from services.ingestor.adapters.protocol import Keepalive, Output, Request, RouteSpec, Send
from services.ingestor.adapters.scale import step_of
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Millis, Text, text_of
from services.ingestor.engine.side import Shape

PING: Final = Keepalive(50.0, '{"method":"ping"}')
SECOND: Final = 1_000_000
PRICE_DECIMALS: Final = 6
INTERVALS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "1w")
STREAMS: Final = ("l2Book", "bbo", "trades", "activeAssetCtx")


class Level(msgspec.Struct, gc=False):
    """A price level."""

    px: Text
    sz: Text


class Book(msgspec.Struct, gc=False):
    """The best twenty levels of both sides, bids first."""

    coin: str
    time: Millis
    levels: tuple[msgspec.Raw, msgspec.Raw]


class Best(msgspec.Struct, gc=False):
    """Best bid and ask; a side may be empty."""

    coin: str
    time: Millis
    bbo: tuple[Level | None, Level | None]


class Trade(msgspec.Struct, gc=False):
    """One trade; the taker bought (B) or sold (A)."""

    coin: str
    side: Literal["B", "A"]
    px: Text
    sz: Text
    time: Millis
    tid: Id


class Figures(msgspec.Struct, gc=False, rename="camel"):
    """A coin's mark, oracle price, hourly funding rate and one-sided open interest in base units."""

    mark_px: Text
    oracle_px: Text
    funding: Text
    open_interest: Text


class Context(msgspec.Struct, gc=False):
    """The figures of one coin."""

    coin: str
    ctx: Figures


class Candle(msgspec.Struct, gc=False):
    """A coin's candle of interval i from t on, as it stands."""

    t: Millis
    s: str
    i: str
    o: Text
    h: Text
    l: Text  # noqa: E741 - the venue's name
    c: Text
    v: Text


class Frame(msgspec.Struct, gc=False):
    """One message."""

    channel: str
    data: msgspec.Raw = msgspec.Raw()


class Coin(msgspec.Struct, gc=False, rename="camel"):
    """One coin of the listing."""

    name: str
    sz_decimals: Annotated[int, Meta(ge=0, le=PRICE_DECIMALS)]
    is_delisted: bool | None = None


class Universe(msgspec.Struct, gc=False):
    """The answer to meta."""

    universe: list[Coin]


_FRAME: Final = msgspec.json.Decoder(Frame)
_BOOK: Final = msgspec.json.Decoder(Book)
_BEST: Final = msgspec.json.Decoder(Best)
_TRADES: Final = msgspec.json.Decoder(list[Trade])
_CONTEXT: Final = msgspec.json.Decoder(Context)
_CANDLE: Final = msgspec.json.Decoder(Candle)
_UNIVERSE: Final = msgspec.json.Decoder(Universe)


_SHAPE: Final = Shape(b'{"px":"', b'","sz":"', b'","n":', b"}", counted=True)
_LAYOUT: Final = layout(_SHAPE, Level, lambda level: (level.px, level.sz))


class HyperliquidCore(OneSocketCore):
    """Any number of coins on one connection. candles: intervals, as in "1m,1h".

    oracle: "1" to tell the oracle's price as a source of its own.
    """

    name: ClassVar[str] = "hyperliquid"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "funding": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/ws", PING)

    def __init__(self, instruments: Sequence[Instrument], *, oracle: str = "", candles: str = "") -> None:
        super().__init__(instruments)
        self._oracle = oracle == "1"
        self._running = RunningCandles(candles, {each: each for each in INTERVALS})

    def subscriptions(self, route: str) -> list[str]:
        """One request per stream."""
        self._running.forget()
        streams = [_request("subscribe", kind, coin) for coin in self.symbols for kind in STREAMS]
        return streams + [
            _request("subscribe", "candle", coin, each) for coin in self.symbols for each in self._running.wanted
        ]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """Every frame is a whole book; a fresh subscription brings the next at once."""
        frames = (_request("unsubscribe", "l2Book", symbol), _request("subscribe", "l2Book", symbol))
        return [Send(ROUTE, frames, attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message."""
        frame = _FRAME.decode(data)
        if frame.channel == "l2Book":
            return self._on_book(_BOOK.decode(frame.data), at)
        if frame.channel == "bbo":
            return self._on_best(_BEST.decode(frame.data), at)
        if frame.channel == "trades":
            return [each for trade in _TRADES.decode(frame.data) for each in self._on_trade(trade, at)]
        if frame.channel == "activeAssetCtx":
            return self._on_context(_CONTEXT.decode(frame.data), at)
        if frame.channel == "candle":
            return self._on_candle(_CANDLE.decode(frame.data), at)
        if frame.channel == "error":
            raise Unusable("refused", bytes(frame.data).decode())
        if frame.channel not in ("subscriptionResponse", "pong"):
            raise Unusable("no_data", frame.channel)
        return []

    def _on_book(self, book: Book, at: int) -> list[Output]:
        bids, asks = (written(side, _LAYOUT) for side in book.levels)
        return self.symbol(book.coin).whole_book(book.time, bids, asks, book.time * MILLI, at)

    def _on_best(self, best: Best, at: int) -> list[Output]:
        feed, (bid, ask) = self.symbol(best.coin), best.bbo
        if bid is None or ask is None:
            return []
        return feed.timed_quote(bid.px, bid.sz, ask.px, ask.sz, best.time * MILLI, at)

    def _on_trade(self, trade: Trade, at: int) -> list[Output]:
        side = "buy" if trade.side == "B" else "sell"
        return self.symbol(trade.coin).trade(0, str(trade.tid), trade.px, trade.sz, side, trade.time * MILLI, at)

    def _on_context(self, context: Context, at: int) -> list[Output]:
        """At most once a second: mark, oracle and rate, and open interest when it changed.

        As a source of its own the oracle's price, which the validators vote on, has the second of its receipt for a
        round; they name no confidence, so that only its age and the other sources guard it.
        """
        feed, ctx, second = self.symbol(context.coin), context.ctx, at // SECOND
        feed.heard["funding"] = at
        before, interest = self._said.get(context.coin, (-1, ""))
        if second == before:
            return []
        self._said[context.coin] = (second, ctx.open_interest)
        next_at = (at // HOUR_MICROS + 1) * HOUR_MICROS
        out = feed.funding(second, ctx.mark_px, ctx.oracle_px, rate_ppb(ctx.funding), next_at, at, at)
        if self._oracle:
            out += feed.oracle(second, ctx.oracle_px, at, at)
        if ctx.open_interest != interest:
            out += feed.interest(second, feed.instrument.sizes[ctx.open_interest], at, at)
        return out

    def _on_candle(self, candle: Candle, at: int) -> list[Output]:
        feed, prices = self.symbol(candle.s), (candle.o, candle.h, candle.l, candle.c)
        return self._running.take(feed, candle.i, candle.t * MILLI, prices, candle.v, at, at)


def _request(method: str, kind: str, coin: str, interval: str = "") -> str:
    which = {"type": kind, "coin": coin, **({"interval": interval} if interval else {})}
    return text_of({"method": method, "subscription": which})


class Hyperliquid(Venue):
    """BTC, kPEPE."""

    name: ClassVar[str] = HyperliquidCore.name
    family: ClassVar[type[HyperliquidCore]] = HyperliquidCore
    form: ClassVar[str] = "{base}"
    quotes: ClassVar[Sequence[str]] = ("USDC",)
    thousand: ClassVar[str] = "k"
    live_socket_url: ClassVar[str] = "wss://api.hyperliquid.xyz"
    live_http_url: ClassVar[str] = "https://api.hyperliquid.xyz"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(1_200, 60.0),)
    fees: ClassVar[Fees] = Fees(150_000, 450_000)
    options: ClassVar[Sequence[str]] = ("oracle", "candles")

    @property
    def listing(self) -> Sequence[Request]:
        """All coins."""
        return (Request("/info", method="POST", body='{"type":"meta"}', weight=20),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """The grids follow from szDecimals."""
        for coin in _UNIVERSE.decode(answers[0]).universe:
            base, quote = self.parse(coin.name)
            yield Listed(
                symbol=coin.name,
                tick_size=step_of(PRICE_DECIMALS - coin.sz_decimals),
                lot_size=step_of(coin.sz_decimals),
                funding_hours=1,
                base=base,
                quote=quote,
                state="delisted" if coin.is_delisted else "",
            )


VENUES: Final[Sequence[Venue]] = (Hyperliquid(),)
