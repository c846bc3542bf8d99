"""The SQL of one batch: every table's rows, the journal, the outbox and the position as ONE statement.

One statement is one transaction and one round trip. Each part is guarded by the fence, the update of the position under
the caller's epoch: when that matches no row, nothing at all is written.
"""

# ruff: noqa: S608 - names in this SQL are our declarations

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from cleartide.bus.ports import Commit, OutboxRow, Progress
from cleartide.bus.streams import PASSING
from cleartide.fold import Changes, Table

_json = msgspec.json.Encoder()

FENCE: Final = """WITH fence AS (
  UPDATE consumer_position SET position = $1, stream_seq = $2, stream_created = $3, at = $4
  WHERE epoch = $5 AND position = $6 RETURNING 1)"""
ARGUMENTS_OF_FENCE: Final = 6
GUARD: Final = "WHERE EXISTS (SELECT 1 FROM fence)"
JOURNAL: Final = "INSERT INTO journal (stream_seq, at, subject, payload)"
OUTBOX: Final = "INSERT INTO outbox (channel, first_seq, last_seq, subject, payload, traceparent)"
HEADS: Final = "INSERT INTO outbox_position AS p (channel, last_seq, published_seq)"
FORWARD: Final = (
    "ON CONFLICT (channel) DO UPDATE SET last_seq = greatest(p.last_seq, EXCLUDED.last_seq), "
    "published_seq = greatest(p.published_seq, EXCLUDED.published_seq)"
)
FORGOTTEN: Final = "o.channel = u.c AND o.first_seq <= u.p AND o.last_seq <= u.p"


class Shape(NamedTuple):
    """What a batch writes to. Batches of one shape share one statement, which the server has prepared."""

    written: tuple[Table, ...]
    deleted: tuple[Table, ...]
    journal: bool
    outbox: bool
    heads: bool
    forgets: bool


class Statement:
    """The statement of a batch and its arguments, in the same order: fence, rows, deletes, journal, outbox."""

    def __init__(self, commit: Commit) -> None:
        after, changes = commit.after, commit.changes
        self.arguments: list[Any] = [
            after.position,
            after.stream_seq,
            after.stream_created,
            after.at,
            commit.epoch,
            commit.before.position,
        ]
        for table, rows in changes.rows.items():
            self.arguments.append(_encoded(_row_of(table), rows))
        for table, keys in changes.deletes.items():
            self.arguments.append(_encoded(_key_of(table), keys))
        if commit.journal:
            self._columns([entry[:4] for entry in commit.journal])
        if commit.outbox:
            self._columns(commit.outbox)
        heads = self._heads(commit)
        forgets = self._forgotten(commit.published_seq)
        shape = Shape(
            tuple(changes.rows), tuple(changes.deletes), bool(commit.journal), bool(commit.outbox), heads, forgets
        )
        self.text = _text(shape)
        """It returns one row when the commit took place and none when it was fenced."""

    def _columns(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.arguments += map(list, zip(*rows, strict=True))

    def _heads(self, commit: Commit) -> bool:
        """The last number of every channel, and how much of it is published."""
        published = commit.published_seq
        heads = {row.channel: row.last_seq for row in commit.outbox}
        channels = sorted({*heads, *published})
        if channels:
            marks = [published.get(channel, 0) for channel in channels]
            lasts = [max(heads.get(channel, 0), mark) for channel, mark in zip(channels, marks, strict=True)]
            self.arguments += [channels, lasts, marks]
        return bool(channels)

    def _forgotten(self, published: Mapping[str, int]) -> bool:
        """What short-lived streams have been given is in nobody's way any longer."""
        passing = {channel: seq for channel, seq in published.items() if channel in PASSING}
        if passing:
            self.arguments += [list(passing), list(passing.values())]
        return bool(passing)


def refused(tables: Sequence[Table]) -> Commit:
    """A commit to all of the tables of an epoch that never was: it writes nothing and waits for nobody."""
    nowhere = Progress(position=-1)
    row = OutboxRow("", 0, 0, "", b"", "")
    return Commit(-1, nowhere, nowhere, Changes({table: [] for table in tables}, {}), [row], {})


def _encoded(record: type[msgspec.Struct], rows: Sequence[tuple[Any, ...]]) -> str:
    return _json.encode([record(*row) for row in rows]).decode()


@lru_cache(maxsize=1_024)
def _row_of(table: Table) -> type[msgspec.Struct]:
    """A row's form in JSON: a struct encodes three times faster than a dictionary of the same names."""
    return msgspec.defstruct("Row", list(table.columns), gc=False)


@lru_cache(maxsize=1_024)
def _key_of(table: Table) -> type[msgspec.Struct]:
    return msgspec.defstruct("Key", list(table.key), gc=False)


@lru_cache(maxsize=4_096)
def _text(shape: Shape) -> str:
    """Made once per shape."""
    numbers = itertools.count(ARGUMENTS_OF_FENCE + 1)

    def arrays(*kinds: str) -> str:
        return ", ".join(f"${next(numbers)}::{kind}[]" for kind in kinds)

    parts = [FENCE]
    parts += [f"w{number} AS ({_write(table, next(numbers))})" for number, table in enumerate(shape.written)]
    parts += [f"d{number} AS ({_delete(table, next(numbers))})" for number, table in enumerate(shape.deleted)]
    if shape.journal:
        parts.append(f"j AS ({JOURNAL} SELECT * FROM unnest({arrays('bigint', 'bigint', 'text', 'bytea')}) {GUARD})")
    if shape.outbox:
        columns = arrays("text", "bigint", "bigint", "text", "bytea", "text")
        parts.append(f"o AS ({OUTBOX} SELECT * FROM unnest({columns}) {GUARD})")
    if shape.heads:
        columns = arrays("text", "bigint", "bigint")
        parts.append(f"p AS ({HEADS} SELECT u.c, u.l, u.p FROM unnest({columns}) AS u(c, l, p) {GUARD} {FORWARD})")
    if shape.forgets:
        columns = arrays("text", "bigint")
        parts.append(f"x AS (DELETE FROM outbox o USING unnest({columns}) AS u(c, p) {GUARD} AND {FORGOTTEN})")
    return ",\n".join(parts) + "\nSELECT 1 FROM fence"


def _recordset(columns: Mapping[str, str], number: int) -> str:
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"json_to_recordset(${number}::text::json) AS r({typed})"


def _write(table: Table, number: int) -> str:
    names, conflict = ", ".join(table.columns), ""
    if table.write == "ignore":
        conflict = "ON CONFLICT DO NOTHING"
    elif table.write == "upsert":
        others = [name for name in table.columns if name not in table.key]
        updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in others)
        conflict = f"ON CONFLICT ({', '.join(table.key)}) DO " + (f"UPDATE SET {updates}" if others else "NOTHING")
    source = _recordset(table.columns, number)
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {source} {GUARD} {conflict}"


def _delete(table: Table, number: int) -> str:
    source = _recordset({name: table.columns[name] for name in table.key}, number)
    match = " AND ".join(f"t.{name} = r.{name}" for name in table.key)
    return f"DELETE FROM {table.name} t USING {source} {GUARD} AND {match}"
