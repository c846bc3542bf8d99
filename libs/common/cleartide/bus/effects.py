"""What a fold says: events stamped with their envelope, validated, encoded and packed into outbox rows."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import STREAM_OF
from cleartide.contracts import Message
from cleartide.contracts.codec import encode

MAX_EVENTS_PER_ROW: Final = 256
MAX_BYTES_PER_ROW: Final = 65_536


class Emitted(NamedTuple):
    """One stamped and encoded event on its way to the outbox."""

    channel: str
    seq: int
    subject: str
    packed: bool
    payload: bytes


class _Plan(NamedTuple):
    """What is the same for every event of a contract."""

    channel: str
    id_prefix: str
    subject: str
    packed: bool
    validate: Callable[[dict[str, Any]], Message]


class Recorder:
    """Collects the effects of one batch. The channels' counters go on from one batch to the next."""

    def __init__(self, service: str, last_seq: dict[str, int]) -> None:
        self._service = service
        self._last_seq = last_seq
        self._emitted: list[Emitted] = []
        self._plans: dict[type[Message], _Plan] = {}
        self._at = 0
        self._seq = 0
        self._cause = ""
        self._correlation = ""

    @property
    def at(self) -> int:
        """Sequenced time of the causing message, microseconds UTC."""
        return self._at

    @property
    def seq(self) -> int:
        """Position of the causing message in its input stream."""
        return self._seq

    def begin(self, *, cause: str, correlation: str, at: int, seq: int) -> None:
        """The following effects come from this message."""
        self._cause, self._correlation, self._at, self._seq = cause, correlation or cause, at, seq

    def emit(self, contract: type[Message], **body: Any) -> None:
        """Stamp, validate and encode one event."""
        plan = self._plans.get(contract) or self._plan(contract)
        channel = plan.channel
        seq = self._last_seq.get(channel, 0) + 1
        body["id"] = f"{plan.id_prefix}{seq}"
        body["seq"] = seq
        body["occurred_at"] = self._at
        body["causation_id"] = self._cause
        body["correlation_id"] = self._correlation
        body["source"] = self._service
        event = plan.validate(body)
        self._emitted.append(Emitted(channel, seq, plan.subject or event.subject, plan.packed, encode(event)))
        self._last_seq[channel] = seq

    def _plan(self, contract: type[Message]) -> "_Plan":
        channel, template = STREAM_OF[contract].name, contract.subject_template
        plan = _Plan(
            channel=channel,
            id_prefix=f"{self._service}-{channel.lower()}-",
            subject="" if "{" in template else template,
            packed=contract.packed,
            validate=contract.__pydantic_validator__.validate_python,
        )
        self._plans[contract] = plan
        return plan

    def drain(self, traceparent: str) -> list[OutboxRow]:
        """The batch's outbox rows, in order: neighbours on one packed subject share a row as a JSON array."""
        rows: list[OutboxRow] = []
        group: list[Emitted] = []
        size = 0
        for event in self._emitted:
            if group and not _fits(group, size, event):
                rows.append(_row(group, traceparent))
                group, size = [], 0
            group.append(event)
            size += len(event.payload)
        if group:
            rows.append(_row(group, traceparent))
        self._emitted.clear()
        return rows


def _fits(group: list[Emitted], size: int, event: Emitted) -> bool:
    last = group[-1]
    return (
        event.packed
        and last.channel == event.channel
        and last.subject == event.subject
        and len(group) < MAX_EVENTS_PER_ROW
        and size + len(event.payload) <= MAX_BYTES_PER_ROW
    )


def _row(group: list[Emitted], traceparent: str) -> OutboxRow:
    first, last = group[0], group[-1]
    payload = first.payload if not first.packed else b"[" + b",".join(event.payload for event in group) + b"]"
    return OutboxRow(first.channel, first.seq, last.seq, first.subject, payload, traceparent)
