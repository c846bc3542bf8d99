"""A collector's recording: lines of "<receipt ns> <raw message>", one of them the REST depth snapshot.

It can be played again and again: the ids and times of a frame are moved up, everything else stays as it was captured.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

PAUSE_MILLIS: Final = 50
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


class Envelope(msgspec.Struct, gc=False):
    """A frame of a combined stream."""

    stream: str
    data: Body


class Snapshot(msgspec.Struct, gc=False):
    """The recorded answer of the depth endpoint."""

    bids: list[Level]
    asks: list[Level]
    last: int = msgspec.field(name="lastUpdateId")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its place in the file from 0, nanoseconds since the first line, the message as captured and as read."""

    number: int
    after_ns: int
    raw: bytes
    stream: str
    body: Body | None


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
        self.lines: list[Line] = []
        self.snapshot_line = -1
        for line in _read(path, last_line):
            self.lines.append(line)
            if line.body is None:
                self.snapshot_line = line.number
                self.snapshot_raw = line.raw
        if self.snapshot_line < 0:
            raise ValueError(f"{path.name} holds no depth snapshot")
        self.snapshot = msgspec.json.decode(self.snapshot_raw, type=Snapshot)
        bodies = [(line.after_ns, line.body) for line in self.lines if line.body is not None]
        depth = [line for line in self.lines if line.body is not None and line.body.e == "depthUpdate"]
        self.symbol = bodies[0][1].s
        self.join = next(line for line in depth if line.body is not None and line.body.u >= self.snapshot.last)
        self.first_millis = bodies[0][1].E
        self.lead_millis = max(body.E - after_ns // 1_000_000 for after_ns, body in bodies) - self.first_millis
        self.loop_millis = self.lines[-1].after_ns // 1_000_000 + PAUSE_MILLIS
        self._updates_per_second = _pace(
            [(at, number) for at, body in bodies for number in (body.pu, body.u) if number]
        )
        self._trades_per_second = _pace([(at, body.t) for at, body in bodies if body.t])

    def shift(self, millis: int) -> Shift:
        """The shift of a loop that begins `millis` after the recording did: ids rise faster than any loop counts."""
        seconds = millis // 1_000
        return Shift(seconds * self._updates_per_second, seconds * self._trades_per_second, millis)


def _read(path: Path, last_line: int | None) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Envelope)
    first_ns: int | None = None
    with gzip.open(path) as file:
        for number, text in enumerate(file):
            if last_line is not None and number > last_line:
                return
            receipt, _, raw = text.rstrip(b"\n").partition(b" ")
            receipt_ns = int(receipt)
            first_ns = receipt_ns if first_ns is None else first_ns
            if raw.startswith(b'{"lastUpdateId"'):
                yield Line(number, receipt_ns - first_ns, raw, "", None)
            else:
                frame = decoder.decode(raw)
                yield Line(number, receipt_ns - first_ns, raw, frame.stream, frame.data)


def _pace(numbered: list[tuple[int, int]]) -> int:
    """Ids a second that no stretch of a second or more from the start exceeds."""
    lowest = min(number for _, number in numbered)
    return max(
        (number - lowest) // (after_ns // 1_000_000_000) + 1 for after_ns, number in numbered if after_ns >= 10**9
    )
