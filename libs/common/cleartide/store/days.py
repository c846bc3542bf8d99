"""Retention of series that are kept by day: what there is, and getting rid of it by row, by day, or altogether.

A day is a partition of our own, or a chunk of TimescaleDB's; what follows holds for both.

A schema may count its series' rows in `series_rows` (series, day, venue), which its own triggers keep: a day that is
dropped leaves that table in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import asyncpg

from cleartide.store.hypertables import chunks_of, is_hypertable
from cleartide.store.names import quoted
from cleartide.store.partitions import Partitioned, partition_name

DAY: Final = timedelta(days=1)
COUNTS: Final = "series_rows"
_LOCK: Final = "SET LOCAL lock_timeout TO '5s'"
# Deleting may take longer than what a service may ask of the database.
_PATIENCE: Final = "SET LOCAL statement_timeout TO '30min'"


@dataclass(frozen=True)
class Day:
    """One partition or chunk, called `venue_trades_2026_11_21`; `relation` is its table, as SQL text.

    `day` is None for the default partition, which holds what has no day of its own; a hypertable has none.
    """

    series: str
    name: str
    day: date | None
    bytes: int
    relation: str


async def days_of(connection: "asyncpg.Connection[Any]", series: str) -> list[Day]:
    """Every day of a series with its size, oldest first, the default partition last."""
    if await is_hypertable(connection, series):
        chunks = await chunks_of(connection, series)
        return [Day(series, partition_name(series, each.day), each.day, each.bytes, each.relation) for each in chunks]
    records = await connection.fetch(
        "SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes, c.oid::regclass::text AS relation "
        "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1)",
        series,
    )
    found = [Day(series, name, _day_of(series, name), size, relation) for name, size, relation in records]
    return sorted(found, key=lambda each: (each.day is None, each.day or date.max))


def _day_of(series: str, name: str) -> date | None:
    try:
        return datetime.strptime(name.removeprefix(f"{series}_"), "%Y_%m_%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


async def days_before(connection: "asyncpg.Connection[Any]", series: str, before: date) -> list[Day]:
    """The days of a series that end before this one begins."""
    return [each for each in await days_of(connection, series) if each.day is not None and each.day < before]


async def rows_of(connection: "asyncpg.Connection[Any]", days: Sequence[Day]) -> list[int | None]:
    """How many rows each of these days has, as they are counted; None where the schema counts none."""
    if not await _is_counted(connection):
        return [None] * len(days)
    counted = await connection.fetch(
        f"SELECT series, day, sum(rows)::bigint AS rows FROM {COUNTS} WHERE series = ANY($1) GROUP BY 1, 2",  # noqa: S608
        sorted({each.series for each in days}),
    )
    found = {(each["series"], each["day"]): each["rows"] for each in counted}
    return [found.get((each.series, each.day), 0) for each in days]


async def drop_days(connection: "asyncpg.Connection[Any]", days: Sequence[Day]) -> None:
    """Drop these days, a transaction each: readers and writers wait for one of them at most; a kill halves none."""
    for each in days:
        if each.day is None:
            raise ValueError(f"{each.name} is no day")
        async with connection.transaction():
            await connection.execute(_LOCK)
            await drop_day_in(connection, each)


async def drop_day_in(connection: "asyncpg.Connection[Any]", day: Day) -> None:
    """Drop a day, and what is counted of it, in the transaction that is open; one that is gone is left alone.

    No writer is between the row and the count meanwhile: what comes later makes, and counts, the day anew.
    """
    await connection.execute(f"LOCK TABLE ONLY {quoted(day.series)} IN ACCESS EXCLUSIVE MODE")
    if await connection.fetchval("SELECT to_regclass($1)", day.relation) is None:
        return
    await connection.execute(f"DROP TABLE {day.relation}")
    if await _is_counted(connection):
        await connection.execute(
            f"DELETE FROM {COUNTS} WHERE series = $1 AND day = $2",  # noqa: S608
            day.series,
            day.day,
        )


async def rows_before(connection: "asyncpg.Connection[Any]", table: Partitioned, before: datetime) -> int:
    """How many rows of a series are older than an instant."""
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        return int(
            await connection.fetchval(
                f"SELECT count(*) FROM {quoted(table.table)} WHERE {quoted(table.column)} < $1",  # noqa: S608
                before,
            )
        )


async def delete_before(connection: "asyncpg.Connection[Any]", table: Partitioned, before: datetime) -> int:
    """Delete the rows that are older than an instant, one day a transaction; returns how many there were."""
    deleted = 0
    for each in await days_of(connection, table.table):
        if each.day is None:
            deleted += await _delete_strays(connection, table, each.name, before)
            continue
        start = datetime(each.day.year, each.day.month, each.day.day, tzinfo=UTC)
        if start < before:
            deleted += await _delete(connection, table, start, min(before, start + DAY))
    return deleted


async def _delete_strays(
    connection: "asyncpg.Connection[Any]", table: Partitioned, default: str, before: datetime
) -> int:
    """The rows of the default partition, which knows no days."""
    deleted = 0
    oldest = f"SELECT min({quoted(table.column)}) FROM {quoted(default)} WHERE {quoted(table.column)} < $1"  # noqa: S608
    while (start := await connection.fetchval(oldest, before)) is not None:
        deleted += await _delete(connection, table, start, min(before, _midnight(start) + DAY))
    return deleted


async def _delete(connection: "asyncpg.Connection[Any]", table: Partitioned, start: datetime, end: datetime) -> int:
    """By the series' own name, so that what counts its rows hears of it."""
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        done = await connection.execute(
            f"DELETE FROM {quoted(table.table)} "  # noqa: S608
            f"WHERE {quoted(table.column)} >= $1 AND {quoted(table.column)} < $2",
            start,
            end,
        )
        return int(done.rpartition(" ")[2])


async def truncate(connection: "asyncpg.Connection[Any]", series: Sequence[str]) -> None:
    """Empty these series, all at once or not at all; the days stay."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        await connection.execute(f"TRUNCATE {', '.join(quoted(name) for name in series)}")
        if await _is_counted(connection):
            await connection.execute(f"DELETE FROM {COUNTS} WHERE series = ANY($1)", list(series))  # noqa: S608


async def _is_counted(connection: "asyncpg.Connection[Any]") -> bool:
    return await connection.fetchval("SELECT to_regclass($1)", COUNTS) is not None


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
