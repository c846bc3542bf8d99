"""What a fold says: events stamped with their envelope, validated, encoded and packed into outbox rows."""

from typing import Any, Final, NamedTuple

from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import STREAM_OF
from cleartide.contracts import Message
from cleartide.contracts.writer import Write, writer

MAX_EVENTS_PER_ROW: Final = 256
MAX_BYTES_PER_ROW: Final = 65_536


class _Group:
    """Events that follow each other on their channel and will share one outbox row."""

    __slots__ = ("beyond", "channel", "first_seq", "packed", "payloads", "size", "subject")

    def __init__(self, channel: str, first_seq: int, subject: str, packed: bool) -> None:
        self.channel, self.first_seq, self.subject, self.packed = channel, first_seq, subject, packed
        self.beyond = first_seq + MAX_EVENTS_PER_ROW
        self.payloads: list[bytes] = []
        self.size = 0

    def row(self, traceparent: str) -> OutboxRow:
        """The row of the group: a packed one is a JSON array, even of one event."""
        last_seq = self.first_seq + len(self.payloads) - 1
        payload = b"[" + b",".join(self.payloads) + b"]" if self.packed else self.payloads[0]
        return OutboxRow(self.channel, self.first_seq, last_seq, self.subject, payload, traceparent)


class _Channel:
    """An output stream: its last number, and the row that its next event may join."""

    __slots__ = ("last_seq", "name", "newest")

    def __init__(self, name: str, last_seq: int = 0) -> None:
        self.name, self.last_seq = name, last_seq
        self.newest: _Group | None = None


class _Plan(NamedTuple):
    """What is the same for every event of a contract."""

    channel: _Channel
    id_prefix: str
    template: str
    varies: bool
    packed: bool
    write: Write


class Recorder:
    """Collects the effects of one batch. The channels' counters go on from one batch to the next."""

    def __init__(self, service: str, last_seq: dict[str, int]) -> None:
        self._service = service
        self._channels = {name: _Channel(name, last) for name, last in last_seq.items()}
        self._groups: list[_Group] = []
        self._plans: dict[type[Message], _Plan] = {}
        self._at = 0
        self._seq = 0
        self._cause = ""
        self._correlation = ""

    @property
    def numbers(self) -> dict[str, int]:
        """The last number of every channel that has any."""
        return {name: channel.last_seq for name, channel in self._channels.items() if channel.last_seq}

    @property
    def waiting(self) -> int:
        """How many outbox rows the batch has made so far."""
        return len(self._groups)

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
        seq = channel.last_seq + 1
        body["id"] = f"{plan.id_prefix}{seq}"
        body["seq"] = seq
        body["occurred_at"] = self._at
        body["causation_id"] = self._cause
        body["correlation_id"] = self._correlation
        body["source"] = self._service
        payload = plan.write(body)
        subject = plan.template.format_map(body) if plan.varies else plan.template
        # Per channel: an order's events and the book's change alternate, and each stream is to have few, full messages.
        group, size = channel.newest if plan.packed else None, len(payload)
        if group is None or seq >= group.beyond or group.size + size > MAX_BYTES_PER_ROW or group.subject != subject:
            group = channel.newest = _Group(channel.name, seq, subject, plan.packed)
            self._groups.append(group)
        group.payloads.append(payload)
        group.size += size
        channel.last_seq = seq

    def _plan(self, contract: type[Message]) -> "_Plan":
        name, template = STREAM_OF[contract].name, contract.subject_template
        plan = _Plan(
            channel=self._channels.setdefault(name, _Channel(name)),
            id_prefix=f"{self._service}-{name.lower()}-",
            template=template,
            varies="{" in template,
            packed=contract.packed,
            write=writer(contract),
        )
        self._plans[contract] = plan
        return plan

    def drain(self, traceparent: str) -> list[OutboxRow]:
        """The batch's outbox rows, in order within each channel; there, neighbours on one packed subject share a row
        as a JSON array.
        """
        rows = [group.row(traceparent) for group in self._groups]
        self._groups.clear()
        for channel in self._channels.values():
            channel.newest = None
        return rows


class Tally(Recorder):
    """For a fold that another process says: the numbers go on, and nothing is validated, encoded or kept."""

    def emit(self, contract: type[Message], **_body: Any) -> None:
        """Count one event."""
        (self._plans.get(contract) or self._plan(contract)).channel.last_seq += 1
