"""Faults that the simulator commits on demand, each once, by the line number of the recording (from 0).

drop:N or drop:N-M       frames lost between the venue and its clients
duplicate:N              a frame sent twice
swap:N,M                 two frames sent in each other's place
delay:N:MS               the stream stalls for MS milliseconds before the frame
truncate:N               a frame cut in half
badjson:N                a frame that is not JSON
close:N[:CODE]           every socket is closed before the frame, with the code (default 1001)
silence:N                sockets open at the frame stay open, answer pings and bring no data any more
http429:COUNT[:SECONDS]  the first COUNT depth requests are refused with 429 and Retry-After (default 1)
http418:COUNT[:SECONDS]  the same with 418
stale_snapshot:COUNT     COUNT depth requests, the first ones after the recorded snapshot, are answered with that one
"""

from dataclasses import dataclass, field
from typing import Final

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
        else:
            self._marked(kind).add(int(first))

    def _marked(self, kind: str) -> set[int]:
        marks = {
            "duplicate": self.duplicated,
            "truncate": self.truncated,
            "badjson": self.not_json,
            "silence": self.silencing,
        }
        if kind not in marks:
            raise ValueError(f"unknown fault {kind!r}")
        return marks[kind]

    def frames(self, number: int, raw: bytes) -> list[bytes]:
        """What is sent in place of one frame."""
        if number in self.dropped:
            return []
        if number in self.truncated:
            return [raw[: len(raw) // 2]]
        if number in self.not_json:
            return [NOT_JSON]
        return [raw, raw] if number in self.duplicated else [raw]
