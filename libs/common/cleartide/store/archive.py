"""Days as files: a day that is whole in a Parquet file leaves the database."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from cleartide.store.days import COUNTS, Day, drop_day_in
from cleartide.store.names import quoted
from cleartide.store.parquet import export

_LOCK = "SET LOCAL lock_timeout TO '5s'"


class ArchiveError(Exception):
    """A day could not be archived; it is still in the database."""


async def archive_day(
    connection: "asyncpg.Connection[Any]", day: Day, columns: Mapping[str, str], key: Sequence[str], target: Path
) -> int:
    """Write a day's rows, in order of time and key, and drop it; returns how many there were. Raises ArchiveError.

    A row that comes while the file is written is found by the count that is kept with the rows: then nothing is
    dropped, and the next run writes the file again. A file that is there already is of such a run, and is replaced.
    """
    if day.day is None:
        raise ArchiveError(f"{day.name} is no day")
    target.parent.mkdir(parents=True, exist_ok=True)
    names, order = ", ".join(map(quoted, columns)), ", ".join(map(quoted, dict.fromkeys(("ts", *key))))
    query = f"SELECT {names} FROM {day.relation} ORDER BY {order}"  # noqa: S608 - our own names
    written = await export(connection, query, columns, target)
    async with connection.transaction():
        await connection.execute(_LOCK)
        await connection.execute(f"LOCK TABLE ONLY {quoted(day.series)} IN ACCESS EXCLUSIVE MODE")
        held = await connection.fetchval(
            f"SELECT coalesce(sum(rows), 0)::bigint FROM {COUNTS} WHERE series = $1 AND day = $2",  # noqa: S608
            day.series,
            day.day,
        )
        if held != written:
            raise ArchiveError(
                f"{day.name} has {held:,} rows by count and {written:,} in {target}: run again, "
                "and if that does not help `cleartide db stats --recount`"
            )
        await drop_day_in(connection, day)
    return written
