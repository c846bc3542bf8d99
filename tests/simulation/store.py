"""The store of the simulation: one schema in memory per service, transactional, fenced, checked like a database."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cleartide.bus.ports import NOBODY, Commit, Delivery, Epoch, Fenced, Holder, OutboxRow, Progress, Sign
from cleartide.fold import Changes, Key, Row, Table

from tests.simulation.chance import Chance
from tests.simulation.triggers import TRIGGERS

LOADING_PATIENCE: Final = 120.0
RANGES: Final = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


class ConstraintBroken(AssertionError):  # noqa: N818 - a verdict on a batch
    """A batch that PostgreSQL would have refused."""


@dataclass
class Schema:
    """What is committed: tables by declaration, position, outbox, journal."""

    tables: dict[str, dict[Key, Row]] = field(default_factory=dict)
    declared: dict[str, Table] = field(default_factory=dict)
    epoch: int = 0
    progress: Progress = field(default_factory=Progress)
    outbox: list[OutboxRow] = field(default_factory=list)
    last_seq: dict[str, int] = field(default_factory=dict)
    published_seq: dict[str, int] = field(default_factory=dict)
    journal: list[Delivery] = field(default_factory=list)
    sign: Sign = NOBODY
    signed: int = 0
    beats: int = 0
    sessions: set[int] = field(default_factory=set)

    def now(self) -> Epoch:
        """What a successor would start from."""
        return Epoch(self.epoch, self.progress, dict(self.last_seq), dict(self.published_seq))

    def rows(self, table: Table) -> list[Row]:
        """Rows in key order."""
        held = self.tables.get(table.name, {})
        return [held[key] for key in sorted(held)]

    def write(self, changes: Changes) -> None:
        """Apply one batch's rows as the declarations say."""
        for table, rows in changes.rows.items():
            self._put(table, rows)
        for table, keys in changes.deletes.items():
            put = {table.key_of(row) for row in changes.rows.get(table, ())}
            for key in keys:
                if key in put:
                    raise ConstraintBroken(f"{table.name}: {key} is put and deleted in one batch")
                self.tables.get(table.name, {}).pop(key, None)

    def _put(self, table: Table, rows: Sequence[Row]) -> None:
        held = self.tables.setdefault(table.name, {})
        self.declared[table.name] = table
        seen: set[Key] = set()
        trigger, fresh = TRIGGERS.get(table.name), list[Row]()
        for row in rows:
            _check_types(table, row)
            key = table.key_of(row)
            if table.write == "upsert" and key in seen:
                raise ConstraintBroken(f"{table.name}: {key} is put twice in one batch")
            if table.write == "append" and key in held:
                raise ConstraintBroken(f"{table.name}: {key} is there already")
            if table.write == "ignore" and key in held:
                continue
            seen.add(key)
            held[key] = row
            fresh.append(row)
        if trigger is not None and fresh:
            trigger(self.tables, fresh)

    def say(self, rows: Sequence[OutboxRow]) -> None:
        """Append to the outbox; numbers may not repeat."""
        for row in rows:
            if row.first_seq != self.last_seq.get(row.channel, 0) + 1:
                raise ConstraintBroken(f"outbox {row.channel}: {row.first_seq} after {self.last_seq.get(row.channel)}")
            self.last_seq[row.channel] = row.last_seq
            self.published_seq.setdefault(row.channel, 0)
            self.outbox.append(row)

    def published(self, marks: Mapping[str, int]) -> None:
        """Move the marks forward; they cannot pass what was said."""
        for channel, seq in marks.items():
            if seq > self.last_seq.get(channel, 0):
                raise ConstraintBroken(f"{channel}: {seq} published of {self.last_seq.get(channel, 0)}")
            self.published_seq[channel] = max(seq, self.published_seq.get(channel, 0))


def _check_types(table: Table, row: Row) -> None:
    for value, (name, kind) in zip(row, table.columns.items(), strict=True):
        if value is None:
            fine = name not in table.key
        elif kind in RANGES:
            fine = type(value) is int and -RANGES[kind] <= value < RANGES[kind]
        elif kind == "text":
            fine = type(value) is str and "\x00" not in value
        elif kind == "boolean":
            fine = type(value) is bool
        else:
            fine = True
        if not fine:
            raise ConstraintBroken(f"{table.name}.{name} {kind}: {value!r}")


class StoreFailed(OSError):  # noqa: N818 - a circumstance
    """What a database connection that fails raises."""


