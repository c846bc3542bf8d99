"""Which stretches of time of a series have been fetched for good, so that one that was cut off goes on where it was.

The schema has `series_coverage` (series, scope, from_at, to_at): a scope is what is fetched on its own, such as one
symbol's candles of one length. Stretches of one scope never touch each other.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

Stretch = tuple[datetime, datetime]


async def covered(connection: "asyncpg.Connection[Any]", series: str, scope: str) -> list[Stretch]:
    """What is covered, oldest first."""
    records = await connection.fetch(
        "SELECT from_at, to_at FROM series_coverage WHERE series = $1 AND scope = $2 ORDER BY from_at", series, scope
    )
    return [(each["from_at"], each["to_at"]) for each in records]


async def cover(connection: "asyncpg.Connection[Any]", series: str, scope: str, stretch: Stretch) -> None:
    """Add a stretch, joined with those that it touches."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"cover {series} {scope}")
        touching = await connection.fetch(
            "DELETE FROM series_coverage WHERE series = $1 AND scope = $2 AND from_at <= $4 AND to_at >= $3 "
            "RETURNING from_at, to_at",
            series,
            scope,
            *stretch,
        )
        await connection.execute(
            "INSERT INTO series_coverage (series, scope, from_at, to_at) VALUES ($1, $2, $3, $4)",
            series,
            scope,
            min([stretch[0], *(each["from_at"] for each in touching)]),
            max([stretch[1], *(each["to_at"] for each in touching)]),
        )


async def uncover(connection: "asyncpg.Connection[Any]", series: Sequence[str], before: datetime | None) -> None:
    """Forget what lies before an instant, or everything: those rows were taken away, and may be fetched again."""
    async with connection.transaction():
        if before is None:
            await connection.execute("DELETE FROM series_coverage WHERE series = ANY($1)", list(series))
            return
        await connection.execute(
            "DELETE FROM series_coverage WHERE series = ANY($1) AND to_at <= $2", list(series), before
        )
        await connection.execute(
            "UPDATE series_coverage SET from_at = $2 WHERE series = ANY($1) AND from_at < $2", list(series), before
        )
