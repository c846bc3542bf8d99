"""A service without servers: its own handlers and repository around tables in memory as strict as the database.

`FoldBench` feeds whole messages through the decoder and folder, as the runner does. `HandlerBench` calls the handlers
one message at a time, so that a test sees at once what each of them made the service say.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from cleartide.bus.folder import Fold, Folder
from cleartide.bus.ports import Delivery, Epoch, Progress
from cleartide.contracts import Message
from cleartide.contracts.codec import encode
from cleartide.fold import Changes, Key, Reject, Repository, Row

from tests.simulation.store import Schema

State = TypeVar("State")
Item = TypeVar("Item")


class Bench(Generic[State]):
    """A service's repository and its schema in memory."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self.repository: Repository[State] = fold.repository
        self.schema = Schema(tables={table.name: {} for table in fold.repository.tables})

    @property
    def tables(self) -> dict[str, dict[Key, Row]]:
        """The rows by table and key, as a reader of the schema sees them."""
        return self.schema.tables

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A table in key order, by column name."""
        table = next(table for table in self.repository.tables if table.name == name)
        return [dict(zip(table.columns, row, strict=True)) for row in self.schema.rows(table)]

    def loaded(self) -> dict[str, list[Row]]:
        """What a start reads."""
        return {table.name: self.schema.rows(table) for table in self.repository.tables if table.load}

    def restored(self) -> State:
        """The state of a process that starts now."""
        return self.repository.restore(self.loaded())


class FoldBench(Bench[Any]):
    """A service as the runner drives it; `tables` and `published` are what a reader of its schema and streams sees."""

    def __init__(self, fold: Fold) -> None:
        super().__init__(fold)
        self.published: list[dict[str, Any]] = []
        self.restart()

    @property
    def progress(self) -> Progress:
        """How far the service has come."""
        return self.schema.progress

    def restart(self) -> None:
        """Forget the state in memory and load it from the tables."""
        heads = dict(self.schema.last_seq)
        self.state = self.restored()
        self.folder = new_folder(self._fold, self.state, Epoch(1, self.progress, heads, heads))

    def deliver(self, message: Delivery) -> Changes:
        """One batch: the next message of the stream, folded and written. Returns what was written."""
        placed = message._replace(stream_seq=self.progress.stream_seq + 1)
        commit, counts = self.folder.fold(self.folder.decode([placed]), "", "stream")
        assert counts.dead == 0
        self.schema.write(commit.changes)
        self.schema.say(commit.outbox)
        self.schema.progress = commit.after
        self.published += [msgspec.json.decode(row.payload) for row in commit.outbox]
        return commit.changes


class TradingBench(FoldBench):
    """A reader of the trading events."""

    def feed(self, events: Sequence[Message]) -> Changes:
        """These events as one message and one batch. Returns what was written."""
        return self.deliver(trading_message(events))


class RecordingEffects:
    """Builds every emitted message against its contract, so a wrong body fails at once, and keeps it.

    `cause` is what the messages name as the reason for them; it is the owner's to set.
    """

    def __init__(self, service: str, at: int) -> None:
        self.service = service
        self.at, self.seq, self.cause = at, 0, ""
        self.emitted: list[Message] = []

    def emit(self, contract: type[Message], **body: Any) -> None:
        """Validate and keep one message."""
        number = len(self.emitted) + 1
        envelope: dict[str, Any] = {"id": f"{self.service}-{number}", "seq": number, "source": self.service}
        self.emitted.append(contract(**envelope, occurred_at=self.at, causation_id=self.cause, **body))


class HandlerBench(Bench[State]):
    """A service fed by hand; `heard` and `effects.emitted` are all that it was told and has said."""

    def __init__(self, fold: Fold, at: int) -> None:
        super().__init__(fold)
        self.effects = RecordingEffects(fold.service, at)
        self.heard: list[Message] = []
        self.state = self.restored()

    def take(self, message: Message, *, seq: int, at: int) -> list[Message]:
        """Fold one message of this place and time; returns what the service said to it. Raises Reject as it does."""
        effects, said = self.effects, len(self.effects.emitted)
        effects.seq, effects.at = seq, at
        self.heard.append(message)
        if first := self._fold.handlers.get(Message):
            first(self.state, message, effects)
        before = len(effects.emitted)
        try:
            while self._fold.handlers[type(message)](self.state, message, effects):
                self.between_steps()
        except Reject:
            assert len(effects.emitted) == before, "a refused message was answered"
            raise
        return effects.emitted[said:]

    def between_steps(self) -> None:
        """A message has taken a step and has more."""

    def commit(self) -> None:
        """End of a batch: what has changed goes to the tables."""
        self.schema.write(self.repository.collect(self.state))

    def restart(self) -> None:
        """Commit, forget the state, and come back from the tables."""
        self.commit()
        self.state = self.restored()


def new_folder(fold: Fold, state: Any, epoch: Epoch) -> Folder:
    """The folder of one epoch."""
    return Folder(
        service=fold.service,
        stream=fold.stream,
        handlers=fold.handlers,
        repository=fold.repository,
        state=state,
        epoch=epoch,
        journal=fold.journal,
    )


def trading_message(events: Sequence[Message]) -> Delivery:
    """Trading events as the one message in which matching says them; its place in the stream is still open."""
    return message_of_lines([encode(event) for event in events], events[-1].occurred_at)


def message_of_lines(lines: Sequence[bytes], at: int) -> Delivery:
    """The same of events that are encoded already; `at`: when the last one happened, microseconds UTC."""
    return Delivery(0, at, "trading.main", b"[" + b",".join(lines) + b"]", "", 0)


def in_batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in groups of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
