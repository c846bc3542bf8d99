"""Lighter: books whose updates count by offset or name their predecessor's nonce, markets by number, rates in percent.

Where frames carry nonces, begin_nonce is the nonce before; older ones only raise `offset` by one. The stream's open
interest is in USD: divided by the mark it is a whole number of lots. Funding is percent per hour. Numbers are strings
in some fields and JSON numbers in others.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final

import msgspec
from cleartide.money import half_up_div, parse_decimal
from msgspec import Meta

from services.ingestor.adapters.book import Layout, TextLevel, Written
from services.ingestor.adapters.booksync import Update
from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Keepalive, Output, Request, RouteSpec, Send, VenueCore
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Micros, Millis, Text, chosen_intervals
from services.ingestor.engine.side import Shape

PING: Final = Keepalive(60.0, '{"type":"ping"}')
PONG: Final = '{"type":"pong"}'
INTERVALS: Final = ("1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d")
CHANNELS: Final = ("order_book", "ticker", "trade", "market_stats")


class Level(msgspec.Struct, gc=False):
    """A price level; size zero removes it."""

    price: Text
    size: Text


class Book(msgspec.Struct, gc=False):
    """A snapshot, or changed levels."""

    asks: msgspec.Raw
    bids: msgspec.Raw
    offset: Id = 0
    nonce: Id = 0
    begin_nonce: Id = 0


class Quote(msgspec.Struct, gc=False):
    """Best ask and bid."""

    a: Level
    b: Level


class Trade(msgspec.Struct, gc=False):
    """One trade; the taker bought when the maker asked."""

    trade_id: Id
    price: Text
    size: Text
    is_maker_ask: bool
    timestamp: Millis


class Stats(msgspec.Struct, gc=False):
    """A market's figures."""

    mark_price: Text
    index_price: Text
    open_interest: Text
    current_funding_rate: Text


class Candle(msgspec.Struct, gc=False):
    """A candle from t on, as it stands; a figure that is zero is left out."""

    t: Millis
    o: msgspec.Raw
    h: msgspec.Raw
    l: msgspec.Raw  # noqa: E741 - the venue's name
    c: msgspec.Raw
    v: msgspec.Raw = msgspec.Raw(b"0")


class Frame(msgspec.Struct, gc=False):
    """One message; which fields are there depends on the channel."""

    type: str
    channel: str = ""
    timestamp: Millis = 0
    nonce: Id = 0
    last_updated_at: Micros = 0
    order_book: Book | None = None
    ticker: Quote | None = None
    trades: list[Trade] | None = None
    liquidation_trades: list[Trade] | None = None
    market_stats: msgspec.Raw = msgspec.Raw()
    candles: list[Candle] | None = None


class Notice(msgspec.Struct, gc=False):
    """An error, which names no subscription."""

    code: int = 0
    message: str = ""


class Market(msgspec.Struct, gc=False):
    """One market of the listing."""

    symbol: str
    market_id: int
    market_type: str
    status: str
    supported_size_decimals: Annotated[int, Meta(ge=0, le=12)]
    supported_price_decimals: Annotated[int, Meta(ge=0, le=12)]


class Markets(msgspec.Struct, gc=False):
    """The answer of orderBooks."""

    order_books: list[Market]


class _Refused(msgspec.Struct, gc=False):
    error: Notice | None = None


_FRAME: Final = msgspec.json.Decoder(Frame)
_LEVELS: Final = msgspec.json.Decoder(list[Level])
_STATS: Final = msgspec.json.Decoder(Stats)
_REFUSED: Final = msgspec.json.Decoder(_Refused)
_MARKETS: Final = msgspec.json.Decoder(Markets)


def _texts(levels: msgspec.Raw) -> list[TextLevel]:
    return [(level.price, level.size) for level in _LEVELS.decode(levels)]


_LAYOUT: Final = Layout(Shape(b'{"price":"', b'","size":"', b'"}'), _texts)


