"""A collector's recording: lines of "<receipt ns> <raw message>", one of them the REST depth snapshot.

It can be played again and again: the ids and times of a frame are moved up, everything else stays as it was captured.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

PAUSE_MILLIS: Final = 50
GRIDS: Final = {"BTCUSDT": ("0.10", "0.001"), "ETHUSDT": ("0.01", "0.001"), "SOLUSDT": ("0.01", "0.01")}
"""Tick and size step by the venue's published rules: a recording does not say them."""
_MOVING: Final = re.compile(rb'"(U|u|pu|lastUpdateId|t|E|T)":(\d+)')

Level = tuple[str, str]


class Body(msgspec.Struct, gc=False):
    """The fields of a frame that the simulator must understand; which of them are there depends on the event."""

    e: str
    s: str
    E: int
    U: int = 0
    u: int = 0
    pu: int = 0
    t: int = 0
    b: list[Level] | str = ""
    a: list[Level] | str = ""
    B: str = ""
    A: str = ""
    p: str = ""
    q: str = ""
    m: bool = False
    X: str = "MARKET"


class Envelope(msgspec.Struct, gc=False):
    """A frame of a combined stream."""

    stream: str
    data: Body


class Snapshot(msgspec.Struct, gc=False):
    """The recorded answer of the depth endpoint."""

    bids: list[Level]
    asks: list[Level]
    last: int = msgspec.field(name="lastUpdateId")


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its place in the file from 0, nanoseconds since the first line, the message as captured.

    `stream` is "" for the depth snapshot, which came by REST.
    """

    number: int
    after_ns: int
    raw: bytes
    stream: str

    @property
    def is_depth(self) -> bool:
        """Whether it is a frame of book differences."""
        return "@depth" in self.stream

    def body(self) -> Body:
        """The frame's fields."""
        return _ENVELOPE.decode(self.raw).data


@dataclass(frozen=True, slots=True)
class Shift:
    """What is added to a frame's numbers: update ids, trade ids, milliseconds."""

    updates: int = 0
    trades: int = 0
    millis: int = 0

    def apply(self, raw: bytes) -> bytes:
        """The message with its numbers moved; the very same bytes when nothing moves."""
        if not (self.updates or self.trades or self.millis):
            return raw
        return _MOVING.sub(self._move, raw)

    def _move(self, match: "re.Match[bytes]") -> bytes:
        name = match[1]
        by = self.millis if name in (b"E", b"T") else self.trades if name == b"t" else self.updates
        return b'"%b":%d' % (name, int(match[2]) + by)


class Recording:
    """One symbol's recording, read whole (25 MB for six minutes of BTCUSDT).

    `join` is the line of the first difference that the snapshot does not hold. `lead_millis` says how far event times
    run ahead of receipt times by the collector's clock, at most.
    """

    def __init__(self, path: Path, last_line: int | None = None) -> None:
        self.lines = list(_read(path, last_line))
        recorded = next((line for line in self.lines if not line.stream), None)
        if recorded is None:
            raise ValueError(f"{path.name} holds no depth snapshot")
        self.snapshot_raw = recorded.raw
        self.snapshot = msgspec.json.decode(recorded.raw, type=Snapshot)
        self.join = next(line for line in self.lines if line.is_depth and line.body().u >= self.snapshot.last)
        first = self.lines[0].body()
        self.symbol, self.first_millis = first.s, first.E
        self.loop_millis = self.lines[-1].after_ns // 1_000_000 + PAUSE_MILLIS
        updates, trades = _Pace(), _Pace()
        self.lead_millis = 0
        for line in self.lines:
            if line.stream:
                body = line.body()
                updates.take(line.after_ns, body.pu or body.u, body.u)
                trades.take(line.after_ns, body.t, body.t)
                self.lead_millis = max(self.lead_millis, body.E - line.after_ns // 1_000_000 - self.first_millis)
        self._updates, self._trades = updates, trades

    @property
    def tick(self) -> Decimal:
        """Of its prices, in quote units. Raises KeyError for a symbol whose grid nobody has written down."""
        return Decimal(GRIDS[self.symbol][0]).normalize()

    def shift(self, millis: int) -> Shift:
        """For a replay that begins `millis` after the recording did: ids above those of any that began earlier."""
        seconds = millis // 1_000
        return Shift(seconds * self._updates.per_second, seconds * self._trades.per_second, millis)

    def next_loop(self, shift: Shift, millis: int) -> Shift:
        """For the loop after the one played with `shift`: ids go on where that one ended."""
        return Shift(shift.updates + self._updates.span, shift.trades + self._trades.span, millis)


class _Pace:
    """How many ids a loop takes, and how many a second at most, counted from the start over a second or more."""

    def __init__(self) -> None:
        self._lowest = 0
        self.span = 0
        self.per_second = 1

    def take(self, after_ns: int, lowest: int, highest: int) -> None:
        """One frame's ids, 0 where it has none."""
        if not highest:
            return
        self._lowest = min(self._lowest or lowest, lowest)
        self.span = max(self.span, highest - self._lowest + 1)
        seconds = after_ns // 1_000_000_000
        if seconds:
            self.per_second = max(self.per_second, (highest - self._lowest) // seconds + 1)


def _read(path: Path, last_line: int | None) -> Iterator[Line]:
    first_ns: int | None = None
    names: dict[str, str] = {}
    with gzip.open(path) as file:
        for number, text in enumerate(file):
            if last_line is not None and number > last_line:
                return
            receipt, _, raw = text.rstrip(b"\n").partition(b" ")
            receipt_ns = int(receipt)
            first_ns = receipt_ns if first_ns is None else first_ns
            stream = "" if raw.startswith(b'{"lastUpdateId"') else _ENVELOPE.decode(raw).stream
            yield Line(number, receipt_ns - first_ns, raw, names.setdefault(stream, stream))
