"""KuCoin Futures: a ticket before the socket, books by single changes, sizes in contracts, times in nanoseconds.

A contract is `multiplier` of the base (negative: inverse, one contract is one USD). XBT is BTC. Each change of the book
is "price,side,size" and raises `sequence` by one; the snapshot is a request of its own. Numbers come as JSON numbers
and are read as their text. Candles are (start in seconds, open, close, high, low, turnover, contracts).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import starmap
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.book import TextLevel
from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import (
    FetchSnapshot,
    Keepalive,
    Output,
    Poll,
    Request,
    RouteSpec,
    Send,
    VenueCore,
)
from services.ingestor.adapters.scale import NO_NUMBER
from services.ingestor.adapters.symbol import WHOLE_SIDE, SymbolFeed, rate_ppb
from services.ingestor.adapters.venue import Fees, Listed, RateLimit, Venue
from services.ingestor.adapters.wire import MILLI, Id, Millis, Text, chosen_intervals

PING: Final = Keepalive(18.0, '{"id":"ping","type":"ping"}')
TICKET: Final = Request("/api/v1/bullet-public", method="POST", weight=10)
NANOS_PER_MICRO: Final = 1_000
MICROS_PER_MILLI: Final = 1_000
MICROS_PER_SECOND: Final = 1_000_000
MILLIS_PER_HOUR: Final = 3_600_000
SNAPSHOT_WEIGHT: Final = 3
INTEREST_SECONDS: Final = 30.0
INTERVALS: Final = {
    "1m": "1min", "3m": "3min", "5m": "5min", "15m": "15min", "30m": "30min", "1h": "1hour", "2h": "2hour",
    "4h": "4hour", "8h": "8hour", "12h": "12hour", "1d": "1day", "1w": "1week",
}  # fmt: skip
_INTERVALS: Final = {theirs: ours for ours, theirs in INTERVALS.items()}
CANDLES: Final = "/contractMarket/limitCandle"
OPEN: Final = "Open"
TOPICS: Final = (
    "/contractMarket/level2",
    "/contractMarket/tickerV2",
    "/contractMarket/execution",
    "/contract/instrument",
)

Seconds = Annotated[str, Meta(pattern=r"^[0-9]{1,10}$")]
Nanos = Annotated[int, Meta(ge=0, le=9 * 10**18)]


class Change(msgspec.Struct, gc=False):
    """One changed level: "price,side,size"."""

    sequence: Id
    change: Annotated[str, Meta(max_length=96)]
    timestamp: Millis


class ChangeFrame(msgspec.Struct, gc=False):
    """A change as it comes."""

    topic: str
    data: Change
    subject: Literal["level2"]


class Best(msgspec.Struct, gc=False, rename="camel"):
    """Best bid and ask: prices as text, sizes in whole contracts. Other numbers are left to `ExactBest`."""

    ts: Nanos
    best_bid_price: str
    best_bid_size: int
    best_ask_price: str
    best_ask_size: int


class BestFrame(msgspec.Struct, gc=False):
    """Best bid and ask as they come."""

    topic: str
    data: Best
    subject: Literal["tickerV2"]


class ExactBest(msgspec.Struct, gc=False, rename="camel"):
    """Best bid and ask in whatever way their numbers are written."""

    ts: Nanos
    best_bid_price: msgspec.Raw
    best_bid_size: msgspec.Raw
    best_ask_price: msgspec.Raw
    best_ask_size: msgspec.Raw


class Match(msgspec.Struct, gc=False, rename="camel"):
    """One trade; `side` is the taker's."""

    side: Literal["buy", "sell"]
    size: msgspec.Raw
    price: msgspec.Raw
    trade_id: Annotated[str, Meta(min_length=1, max_length=48)]
    ts: Nanos


class Mark(msgspec.Struct, gc=False, rename="camel"):
    """Mark and index."""

    mark_price: msgspec.Raw
    index_price: msgspec.Raw
    timestamp: Millis


class Rate(msgspec.Struct, gc=False, rename="camel"):
    """The predicted rate of the running interval."""

    funding_rate: msgspec.Raw
    timestamp: Millis


class Candle(msgspec.Struct, gc=False):
    """A candle as it stands."""

    symbol: str
    candles: tuple[Seconds, Text, Text, Text, Text, str, Text]
    time: Millis


