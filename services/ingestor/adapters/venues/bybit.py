"""Bybit v5, linear (sizes in base units) and inverse (sizes in USD): the protocol core and the listing.

Books: a snapshot with the subscription, then frames whose `u` rises by one; a snapshot at any time begins anew, and
`u` 1 is one too (the venue restarted). Tickers: after the first, a frame carries the changed keys only. Open interest
counts both sides.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.booksync import Update
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Keepalive, Output, Request, RouteSpec, Send, VenueCore
from services.ingestor.adapters.symbol import SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Millis, Text, chosen_intervals

PING: Final = Keepalive(20.0, '{"op":"ping"}')
TOPICS_PER_REQUEST: Final = 10
DEPTHS: Final = ("50", "200", "500", "1000")
INTERVALS: Final = {
    "1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "2h": "120", "4h": "240", "6h": "360",
    "12h": "720", "1d": "D", "1w": "W",
}  # fmt: skip
_INTERVALS: Final = {theirs: ours for ours, theirs in INTERVALS.items()}

Name = Annotated[str, Meta(min_length=1, max_length=48)]


class BookData(msgspec.Struct, gc=False):
    """Changed levels, or all of them, at update u."""

    s: str
    b: msgspec.Raw
    a: msgspec.Raw
    u: Id


class TradeData(msgspec.Struct, gc=False):
    """One trade: taker side S, size v, price p, id i."""

    T: Millis
    s: str
    S: Literal["Buy", "Sell"]
    v: Text
    p: Text
    i: Name


class LiquidationData(msgspec.Struct, gc=False):
    """One liquidation; S is the side of the position: a liquidated long is "Buy"."""

    T: Millis
    s: str
    S: Literal["Buy", "Sell"]
    v: Text
    p: Text


class TickerData(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """What of the ticker changed; "" and absent mean: as before."""

    symbol: str
    last_price: Text = ""
    high_price24h: Text = msgspec.field(default="", name="highPrice24h")
    low_price24h: Text = msgspec.field(default="", name="lowPrice24h")
    volume24h: Text = msgspec.field(default="", name="volume24h")
    mark_price: Text = ""
    index_price: Text = ""
    open_interest: Text = ""
    single_open_interest: Text = ""
    next_funding_time: Text = ""
    funding_rate: Text = ""
    bid1_price: Text = msgspec.field(default="", name="bid1Price")
    bid1_size: Text = msgspec.field(default="", name="bid1Size")
    ask1_price: Text = msgspec.field(default="", name="ask1Price")
    ask1_size: Text = msgspec.field(default="", name="ask1Size")


class TickerFrame(msgspec.Struct, gc=False):
    """A ticker as it comes."""

    data: TickerData
    type: Literal["snapshot", "delta", ""] = ""
    ts: Millis = 0
    cs: Id = 0


class Frame(msgspec.Struct, gc=False):
    """A frame of a topic, or an answer."""

    topic: str = ""
    type: Literal["snapshot", "delta", ""] = ""
    ts: Millis = 0
    cs: Id = 0
    cts: Millis = 0
    data: msgspec.Raw = msgspec.Raw()
    op: str = ""
    success: bool = True
    ret_msg: str = ""


class CandleData(msgspec.Struct, gc=False):
    """A candle as it stands; `confirm`: it is final."""

    start: Millis
    interval: str
    open: Text
    high: Text
    low: Text
    close: Text
    volume: Text
    confirm: bool
    timestamp: Millis


class LotFilter(msgspec.Struct, gc=False, rename="camel"):
    """The size grid."""

    qty_step: str


class PriceFilter(msgspec.Struct, gc=False, rename="camel"):
    """The price grid."""

    tick_size: str


class Info(msgspec.Struct, gc=False, rename="camel"):
    """One instrument."""

    symbol: str
    status: str
    base_coin: str
    quote_coin: str
    price_filter: PriceFilter
    lot_size_filter: LotFilter
    funding_interval: int


class Page(msgspec.Struct, gc=False):
    """The instruments of one answer."""

    list: list[Info]


class Listing(msgspec.Struct, gc=False):
    """The answer of instruments-info."""

    result: Page


_FRAME: Final = msgspec.json.Decoder(Frame)
_BOOK: Final = msgspec.json.Decoder(BookData)
_TRADES: Final = msgspec.json.Decoder(list[TradeData])
_LIQUIDATIONS: Final = msgspec.json.Decoder(list[LiquidationData])
_CANDLES: Final = msgspec.json.Decoder(list[CandleData])
_TICKER: Final = msgspec.json.Decoder(TickerFrame)
_TICKER_HEAD: Final = b'{"topic":"tickers.'
_QUOTE: Final = ("bid1_price", "bid1_size", "ask1_price", "ask1_size")
_LISTING: Final = msgspec.json.Decoder(Listing)


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
            return self._on_ticker(_TICKER.decode(data), at)
        frame = _FRAME.decode(data)
        kind = frame.topic.partition(".")[0]
        if kind == "orderbook":
            return self._on_book(frame, at)
        if kind == "publicTrade":
            return [each for trade in _TRADES.decode(frame.data) for each in self._on_trade(trade, at)]
        if kind == "tickers":
            return self._on_ticker(_TICKER.decode(data), at)
        if kind == "allLiquidation":
            return [each for order in _LIQUIDATIONS.decode(frame.data) for each in self._on_liquidation(order, at)]
        if kind == "kline":
            feed = self.symbol(frame.topic.rpartition(".")[2])
            return [each for candle in _CANDLES.decode(frame.data) for each in _on_candle(feed, candle, at)]
        if not frame.success:
            raise Unusable("refused", frame.ret_msg)
        if not frame.op:
            raise Unusable("no_data", "neither data nor an answer")
        return []

    def _on_book(self, frame: Frame, at: int) -> list[Output]:
        body, venue_time = _BOOK.decode(frame.data), (frame.cts or frame.ts) * MILLI
        feed = self.symbol(body.s)
        if frame.type == "snapshot" or body.u == 1:
            return feed.begin_book(body.u, body.b, body.a, venue_time, at, full_length=int(self._depth))
        return feed.difference(Update(body.u, body.u, body.u - 1, body.b, body.a), venue_time, at)

    def _on_trade(self, trade: TradeData, at: int) -> list[Output]:
        return self.symbol(trade.s).trade(0, trade.i, trade.p, trade.v, trade.S.lower(), trade.T * MILLI, at)

    def _on_liquidation(self, order: LiquidationData, at: int) -> list[Output]:
        ident, side = f"{order.T}-{order.S}-{order.v}-{order.p}", "sell" if order.S == "Buy" else "buy"
        return self.symbol(order.s).liquidation(ident, order.p, order.v, side, order.T * MILLI, at)

    def _on_ticker(self, frame: TickerFrame, at: int) -> list[Output]:
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


def _renew(now: dict[str, str], body: TickerData) -> None:
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


def _on_candle(feed: SymbolFeed, candle: CandleData, at: int) -> list[Output]:
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
    return msgspec.json.encode({"op": op, "args": topics}).decode()


class LinearCore(BybitCore):
    """USDT and USDC perpetuals."""

    name: ClassVar[str] = "bybit"
    category: ClassVar[str] = "linear"


class InverseCore(BybitCore):
    """USD perpetuals settled in their base."""

    name: ClassVar[str] = "bybit-inverse"
    category: ClassVar[str] = "inverse"


class _Bybit(Venue):
    family: ClassVar[type[BybitCore]]
    live_socket_url: ClassVar[str] = "wss://stream.bybit.com"
    live_http_url: ClassVar[str] = "https://api.bybit.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(600, 5.0),)
    fees: ClassVar[Fees] = Fees(200_000, 550_000)
    options: ClassVar[Sequence[str]] = ("depth", "candles")

    @property
    def listing(self) -> Sequence[Request]:
        """All instruments of the category."""
        return (Request("/v5/market/instruments-info", {"category": self.family.category, "limit": 1_000}),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """The funding interval is in minutes; older answers had hours."""
        for info in _LISTING.decode(answers[0]).result.list:
            interval = info.funding_interval
            yield Listed(
                symbol=info.symbol,
                tick_size=info.price_filter.tick_size,
                lot_size=info.lot_size_filter.qty_step,
                funding_hours=interval // 60 if interval > 24 else interval,
                base=info.base_coin,
                quote=info.quote_coin,
                kind="inverse" if self.family is InverseCore else "linear",
                state="" if info.status == "Trading" else info.status,
            )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """Options: depth (50 to 1000), candles (1m,1h)."""
        return self.family(instruments, **options)


class BybitLinear(_Bybit):
    """BTCUSDT; perpetuals in USDC are called BTCPERP."""

    name: ClassVar[str] = LinearCore.name
    family: ClassVar[type[BybitCore]] = LinearCore

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTCUSDT is (BTC, USDT), BTCPERP is (BTC, USDC)."""
        found = re.fullmatch(r"([A-Z0-9]{1,20}?)(USDT|PERP)", symbol)
        if found is None:
            raise ValueError(f"{symbol} is no linear perpetual of this venue")
        return found[1], "USDC" if found[2] == "PERP" else found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USDC) is BTCPERP."""
        return f"{base}{'PERP' if quote == 'USDC' else quote}"


class BybitInverse(_Bybit):
    """BTCUSD."""

    name: ClassVar[str] = InverseCore.name
    family: ClassVar[type[BybitCore]] = InverseCore

    def parse(self, symbol: str) -> tuple[str, str]:
        """BTCUSD is (BTC, USD)."""
        found = re.fullmatch(r"([A-Z0-9]{1,20}?)(USD)", symbol)
        if found is None:
            raise ValueError(f"{symbol} is no inverse perpetual of this venue")
        return found[1], found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USD) is BTCUSD."""
        return f"{base}{quote}"


VENUES: Final[Sequence[Venue]] = (BybitLinear(), BybitInverse())
