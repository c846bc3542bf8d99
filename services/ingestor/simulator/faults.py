"""Faults that the simulator commits on demand, each once, by the number of the frame (from 0).

Where a recording is played byte for byte, that is its line; where a venue is derived from one, the frames that the
venue would have sent are counted.

drop:N or drop:N-M       frames lost between the venue and its clients
duplicate:N              a frame sent twice
swap:N,M                 two frames sent in each other's place (derived venues: N withheld until M is through)
delay:N:MS               the stream stalls for MS milliseconds before the frame
truncate:N               a frame cut in half
badjson:N                a frame that is not JSON
close:N[:CODE]           every socket is closed before the frame, with the code (default 1001)
silence:N                sockets open at the frame stay open, answer pings and bring no data any more
http429:COUNT[:SECONDS]  the first COUNT requests (Binance USD-M: of depth) are refused: 429, Retry-After (default 1)
http418:COUNT[:SECONDS]  the same with 418
stale_snapshot:COUNT     COUNT book snapshots, the next ones, are old: changes are missing between them and the stream

For derived venues alone:
halfopen:N               sockets open at the frame stay open and are dead: nothing is read, no ping answered
skew:N:MS                from the frame on, the venue's clock is MS milliseconds off
cross:N                  a change of the book lays a bid at the best ask
spike:N-M:PPM            quotes and trades of the frames are PPM millionths too high (or low)
checksum:N               a wrong checksum, where the venue sends one
restart:N                the numbers of the book begin anew
retick:N                 from the frame on, prices lie between the ticks that the venue lists
delist:N                 from the frame on nothing is said; subscriptions are refused, the listing is empty
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

_Value = TypeVar("_Value")

DEFAULT_CLOSE_CODE: Final = 1001
NOT_JSON: Final = b'{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate",}'


@dataclass
class Faults:
    """Every fault that is to come."""

    dropped: set[int] = field(default_factory=set)
    duplicated: set[int] = field(default_factory=set)
    swapped: dict[int, int] = field(default_factory=dict)
    delayed: dict[int, float] = field(default_factory=dict)
    truncated: set[int] = field(default_factory=set)
    not_json: set[int] = field(default_factory=set)
    closing: dict[int, int] = field(default_factory=dict)
    silencing: set[int] = field(default_factory=set)
    refusals: list[tuple[int, int]] = field(default_factory=list)
    stale_snapshots: int = 0
    deadening: set[int] = field(default_factory=set)
    crossing: set[int] = field(default_factory=set)
    miscounted: set[int] = field(default_factory=set)
    restarting: set[int] = field(default_factory=set)
    delisting: set[int] = field(default_factory=set)
    skewed: dict[int, int] = field(default_factory=dict)
    spikes: list[tuple[int, int, int]] = field(default_factory=list)
    refined: int | None = None

    def add(self, text: str) -> None:
        """Add a fault from its text form. Raises ValueError for anything else."""
        kind, _, rest = text.partition(":")
        first, _, second = rest.partition(":")
        if kind == "drop":
            low, _, high = first.partition("-")
            self.dropped.update(range(int(low), int(high or low) + 1))
        elif kind == "swap":
            one, _, other = first.partition(",")
            self.swapped.update({int(one): int(other), int(other): int(one)})
        elif kind == "delay":
            self.delayed[int(first)] = int(second) / 1_000
        elif kind == "close":
            self.closing[int(first)] = int(second or DEFAULT_CLOSE_CODE)
        elif kind in ("http429", "http418"):
            self.refusals += [(int(kind[4:]), int(second or 1))] * int(first)
        elif kind == "stale_snapshot":
            self.stale_snapshots += int(first)
        elif kind == "skew":
            self.skewed[int(first)] = int(second)
        elif kind == "spike":
            low, _, high = first.partition("-")
            self.spikes.append((int(low), int(high), int(second)))
        elif kind == "retick":
            self.refined = int(first)
        else:
            self._marked(kind).add(int(first))

    def _marked(self, kind: str) -> set[int]:
        marks = {
            "duplicate": self.duplicated,
            "truncate": self.truncated,
            "badjson": self.not_json,
            "silence": self.silencing,
            "halfopen": self.deadening,
            "cross": self.crossing,
            "checksum": self.miscounted,
            "restart": self.restarting,
            "delist": self.delisting,
        }
        if kind not in marks:
            raise ValueError(f"unknown fault {kind!r}")
        return marks[kind]

    def due(self, marks: set[int], number: int) -> bool:
        """Whether a fault is marked for this frame or one before; it is then done with."""
        passed = {mark for mark in marks if mark <= number}
        marks -= passed
        return bool(passed)

    def due_value(self, marks: MutableMapping[int, _Value], number: int) -> _Value | None:
        """What is marked for this frame or one before, None if nothing; it is then done with."""
        passed = [mark for mark in marks if mark <= number]
        return [marks.pop(mark) for mark in sorted(passed)][-1] if passed else None

    def spike_at(self, number: int) -> int:
        """How far prices are off at this frame, in millionths."""
        return next((ppm for low, high, ppm in self.spikes if low <= number <= high), 0)

    def frames(self, number: int, raw: bytes) -> list[bytes]:
        """What is sent in place of one frame."""
        if number in self.dropped:
            return []
        if number in self.truncated:
            return [raw[: len(raw) // 2]]
        if number in self.not_json:
            return [NOT_JSON]
        return [raw, raw] if number in self.duplicated else [raw]
