"""What a schema's series hold: rows, bytes, from when to when, by venue; and what came in lately.

Rows are counted as they are written (`series_rows`, kept by triggers in the writing transaction), so that the answer is
exact and its cost does not grow with the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from cleartide.store.names import quoted
from cleartide.store.partitions import Partitioned


@dataclass(frozen=True)
class SeriesSize:
    """One series. `default_bytes`: of the partition for rows without a day of their own. `is_hypertable`: its days are
    TimescaleDB's chunks."""

    series: str
    rows: int
    total_bytes: int
    table_bytes: int
    index_bytes: int
    days: int
    first_at: datetime | None
    last_at: datetime | None
    default_bytes: int
    is_hypertable: bool
    venues: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Activity:
    """Rows of one symbol that came in a stretch of time."""

    series: str
    venue: str
    symbol: str
    rows: int


async def sizes(connection: "asyncpg.Connection[Any]", series: Sequence[str]) -> list[SeriesSize]:
    """Every series, in the given order, of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        counts = await connection.fetch(
            "SELECT series, venue, sum(rows)::bigint AS rows, min(first_at) AS first_at, max(last_at) AS last_at "
            "FROM series_rows WHERE series = ANY($1) GROUP BY series, venue ORDER BY series, venue",
            list(series),
        )
        spaces = await connection.fetch(
            "SELECT p.relname AS series, p.relkind = 'r' AS is_hypertable, "
            "count(c.oid) FILTER (WHERE c.relname <> p.relname || '_default') AS days, "
            "coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS total, "
            "coalesce(sum(pg_table_size(c.oid)), 0)::bigint AS data, "
            "coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname = p.relname || '_default'), 0)"
            "::bigint AS strays FROM pg_class p LEFT JOIN pg_inherits i ON i.inhparent = p.oid "
            "LEFT JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE p.oid = ANY($1::regclass[]) GROUP BY p.relname, p.relkind",
            list(series),
        )
    space = {each["series"]: each for each in spaces}
    return [_size(name, [each for each in counts if each["series"] == name], space[name]) for name in series]


def _size(name: str, counts: Sequence[Any], space: Any) -> SeriesSize:
    firsts = [each["first_at"] for each in counts if each["first_at"] is not None]
    lasts = [each["last_at"] for each in counts if each["last_at"] is not None]
    total, data = space["total"], space["data"]
    return SeriesSize(
        series=name,
        rows=sum(each["rows"] for each in counts),
        total_bytes=total,
        table_bytes=data,
        index_bytes=total - data,
        days=space["days"],
        first_at=min(firsts, default=None),
        last_at=max(lasts, default=None),
        default_bytes=space["strays"],
        is_hypertable=space["is_hypertable"],
        venues={each["venue"]: each["rows"] for each in counts if each["venue"]},
    )


async def activity(
    connection: "asyncpg.Connection[Any]", series: Sequence[Partitioned], now: datetime, back: timedelta
) -> list[Activity]:
    """Rows by venue and symbol of the time up to `now`, most first. The series must have both columns."""
    found: list[Activity] = []
    for table in series:
        records = await connection.fetch(
            f"SELECT venue, symbol, count(*) AS rows FROM {quoted(table.table)} "  # noqa: S608
            f"WHERE {quoted(table.column)} > $1 AND {quoted(table.column)} <= $2 GROUP BY venue, symbol",
            now - back,
            now,
        )
        found += [Activity(table.table, *record) for record in records]
    return sorted(found, key=lambda each: (-each.rows, each.series, each.venue, each.symbol))


async def database_bytes(connection: "asyncpg.Connection[Any]") -> int:
    """The size of the whole database."""
    return int(await connection.fetchval("SELECT pg_database_size(current_database())"))


async def timescale_version(connection: "asyncpg.Connection[Any]") -> str | None:
    """TimescaleDB's version in this database; None where it is not installed, as it need not be."""
    version: str | None = await connection.fetchval(
        "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb' LIMIT 1"
    )
    return version


async def recount(connection: "asyncpg.Connection[Any]", series: Sequence[Partitioned], venue: str = "venue") -> int:
    """Count every row of these series again, in one transaction in which nobody else writes; returns rows put right.

    For after somebody has written to a day's table by hand. `venue`: the column to count by; series without it are
    counted as a whole.
    """
    wrong = 0
    for table in series:
        async with connection.transaction():
            await connection.execute("SET LOCAL statement_timeout TO '30min'")
            await connection.execute(f"LOCK TABLE {quoted(table.table)} IN SHARE ROW EXCLUSIVE MODE")
            wrong += await _recount(connection, table, venue)
    return wrong


async def _recount(connection: "asyncpg.Connection[Any]", table: Partitioned, venue: str) -> int:
    name, column = quoted(table.table), quoted(table.column)
    has_venue = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2)", table.table, venue
    )
    by = quoted(venue) if has_venue else "''"
    before = await _counted(connection, table.table)
    await connection.execute("DELETE FROM series_rows WHERE series = $1", table.table)
    await connection.execute(
        "INSERT INTO series_rows (series, day, venue, rows, first_at, last_at) "  # noqa: S608
        f"SELECT $1, ({column} AT TIME ZONE 'UTC')::date, {by}, count(*), min({column}), max({column}) "
        f"FROM {name} GROUP BY 2, 3",
        table.table,
    )
    return len(before ^ await _counted(connection, table.table))


async def _counted(connection: "asyncpg.Connection[Any]", series: str) -> set[tuple[Any, ...]]:
    records = await connection.fetch("SELECT * FROM series_rows WHERE series = $1", series)
    return {tuple(record) for record in records}
