"""The SQL of one batch: every table's rows, the journal, the outbox and the position as ONE statement.

One statement is one transaction and one round trip. Each part is guarded by the fence, the update of the position under
the caller's epoch: when that matches no row, nothing at all is written.
"""

from functools import lru_cache
from typing import Any, Final

import msgspec

from cleartide.bus.ports import Commit
from cleartide.bus.streams import PASSING
from cleartide.fold import Table

_json = msgspec.json.Encoder()

FENCE: Final = """WITH fence AS (
  UPDATE consumer_position SET position = $1, stream_seq = $2, stream_created = $3, at = $4
  WHERE epoch = $5 AND position = $6 RETURNING 1)"""
GUARD: Final = "WHERE EXISTS (SELECT 1 FROM fence)"


@lru_cache(maxsize=1_024)
def _record(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """A row's form in JSON: a struct encodes three times faster than a dictionary of the same names."""
    return msgspec.defstruct("Record", list(names), gc=False)


class Statement:
    """Builds the statement and its arguments part by part."""

    def __init__(self, commit: Commit) -> None:
        after = commit.after
        self.arguments: list[Any] = [
            after.position,
            after.stream_seq,
            after.stream_created,
            after.at,
            commit.epoch,
            commit.before.position,
        ]
        self._parts = [FENCE]
        for table, rows in commit.changes.rows.items():
            self._write(table, rows)
        for table, keys in commit.changes.deletes.items():
            self._delete(table, keys)
        self._journal(commit)
        self._outbox(commit)

    @property
    def text(self) -> str:
        """The whole statement; it returns one row when the commit took place and none when it was fenced."""
        return ",\n".join(self._parts) + "\nSELECT 1 FROM fence"

    def _argument(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def _recordset(self, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> str:
        record = _record(tuple(columns))
        payload = _json.encode([record(*row) for row in rows]).decode()
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        return f"json_to_recordset({self._argument(payload)}::text::json) AS r({typed})"

    def _write(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        columns = dict(table.columns)
        names = ", ".join(columns)
        conflict = ""
        if table.write == "ignore":
            conflict = "ON CONFLICT DO NOTHING"
        elif table.write == "upsert":
            others = [name for name in columns if name not in table.key]
            updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in others)
            conflict = f"ON CONFLICT ({', '.join(table.key)}) DO " + (f"UPDATE SET {updates}" if others else "NOTHING")
        self._parts.append(
            f"w{len(self._parts)} AS (INSERT INTO {table.name} ({names}) "  # noqa: S608 - names are our declarations
            f"SELECT {names} FROM {self._recordset(columns, rows)} {GUARD} {conflict})"
        )

    def _delete(self, table: Table, keys: list[tuple[Any, ...]]) -> None:
        columns = {name: table.columns[name] for name in table.key}
        match = " AND ".join(f"t.{name} = r.{name}" for name in table.key)
        self._parts.append(
            f"d{len(self._parts)} AS (DELETE FROM {table.name} t USING {self._recordset(columns, keys)} "  # noqa: S608
            f"{GUARD} AND {match})"
        )

    def _journal(self, commit: Commit) -> None:
        if not commit.journal:
            return
        arrays = [
            self._argument([entry.stream_seq for entry in commit.journal]) + "::bigint[]",
            self._argument([entry.at for entry in commit.journal]) + "::bigint[]",
            self._argument([entry.subject for entry in commit.journal]) + "::text[]",
            self._argument([entry.payload for entry in commit.journal]) + "::bytea[]",
        ]
        self._parts.append(
            f"j{len(self._parts)} AS (INSERT INTO journal (stream_seq, at, subject, payload) "  # noqa: S608
            f"SELECT * FROM unnest({', '.join(arrays)}) {GUARD})"
        )

    def _outbox(self, commit: Commit) -> None:
        rows = commit.outbox
        if rows:
            arrays = [
                self._argument([row.channel for row in rows]) + "::text[]",
                self._argument([row.first_seq for row in rows]) + "::bigint[]",
                self._argument([row.last_seq for row in rows]) + "::bigint[]",
                self._argument([row.subject for row in rows]) + "::text[]",
                self._argument([row.payload for row in rows]) + "::bytea[]",
                self._argument([row.traceparent for row in rows]) + "::text[]",
            ]
            self._parts.append(
                f"o{len(self._parts)} AS (INSERT INTO outbox "  # noqa: S608
                f"(channel, first_seq, last_seq, subject, payload, traceparent) "
                f"SELECT * FROM unnest({', '.join(arrays)}) {GUARD})"
            )
        heads = {row.channel: row.last_seq for row in rows}
        channels = sorted({*heads, *commit.published_seq})
        if not channels:
            return
        arrays = [
            self._argument(channels) + "::text[]",
            self._argument([max(heads.get(c, 0), commit.published_seq.get(c, 0)) for c in channels]) + "::bigint[]",
            self._argument([commit.published_seq.get(channel, 0) for channel in channels]) + "::bigint[]",
        ]
        self._parts.append(
            f"p{len(self._parts)} AS (INSERT INTO outbox_position AS p (channel, last_seq, published_seq) "  # noqa: S608
            f"SELECT u.c, u.l, u.p FROM unnest({', '.join(arrays)}) AS u(c, l, p) {GUARD} "
            "ON CONFLICT (channel) DO UPDATE SET last_seq = greatest(p.last_seq, EXCLUDED.last_seq), "
            "published_seq = greatest(p.published_seq, EXCLUDED.published_seq))"
        )
        self._forget({channel: seq for channel, seq in commit.published_seq.items() if channel in PASSING})

    def _forget(self, published: dict[str, int]) -> None:
        """What short-lived streams have been given is in nobody's way any longer."""
        if published:
            arrays = f"{self._argument(list(published))}::text[], {self._argument(list(published.values()))}::bigint[]"
            self._parts.append(
                f"x{len(self._parts)} AS (DELETE FROM outbox o USING unnest({arrays}) AS u(c, p) {GUARD} "  # noqa: S608
                "AND o.channel = u.c AND o.first_seq <= u.p AND o.last_seq <= u.p)"
            )
