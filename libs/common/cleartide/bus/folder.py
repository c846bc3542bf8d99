"""Decode and fold one batch: from deliveries to the one commit that they become."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from cleartide.bus.effects import Recorder, Tally
from cleartide.bus.faults import CrashPoint, no_crash
from cleartide.bus.ports import Commit, CursorLost, Delivery, Epoch, Progress
from cleartide.bus.streams import BY_NAME, SERVICES, STREAM_OF, Stream, subjects_of
from cleartide.contracts import DeadLettered, Message
from cleartide.contracts.codec import Decoder, Refusal, encode
from cleartide.contracts.pools import base_of
from cleartide.fold import Handlers, Reject, Repository, Row, Table

DEAD_LETTER_BYTES: Final = 65_536
Decoded = tuple[Delivery, list[Message | Refusal]]


@dataclass
class FoldCounts:
    """What one batch held, for metrics and the log line. messages: how many of those given it is about."""

    messages: int = 0
    events: int = 0
    skipped: int = 0
    dead: int = 0


@dataclass
class Fold:
    """What the runner needs to know of a service."""

    service: str
    stream: Stream
    handlers: Handlers
    repository: Repository[Any]
    journal: bool = False

    @property
    def tables(self) -> list[Table]:
        """Those whose rows make up the state."""
        return [table for table in self.repository.tables if table.load]

    def in_midst(self, progress: Progress) -> bool:
        """Whether some, but not all steps of the message after the position are committed."""
        return _in_midst(self.stream, progress)

    def folder(
        self, rows: Mapping[str, Sequence[Row]], epoch: Epoch, crash: CrashPoint = no_crash, *, heard: bool = True
    ) -> "Folder":
        """The state of these rows, ready to fold on from the epoch's progress."""
        return Folder(
            service=self.service,
            stream=self.stream,
            handlers=self.handlers,
            repository=self.repository,
            state=self.repository.restore(rows),
            epoch=epoch,
            journal=self.journal,
            crash=crash,
            heard=heard,
        )


@cache
def _decoder(contracts: tuple[type[Message], ...], public: bool) -> Decoder:
    """Made once per process: building the readers takes longer than loading a small state."""
    return Decoder(contracts, public=public)


def _in_midst(stream: Stream, progress: Progress) -> bool:
    return not stream.single_writer and progress.stream_seq > progress.position


def subject_matches(pattern: str, subject: str) -> bool:
    """NATS subject matching with `*` and `>`."""
    wanted, tokens = pattern.split("."), subject.split(".")
    for index, token in enumerate(wanted):
        if token == ">":
            return len(tokens) > index
        if index >= len(tokens) or (token != "*" and token != tokens[index]):
            return False
    return len(wanted) == len(tokens)


