"""Decode and fold one batch: from deliveries to the one commit that they become."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cleartide.bus.effects import Recorder
from cleartide.bus.faults import CrashPoint, no_crash
from cleartide.bus.ports import Commit, CursorLost, Delivery, Epoch, Progress
from cleartide.bus.streams import BY_NAME, STREAM_OF, Stream
from cleartide.contracts import DeadLettered, Message
from cleartide.contracts.codec import Decoder, Refusal
from cleartide.fold import Handlers, Reject, Repository

DEAD_LETTER_BYTES: Final = 65_536
Decoded = tuple[Delivery, list[Message | Refusal]]


@dataclass
class FoldCounts:
    """What one batch held, for metrics and the log line."""

    events: int = 0
    skipped: int = 0
    dead: int = 0


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
    """Holds one epoch's state and folds batches into it."""

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
    ) -> None:
        self._service, self._stream, self._journal, self._crash = service, stream, journal, crash
        self._repository, self._state = repository, state
        self._handlers: dict[str, Callable[..., None]] = {
            contract.model_fields["type"].default: handler for contract, handler in handlers.items()
        }
        self._decoder = Decoder(stream.contracts, public=stream.public)
        self._epoch = epoch.number
        self._progress = epoch.progress
        self._recorder = Recorder(service, dict(epoch.last_seq))

    @property
    def progress(self) -> Progress:
        """How far the state in memory has come (the committed one may be a batch behind)."""
        return self._progress

    def decode(self, deliveries: Sequence[Delivery]) -> list[Decoded]:
        """Payloads to contracts; what cannot be read stays in its place as a Refusal."""
        self._crash("before_decode")
        decoded = [(delivery, self._decoder.decode(delivery.payload)) for delivery in deliveries]
        self._crash("after_decode")
        return decoded

    def fold(self, decoded: Sequence[Decoded], traceparent: str, created: str) -> tuple[Commit, FoldCounts]:
        """Fold a decoded batch. Raises CursorLost on a gap, before anything of the message after it is folded."""
        self._crash("before_fold")
        before, counts = self._progress, FoldCounts()
        for delivery, messages in decoded:
            self._fold_delivery(delivery, messages, counts)
        last = decoded[-1][0]
        self._progress = Progress(self._progress.position, last.stream_seq, created, self._progress.at)
        commit = Commit(
            epoch=self._epoch,
            before=before,
            after=self._progress,
            changes=self._repository.collect(self._state),
            outbox=self._recorder.drain(traceparent),
            published_seq={},
            journal=self._journalled(decoded, before),
        )
        self._crash("after_fold")
        return commit, counts

    def _journalled(self, decoded: Sequence[Decoded], before: Progress) -> list[Delivery]:
        if not self._journal:
            return []
        return [delivery for delivery, _ in decoded if delivery.stream_seq > before.position]

    def _fold_delivery(self, delivery: Delivery, messages: list[Message | Refusal], counts: FoldCounts) -> None:
        if self._stream.single_writer:
            for message in messages:
                self._fold_sequenced(delivery, message, counts)
            return
        position = self._progress.position
        if delivery.stream_seq <= position:
            counts.skipped += len(messages)
            return
        self._require_next(delivery.stream_seq, position)
        at = max(self._progress.at, delivery.at)
        for index, message in enumerate(messages):
            self._fold_one(delivery, message, index, at, delivery.stream_seq, counts)
        self._progress = Progress(delivery.stream_seq, delivery.stream_seq, "", at)

    def _fold_sequenced(self, delivery: Delivery, message: Message | Refusal, counts: FoldCounts) -> None:
        if isinstance(message, Refusal):
            raise UnreadableEvent(f"{self._stream.name} #{delivery.stream_seq}: {message.reason}: {message.error}")
        position = self._progress.position
        if message.seq <= position:
            counts.skipped += 1
            return
        self._require_next(message.seq, position)
        at = max(self._progress.at, message.occurred_at)
        self._fold_one(delivery, message, 0, at, message.seq, counts)
        self._progress = Progress(message.seq, delivery.stream_seq, "", at)

    def _require_next(self, seq: int, position: int) -> None:
        if seq == position + 1 or (position == 0 and self._stream.max_age_seconds):
            return
        raise CursorLost(f"{self._stream.name}: expected {position + 1}, got {seq}")

    def skip_to(self, position: int) -> None:
        """Go on after messages that the stream's age limit has removed."""
        self._progress = Progress(position, position, self._progress.stream_created, self._progress.at)

    def _fold_one(
        self,
        delivery: Delivery,
        message: Message | Refusal,
        index: int,
        at: int,
        seq: int,
        counts: FoldCounts,
    ) -> None:
        counts.events += 1
        origin = f"{self._stream.name.lower()}:{delivery.stream_seq}"
        if isinstance(message, Refusal):
            self._recorder.begin(cause=origin, correlation="", at=at, seq=seq)
            self._bury(delivery, message, counts)
            return
        self._recorder.begin(cause=message.id, correlation=message.correlation_id, at=at, seq=seq)
        if self._stream.public and (refusal := self._misplaced(delivery, message, index)) is not None:
            self._bury(delivery, refusal, counts)
            return
        handler = self._handlers.get(message.type)
        if handler is None:
            return
        try:
            handler(self._state, message, self._recorder)
        except Reject as verdict:
            raw = message.model_dump_json().encode()
            self._bury(delivery, Refusal(verdict.reason, verdict.detail, index, raw), counts)

    def _misplaced(self, delivery: Delivery, message: Message, index: int) -> Refusal | None:
        """A command must travel on its own subject: permissions are given by subject, so they must bind the body."""
        if message.subject == delivery.subject:
            return None
        error = f"{message.type} belongs on {message.subject}"
        return Refusal("wrong_subject", error, index, message.model_dump_json().encode())

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
    return tuple(name for name, stream in BY_NAME.items() if service in stream.writers)


def channel_of(contract: type[Message]) -> str:
    """The stream a contract travels on."""
    return STREAM_OF[contract].name
