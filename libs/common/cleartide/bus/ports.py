"""What the runner needs from a bus and a store. The real ones speak NATS and Postgres; the simulation's do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from cleartide.bus.streams import Stream
from cleartide.fold import Changes, Row, Table


class Delivery(NamedTuple):
    """One message as the bus gave it. `at`: broker time, microseconds UTC."""

    stream_seq: int
    at: int
    subject: str
    payload: bytes
    traceparent: str
    pending: int


class OutboxRow(NamedTuple):
    """One message to be published: events first_seq..last_seq of a channel (an output stream), in order."""

    channel: str
    first_seq: int
    last_seq: int
    subject: str
    payload: bytes
    traceparent: str


class StreamState(NamedTuple):
    """A stream's bounds and its identity: `created` changes when the stream was made anew."""

    first_seq: int
    last_seq: int
    created: str


class Progress(NamedTuple):
    """How far a service has come in its input.

    position: last folded event `seq` (single-writer streams) or stream sequence (others).
    stream_seq: stream sequence of the last folded message, which with many writers may be the one after the position:
    then some of its steps are still to be taken. at: sequenced time of that message, microseconds.
    """

    position: int = 0
    stream_seq: int = 0
    stream_created: str = ""
    at: int = 0


@dataclass(frozen=True)
class Epoch:
    """What a runner starts from: its fencing number, progress, and the heads of its output channels."""

    number: int
    progress: Progress
    last_seq: Mapping[str, int]
    published_seq: Mapping[str, int]


class Sign(NamedTuple):
    """How others recognise a holder of the place and see that it lives.

    code: fingerprint of its fold; only an equal fold may follow it in memory.
    session: the database session that ends when its process does; 0 when there is none to be seen.
    patience: seconds that it may be silent; without patience nobody waits for it.
    """

    code: str = ""
    session: int = 0
    patience: float = 0.0


NOBODY: Final = Sign()


class Holder(NamedTuple):
    """Who holds the place, as the schema tells it at one moment.

    epoch: what a successor would start from. beats: signs of life so far.
    connected: whether its session is there; None when that cannot be told.
    """

    epoch: Epoch
    sign: Sign
    beats: int
    connected: bool | None


@dataclass(frozen=True)
class Commit:
    """Everything one batch leaves behind, written in one transaction."""

    epoch: int
    before: Progress
    after: Progress
    changes: Changes
    outbox: Sequence[OutboxRow]
    published_seq: Mapping[str, int]
    journal: Sequence[Delivery] = field(default=())


class Fenced(Exception):  # noqa: N818 - a verdict, not a fault
    """A newer epoch of the same service has taken over; nothing was written."""


class CursorLost(Exception):  # noqa: N818
    """The cursor on the stream is gone or has skipped; it must be opened again at the committed position."""


class StreamLost(Exception):  # noqa: N818
    """The stream no longer holds what was acknowledged; it must be restored from the outboxes first."""


class Source(Protocol):
    """A cursor on one stream."""

    async def fetch(self) -> list[Delivery]:
        """Wait for at least one message, then take whatever has arrived, up to the batch bounds."""
        ...

    async def ack(self, delivery: Delivery) -> None:
        """Everything up to this message is done."""
        ...

    async def close(self) -> None:
        """Give the cursor back."""
        ...


class Bus(Protocol):
    """Reads and writes streams."""

    async def state(self, stream: Stream) -> StreamState: ...

    async def open(self, stream: Stream, service: str, start_seq: int) -> Source: ...

    async def read(self, stream: Stream, first_seq: int, count: int) -> list[Delivery]:
        """Stored messages from a number on, up to so many, without a cursor: nobody's reading is disturbed."""
        ...

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Store the rows in order; returns when every one is acknowledged. Repeating it is harmless."""
        ...


class Store(Protocol):
    """Holds one service's schema."""

    async def begin(self, held: int = 0, sign: Sign = NOBODY) -> Epoch:
        """Take over: a new, higher epoch. Whoever held the last one can no longer commit.

        held: the epoch that is to be followed: this very process's own, when it begins again after a lost connection,
        or the one of a holder that was seen to be gone. Raises Fenced when another process has taken over since.
        sign: how this holder is recognised from now on.
        """
        ...

    async def snapshot(self, tables: Sequence[Table]) -> tuple[Epoch, dict[str, Sequence[Row]]]:
        """The rows of this moment and what they hold for, without taking anything from anybody."""
        ...

    async def load(self, tables: Sequence[Table]) -> dict[str, Sequence[Row]]:
        """The rows of the epoch that was begun. Raises Fenced when another process has taken over since."""
        ...

    async def commit(self, commit: Commit) -> None:
        """All of it or nothing. Raises Fenced when the epoch is no longer the newest."""
        ...

    async def unpublished(self, channel: str, after_seq: int, limit: int) -> Sequence[OutboxRow]: ...

    async def mark_published(self, epoch: int, published_seq: Mapping[str, int]) -> None: ...


class Lease(Protocol):
    """A holder's sign of life, and the view of it that others have. It advises; the fence decides."""

    async def sign(self) -> Sign:
        """The sign of this process, with the patience that a start needs."""
        ...

    async def beat(self, epoch: int, *, loading: bool) -> bool:
        """Say that the holder of this epoch lives; False when a newer one has begun."""
        ...

    async def look(self) -> Holder: ...

    async def release(self, epoch: int) -> None:
        """The holder of this epoch is done: nobody need wait for it."""
        ...

    def abandon(self) -> None:
        """Drop the connection without waiting: after an error its state is unknown."""
        ...
