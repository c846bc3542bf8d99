"""What a service that was away has lost or done twice: what its input holds against what it says that it has folded."""

import re
from dataclasses import dataclass
from typing import Any, Final

from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import Stream
from cleartide.contracts import Message
from cleartide.contracts.codec import Decoder
from cleartide.store.names import quoted

READ_AT_ONCE: Final = 500
_SAMPLE: Final = re.compile(
    r"^cleartide_(events_total|events_skipped_total|position)\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE
)


@dataclass(frozen=True)
class Committed:
    """How far a service's schema has come: under which epoch, at which position, after which message of the stream."""

    epoch: int
    position: int
    stream_seq: int

    @classmethod
    async def of(cls, connection: Any, service: str) -> "Committed":
        """As its schema says now; `connection` is an administrator's."""
        query = f"SELECT epoch, position, stream_seq FROM {quoted(service)}.consumer_position"  # noqa: S608
        return cls(*await connection.fetchrow(query))


@dataclass(frozen=True)
class Folded:
    """What a process has counted since it started: events folded, and those that were known and skipped; its position.

    position: 0 until it has committed anything.
    """

    events: int
    skipped: int
    position: int

    @classmethod
    def of(cls, metrics: str) -> "Folded":
        """From the process's metrics. Raises ValueError where they are not a service's."""
        found = {name: int(float(value)) for name, value in _SAMPLE.findall(metrics)}
        if len(found) != len(cls.__dataclass_fields__):
            raise ValueError("the service does not count what it folds")
        return cls(found["events_total"], found["events_skipped_total"], found["position"])


@dataclass(frozen=True)
class Balance:
    """Events that the stream holds between two positions against those that were folded there.

    first, last: the positions. wanted: what had to be folded. folded: what was. skipped: came again, and was known.
    """

    first: int
    last: int
    wanted: int
    folded: int
    skipped: int

    @property
    def lost(self) -> int:
        """Events that were passed over."""
        return max(0, self.wanted - self.folded)

    @property
    def doubled(self) -> int:
        """Events that were folded a second time."""
        return max(0, self.folded - self.wanted)

    def lines(self) -> tuple[str, str]:
        """The verdict, and from what it is reckoned."""
        verdict = f"events lost {self.lost}, duplicates applied {self.doubled}"
        held = f"{self.wanted} in the stream from {self.first} to {self.last}"
        return verdict, f"{held}; {self.folded} folded, {self.skipped} came again and were skipped"


async def balance(bus: NatsBus, stream: Stream, before: Committed, after: Folded) -> Balance:
    """Of a process that began where `before` ends. Reads the stream itself, beside every consumer.

    A stream with one writer is held to the writer's own numbers, any other to what each of its messages holds.
    """
    decoder, seen, wanted = Decoder(stream.contracts, public=stream.public), set[int](), 0
    place, done, last = before.stream_seq + 1, False, max(before.position, after.position)
    while not done and (found := await bus.read(stream, place, READ_AT_ONCE)):
        for delivery in found:
            place = delivery.stream_seq + 1
            messages = decoder.decode(delivery.payload)
            if not stream.single_writer:
                done = delivery.stream_seq > last
                wanted += 0 if done or delivery.stream_seq <= before.position else len(messages)
                continue
            numbers = [message.seq for message in messages if isinstance(message, Message)]
            seen.update(number for number in numbers if before.position < number <= last)
            done = bool(numbers) and min(numbers) > last
    if stream.single_writer:
        # What the writer has numbered and the stream no longer holds had to be folded all the same.
        wanted = max(len(seen), last - before.position)
    return Balance(before.position, last, wanted, after.events, after.skipped)