class Folder:
    """Holds one epoch's state and folds batches into it.

    heard: whether what it says is kept. A standby's folder is not heard until it leads: it folds the same input, and
    the commits that it makes on the way are nobody's.
    """

    def __init__(
        self,
        *,
        service: str,
        stream: Stream,
        handlers: Handlers,
        repository: Repository[Any],
        state: Any,
        epoch: Epoch,
        journal: bool,
        crash: CrashPoint = no_crash,
        heard: bool = True,
    ) -> None:
        self._service, self._stream, self._journal, self._crash = service, stream, journal, crash
        self._repository, self._state = repository, state
        self._first = handlers.get(Message)
        self._handlers: dict[str, Callable[..., bool | None]] = {
            contract.model_fields["type"].default: handler
            for contract, handler in handlers.items()
            if contract is not Message
        }
        self._known: dict[type[Message], Callable[..., bool | None] | None] = {}
        self._decoder = _decoder(stream.contracts, stream.public)
        self._epoch = epoch.number
        self._position, self._stream_seq, self._created, self._at = self._captured = epoch.progress
        self._recorder = (Recorder if heard else Tally)(service, dict(epoch.last_seq))

    @property
    def progress(self) -> Progress:
        """How far the state in memory has come (the committed one may be a batch behind)."""
        return Progress(self._position, self._stream_seq, self._created, self._at)

    @property
    def midway(self) -> bool:
        """Whether some, but not all steps of a message are folded."""
        return _in_midst(self._stream, self.progress)

    def stands_at(self, epoch: Epoch) -> bool:
        """Whether the state in memory is that of the epoch's rows, as far as position, time and numbers can tell."""
        said = {channel: seq for channel, seq in epoch.last_seq.items() if seq}
        return self.progress == epoch.progress and self._recorder.numbers == said

    def lead(self, epoch: Epoch, crash: CrashPoint) -> None:
        """From here on the fold is heard, under this epoch, which begins where the state stands."""
        self._epoch, self._crash, self._captured = epoch.number, crash, epoch.progress
        self._recorder = Recorder(self._service, dict(epoch.last_seq))

    def decode(self, deliveries: Sequence[Delivery]) -> list[Decoded]:
        """Payloads to contracts; what cannot be read stays in its place as a Refusal."""
        self._crash("before_decode")
        decoded = [(delivery, self._decoder.decode(delivery.payload)) for delivery in deliveries]
        self._crash("after_decode")
        return decoded

    def fold(
        self,
        decoded: Sequence[Decoded],
        traceparent: str,
        created: str,
        *,
        most_rows: int | None = None,
        in_steps: bool = False,
    ) -> tuple[Commit, FoldCounts]:
        """Fold a decoded batch. Raises CursorLost on a gap, before anything of the message after it is folded.

        most_rows: end after the message with which the outbox reaches so many rows; `counts.messages` says how many
        messages the commit has done with, and the rest is for the next call.
        in_steps: end also after each step of a message but its last. Without it a message is never cut.
        """
        self._crash("before_fold")
        before, counts = self._captured, FoldCounts()
        for delivery, messages in decoded:
            if self._stream.single_writer:
                self._fold_sequenced(delivery, messages, counts)
            elif not self._fold_delivery(delivery, messages, counts, in_steps=in_steps):
                break
            counts.messages += 1
            if most_rows is not None and self._recorder.waiting >= most_rows:
                break
        self._created = created
        self._captured = self.progress
        begun = decoded[: counts.messages + self.midway]
        commit = Commit(
            epoch=self._epoch,
            before=before,
            after=self._captured,
            changes=self._repository.collect(self._state),
            outbox=self._recorder.drain(traceparent),
            published_seq={},
            journal=self._journalled(begun, before),
        )
        self._crash("after_fold")
        return commit, counts

    def _journalled(self, begun: Sequence[Decoded], before: Progress) -> list[Delivery]:
        """What is folded for the first time, in whole or its first step: the rest of it must not hang on the stream."""
        if not self._journal:
            return []
        return [delivery for delivery, _ in begun if delivery.stream_seq > before.stream_seq]

    def _fold_delivery(
        self, delivery: Delivery, messages: list[Message | Refusal], counts: FoldCounts, *, in_steps: bool
    ) -> bool:
        """Of a stream with many writers: the whole message has one position, its number in the stream.

        Returns whether it is done with; if not, the next call goes on with it, also after a restart.
        """
        if delivery.stream_seq <= self._position:
            counts.skipped += len(messages)
            return True
        self._require_next(delivery.stream_seq)
        if delivery.stream_seq > self._stream_seq:
            # All its steps are of one time, also when a stream that was made anew has stored it later.
            self._stream_seq, self._at = delivery.stream_seq, max(self._at, delivery.at)
        for index, message in enumerate(messages):
            while self._fold_one(delivery, message, index, delivery.stream_seq, counts):
                if in_steps and len(messages) == 1:
                    return False
        counts.events += len(messages)
        self._position = delivery.stream_seq
        return True

    def _fold_sequenced(self, delivery: Delivery, messages: list[Message | Refusal], counts: FoldCounts) -> None:
        """Of a stream with one writer: every event has its own position, the writer's gapless number.

        The stream's numbers are checked as well: behind a lost message there may be nothing but repeats, and a cursor
        that was moved on past the hole would never come back to it.
        """
        if delivery.stream_seq > self._stream_seq + 1:
            raise CursorLost(f"{self._stream.name}: message {self._stream_seq + 1} is missing")
        self._stream_seq = max(self._stream_seq, delivery.stream_seq)
        for message in messages:
            if isinstance(message, Refusal):
                raise UnreadableEvent(f"{self._stream.name} #{delivery.stream_seq}: {message.reason}: {message.error}")
            seq = message.seq
            if seq <= self._position:
                counts.skipped += 1
                continue
            if seq != self._position + 1:
                self._require_next(seq)
            if message.occurred_at > self._at:
                self._at = message.occurred_at
            if self._first is not None or self._handler_of(message) is not None:
                while self._fold_one(delivery, message, 0, seq, counts):
                    pass
            counts.events += 1
            self._position = seq

    def _handler_of(self, message: Message) -> Callable[..., bool | None] | None:
        """Whose it is. Most of what is said on EVENTS is for nobody of those who read it."""
        kind = message.__class__
        try:
            return self._known[kind]
        except KeyError:
            handler = self._known[kind] = self._handlers.get(message.type)
            return handler

    def _require_next(self, seq: int) -> None:
        if seq != self._position + 1:
            raise CursorLost(f"{self._stream.name}: expected {self._position + 1}, got {seq}")

    def read_from(self, stream_seq: int) -> None:
        """The stream was made anew: it counts from here."""
        self._stream_seq = max(stream_seq, 1) - 1

    def skip_to(self, position: int) -> None:
        """Go on after messages that the stream's age limit has removed."""
        self._position = self._stream_seq = position

    def _fold_one(
        self,
        delivery: Delivery,
        message: Message | Refusal,
        index: int,
        seq: int,
        counts: FoldCounts,
    ) -> bool:
        """Returns whether the message has steps still to be taken."""
        if isinstance(message, Refusal):
            origin = f"{self._stream.name.lower()}:{delivery.stream_seq}"
            self._recorder.begin(cause=origin, correlation="", at=self._at, seq=seq)
            self._bury(delivery, message, counts)
            return False
        self._recorder.begin(cause=message.id, correlation=message.correlation_id, at=self._at, seq=seq)
        if self._stream.public and (refusal := self._misplaced(delivery, message, index)) is not None:
            self._bury(delivery, refusal, counts)
            return False
        if self._first is not None:
            self._first(self._state, message, self._recorder)
        handler = self._handler_of(message)
        if handler is None:
            return False
        try:
            return bool(handler(self._state, message, self._recorder))
        except Reject as verdict:
            self._bury(delivery, Refusal(verdict.reason, verdict.detail, index, encode(message)), counts)
            return False

    def _misplaced(self, delivery: Delivery, message: Message, index: int) -> Refusal | None:
        """Rights are given by subject, so the subject must bind the body; no outsider may speak as a service."""
        if message.subject != delivery.subject:
            reason, error = "wrong_subject", f"{message.type} belongs on {message.subject}"
        elif base_of(message.source) in SERVICES and not self._may_write(message.source, delivery.subject):
            reason, error = "forbidden_source", f"{message.source} does not publish on {delivery.subject}"
        else:
            return None
        return Refusal(reason, error, index, encode(message))

    def _may_write(self, source: str, subject: str) -> bool:
        return any(subject_matches(pattern, subject) for pattern in subjects_of(self._stream, source))

    def _bury(self, delivery: Delivery, refusal: Refusal, counts: FoldCounts) -> None:
        counts.dead += 1
        self._recorder.emit(
            DeadLettered,
            service=self._service,
            reason=refusal.reason,
            error=refusal.error[:500],
            stream=self._stream.name,
            stream_seq=delivery.stream_seq,
            subject_of_origin=delivery.subject[:255],
            index_in_message=refusal.index,
            attempts=1,
            payload_base64=base64.b64encode(refusal.raw[:DEAD_LETTER_BYTES]).decode(),
            payload_bytes=len(refusal.raw),
        )


class UnreadableEvent(Exception):  # noqa: N818
    """An event of a single-writer stream cannot be read: the service stops rather than skip it."""


def channels_of(service: str) -> tuple[str, ...]:
    """The streams a service may write."""
    return tuple(name for name, stream in BY_NAME.items() if subjects_of(stream, service))


def channel_of(contract: type[Message]) -> str:
    """The stream a contract travels on."""
    return STREAM_OF[contract].name
