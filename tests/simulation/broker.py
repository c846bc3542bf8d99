"""The bus of the simulation: streams in memory, and connections that delay, repeat, skip, lose and lie."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from cleartide.bus.ports import CursorLost, Delivery, OutboxRow, StreamState
from cleartide.bus.streams import BY_NAME, STREAMS, Stream

from tests.simulation.chance import Chance

START_MICROS: Final = 1_767_225_600_000_000 - 4 * 3600 * 1_000_000  # 20:00 UTC: a day ends within a run
MICROS_PER_SECOND: Final = 1_000_000
MOST_AT_ONCE: Final = 9


class Stored(NamedTuple):
    """One message of a stream."""

    subject: str
    payload: bytes
    at: int


@dataclass
class Log:
    """One stream: what is stored, which identities it remembers, who waits for more, and the newest cursors."""

    stream: Stream
    messages: list[Stored] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)

    def grown(self) -> None:
        """Wake everybody who waits."""
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


class Broker:
    """Every stream. Storing is instant and never lost; only the way there and back is unsafe."""

    def __init__(self) -> None:
        self.logs = {stream.name: Log(stream) for stream in STREAMS}
        self._leapt = 0

    def now(self) -> int:
        """The broker's clock, microseconds UTC."""
        return START_MICROS + self._leapt + int(asyncio.get_running_loop().time() * MICROS_PER_SECOND)

    def leap(self, micros: int) -> None:
        """A quiet time passes: funding intervals and days end within a short run."""
        self._leapt += micros

    def store(self, stream: str, subject: str, payload: bytes, identity: str = "") -> None:
        """Append, unless the identity is one that the stream remembers."""
        log = self.logs[stream]
        if identity and identity in log.identities:
            return
        if identity:
            log.identities.add(identity)
        log.messages.append(Stored(subject, payload, self.now()))
        log.grown()

    def forget(self, stream: str, identity: str) -> None:
        """The duplicate window of one identity is over."""
        self.logs[stream].identities.discard(identity)


class BrokenConnection(OSError):  # noqa: N818 - a circumstance
    """What a connection that fails raises."""


class SimulatedBus:
    """One process's connection. `stopped` is awaited before and after each step: a frozen process does nothing."""

    def __init__(self, broker: Broker, chance: Chance, thaw: Callable[[], "asyncio.Future[None] | None"]) -> None:
        self._broker, self._chance, self._thaw = broker, chance, thaw

    async def step(self) -> None:
        """One way over the network."""
        await self._chance.wait()
        while (frozen := self._thaw()) is not None:
            await asyncio.shield(frozen)

    async def state(self, stream: Stream) -> StreamState:
        """Bounds of a stream."""
        await self.step()
        if self._chance.happens("store_fails"):
            raise BrokenConnection("no answer to the question for the stream's state")
        return StreamState(1, len(self._broker.logs[stream.name].messages), "made once")

    async def open(self, stream: Stream, service: str, start_seq: int) -> "SimulatedSource":
        """A cursor; whoever held the service's last one has lost it."""
        await self.step()
        log = self._broker.logs[stream.name]
        log.cursors[service] = log.cursors.get(service, 0) + 1
        log.grown()
        await self.step()
        return SimulatedSource(log, service, max(start_seq, 1), self, self._chance)

    async def read(self, stream: Stream, first_seq: int, count: int) -> list[Delivery]:
        """Some of the stored messages from a number on."""
        await self.step()
        if self._chance.happens("store_fails"):
            raise BrokenConnection("no answer to a read")
        messages = self._broker.logs[stream.name].messages
        taken = messages[first_seq - 1 : first_seq - 1 + min(count, self._chance.random.randint(1, MOST_AT_ONCE))]
        await self.step()
        return [
            Delivery(number, message.at, message.subject, message.payload, "", len(messages) - number)
            for number, message in enumerate(taken, start=first_seq)
        ]

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Channel by channel in order; fails before, in the middle, or after everything is stored."""
        for channel, group in groupby(sorted(rows, key=lambda row: row.channel), key=lambda row: row.channel):
            await self.step()
            if self._chance.happens("publish_fails"):
                raise BrokenConnection("the rows did not arrive")
            chunk = list(group)
            cut = self._chance.random.randrange(len(chunk)) if self._chance.happens("publish_cut") else len(chunk)
            for row in chunk[:cut]:
                self._store(service, channel, row)
            await self.step()
            if cut < len(chunk):
                raise BrokenConnection("the connection broke between two rows")
            if self._chance.happens("ack_lost"):
                raise TimeoutError("stored, but nobody said so")

    def _store(self, service: str, channel: str, row: OutboxRow) -> None:
        identity = "" if BY_NAME[channel].public else f"{service}.{channel}.{row.first_seq}"
        if identity and self._chance.happens("window_over"):
            self._broker.forget(channel, identity)
        self._broker.store(channel, row.subject, row.payload, identity)


class SimulatedSource:
    """A cursor that delivers in order, in batches of any size, sometimes again, sometimes with a hole."""

    def __init__(self, log: Log, service: str, start: int, bus: SimulatedBus, chance: Chance) -> None:
        self._log, self._service, self._next, self._bus, self._chance = log, service, start, bus, chance
        self._generation = log.cursors[service]

    def _require_own(self) -> None:
        if self._log.cursors[self._service] != self._generation:
            raise CursorLost("the consumer was made anew by somebody else")

    async def fetch(self) -> list[Delivery]:
        """Wait for one message, take what is there."""
        await self._bus.step()
        while len(self._log.messages) < self._next:
            self._require_own()
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._log.waiting.append(waiter)
            await waiter
            await self._bus.step()
        self._require_own()
        if self._chance.happens("cursor_lost"):
            raise CursorLost("the connection was made anew")
        if self._chance.happens("fetch_skips"):
            self._next += 1
        if self._chance.happens("fetch_repeats"):
            self._next = max(1, self._next - self._chance.random.randint(1, MOST_AT_ONCE))
        first, count = self._next, self._chance.random.randint(1, MOST_AT_ONCE)
        taken = self._log.messages[first - 1 : first - 1 + count]
        if not taken:
            raise CursorLost("the consumer sequence went on by two")
        self._next = first + len(taken)
        total = len(self._log.messages)
        return [
            Delivery(first + index, message.at, message.subject, message.payload, "", total - first - index)
            for index, message in enumerate(taken)
        ]

    async def ack(self, delivery: Delivery) -> None:
        """Nothing depends on it; it may fail like any other message."""
        if self._chance.happens("cursor_lost"):
            raise BrokenConnection(f"the acknowledgement of {delivery.stream_seq} was not sent")

    async def close(self) -> None:
        """Nothing to give back."""
