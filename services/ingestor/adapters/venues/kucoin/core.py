"""KuCoin Futures: a ticket before the socket, books by single changes, sizes in contracts, times in nanoseconds.

A contract is `multiplier` of the base (negative: inverse, one contract is one USD). XBT is BTC. Each change of the book
is "price,side,size" and raises `sequence` by one; the snapshot is a request of its own. Numbers come as JSON numbers
and are read as their text. Candles are (start in seconds, open, close, high, low, turnover, contracts).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import starmap
from typing import ClassVar, Final

import msgspec

from services.ingestor.adapters.candles import RunningCandles
from services.ingestor.adapters.core import ROUTE, OneSocketCore, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import FetchSnapshot, Keepalive, Output, Poll, Request, RouteSpec, Send
from services.ingestor.adapters.scale import number_text
from services.ingestor.adapters.symbol import WHOLE_SIDE, SymbolFeed, rate_ppb
from services.ingestor.adapters.venues.kucoin import frames as wire
from services.ingestor.adapters.wire import MILLI, text_of
from services.ingestor.engine.book import TextLevel

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
CANDLES: Final = "/contractMarket/limitCandle"
OPEN: Final = "Open"
TOPICS: Final = (
    "/contractMarket/level2",
    "/contractMarket/tickerV2",
    "/contractMarket/execution",
    "/contract/instrument",
)
_CHANGE_HEAD: Final = b'{"topic":"/contractMarket/level2:'
_BEST_HEAD: Final = b'{"topic":"/contractMarket/tickerV2:'


def text(number: msgspec.Raw) -> str:
    """A JSON number or string as its text."""
    return bytes(number).decode("ascii", "replace").strip('"')


def _levels(levels: Sequence[tuple[msgspec.Raw, msgspec.Raw]]) -> list[TextLevel]:
    return [(text(price), text(size)) for price, size in levels]


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
        self._running = RunningCandles(candles, INTERVALS)
        self._rates: dict[str, int] = {}
        self._predicted: dict[str, int] = {}
        self._by_topic = {f"{topic}:{name}": feed for name, feed in self.symbols.items() for topic in TOPICS}

    def address(self, route: str, ticket: bytes) -> str:
        """The endpoint with the token."""
        try:
            data = wire.TICKET.decode(ticket).data
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
        body = wire.SNAPSHOT.decode(data).data
        venue_time = body.ts // NANOS_PER_MICRO
        return feed.join_snapshot(
            body.sequence, _levels(body.bids), _levels(body.asks), venue_time, at, full_length=WHOLE_SIDE
        )

    @property
    def polls(self) -> Sequence[Poll]:
        """Open interest and the predicted rate, which no topic carries."""
        return [Poll(each, Request(f"/api/v1/contracts/{each}", weight=3), INTEREST_SECONDS) for each in self.symbols]

    def take_poll(self, feed: SymbolFeed, data: bytes, at: int) -> list[Output]:
        """Contracts, without a time; one side."""
        contract = wire.INTEREST.decode(data).data
        lots = feed.instrument.sizes[text(contract.open_interest)]
        if predicted := number_text(contract.predicted_funding_fee_rate):
            self._predicted[feed.instrument.symbol] = rate_ppb(predicted)
        else:
            self._predicted.pop(feed.instrument.symbol, None)
        return feed.interest(at // MILLI, lots, at, at)

    def take(self, data: bytes | str, at: int) -> list[Output]:
        """One message. Nine of ten are changes and quotes: told by how they begin, they are decoded once."""
        if isinstance(data, bytes):
            if data.startswith(_CHANGE_HEAD):
                return self._on_change(wire.CHANGE.decode(data), at)
            if data.startswith(_BEST_HEAD):
                with suppress(msgspec.ValidationError):
                    return self._on_best(wire.BEST.decode(data), at)
        return self._take_any(wire.FRAME.decode(data), data, at)

    def _take_any(self, frame: wire.Frame, data: bytes | str, at: int) -> list[Output]:
        if frame.type == "welcome":
            return [Send(ROUTE, tuple(starmap(_request, enumerate(self._topics(), start=1))))]
        if frame.type == "error":
            raise Unusable("refused", bytes(frame.data).decode("utf-8", "replace"))
        if frame.type in ("ack", "pong"):
            return []
        if frame.subject == "candle.stick":
            return self._on_candle(frame.topic.rpartition("_")[2], wire.CANDLE.decode(frame.data), at)
        feed = self._of_topic(frame.topic)
        if frame.subject == "level2":
            return self._on_change(wire.CHANGE.decode(data), at)
        if frame.subject == "tickerV2":
            return _on_exact_best(feed, wire.EXACT_BEST.decode(frame.data), at)
        if frame.subject == "match":
            return self._on_match(feed, wire.MATCH.decode(frame.data), at)
        if frame.subject == "mark.index.price":
            return self._on_mark(feed, wire.MARK.decode(frame.data), at)
        if frame.subject == "funding.rate":
            self._rates[feed.instrument.symbol] = rate_ppb(text(wire.RATE.decode(frame.data).funding_rate))
            return []
        raise Unusable("no_data", f"{frame.type} {frame.subject}")

    def _on_change(self, frame: wire.ChangeFrame, at: int) -> list[Output]:
        change = frame.data
        try:
            price, side, size = change.change.split(",")
        except ValueError:
            side = ""
        if side not in ("buy", "sell"):
            raise Unusable("unreadable", f"change {change.change}")
        feed = self._by_topic.get(frame.topic) or self._of_topic(frame.topic)
        return feed.change(change.sequence, side, price, size, change.timestamp * MICROS_PER_MILLI, at)

    def _on_best(self, frame: wire.BestFrame, at: int) -> list[Output]:
        best, feed = frame.data, self._by_topic.get(frame.topic) or self._of_topic(frame.topic)
        bid_size, ask_size = str(best.best_bid_size), str(best.best_ask_size)
        venue_time = best.ts // NANOS_PER_MICRO
        return feed.timed_quote(best.best_bid_price, bid_size, best.best_ask_price, ask_size, venue_time, at)

    def _of_topic(self, topic: str) -> SymbolFeed:
        """The symbol that a topic ends with."""
        return self.symbol(topic.rpartition(":")[2])

    def _on_match(self, feed: SymbolFeed, match: wire.Match, at: int) -> list[Output]:
        price, size = text(match.price), text(match.size)
        return feed.trade(0, match.trade_id, price, size, match.side, match.ts // NANOS_PER_MICRO, at)

    def _on_mark(self, feed: SymbolFeed, mark: wire.Mark, at: int) -> list[Output]:
        """Said once the rate is known; intervals end at multiples of their length."""
        rate, predicted = (each.get(feed.instrument.symbol) for each in (self._rates, self._predicted))
        if rate is None:
            return []
        venue_time = mark.timestamp * MICROS_PER_MILLI
        next_at = feed.instrument.next_funding(venue_time)
        prices = text(mark.mark_price), text(mark.index_price)
        return feed.funding(mark.timestamp, *prices, rate, next_at, venue_time, at, predicted)

    def _on_candle(self, name: str, candle: wire.Candle, at: int) -> list[Output]:
        start, opened, close, high, low, _, contracts = candle.candles
        feed, open_at, prices = self.symbol(candle.symbol), int(start) * MICROS_PER_SECOND, (opened, high, low, close)
        return self._running.take(feed, name, open_at, prices, contracts, candle.time * MICROS_PER_MILLI, at)

    def _topics(self) -> Iterator[str]:
        for topic in TOPICS:
            yield f"{topic}:{','.join(self.symbols)}"
        for each in self._running.wanted:
            yield f"{CANDLES}:{','.join(f'{symbol}_{each}' for symbol in self.symbols)}"


def _request(number: int, topic: str) -> str:
    return text_of({"id": str(number), "type": "subscribe", "topic": topic, "response": True})


def _on_exact_best(feed: SymbolFeed, best: wire.ExactBest, at: int) -> list[Output]:
    raws = best.best_bid_price, best.best_bid_size, best.best_ask_price, best.best_ask_size
    bid, bid_size, ask, ask_size = map(text, raws)
    return feed.timed_quote(bid, bid_size, ask, ask_size, best.ts // NANOS_PER_MICRO, at)