class Frame(msgspec.Struct, gc=False):
    """One message."""

    type: str = "message"
    topic: str = ""
    subject: str = ""
    data: msgspec.Raw = msgspec.Raw()


class SnapshotData(msgspec.Struct, gc=False):
    """Levels as [price, size]."""

    sequence: Id
    bids: list[tuple[msgspec.Raw, msgspec.Raw]]
    asks: list[tuple[msgspec.Raw, msgspec.Raw]]
    ts: Nanos


class Snapshot(msgspec.Struct, gc=False):
    """The answer of level2/snapshot."""

    data: SnapshotData


class Server(msgspec.Struct, gc=False):
    """Where the socket is."""

    endpoint: str


class TicketData(msgspec.Struct, gc=False, rename="camel"):
    """A token, and where to use it."""

    token: str
    instance_servers: Annotated[list[Server], Meta(min_length=1)]


class Ticket(msgspec.Struct, gc=False):
    """The answer of bullet-public."""

    data: TicketData


class Contract(msgspec.Struct, gc=False, rename="camel"):
    """One contract of the listing."""

    symbol: str
    status: str
    base_currency: str
    quote_currency: str
    lot_size: msgspec.Raw
    tick_size: msgspec.Raw
    multiplier: msgspec.Raw
    funding_rate_granularity: int | None = None
    maker_fee_rate: msgspec.Raw = NO_NUMBER
    taker_fee_rate: msgspec.Raw = NO_NUMBER


class Interest(msgspec.Struct, gc=False, rename="camel"):
    """What of a contract is asked for again and again; open interest in contracts."""

    open_interest: msgspec.Raw


class InterestAnswer(msgspec.Struct, gc=False):
    """The answer of contracts/{symbol}."""

    data: Interest


class Contracts(msgspec.Struct, gc=False):
    """The answer of contracts/active."""

    data: list[Contract]


_CHANGE_HEAD: Final = b'{"topic":"/contractMarket/level2:'
_BEST_HEAD: Final = b'{"topic":"/contractMarket/tickerV2:'
_FRAME: Final = msgspec.json.Decoder(Frame)
_CHANGE: Final = msgspec.json.Decoder(ChangeFrame)
_BEST: Final = msgspec.json.Decoder(BestFrame)
_EXACT_BEST: Final = msgspec.json.Decoder(ExactBest)
_MATCH: Final = msgspec.json.Decoder(Match)
_MARK: Final = msgspec.json.Decoder(Mark)
_RATE: Final = msgspec.json.Decoder(Rate)
_CANDLE: Final = msgspec.json.Decoder(Candle)
_SNAPSHOT: Final = msgspec.json.Decoder(Snapshot)
_TICKET: Final = msgspec.json.Decoder(Ticket)
_INTEREST: Final = msgspec.json.Decoder(InterestAnswer)
_CONTRACTS: Final = msgspec.json.Decoder(Contracts)


def _text(number: msgspec.Raw) -> str:
    """A JSON number or string as its text."""
    return bytes(number).decode("ascii", "replace").strip('"')


def _levels(levels: Sequence[tuple[msgspec.Raw, msgspec.Raw]]) -> list[TextLevel]:
    return [(_text(price), _text(size)) for price, size in levels]


