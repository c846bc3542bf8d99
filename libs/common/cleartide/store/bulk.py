"""Many rows of history into a series, in binary COPY; rows that are there already stay as they are.

New rows, which is the usual case, are copied straight into the table. When one of them is there already the copy is
undone and the batch goes through a staging table, from which only what is new is taken; as long as batches overlap with
what is stored they take that way at once.
"""

# ruff: noqa: S608 - names in this SQL are our declarations

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import asyncpg
import msgspec

from cleartide.fold import Row, Table
from cleartide.store.copying import copy_rows, is_copied
from cleartide.store.names import enter_schema, quoted, role_of
from cleartide.store.trouble import STORE_TROUBLE

WRITE_SECONDS: Final = 300.0
_json: Final = msgspec.json.Encoder()


async def open_schema(dsn: str, service: str, seconds: float = WRITE_SECONDS) -> "asyncpg.Connection[Any]":
    """A connection in a service's schema, as its role, whether the login is the role's or an administrator's.

    seconds: how long a statement may take.
    """
    connection = await asyncpg.connect(
        dsn,
        timeout=5,
        command_timeout=seconds,
        server_settings={"application_name": f"cleartide-{service}-tool"},
    )
    if await connection.fetchval("SELECT current_user") != role_of(service):
        await enter_schema(connection, service)
    await connection.execute(f"SET statement_timeout TO {int(seconds * 1000)}")
    return connection


class BulkWriter:
    """Writes rows of "ignore" and "upsert" tables on one connection, a transaction per batch.

    A service's role may make no temporary tables: staging tables are unlogged, one per table and session, and gone at
    the end; one that a kill has left behind is removed by the next writer.
    """

    def __init__(self, dsn: str, service: str) -> None:
        """The login is the service's own, or one that may act as its role."""
        self._dsn, self._service = dsn, service
        self._held: asyncpg.Connection[Any] | None = None
        self._staging: dict[Table, str] = {}
        self._overlapping: set[Table] = set()

    async def __aenter__(self) -> Self:
        self._held = await open_schema(self._dsn, self._service, WRITE_SECONDS)
        # Arrays and objects are given as they are, also to COPY.
        await self._held.set_type_codec("jsonb", schema="pg_catalog", encoder=_jsonb, decoder=bytes, format="binary")
        await self._sweep()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        with suppress(*STORE_TROUBLE):
            for name in self._staging.values():
                await held.execute(f"DROP TABLE IF EXISTS {name}")
        await held.close(timeout=5)

    @property
    def connection(self) -> "asyncpg.Connection[Any]":
        """For what is read beside the writing."""
        assert self._held is not None, "the writer is open"
        return self._held

    async def write(self, table: Table, rows: Sequence[Row], *, replace: bool = False) -> int:
        """Write the rows of one table in column order; returns how many were new.

        With `replace`, and for "upsert" tables, a row of a key that is there takes its place; all of them count. What
        the fold has said stays.
        """
        if not rows:
            return 0
        replace = replace or table.write == "upsert"
        if not replace and table not in self._overlapping:
            try:
                async with self.connection.transaction():
                    await self._copy(table, rows, table.name)
                return len(rows)
            except asyncpg.UniqueViolationError:
                self._overlapping.add(table)
        staging = await self._stage(table)
        async with self.connection.transaction():
            await self.connection.execute(f"TRUNCATE {staging}")
            await self._copy(table, rows, staging.strip('"'))
            written = int((await self.connection.execute(_merge(table, staging, replace))).rpartition(" ")[2])
        if written == len(rows) and not replace:
            self._overlapping.discard(table)
        return written

    async def _copy(self, table: Table, rows: Sequence[Row], into: str) -> None:
        if is_copied(table, rows[0]):
            await copy_rows(self.connection, table, rows, into)
        else:
            await self.connection.copy_records_to_table(into, records=rows, columns=list(table.columns))

    async def _stage(self, table: Table) -> str:
        if table not in self._staging:
            pid = await self.connection.fetchval("SELECT pg_backend_pid()")
            name = quoted(f"staging_{pid}_{table.name}")
            await self.connection.execute(f"DROP TABLE IF EXISTS {name}")
            await self.connection.execute(f"CREATE UNLOGGED TABLE {name} (LIKE {quoted(table.name)})")
            self._staging[table] = name
        return self._staging[table]

    async def _sweep(self) -> None:
        """Remove the staging tables of sessions that are gone."""
        left = await self.connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' "
            r"AND relname ~ '^staging_\d+_' AND split_part(relname, '_', 2)::int "
            "NOT IN (SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL)"
        )
        for record in left:
            await self.connection.execute(f"DROP TABLE IF EXISTS {quoted(record['relname'])}")


def _merge(table: Table, staging: str, replace: bool) -> str:
    names, key = ", ".join(table.columns), ", ".join(table.key)
    if not replace:
        return f"INSERT INTO {quoted(table.name)} ({names}) SELECT {names} FROM {staging} ON CONFLICT DO NOTHING"
    others = [name for name in table.columns if name not in table.key]
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in others)
    action = f"UPDATE SET {updates}" if others else "NOTHING"
    if table.beside and others:
        action += f" WHERE w.{table.is_beside}"
    # A batch that names a key twice means its last row; COPY keeps their order in ctid.
    return (
        f"INSERT INTO {quoted(table.name)} AS w ({names}) SELECT DISTINCT ON ({key}) {names} FROM {staging} "
        f"ORDER BY {key}, ctid DESC ON CONFLICT ({key}) DO {action}"
    )


def _jsonb(value: Any) -> bytes:
    """The binary form of jsonb: a version byte and the text."""
    return b"\x01" + (value if isinstance(value, bytes) else _json.encode(value))
