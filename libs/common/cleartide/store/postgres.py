"""The store on Postgres: one connection for the unit of work, one statement per batch, a fence per epoch.

Thousands of rows of history in one batch, as at the end of a day, go beside the statement by COPY, in its transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import asyncpg

from cleartide.bus.ports import NOBODY, Commit, Epoch, Fenced, OutboxRow, Progress, Sign
from cleartide.fold import Changes, Row, Table
from cleartide.store.copying import copy_rows, is_copied
from cleartide.store.in_place import in_its_place
from cleartide.store.names import enter_schema
from cleartide.store.sql import Statement, refused

CONNECT_SECONDS: Final = 5.0
COMMIT_SECONDS: Final = 30.0
STATEMENTS: Final = 200
LONG_HISTORY: Final = 2_000
"""From so many rows on COPY is worth its further way to the server and back."""
UNCOPIED: Final = 100
"""So many batches of a table go by the statement after one of them held a row that was there: more may follow."""
WALLED: Final = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relforcerowsecurity
"""
"""Tables whose owner passes the second wall as everybody does: PostgreSQL refuses COPY there."""


class PostgresStore:
    """One service's schema. The role's search_path leads to it, so the SQL names no schema."""

    def __init__(self, dsn: str, service: str, *, act_as_owner: bool = False) -> None:
        """`act_as_owner`: the login is an administrator's; work as the service's role in its schema."""
        self._dsn, self._service, self._act_as_owner = dsn, service, act_as_owner
        self._held: asyncpg.Connection[Any] | None = None
        self._warm: asyncpg.Connection[Any] | None = None
        self._epoch = 0
        self._walled: frozenset[str] = frozenset()
        self._uncopied: dict[Table, int] = {}

    async def _connection(self) -> "asyncpg.Connection[Any]":
        if self._held is None or self._held.is_closed():
            connect = asyncpg.connect if self._act_as_owner else partial(in_its_place, self._service)
            self._held = await connect(
                self._dsn,
                timeout=CONNECT_SECONDS,
                command_timeout=COMMIT_SECONDS,
                # A batch's statement is prepared once and for all, and planned once: it looks rows up by their keys.
                statement_cache_size=STATEMENTS,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=0,
                server_settings={
                    "application_name": f"cleartide-{self._service}",
                    "plan_cache_mode": "force_generic_plan",
                },
            )
            if self._act_as_owner:
                await enter_schema(self._held, self._service)
        return self._held

    async def close(self) -> None:
        """Close the connection; a lost one is simply dropped."""
        held, self._held = self._held, None
        if held is not None and not held.is_closed():
            await held.close(timeout=CONNECT_SECONDS)

    def abandon(self) -> None:
        """Drop the connection without waiting: after an error its state is unknown."""
        held, self._held = self._held, None
        if held is not None:
            held.terminate()

    async def begin(self, held: int = 0, sign: Sign = NOBODY) -> Epoch:
        """A new epoch: from here on every older holder is fenced. Raises Fenced when `held` is not the newest."""
        connection = await self._connection()
        async with connection.transaction():
            row = await connection.fetchrow(
                "UPDATE consumer_position SET epoch = epoch + 1 WHERE $1::bigint IN (0, epoch) "
                "RETURNING epoch, position, stream_seq, stream_created, at",
                held,
            )
            if row is None:
                raise Fenced(f"{self._service}: epoch {held} was overtaken")
            await connection.execute(
                "UPDATE lease SET epoch = $1, code = $2, session = $3, patience_ms = $4, beats = beats + 1, "
                "session_start = (SELECT backend_start FROM pg_stat_get_activity($3))",
                row["epoch"],
                sign.code,
                sign.session,
                round(sign.patience * 1000),
            )
            heads = await connection.fetch("SELECT channel, last_seq, published_seq FROM outbox_position")
            self._walled = frozenset(each["relname"] for each in await connection.fetch(WALLED))
        self._epoch = row["epoch"]
        return _epoch(row, heads)

    async def load(self, tables: Sequence[Table]) -> dict[str, Sequence[Row]]:
        """Every row of the tables, as tuples in declared column order, ordered by key.

        Raises Fenced when the epoch begun here is no longer the newest: the rows are then not those of its position.
        """
        connection = await self._connection()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if self._epoch not in (0, await connection.fetchval("SELECT epoch FROM consumer_position")):
                raise Fenced(f"{self._service}: epoch {self._epoch} was overtaken")
            rows = await _rows(connection, tables)
        await self._warm_up(connection, tables)
        return rows

    async def snapshot(self, tables: Sequence[Table]) -> tuple[Epoch, dict[str, Sequence[Row]]]:
        """The rows of this moment and what they hold for."""
        connection = await self._connection()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            row = await connection.fetchrow(
                "SELECT epoch, position, stream_seq, stream_created, at FROM consumer_position"
            )
            heads = await connection.fetch("SELECT channel, last_seq, published_seq FROM outbox_position")
            rows = await _rows(connection, tables)
        await self._warm_up(connection, tables)
        return _epoch(row, heads), rows

    async def _warm_up(self, connection: "asyncpg.Connection[Any]", tables: Sequence[Table]) -> None:
        """A commit that the fence refuses. The first one of a connection takes the server five times as long as others,
        until it knows tables, indexes and functions: nobody's message should have to wait for that.
        """
        if self._warm is not connection:
            statement = Statement(refused(tables))
            await connection.fetch(statement.text, *statement.arguments)
            self._warm = connection

    async def commit(self, commit: Commit) -> None:
        """One batch, one transaction: one statement, and COPY for long history.

        COPY knows no first row of a key: where one is there already the transaction is undone, and its table is left
        to the statement.
        """
        connection = await self._connection()
        history, rest = self._parted(commit.changes)
        if not history:
            await self._state(connection, commit)
            return
        try:
            async with connection.transaction():
                await self._state(connection, replace(commit, changes=rest))
                for table, rows in history.items():
                    await copy_rows(connection, table, rows)
        except asyncpg.UniqueViolationError:
            repeatable = [table for table in history if table.write == "ignore"]
            if not repeatable:
                raise
            self._uncopied.update(dict.fromkeys(repeatable, UNCOPIED))
            await self.commit(commit)

    async def _state(self, connection: "asyncpg.Connection[Any]", commit: Commit) -> None:
        statement = Statement(commit)
        if not await connection.fetch(statement.text, *statement.arguments):
            raise Fenced(f"{self._service}: epoch {commit.epoch} at position {commit.before.position} was overtaken")

    def _parted(self, changes: Changes) -> tuple[Mapping[Table, Sequence[Row]], Changes]:
        """The rows of long history, and all others."""
        history = {table: rows for table, rows in changes.rows.items() if self._is_copied(table, rows)}
        if not history:
            return history, changes
        rest = {table: rows for table, rows in changes.rows.items() if table not in history}
        return history, Changes(rest, changes.deletes)

    def _is_copied(self, table: Table, rows: Sequence[Row]) -> bool:
        if table.name in self._walled or not _is_long_history(table, rows):
            return False
        if left := self._uncopied.get(table, 0):
            self._uncopied[table] = left - 1
        return not left

    async def unpublished(self, channel: str, after_seq: int, limit: int) -> Sequence[OutboxRow]:
        """Outbox rows of a channel beyond a sequence, in order."""
        connection = await self._connection()
        records = await connection.fetch(
            "SELECT channel, first_seq, last_seq, subject, payload, traceparent FROM outbox "
            "WHERE channel = $1 AND first_seq > $2 ORDER BY first_seq LIMIT $3",
            channel,
            after_seq,
            limit,
        )
        return [OutboxRow(*record) for record in records]

    async def mark_published(self, epoch: int, published_seq: Mapping[str, int]) -> None:
        """Remember what is published, so that the next start has nothing to repair."""
        connection = await self._connection()
        await connection.execute(
            "UPDATE outbox_position o SET published_seq = greatest(o.published_seq, u.p) "
            "FROM unnest($1::text[], $2::bigint[]) AS u(c, p), consumer_position c "
            "WHERE o.channel = u.c AND c.epoch = $3",
            list(published_seq),
            list(published_seq.values()),
            epoch,
        )


def _is_long_history(table: Table, rows: Sequence[Row]) -> bool:
    return table.write != "upsert" and len(rows) >= LONG_HISTORY and is_copied(table, rows[0])


def _epoch(row: Any, heads: Sequence[Any]) -> Epoch:
    return Epoch(
        number=row["epoch"],
        progress=Progress(row["position"], row["stream_seq"], row["stream_created"], row["at"]),
        last_seq={head["channel"]: head["last_seq"] for head in heads},
        published_seq={head["channel"]: head["published_seq"] for head in heads},
    )


async def _rows(connection: "asyncpg.Connection[Any]", tables: Sequence[Table]) -> dict[str, Sequence[Row]]:
    loaded: dict[str, Sequence[Row]] = {}
    for table in tables:
        columns, key = ", ".join(table.columns), ", ".join(table.key)
        order = f" ORDER BY {key}" if key else ""
        records = await connection.fetch(f"SELECT {columns} FROM {table.name}{order}", timeout=600)  # noqa: S608
        loaded[table.name] = [tuple(record) for record in records]
    return loaded
