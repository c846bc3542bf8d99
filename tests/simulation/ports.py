"""Bus and store in memory, with the faults of real ones."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cleartide.bus.ports import (
    Commit,
    CursorLost,
    Delivery,
    Epoch,
    Fenced,
    OutboxRow,
    Progress,
    StreamState,
)
from cleartide.bus.streams import Stream
from cleartide.fold import Key, Row, Table

from tests.simulation.world import MemoryStream, Unreachable, World

BATCH = 12


class MemorySource:
    """A cursor that repeats, skips, stalls and breaks."""

    def __init__(self, world: World, stream: MemoryStream, start_seq: int) -> None:
        self._world, self._stream, self._next = world, stream, start_seq

    async def fetch(self) -> list[Delivery]:
        """Wait for one message, then take some of what is there."""
        while self._next > len(self._stream.messages):
            self._stream.arrived.clear()
            await self._stream.arrived.wait()
        await self._world.pause()
        if self._world.happens("cursor lost"):
            raise CursorLost("simulated")
        if self._world.happens("repeated"):
            self._next = max(1, self._next - self._world.random.randint(1, 3))
        if self._world.happens("skipped"):
            self._next = min(self._next + 1, len(self._stream.messages))
        count = self._world.random.randint(1, BATCH)
        taken = self._stream.messages[self._next - 1 : self._next - 1 + count]
        self._next = taken[-1].stream_seq + 1
        return taken

    async def ack(self, delivery: Delivery) -> None:
        """Only monitoring rests on it."""

    async def close(self) -> None:
        """Nothing to give back."""


class MemoryBus:
    """Streams in memory. A batch for one stream is stored whole or not at all; its acknowledgement may get lost."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def state(self, stream: Stream) -> StreamState:
        """Bounds of a stream."""
        return StreamState(1, len(self._world.stream(stream).messages), "simulated")

    async def open(self, stream: Stream, service: str, start_seq: int) -> MemorySource:
        """A cursor from a number on."""
        await self._world.pause()
        return MemorySource(self._world, self._world.stream(stream), start_seq)

    async def publish(self, service: str, rows: Sequence[OutboxRow]) -> None:
        """Channel by channel, like the real one."""
        ordered = sorted(rows, key=lambda row: row.channel)
        for _, group in itertools.groupby(ordered, key=lambda row: row.channel):
            await self._world.pause()
            if self._world.happens("publish refused"):
                raise Unreachable("publish")
            self._world.store(list(group))
            if self._world.happens("publish acknowledged into the void"):
                raise Unreachable("acknowledgement")


@dataclass
class MemoryStore:
    """One schema. Transactional, fenced, and strict: a row that must be new and is not, is an error."""

    world: World
    epoch: int = 0
    progress: Progress = field(default_factory=Progress)
    tables: dict[str, dict[Key, Row]] = field(default_factory=dict)
    outbox: dict[str, list[OutboxRow]] = field(default_factory=dict)
    published_seq: dict[str, int] = field(default_factory=dict)
    journal: list[Delivery] = field(default_factory=list)

    async def begin(self, held: int = 0) -> Epoch:
        """Take over."""
        await self.world.pause()
        if held not in (0, self.epoch):
            raise Fenced("overtaken")
        if self.world.happens("begin unreachable"):
            raise Unreachable("begin")
        self.epoch += 1
        heads = {channel: rows[-1].last_seq for channel, rows in self.outbox.items()}
        return Epoch(self.epoch, self.progress, heads, dict(self.published_seq))

    async def load(self, tables: Sequence[Table]) -> dict[str, Sequence[Row]]:
        """Rows in key order."""
        await self.world.pause()
        return {table.name: self.rows(table.name) for table in tables}

    def rows(self, name: str) -> list[Row]:
        """A table's rows in key order."""
        return [row for _, row in sorted(self.tables.get(name, {}).items())]

    async def commit(self, commit: Commit) -> None:
        """All or nothing; the answer may get lost."""
        await self.world.pause()
        if self.world.happens("commit refused"):
            raise Unreachable("commit")
        if not self._holds(commit):
            raise Fenced("overtaken")
        self._apply(commit)
        if self.world.happens("commit answered into the void"):
            raise Unreachable("commit's answer")
        await self.world.pause()

    def _holds(self, commit: Commit) -> bool:
        return commit.epoch == self.epoch and commit.before.position == self.progress.position

    def _apply(self, commit: Commit) -> None:
        for table, rows in commit.changes.rows.items():
            self._write(table, rows)
        for table, keys in commit.changes.deletes.items():
            for key in keys:
                self.tables.setdefault(table.name, {}).pop(key, None)
        for row in commit.outbox:
            rows_so_far = self.outbox.setdefault(row.channel, [])
            expected = rows_so_far[-1].last_seq + 1 if rows_so_far else 1
            assert row.first_seq == expected, f"{row.channel}: {row.first_seq} follows {expected - 1}"
            rows_so_far.append(row)
        for channel, seq in commit.published_seq.items():
            self.published_seq[channel] = max(self.published_seq.get(channel, 0), seq)
        self.journal += commit.journal
        self.progress = commit.after

    def _write(self, table: Table, rows: Sequence[Row]) -> None:
        held = self.tables.setdefault(table.name, {})
        seen: set[Key] = set()
        for row in rows:
            key = table.key_of(row)
            assert table.write == "ignore" or key not in seen, f"{table.name}: {key} twice in one batch"
            assert table.write != "append" or key not in held, f"{table.name}: {key} was there before"
            seen.add(key)
            if table.write != "ignore" or key not in held:
                held[key] = row

    async def unpublished(self, channel: str, after_seq: int, limit: int) -> Sequence[OutboxRow]:
        """Outbox rows beyond a number."""
        await self.world.pause()
        return [row for row in self.outbox.get(channel, []) if row.first_seq > after_seq][:limit]

    async def mark_published(self, epoch: int, published_seq: Mapping[str, int]) -> None:
        """Remember what is published."""
        if epoch == self.epoch:
            for channel, seq in published_seq.items():
                self.published_seq[channel] = max(self.published_seq.get(channel, 0), seq)
