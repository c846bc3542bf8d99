"""The simulated world: one random generator decides every delay and every fault, so that a seed is a whole history.

Everything runs on one event loop without timers and without I/O. A pause is a number of turns of the loop, drawn from
the seed; the loop's queue is first in, first out. So the same seed gives the same history on any machine.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from cleartide.bus.ports import Delivery, OutboxRow
from cleartide.bus.streams import Stream

LONGEST_PAUSE = 6


class Crashed(BaseException):
    """The process died here. No handler of ours may catch it."""


class Unreachable(OSError):  # noqa: N818 - a circumstance, and the name of it
    """The bus or the database did not answer; what was asked may or may not have happened."""


@dataclass
class MemoryStream:
    """One stream: numbered messages, kept for ever."""

    stream: Stream
    messages: list[Delivery] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def append(self, at: int, subject: str, payload: bytes, traceparent: str = "") -> None:
        """Store one message under the next number."""
        self.messages.append(Delivery(len(self.messages) + 1, at, subject, payload, traceparent, 0))
        self.arrived.set()


@dataclass
class World:
    """The seed's generator, the streams, and how likely faults are."""

    seed: int
    fault_rate: float
    streams: dict[str, MemoryStream] = field(default_factory=dict)
    faults: "Counter[str]" = field(default_factory=Counter)
    now: int = 1_790_000_000_000_000

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.calm = False

    def stream(self, stream: Stream) -> MemoryStream:
        """The stream of that definition."""
        return self.streams.setdefault(stream.name, MemoryStream(stream))

    def tick(self) -> int:
        """The broker's clock: it moves on with every message."""
        self.now += self.random.randint(1, 400_000)
        return self.now

    def happens(self, fault: str) -> bool:
        """Whether a fault strikes here."""
        if self.calm or self.random.random() >= self.fault_rate:
            return False
        self.faults[fault] += 1
        return True

    async def pause(self) -> None:
        """Let the others go first, for a while that the seed decides."""
        for _ in range(self.random.randint(1, LONGEST_PAUSE)):
            await asyncio.sleep(0)

    def crash(self, point: str) -> None:
        """A named point of the recipe: the process may die here."""
        if self.happens(f"crash {point}"):
            raise Crashed(point)

    def store(self, rows: list[OutboxRow]) -> None:
        """Messages that were published, in order."""
        for row in rows:
            stream = self.streams[row.channel]
            stream.append(self.tick(), row.subject, row.payload, row.traceparent)