class SimulatedStore:
    """One process's connection to its service's schema."""

    def __init__(
        self, service: str, schema: Schema, chance: Chance, step: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._service, self._chance, self._step = service, chance, step
        self.schema = schema
        self._epoch = 0

    async def begin(self, held: int = 0, sign: Sign = NOBODY) -> Epoch:
        """Take over, unless somebody else has since."""
        await self._ask()
        schema = self.schema
        if held not in (0, schema.epoch):
            raise Fenced(f"{self._service}: epoch {held} was overtaken")
        schema.epoch += 1
        schema.sign, schema.signed, schema.beats = sign, schema.epoch, schema.beats + 1
        self._epoch = schema.epoch
        epoch = schema.now()
        await self._step()
        return epoch

    async def load(self, tables: Sequence[Table]) -> dict[str, Sequence[Row]]:
        """Every row, in key order; the rows of the epoch that has begun, or nothing."""
        await self._ask()
        if self._epoch != self.schema.epoch:
            raise Fenced(f"{self._service}: epoch {self._epoch} was overtaken")
        return {table.name: self.schema.rows(table) for table in tables}

    async def snapshot(self, tables: Sequence[Table]) -> tuple[Epoch, dict[str, Sequence[Row]]]:
        """Every row of one instant."""
        await self._ask()
        return self.schema.now(), {table.name: self.schema.rows(table) for table in tables}

    async def commit(self, commit: Commit) -> None:
        """All or nothing, at one instant between the question and the answer."""
        await self._step()
        if self._chance.happens("commit_fails"):
            raise StoreFailed("the batch did not arrive")
        self.require_holder(commit)
        self.apply(commit)
        await self._step()
        if self._chance.happens("commit_unheard"):
            raise StoreFailed("committed, but nobody said so")

    def require_holder(self, commit: Commit) -> None:
        """The fence."""
        if commit.epoch != self.schema.epoch or commit.before.position != self.schema.progress.position:
            raise Fenced(f"{self._service}: epoch {commit.epoch} at {commit.before.position} was overtaken")

    def apply(self, commit: Commit) -> None:
        """The transaction's work."""
        schema = self.schema
        schema.write(commit.changes)
        schema.say(commit.outbox)
        schema.published(commit.published_seq)
        schema.journal += commit.journal
        schema.progress = commit.after

    async def unpublished(self, channel: str, after_seq: int, limit: int) -> Sequence[OutboxRow]:
        """Outbox rows of a channel beyond a number."""
        await self._ask()
        beyond = [row for row in self.schema.outbox if row.channel == channel and row.first_seq > after_seq]
        return beyond[:limit]

    async def mark_published(self, epoch: int, published_seq: Mapping[str, int]) -> None:
        """The last word of an orderly end."""
        await self._ask()
        if epoch == self.schema.epoch:
            self.schema.published({channel: seq for channel, seq in published_seq.items() if seq})

    async def _ask(self) -> None:
        await self._step()
        if self._chance.happens("store_fails"):
            raise StoreFailed("the database does not answer")


class SimulatedLease:
    """One process's sign of life. Its session ends with the process; a frozen process keeps it and says nothing."""

    def __init__(
        self,
        schema: Schema,
        session: int,
        patience: float,
        chance: Chance,
        step: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._schema, self._session, self._patience = schema, session, patience
        self._chance, self._step = chance, step

    async def sign(self) -> Sign:
        """The sign of this process."""
        self._schema.sessions.add(self._session)
        return Sign("", self._session, LOADING_PATIENCE)

    async def beat(self, epoch: int, *, loading: bool) -> bool:
        """A sign of life, if nobody else has begun."""
        await self._ask()
        if self._schema.signed != epoch:
            return False
        patience = LOADING_PATIENCE if loading else self._patience
        self._schema.sign, self._schema.beats = Sign("", self._session, patience), self._schema.beats + 1
        return True

    async def look(self) -> Holder:
        """What the schema says of the holder."""
        await self._ask()
        schema = self._schema
        return Holder(schema.now(), schema.sign, schema.beats, schema.sign.session in schema.sessions)

    async def release(self, epoch: int) -> None:
        """The holder is done."""
        await self._ask()
        if self._schema.signed == epoch:
            self._schema.sign = NOBODY

    def abandon(self) -> None:
        """Sessions of this store end with their process alone."""

    async def _ask(self) -> None:
        await self._step()
        if self._chance.happens("store_fails"):
            raise StoreFailed("the database does not answer")
