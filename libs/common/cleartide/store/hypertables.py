"""Series whose days TimescaleDB keeps: hypertables of one-day chunks, made as rows come.

A series is one where it was made in a database that had TimescaleDB; what it is, its table says.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import asyncpg

_DAY: Final = timedelta(days=1)
_CHUNKS: Final = """
SELECT c.oid::regclass::text AS relation, k.range_start, k.range_end, pg_total_relation_size(c.oid) AS bytes
FROM timescaledb_information.chunks k
JOIN pg_namespace n ON n.nspname = k.chunk_schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = k.chunk_name
JOIN pg_class s ON s.relname = k.hypertable_name AND s.relnamespace = to_regnamespace(quote_ident(k.hypertable_schema))
WHERE s.oid = to_regclass($1) ORDER BY k.range_start
"""


@dataclass(frozen=True)
class Chunk:
    """One UTC day. `relation`: its name as SQL text, quoted and with its schema."""

    relation: str
    day: date
    bytes: int


async def is_hypertable(connection: "asyncpg.Connection[Any]", series: str) -> bool:
    """Whether TimescaleDB keeps the days of this series; otherwise they are partitions of our own."""
    return bool(await connection.fetchval("SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass($1)", series))


async def chunks_of(connection: "asyncpg.Connection[Any]", series: str) -> list[Chunk]:
    """The days of a hypertable, oldest first. Raises ValueError if somebody has given it chunks of another length."""
    return [_day(series, record) for record in await connection.fetch(_CHUNKS, series)]


def _day(series: str, record: Any) -> Chunk:
    start: datetime = record["range_start"].astimezone(UTC)
    if record["range_end"] - start != _DAY or start.timestamp() % _DAY.total_seconds():
        raise ValueError(f"{record['relation']} of {series} is not one UTC day: set its chunk interval back to a day")
    return Chunk(record["relation"], start.date(), record["bytes"])
