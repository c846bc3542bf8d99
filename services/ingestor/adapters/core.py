"""What every venue's core has in common: connections, symbols, silence, and frames that nobody should send."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final

import msgspec
from cleartide.money import MoneyError

from services.ingestor.adapters.events import InstrumentTerms, Status
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Malformed, Output, Poll, RouteSpec, Send
from services.ingestor.adapters.symbol import SymbolFeed

STALE_MICROS: Final = 2_000_000
FIGURES_STALE_MICROS: Final = 5_000_000
"""Figures come once a second: two late ones are not silence."""
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
DETAIL_CHARS: Final = 160
ROUTE: Final = "public"
"""The one connection of a `OneSocketCore`."""


class Unusable(Exception):  # noqa: N818 - a verdict on a frame
    """Raised by a venue's module for a frame that can be read but not used."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Core(ABC):
    """The shared half of a `protocol.VenueCore`; a venue's module is the other half.

    name: the venue in subjects and rows. book_route: the connection whose loss costs the books. steady: kinds of data
    whose rate is known, by route: one that is quiet for longer than `stale_micros` is stale, however alive the socket;
    figures, which come more slowly, are given FIGURES_STALE_MICROS at the least.
    snapshots_in_feed: a book snapshot comes with the subscription, not by a request of its own.
    """

    name: ClassVar[str]
    book_route: ClassVar[str]
    steady: ClassVar[Mapping[str, str]]
    snapshots_in_feed: ClassVar[bool] = True

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.counts: Counter[str] = Counter()
        self.symbols = {each.symbol: SymbolFeed(self.name, each, self.counts, self.resync) for each in instruments}
        self._open: dict[str, int] = {}
        self.stale_micros = STALE_MICROS

    @property
    def venue(self) -> str:
        """The venue's name in subjects and rows."""
        return self.name

    @property
    @abstractmethod
    def routes(self) -> Sequence[RouteSpec]:
        """Each connection that is needed."""

    @abstractmethod
    def subscriptions(self, route: str) -> list[str]:
        """The frames to send on a fresh connection."""

    @abstractmethod
    def take(self, data: bytes | str, at: int) -> list[Output]:
        """Decode a frame and let its symbol take it. May raise msgspec's errors, MoneyError and Unusable."""

    @abstractmethod
    def resync(self, symbol: str, attempt: int, reason: str) -> list[Output]:
        """How to ask for a new snapshot of a symbol's book."""

    def take_snapshot(self, feed: SymbolFeed, data: bytes, at: int) -> list[Output]:
        """Read the answer to a FetchSnapshot; only for venues that are asked so."""
        raise Unusable("unexpected_snapshot", f"{feed.instrument.symbol}: {len(data)} bytes at {at}")

    @property
    def polls(self) -> Sequence[Poll]:
        """Nothing, unless the venue has figures that it does not send."""
        return ()

    def take_poll(self, feed: SymbolFeed, data: bytes, at: int) -> list[Output]:
        """Read the answer to a Poll; only for venues that are asked so."""
        raise Unusable("unexpected_answer", f"{feed.instrument.symbol}: {len(data)} bytes at {at}")

    def address(self, route: str, ticket: bytes) -> str:
        """Where the route is; only for venues that give out tickets."""
        raise ValueError(f"{self.name} {route} needs no ticket, got {len(ticket)} bytes")

    def symbol(self, name: str) -> SymbolFeed:
        """One symbol's state. Raises Unusable for one that was not asked for."""
        found = self.symbols.get(name)
        if found is None:
            raise Unusable("unknown_symbol", name)
        return found

    def route_of(self, name: str, symbol: str) -> str:  # noqa: ARG002 - for venues where it matters
        """The connection `name` as it is for a symbol: at some venues each has one of its own."""
        return name

    def resume_trades(self, highest: Mapping[str, int]) -> None:
        """Highest trade number recorded by an earlier run, by symbol."""
        for name, number in highest.items():
            if name in self.symbols:
                self.symbols[name].resume_trades(number)

    def measure_liquidity(self, every: int, multiples: Sequence[int] = ()) -> None:
        """From now on say what the books can bear, at most once in `every` microseconds of venue time each.

        `multiples`: say them too in steps of so many ticks.
        """
        for each in self.symbols.values():
            each.meter.every, each.meter.multiples = every, tuple(multiples)

    def judge_stale(self, micros: int) -> None:
        """From now on a steady stream is stale when it is quiet for longer than this."""
        self.stale_micros = micros

    def terms(self, at: int) -> list[InstrumentTerms]:
        """What each instrument is."""
        return [each.terms(at) for each in self.symbols.values()]

    def connected(self, route: str, at: int) -> list[Output]:
        """Subscribe to the route's streams and say so per symbol."""
        self._open[route] = at
        frames = tuple(self.subscriptions(route))
        out: list[Output] = [Send(route, frames)] if frames else []
        for each in self._carried(route):
            if self.snapshots_in_feed and route == self.route_of(self.book_route, each.instrument.symbol):
                each.expect_book(at)
            out.append(each.status("connected", f"connected-{route}", route, at))
        return out

    def disconnected(self, route: str, at: int, reason: str) -> list[Output]:
        """Drop the books if the route carried them. Trade ids stay: what was missed will show as missing."""
        self._open.pop(route, None)
        out: list[Output] = []
        for each in self._carried(route):
            if route == self.route_of(self.book_route, each.instrument.symbol):
                each.reset_book()
            out.append(each.status("disconnected", f"disconnected-{route}", f"{route}: {reason}", at))
        return out

    def frame(self, data: bytes | str, at: int) -> list[Output]:
        """One message; nothing that the venue sends makes it raise."""
        try:
            return self.take(data, at)
        except UNREADABLE as error:
            return self._malformed("unreadable", str(error))
        except (Unusable, MoneyError) as error:
            return self._malformed(error.reason, str(error))

    def snapshot(self, symbol: str, data: bytes, at: int) -> list[Output]:
        """Take the answer to a FetchSnapshot."""
        feed = self.symbols[symbol]
        try:
            return self.take_snapshot(feed, data, at)
        except UNREADABLE as error:
            return self._malformed("unreadable", str(error)) + feed.unreadable_snapshot(at)

    def polled(self, symbol: str, data: bytes, at: int) -> list[Output]:
        """Take the answer to a Poll; what cannot be used is asked for again when it is due."""
        try:
            return self.take_poll(self.symbols[symbol], data, at)
        except UNREADABLE as error:
            return self._malformed("unreadable", str(error))
        except (Unusable, MoneyError) as error:
            return self._malformed(error.reason, str(error))

    def silent_micros(self, route: str, at: int) -> int:
        """Time since the newest data of any symbol on the route, or since the route opened."""
        if route not in self._open:
            return 0
        heard = [
            self._heard(each, kind)
            for name, each in self.symbols.items()
            for kind, carrier in self.steady.items()
            if self.route_of(carrier, name) == route
        ]
        return at - max(heard, default=at)

    def heartbeat(self, at: int) -> list[Status]:
        """`synced` when the book is joined and every steady stream is fresh; otherwise what is wrong."""
        return [self._judge(each, at) for each in self.symbols.values()]

    def overdue(self, at: int) -> list[Output]:
        """Snapshots that should have come within the feed."""
        if not self.snapshots_in_feed:
            return []
        fed = [each for name, each in self.symbols.items() if self.route_of(self.book_route, name) in self._open]
        return [output for each in fed for output in each.overdue_book(at)]

    def _judge(self, symbol: SymbolFeed, at: int) -> Status:
        closed = [name for name in self._routes_of(symbol) if name not in self._open]
        if closed:
            return symbol.status("disconnected", "heartbeat", ", ".join(closed), at)
        wrong = [f"{kind} silent" for kind in self.steady if at - self._heard(symbol, kind) > self._patience(kind)]
        if not symbol.synced:
            wrong.append("book resyncing")
        status = "stale" if wrong else "synced"
        if self.counts["malformed"]:
            wrong.append(f"{self.counts['malformed']} malformed frames")
        return symbol.status(status, "heartbeat", "; ".join(wrong), at)

    def _patience(self, kind: str) -> int:
        return max(self.stale_micros, FIGURES_STALE_MICROS) if kind == "funding" else self.stale_micros

    def _heard(self, symbol: SymbolFeed, kind: str) -> int:
        return max(symbol.heard.get(kind, 0), self._open[self.route_of(self.steady[kind], symbol.instrument.symbol)])

    def _routes_of(self, symbol: SymbolFeed) -> Iterable[str]:
        """The connections that carry the symbol's data."""
        return dict.fromkeys(self.route_of(route.name, symbol.instrument.symbol) for route in self.routes)

    def _carried(self, route: str) -> list[SymbolFeed]:
        """The symbols that a connection carries."""
        return [each for each in self.symbols.values() if route in self._routes_of(each)]

    def _malformed(self, reason: str, detail: str) -> list[Output]:
        self.counts["malformed"] += 1
        return [Malformed(reason, detail[:DETAIL_CHARS])]


class OneSocketCore(Core):
    """For venues whose one connection, `socket`, carries everything.

    `_said`: by symbol the second of the figures said last, and a figure of theirs that is only said when it changes.
    """

    book_route: ClassVar[str] = ROUTE
    socket: ClassVar[RouteSpec] = RouteSpec(ROUTE)

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        super().__init__(instruments)
        self._requests = 0
        self._said: dict[str, tuple[int, str]] = {}

    @property
    def routes(self) -> Sequence[RouteSpec]:
        """One connection carries everything."""
        return (self.socket,)