class LighterCore(OneSocketCore):
    """Any number of markets on one connection; `Instrument.code` is the market's number. candles: as in "1m,1h"."""

    name: ClassVar[str] = "lighter"
    steady: ClassVar[Mapping[str, str]] = {"book": ROUTE, "funding": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, "/stream", PING)

    def __init__(self, instruments: Sequence[Instrument], *, candles: str = "") -> None:
        super().__init__(instruments)
        self._candles = chosen_intervals(candles, {each: each for each in INTERVALS})
        self._running = RunningCandles()
        self._by_code = {feed.instrument.code: feed for feed in self.symbols.values()}

    def subscriptions(self, route: str) -> list[str]:
        """One request per channel."""
        self._running.forget()
        channels = [f"{channel}/{code}" for code in self._by_code for channel in CHANNELS]
        channels += [f"candle/{code}/{each}" for code in self._by_code for each in self._candles]
        return [_request("subscribe", channel) for channel in channels]

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """A fresh subscription brings a snapshot."""
        channel = f"order_book/{self.symbols[symbol].instrument.code}"
        return [Send(ROUTE, (_request("unsubscribe", channel), _request("subscribe", channel)), attempt)]

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message."""
        if b'"error"' in (data if isinstance(data, bytes) else data.encode()):
            self._refuse(data)
        frame = _FRAME.decode(data)
        if frame.type == "ping":
            return [Send(ROUTE, (PONG,))]
        if frame.type in ("connected", "pong", "unsubscribed"):
            return []
        kind, code, interval = (*frame.channel.split(":"), "", "")[:3]
        feed = self._by_code.get(code)
        if feed is None:
            raise Unusable("unknown_symbol", frame.channel)
        if kind == "order_book" and frame.order_book is not None:
            return _on_book(feed, frame, frame.order_book, at)
        if kind == "ticker" and frame.ticker is not None:
            return _on_quote(feed, frame, frame.ticker, at)
        if kind == "trade":
            return _on_trades(feed, frame, at)
        if kind == "market_stats":
            return self._on_stats(feed, _STATS.decode(frame.market_stats), frame.timestamp * MILLI or at, at)
        if kind == "candle" and interval in INTERVALS:
            bars = frame.candles or ()
            return [each for bar in bars for each in self._on_candle(feed, frame, interval, bar, at)]
        raise Unusable("no_data", frame.type)

    def _refuse(self, data: bytes | str) -> None:
        notice = _REFUSED.decode(data).error
        if notice is not None:
            raise Unusable("refused", f"{notice.code} {notice.message}")

    def _on_stats(self, feed: SymbolFeed, stats: Stats, venue_time: int, at: int) -> list[Output]:
        """At most once a second; the interval is the running hour."""
        symbol, second = feed.instrument.symbol, venue_time // 1_000_000
        feed.heard["funding"] = at
        before, interest = self._said.get(symbol, (-1, ""))
        if second == before:
            return []
        self._said[symbol] = (second, stats.open_interest)
        rate = rate_ppb(stats.current_funding_rate, percent=True)
        next_at = (venue_time // HOUR_MICROS + 1) * HOUR_MICROS
        out = feed.funding(second, stats.mark_price, stats.index_price, rate, next_at, venue_time, at)
        if stats.open_interest != interest:
            lots = lots_of(stats.open_interest, stats.mark_price, feed.instrument.lot_size)
            out += feed.interest(second, lots, venue_time, at)
        return out

    def _on_candle(self, feed: SymbolFeed, frame: Frame, interval: str, candle: Candle, at: int) -> list[Output]:
        opened, high, low, close, volume = map(number_text, (candle.o, candle.h, candle.l, candle.c, candle.v))
        prices, venue_time = (opened, high, low, close), frame.timestamp * MILLI or at
        return self._running.take(feed, interval, candle.t * MILLI, prices, volume, venue_time, at)


def _on_book(feed: SymbolFeed, frame: Frame, book: Book, at: int) -> list[Output]:
    venue_time = frame.timestamp * MILLI
    bids, asks = Written(book.bids, _LAYOUT), Written(book.asks, _LAYOUT)
    if frame.type == "subscribed/order_book":
        return feed.begin_book(book.nonce or book.offset, bids, asks, venue_time, at)
    if book.nonce:
        update = Update(book.begin_nonce + 1, book.nonce, book.begin_nonce, bids, asks)
    else:
        update = Update(book.offset, book.offset, book.offset - 1, bids, asks)
    return feed.difference(update, venue_time, at)


def _on_quote(feed: SymbolFeed, frame: Frame, quote: Quote, at: int) -> list[Output]:
    bid, ask = quote.b, quote.a
    return feed.quote(frame.nonce, bid.price, bid.size, ask.price, ask.size, frame.last_updated_at, at)


def _on_trades(feed: SymbolFeed, frame: Frame, at: int) -> list[Output]:
    out: list[Output] = []
    for trade in frame.trades or ():
        out += _trade(feed, trade, at)
    for trade in frame.liquidation_trades or ():
        fresh = _trade(feed, trade, at)
        if fresh:
            side, venue_time = _side(trade), trade.timestamp * MILLI
            out += fresh
            out += feed.liquidation(str(trade.trade_id), trade.price, trade.size, side, venue_time, at)
    return out


def _trade(feed: SymbolFeed, trade: Trade, at: int) -> list[Output]:
    return feed.trade(0, str(trade.trade_id), trade.price, trade.size, _side(trade), trade.timestamp * MILLI, at)


def _side(trade: Trade) -> str:
    return "buy" if trade.is_maker_ask else "sell"


def lots_of(notional: str, mark: str, lot_size: str) -> int:
    """Open interest in lots from USD, to the nearest lot."""
    top, bottom = parse_decimal(notional).as_integer_ratio()
    value, unit = (parse_decimal(mark) * parse_decimal(lot_size)).as_integer_ratio()
    return half_up_div(top * unit, bottom * value) if value else 0


def _request(kind: str, channel: str) -> str:
    return msgspec.json.encode({"type": kind, "channel": channel}).decode()


class Lighter(Venue):
    """ETH, 1000PEPE."""

    name: ClassVar[str] = LighterCore.name
    live_socket_url: ClassVar[str] = "wss://mainnet.zklighter.elliot.ai"
    live_http_url: ClassVar[str] = "https://mainnet.zklighter.elliot.ai"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(60, 60.0),)
    fees: ClassVar[Fees] = Fees(0, 0)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All markets."""
        return (Request("/api/v1/orderBooks"),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """Perpetuals only; spot markets share the list."""
        for market in _MARKETS.decode(answers[0]).order_books:
            if market.market_type == "perp":
                base, quote = self.parse(market.symbol)
                yield Listed(
                    symbol=market.symbol,
                    tick_size=_step(market.supported_price_decimals),
                    lot_size=_step(market.supported_size_decimals),
                    funding_hours=1,
                    base=base,
                    quote=quote,
                    code=str(market.market_id),
                    state="" if market.status == "active" else market.status,
                )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """Options: candles (1m,1h)."""
        return LighterCore(instruments, **options)

    def parse(self, symbol: str) -> tuple[str, str]:
        """ETH is (ETH, USDC)."""
        if not (symbol.isascii() and symbol.isalnum() and symbol.upper() == symbol):
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return symbol, "USDC"

    def format(self, base: str, quote: str) -> str:
        """(ETH, USDC) is ETH."""
        return base


def _step(decimals: int) -> str:
    return "0." + "0" * (decimals - 1) + "1" if decimals else "1"


VENUES: Final[Sequence[Venue]] = (Lighter(),)
