"""A venue's twin: what the simulator must know to be that venue. Modules in `venues/` define theirs in `TWINS`.

The stage tells the twin what happens on the market (`moves`) and what a client says; the twin answers in the venue's
frames. It owns no socket and no clock.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import msgspec

from services.ingestor.domain.ranges import MINUTE_MICROS, SPANS
from services.ingestor.simulator import past
from services.ingestor.simulator.moves import KINDS, Bar, Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level

Topic = tuple[Kind, str]
"""A kind of data of one symbol."""
WHOLE: Final = 1_000_000
"""More levels than any book has."""
NUMBER: Final = "#"
"""In a frame: its place among all frames of the client that it is sent to, which the stage fills in."""
CLIENT: Final = "@"
"""In a numbered frame: the name of that client's connection, which the stage fills in too."""


@dataclass(frozen=True)
class Traded:
    """One symbol of a simulated venue; its prices are the recording's plus `offset`.

    tick, lot: the grid that the venue lists, in its own size units, where it is not the twin's. recorded: the symbol of
    its recording; "" is the one of its own name, or else the first.
    """

    symbol: str
    offset: Decimal = Decimal(0)
    tick: str = ""
    lot: str = ""
    recorded: str = ""


class View(Protocol):
    """A symbol's book as it stands, in the venue's own numbers."""

    @property
    def number(self) -> int:
        """The number of the newest change in it."""
        ...

    @property
    def millis(self) -> int: ...

    def top(self, count: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first."""
        ...


class Reply(NamedTuple):
    """What follows from a client's message: frames to send, topics that it gets from now on, topics that it drops."""

    frames: Sequence[bytes] = ()
    joined: Sequence[Topic] = ()
    left: Sequence[Topic] = ()


class Ask(NamedTuple):
    """A client's HTTP request; `host` is the address it was sent to."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    host: str


class Heartbeat(NamedTuple):
    """A frame that the venue sends, and cuts off whoever does not answer it before the next."""

    seconds: float
    frame: bytes


@dataclass
class Newest:
    """The last quote and figures of a symbol, for those who subscribe now."""

    quote: Quote | None = None
    figures: Figures | None = None


class Twin(ABC):
    """One simulated venue.

    symbol: what it trades unless told otherwise. tick, lot: the grid that it lists for that. heartbeat: what it demands
    of its clients. wrong_checksum: a fault, for venues that send one. opens_with_figures: a subscription to the figures
    brings them at once. ends_candles: it says that a candle is final.
    """

    name: ClassVar[str]
    symbol: ClassVar[str]
    tick: ClassVar[str] = "0.1"
    lot: ClassVar[str] = "0.001"
    heartbeat: ClassVar[Heartbeat | None] = None
    opens_with_figures: ClassVar[bool] = True
    ends_candles: ClassVar[bool] = False
    wrong_checksum: bool = False

    def __init__(self, traded: Sequence[Traded] = ()) -> None:
        self.traded = tuple(traded) or (Traded(self.symbol),)
        self.numbers: Counter[str] = Counter()
        self.newest = {each.symbol: Newest() for each in self.traded}
        self.delisted = False

    @property
    def symbols(self) -> list[str]:
        """What it trades."""
        return [] if self.delisted else [each.symbol for each in self.traded]

    @property
    def kinds(self) -> Sequence[Kind]:
        """What can be subscribed to."""
        return KINDS

    def grid(self, symbol: str) -> tuple[str, str]:
        """Tick and size step as it lists them."""
        traded = next(each for each in self.traded if each.symbol == symbol)
        return traded.tick or self.tick, traded.lot or self.lot

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """What a captured frame is of, by the name it carries; None: of nothing that can be subscribed to here."""
        return None

    def catch_up(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        """Of a book's captured frames up to now, those that whoever subscribes to it now must be sent."""
        return frames

    def greeting(self) -> Sequence[bytes]:
        """What it says when a socket opens."""
        return ()

    def is_pulse(self, text: str) -> bool:
        """Whether a message answers the heartbeat."""
        return False

    @abstractmethod
    def reply(self, text: str) -> Reply:
        """What a client's message does. May raise msgspec's errors."""

    @abstractmethod
    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """The answer to an HTTP request; None: there is no such thing."""

    @abstractmethod
    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """A change of the book, numbered on from `numbers`."""

    @abstractmethod
    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """A new best quote."""

    @abstractmethod
    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """A trade."""

    @abstractmethod
    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """Mark, index, funding."""

    def candle(self, symbol: str, bar: Bar) -> Sequence[bytes]:
        """A candle as it stands, for those who follow `candles_of` the symbol; not every venue tells them."""
        return ()

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """What a subscription to the book brings at once."""
        return ()

    def opening(self, topic: Topic) -> Sequence[bytes]:
        """What another subscription brings at once: the figures as they are, unless the venue waits for the next."""
        kind, symbol = topic
        newest = self.newest[symbol].figures
        if not self.opens_with_figures or kind != "figures" or newest is None:
            return ()
        return self.figures(symbol, newest)

    def size(self, text: str, price: str) -> str:
        """A size in base units as the venue counts it."""
        return text

    def past_candles(self, symbol: str, span: str, start: int, end: int, limit: int, now: int) -> list[past.Candle]:
        """The last `limit` candles that open in [start, end], newest first, sizes as the venue counts them."""
        found = past.newest_candles(symbol, span, start, end, limit, now)
        return [replace(each, volume=self.size(each.volume, each.prices[3])) for each in found]

    def next_number(self, symbol: str) -> int:
        """The number of one more change of the book."""
        self.numbers[symbol] += 1
        return self.numbers[symbol]

    def known(self, names: Sequence[str]) -> bool:
        """Whether all of these are traded."""
        return set(names) <= set(self.symbols)


def candles_of(symbol: str, interval: str) -> Topic:
    """The topic of a symbol's candles of one interval."""
    return "candle", f"{symbol} {interval}"


def single_levels(change: Change) -> list[tuple[str, Level]]:
    """The change level by level, "buy" or "sell": what goes leaves first, so that the book is never crossed between."""
    levels = [("buy", level) for level in change.bids] + [("sell", level) for level in change.asks]
    return sorted(levels, key=lambda each: Decimal(each[1][1]) != 0)


def dollars(size: str, price: str, contract: int = 1) -> str:
    """A size in base units as whole contracts of so many dollars: at least one, unless it is none."""
    amount = Decimal(size)
    if not amount:
        return "0"
    return str(max(1, int((amount * Decimal(price) / contract).quantize(Decimal(1), ROUND_HALF_UP))))


def contracts(size: str, worth: str) -> str:
    """A size in base units as contracts worth `worth` each."""
    return format((Decimal(size) / Decimal(worth)).normalize(), "f")


def span_of(minutes: int) -> str:
    """The candle interval of so many minutes."""
    return next(name for name, length in SPANS.items() if length == minutes * MINUTE_MICROS)


def number(text: str) -> msgspec.Raw:
    """Decimal text as a JSON number."""
    return msgspec.Raw(text.encode())


def encoded(**fields: Any) -> bytes:
    """A frame of these fields."""
    return msgspec.json.encode(fields)


def encoded_rows(rows: Sequence[Any]) -> bytes:
    """An answer that is a list."""
    return msgspec.json.encode(rows)


def message(text: str) -> dict[str, Any]:
    """A client's JSON object. Raises msgspec's errors."""
    return msgspec.json.decode(text, type=dict[str, Any])


def topics_of(names: Mapping[Kind, str], wanted: Sequence[str], symbols: Sequence[str]) -> list[Topic]:
    """The topics that are meant by the venue's own names; `names` are patterns with "*" for the symbol."""
    found: list[Topic] = []
    for text in wanted:
        for kind, pattern in names.items():
            found += [(kind, symbol) for symbol in symbols if pattern.replace("*", symbol) == text]
    return found


def decimals(step: str) -> int:
    """How many places a step of a grid has."""
    return len(step.partition(".")[2])


@cache
def twins() -> Mapping[str, type[Twin]]:
    """Every twin by its venue's name."""
    from services.ingestor.simulator import venues as package

    found: dict[str, type[Twin]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        for twin in importlib.import_module(f"{package.__name__}.{module.name}").TWINS:
            found[twin.name] = twin
    return found