class KucoinCore(OneSocketCore):
    """Any number of contracts on one connection, which is subscribed to when the venue says welcome.

    candles: intervals, as in "1m,1h".
    """

    name: ClassVar[str] = "kucoin"
    steady: ClassVar[Mapping[str, str]] = {"quote": ROUTE, "book": ROUTE}
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE, keepalive=PING, ticket=TICKET)
    snapshots_in_feed: ClassVar[bool] = False

    def __init__(self, instruments: Sequence[Instrument], *, candles: str = "") -> None:
        super().__init__(instruments)
        self._candles, self._running = chosen_intervals(candles, INTERVALS), RunningCandles()
        self._rates: dict[str, int] = {}

    def address(self, route: str, ticket: bytes) -> str:
        """The endpoint with the token."""
        try:
            data = _TICKET.decode(ticket).data
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error
        return f"{data.instance_servers[0].endpoint}?token={data.token}"

    def subscriptions(self, route: str) -> list[str]:
        """Nothing before the welcome."""
        self._running.forget()
        return []

    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """The snapshot endpoint."""
        request = Request("/api/v1/level2/snapshot", {"symbol": symbol}, weight=SNAPSHOT_WEIGHT)
        return [FetchSnapshot(symbol, attempt, reason, request)]

    def take_snapshot(self, feed: SymbolFeed, data: bytes, at: int) -> list[Output]:
        """Join the whole book."""
        body = _SNAPSHOT.decode(data).data
        venue_time = body.ts // NANOS_PER_MICRO
        return feed.join_snapshot(
            body.sequence, _levels(body.bids), _levels(body.asks), venue_time, at, full_length=WHOLE_SIDE
        )

    @property
    def polls(self) -> Sequence[Poll]:
        """Open interest, which no topic carries."""
        return [Poll(each, Request(f"/api/v1/contracts/{each}", weight=3), INTEREST_SECONDS) for each in self.symbols]

    def take_poll(self, feed: SymbolFeed, data: bytes, at: int) -> list[Output]:
        """Contracts, without a time; one side."""
        lots = feed.instrument.sizes[_text(_INTEREST.decode(data).data.open_interest)]
        return feed.interest(at // MILLI, lots, at, at)

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message. Nine of ten are changes and quotes: told by how they begin, they are decoded once."""
        if isinstance(data, bytes):
            if data.startswith(_CHANGE_HEAD):
                return self._on_change(_CHANGE.decode(data), at)
            if data.startswith(_BEST_HEAD):
                with suppress(msgspec.ValidationError):
                    return self._on_best(_BEST.decode(data), at)
        return self._take_any(_FRAME.decode(data), data, at)

    def _take_any(self, frame: Frame, data: bytes | str, at: int) -> list[Output]:
        if frame.type == "welcome":
            return [Send(ROUTE, tuple(starmap(_request, enumerate(self._topics(), start=1))))]
        if frame.type == "error":
            raise Unusable("refused", bytes(frame.data).decode("utf-8", "replace"))
        if frame.type in ("ack", "pong"):
            return []
        if frame.subject == "candle.stick":
            return self._on_candle(frame.topic.rpartition("_")[2], _CANDLE.decode(frame.data), at)
        feed = self._of_topic(frame.topic)
        if frame.subject == "level2":
            return self._on_change(_CHANGE.decode(data), at)
        if frame.subject == "tickerV2":
            return _on_exact_best(feed, _EXACT_BEST.decode(frame.data), at)
        if frame.subject == "match":
            return self._on_match(feed, _MATCH.decode(frame.data), at)
        if frame.subject == "mark.index.price":
            return self._on_mark(feed, _MARK.decode(frame.data), at)
        if frame.subject == "funding.rate":
            self._rates[feed.instrument.symbol] = rate_ppb(_text(_RATE.decode(frame.data).funding_rate))
            return []
        raise Unusable("no_data", f"{frame.type} {frame.subject}")

    def _on_change(self, frame: ChangeFrame, at: int) -> list[Output]:
        change = frame.data
        parts = change.change.split(",")
        if len(parts) != 3 or parts[1] not in ("buy", "sell"):
            raise Unusable("unreadable", f"change {change.change}")
        price, side, size = parts
        feed = self._of_topic(frame.topic)
        return feed.change(change.sequence, side, price, size, change.timestamp * MICROS_PER_MILLI, at)

    def _on_best(self, frame: BestFrame, at: int) -> list[Output]:
        best, feed = frame.data, self._of_topic(frame.topic)
        bid_size, ask_size = str(best.best_bid_size), str(best.best_ask_size)
        venue_time = best.ts // NANOS_PER_MICRO
        return feed.timed_quote(best.best_bid_price, bid_size, best.best_ask_price, ask_size, venue_time, at)

    def _of_topic(self, topic: str) -> SymbolFeed:
        """The symbol that a topic ends with."""
        return self.symbol(topic.rpartition(":")[2])

    def _on_match(self, feed: SymbolFeed, match: Match, at: int) -> list[Output]:
        price, size = _text(match.price), _text(match.size)
        return feed.trade(0, match.trade_id, price, size, match.side, match.ts // NANOS_PER_MICRO, at)

    def _on_mark(self, feed: SymbolFeed, mark: Mark, at: int) -> list[Output]:
        """Said once the rate is known; intervals end at multiples of their length."""
        rate = self._rates.get(feed.instrument.symbol)
        if rate is None:
            return []
        venue_time, interval = mark.timestamp * MICROS_PER_MILLI, feed.instrument.funding_interval_micros
        next_at = (venue_time // interval + 1) * interval
        prices = _text(mark.mark_price), _text(mark.index_price)
        return feed.funding(mark.timestamp, *prices, rate, next_at, venue_time, at)

    def _on_candle(self, name: str, candle: Candle, at: int) -> list[Output]:
        interval, (start, opened, close, high, low, _, contracts) = _INTERVALS.get(name), candle.candles
        if interval is None:
            raise Unusable("unknown_interval", name)
        feed, open_at, prices = self.symbol(candle.symbol), int(start) * MICROS_PER_SECOND, (opened, high, low, close)
        return self._running.take(feed, interval, open_at, prices, contracts, candle.time * MICROS_PER_MILLI, at)

    def _topics(self) -> Iterator[str]:
        for topic in TOPICS:
            yield f"{topic}:{','.join(self.symbols)}"
        for each in self._candles:
            yield f"{CANDLES}:{','.join(f'{symbol}_{each}' for symbol in self.symbols)}"


def _request(number: int, topic: str) -> str:
    return msgspec.json.encode({"id": str(number), "type": "subscribe", "topic": topic, "response": True}).decode()


def _on_exact_best(feed: SymbolFeed, best: ExactBest, at: int) -> list[Output]:
    raws = best.best_bid_price, best.best_bid_size, best.best_ask_price, best.best_ask_size
    bid, bid_size, ask, ask_size = map(_text, raws)
    return feed.timed_quote(bid, bid_size, ask, ask_size, best.ts // NANOS_PER_MICRO, at)


class Kucoin(Venue):
    """XBTUSDTM, XBTUSDM."""

    name: ClassVar[str] = KucoinCore.name
    live_socket_url: ClassVar[str] = "wss://ws-api-futures.kucoin.com"
    live_http_url: ClassVar[str] = "https://api-futures.kucoin.com"
    limits: ClassVar[Sequence[RateLimit]] = (RateLimit(2_000, 30.0),)
    fees: ClassVar[Fees] = Fees(200_000, 600_000)
    options: ClassVar[Sequence[str]] = ("candles",)

    @property
    def listing(self) -> Sequence[Request]:
        """All open contracts."""
        return (Request("/api/v1/contracts/active", weight=3),)

    def listed(self, answers: Sequence[bytes]) -> Iterator[Listed]:
        """One lot is the venue's lot of contracts."""
        for each in _CONTRACTS.decode(answers[0]).data:
            multiplier, lot = _text(each.multiplier), _text(each.lot_size)
            inverse = multiplier.startswith("-")
            yield Listed(
                symbol=each.symbol,
                tick_size=_text(each.tick_size),
                lot_size=multiplier.lstrip("-"),
                size_step=lot,
                funding_hours=(each.funding_rate_granularity or 8 * MILLIS_PER_HOUR) // MILLIS_PER_HOUR,
                base=_global(each.base_currency),
                quote=each.quote_currency,
                fees=Fees.listed(each.maker_fee_rate, each.taker_fee_rate),
                kind="inverse" if inverse else "linear",
                state="" if each.status == OPEN else each.status,
            )

    def new_core(self, instruments: Sequence[Instrument], options: Mapping[str, str]) -> VenueCore:
        """Options: candles (1m,1h)."""
        return KucoinCore(instruments, **options)

    def parse(self, symbol: str) -> tuple[str, str]:
        """XBTUSDTM is (BTC, USDT)."""
        found = re.fullmatch(r"([A-Z0-9]{1,20}?)(USDT|USDC|USD)M", symbol)
        if found is None or found[1] == "BTC":
            raise ValueError(f"{symbol} is no perpetual of this venue")
        return _global(found[1]), found[2]

    def format(self, base: str, quote: str) -> str:
        """(BTC, USDT) is XBTUSDTM."""
        return f"{'XBT' if base == 'BTC' else base}{quote}M"


def _global(name: str) -> str:
    return "BTC" if name == "XBT" else name


VENUES: Final[Sequence[Venue]] = (Kucoin(),)
