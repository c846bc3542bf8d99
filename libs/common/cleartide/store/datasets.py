"""Closed days as Parquet in an object store: written once, asked there (`cleartide.store.asking`).

Layout: `<dataset>/day=YYYY-MM-DD/part-0.parquet`, UTC days, rows in the order of the owners' numbers or of the stream.
That is Hive's: DuckDB, ClickHouse, Trino and Spark read it as they are. A day is written when it is closed for
everybody and has been over for `CLEARTIDE_ARCHIVE_AFTER_HOURS`. No file is ever changed: a day that is told again gets
a further file, `part-<revision>.parquet`, of the rows that were told since; of each row the highest revision holds.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from cleartide.fold import Table
from cleartide.store.objects import ObjectStore
from cleartide.store.parquet import export

log = structlog.get_logger()

DAY_MICROS: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Dataset:
    """What of a table belongs to a day: the column that says when, and the order of the rows in the file.

    closed: a query for the instant (microseconds) before which every day is closed; 0 while some are being closed.
    revisions: a query for the days (microseconds) that were told again and their last revision, if rows have one.
    """

    table: Table
    at: str
    order: str
    closed: str
    revisions: str = ""

    @property
    def query(self) -> str:
        """$1 to $2: the day in microseconds, or as instants; $3 to $4: the revisions, the first one excluded."""
        columns = ", ".join(self.table.columns)
        revised = "revision > $3 AND revision <= $4" if self.revisions else "$3::bigint < $4::bigint"
        return (
            f"SELECT {columns} FROM {self.table.name} WHERE {self.at} >= $1 AND {self.at} < $2 AND {revised} "  # noqa: S608
            f"ORDER BY {self.order} LIMIT 10000000000"
        )

    @property
    def first(self) -> str:
        """The first moment that there is."""
        return f"SELECT min({self.at}) FROM {self.table.name}"  # noqa: S608


def object_key(dataset: str, day: date, part: int = 0) -> str:
    """Where a day's file is."""
    return f"{dataset}/day={day:%Y-%m-%d}/part-{part}.parquet"


async def archive_closed_days(
    connection: Any, store: ObjectStore, datasets: Sequence[Dataset], before: date
) -> list[str]:
    """Write what is not in the store yet of every closed day that ends before this one begins; returns the new keys."""
    written = []
    there = _parts(await store.keys(""))
    for dataset in datasets:
        again = await connection.fetch(dataset.revisions) if dataset.revisions else ()
        told_again = {_day_of(day): revision for day, revision in again}
        day = _day_of(await connection.fetchval(dataset.first))
        end = min(before, _EPOCH + timedelta(days=(await connection.fetchval(dataset.closed) or 0) // DAY_MICROS))
        while day is not None and day < end:
            stored, last = there.get((dataset.table.name, day), -1), told_again.get(day, 0)
            if stored < last:
                key = object_key(dataset.table.name, day, last)
                await _write(connection, store, dataset, day, (stored, last))
                written.append(key)
            day += timedelta(days=1)
    return written


def _parts(keys: Sequence[str]) -> dict[tuple[str, date], int]:
    """The last part of each dataset's days."""
    found: dict[tuple[str, date], int] = {}
    for key in keys:
        dataset, day, part = key.split("/")
        place = dataset, date.fromisoformat(day.removeprefix("day="))
        found[place] = max(found.get(place, -1), int(part.removeprefix("part-").removesuffix(".parquet")))
    return found


async def _write(connection: Any, store: ObjectStore, dataset: Dataset, day: date, revisions: tuple[int, int]) -> None:
    start = (day - _EPOCH).days * DAY_MICROS
    bounds: tuple[Any, Any] = (start, start + DAY_MICROS)
    if dataset.table.columns[dataset.at] == "timestamptz":
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        bounds = (midnight, midnight + timedelta(days=1))
    with tempfile.TemporaryDirectory(prefix="cleartide-archive-") as folder:
        target = Path(folder) / "part.parquet"
        rows = await export(connection, dataset.query, dataset.table.columns, target, *bounds, *revisions)
        await store.put(object_key(dataset.table.name, day, revisions[1]), target)
        log.info("day_archived", dataset=dataset.table.name, day=str(day), rows=rows, bytes=target.stat().st_size)


def _day_of(moment: Any) -> date | None:
    if moment is None or isinstance(moment, datetime):
        return moment.astimezone(UTC).date() if moment else None
    return _EPOCH + timedelta(days=int(moment) // DAY_MICROS)
