"""Rows that are nobody's fold: what a service alone knows, such as who may sign in. Written here, in transactions.

Every transaction says who acts (`cleartide.actor`), and row-level security asks for it. One that says nothing sees no
row and writes none. A tenant's transaction is read-only and runs as the role `<service>_tenant`, which owns no table,
may write to none, and is shown the rows of that tenant alone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import asyncpg

from cleartide.store.in_place import in_place
from cleartide.store.names import quoted, tenant_role_of
from cleartide.store.tenant import ACT_AS_TENANT

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 10.0
SERVICE_ACTOR: Final = "service"
_ACT: Final = "SELECT set_config('cleartide.actor', $1, true)"

Row = Mapping[str, Any]
if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | PoolConnectionProxy[Any]


@dataclass(frozen=True, slots=True)
class Before:
    """In a condition: the column is less than this."""

    value: Any


@dataclass(frozen=True, slots=True)
class After:
    """In a condition: the column is greater than this."""

    value: Any


@dataclass(frozen=True, slots=True)
class More:
    """In a change: the column grows by this much, whatever it was."""

    value: int


class Truth:
    """One transaction. Tables and columns are named by the caller's code, values are always parameters."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    async def fetch(self, query: str, *arguments: Any) -> Sequence[Row]:
        """Rows of a query."""
        rows: Sequence[Row] = await self._connection.fetch(query, *arguments)
        return rows

    async def first(self, query: str, *arguments: Any) -> Row | None:
        """The first row of a query."""
        row: Row | None = await self._connection.fetchrow(query, *arguments)
        return row

    async def add(self, table: str, **row: Any) -> None:
        """A new row. asyncpg.UniqueViolationError when there is one of its key."""
        await self._connection.execute(_insert(table, row), *row.values())

    async def add_new(self, table: str, **row: Any) -> bool:
        """A new row, unless there is one of its key; of several at once exactly one is told True."""
        added = await self._connection.fetchval(
            f"{_insert(table, row)} ON CONFLICT DO NOTHING RETURNING 1", *row.values()
        )
        return added is not None

    async def add_all(self, table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Many new rows in one statement; `types`: the type of each column, in the order of a row's values."""
        await self._connection.execute(_insert_all(table, types), *map(list, zip(*rows, strict=True)))

    async def sum_up(
        self,
        table: str,
        types: Mapping[str, str],
        rows: Sequence[Sequence[Any]],
        *,
        key: Sequence[str],
        greatest: Sequence[str] = (),
    ) -> None:
        """Rows that add to what stands under their keys: `greatest` keep the larger value, others grow by theirs.

        Each key at most once, and in the same order by everybody: then nobody waits for each other in a circle.
        """
        grown = ", ".join(
            f"{quoted(name)} = greatest(held.{quoted(name)}, excluded.{quoted(name)})"
            if name in greatest
            else f"{quoted(name)} = held.{quoted(name)} + excluded.{quoted(name)}"
            for name in types
            if name not in key
        )
        text = f"{_insert_all(table, types)} ON CONFLICT ({', '.join(map(quoted, key))}) DO UPDATE SET {grown}"
        await self._connection.execute(text, *map(list, zip(*rows, strict=True)))

    async def change(self, table: str, where: Row, **to: Any) -> Sequence[Row]:
        """Change what meets every condition; returns the rows as they are now. Of several at once each sees the last.

        A condition is a value, None (is null), a list (any of), Before or After.
        """
        arguments: list[Any] = []
        changes = ", ".join(_assignment(column, value, arguments) for column, value in to.items())
        text = f"UPDATE {quoted(table)} SET {changes} WHERE {_conditions(where, arguments)} RETURNING *"  # noqa: S608
        rows: Sequence[Row] = await self._connection.fetch(text, *arguments)
        return rows

    async def remove(self, table: str, where: Row) -> int:
        """Remove what meets every condition; returns how many rows went."""
        arguments: list[Any] = []
        text = f"DELETE FROM {quoted(table)} WHERE {_conditions(where, arguments)}"  # noqa: S608
        status: str = await self._connection.execute(text, *arguments)
        return int(status.rpartition(" ")[2])


class TruthStore:
    """Transactions on a service's own schema, by at most `connections` at once."""

    def __init__(self, pool: "asyncpg.Pool[Any]", service: str) -> None:
        self._pool, self._tenant = pool, tenant_role_of(service)

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, service: str, *, connections: int) -> AsyncIterator[Self]:
        """A store with a pool of its own. Connects when it is first used."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=connections,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            init=in_place(service),
            server_settings={"application_name": f"cleartide-{service}-truth"},
        )
        try:
            yield cls(pool, service)
        finally:
            # What still hangs on a lost server is not waited for.
            pool.terminate()

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Truth]:
        """The service itself: commits at the end of the block, or leaves nothing behind."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_ACT, SERVICE_ACTOR)
            yield Truth(connection)

    @asynccontextmanager
    async def reading_as(self, tenant: str) -> AsyncIterator[Truth]:
        """A tenant, who sees his own rows and writes none."""
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(ACT_AS_TENANT, tenant, self._tenant)
            yield Truth(connection)


def _insert(table: str, row: Row) -> str:
    columns = ", ".join(map(quoted, row))
    return f"INSERT INTO {quoted(table)} ({columns}) VALUES ({', '.join(f'${n}' for n in range(1, len(row) + 1))})"  # noqa: S608


def _insert_all(table: str, types: Mapping[str, str]) -> str:
    columns = ", ".join(map(quoted, types))
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types.values(), 1))
    return f"INSERT INTO {quoted(table)} AS held ({columns}) SELECT * FROM unnest({arrays})"  # noqa: S608


def _assignment(column: str, value: Any, arguments: list[Any]) -> str:
    grows = isinstance(value, More)
    arguments.append(value.value if grows else value)
    return f"{quoted(column)} = {f'{quoted(column)} + ' if grows else ''}${len(arguments)}"


def _conditions(where: Row, arguments: list[Any]) -> str:
    if not where:
        raise ValueError("a change without a condition would be of every row")
    return " AND ".join(_condition(column, value, arguments) for column, value in where.items())


def _condition(column: str, value: Any, arguments: list[Any]) -> str:
    match value:
        case None:
            return f"{quoted(column)} IS NULL"
        case Before() | After():
            arguments.append(value.value)
            return f"{quoted(column)} {'<' if isinstance(value, Before) else '>'} ${len(arguments)}"
        case list():
            arguments.append(value)
            return f"{quoted(column)} = ANY(${len(arguments)})"
        case _:
            arguments.append(value)
            return f"{quoted(column)} = ${len(arguments)}"
