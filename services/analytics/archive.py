"""Closed days as Parquet in an object store: written once, asked there with DuckDB.

Layout: `<dataset>/day=YYYY-MM-DD/part-0.parquet`, UTC days, rows in the order of the account numbers or of the stream.
That is Hive's: DuckDB, ClickHouse, Trino and Spark read it as they are. A day is written when it has been over for
`CLEARTIDE_ARCHIVE_AFTER_HOURS`, once for each dataset; later corrections of it are in the days of `adjustments` and
`restatements`, which hold them under the day when they were said.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from cleartide.fold import Table
from cleartide.service import ServiceContext
from cleartide.store.objects import ObjectStore, ObjectStoreError, open_store
from cleartide.store.parquet import export
from cleartide.store.trouble import STORE_TROUBLE

from services.analytics.settings import AnalyticsSettings
from services.analytics.tables import ACCOUNT_DAYS, ACCOUNT_HOURS, CANDLES, TRADES

log = structlog.get_logger()

CHECK_SECONDS: Final = 600.0
DAY_MICROS: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1)
MOST_DAYS: Final = 4_000


@dataclass(frozen=True)
class Dataset:
    """What of a table belongs to a day: the column that says when, and the order of the rows in the file."""

    table: Table
    at: str
    order: str
    where: str = "true"

    @property
    def query(self) -> str:
        """$1 to $2: the day in microseconds, or as instants for a table that is partitioned by them."""
        columns = ", ".join(self.table.columns)
        return (
            f"SELECT {columns} FROM {self.table.name} WHERE {self.at} >= $1 AND {self.at} < $2 AND {self.where} "  # noqa: S608
            f"ORDER BY {self.order} LIMIT 10000000000"
        )

    @property
    def first(self) -> str:
        """The first moment that there is."""
        return f"SELECT min({self.at}) FROM {self.table.name}"  # noqa: S608


DATASETS: Final = (
    Dataset(ACCOUNT_DAYS, "ts", "number"),
    Dataset(ACCOUNT_HOURS, "ts", "number, start"),
    Dataset(TRADES, "minute", "seq"),
    Dataset(CANDLES, "open_time", "market, series, open_time", "closed"),
)


def object_key(dataset: str, day: date) -> str:
    """Where a day's file is."""
    return f"{dataset}/day={day:%Y-%m-%d}/part-0.parquet"


async def archive_closed_days(connection: Any, store: ObjectStore, before: date) -> list[str]:
    """Write every day that ends before this one begins and is not in the store yet; returns the new keys."""
    written = []
    there = set(await store.keys(""))
    for dataset in DATASETS:
        day = _day_of(await connection.fetchval(dataset.first))
        while day is not None and day < before:
            key = object_key(dataset.table.name, day)
            if key not in there:
                await _write(connection, store, dataset, day, key)
                written.append(key)
            day += timedelta(days=1)
    return written


async def _write(connection: Any, store: ObjectStore, dataset: Dataset, day: date, key: str) -> None:
    start = (day - _EPOCH).days * DAY_MICROS
    bounds: tuple[Any, Any] = (start, start + DAY_MICROS)
    if dataset.at == "ts":
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        bounds = (midnight, midnight + timedelta(days=1))
    with tempfile.TemporaryDirectory(prefix="cleartide-archive-") as folder:
        target = Path(folder) / "part-0.parquet"
        rows = await export(connection, dataset.query, dataset.table.columns, target, *bounds)
        await store.put(key, target)
        log.info("day_archived", dataset=dataset.table.name, day=str(day), rows=rows, bytes=target.stat().st_size)


def _day_of(first: Any) -> date | None:
    if first is None or isinstance(first, datetime):
        return first.astimezone(UTC).date() if first else None
    return _EPOCH + timedelta(days=int(first) // DAY_MICROS)


async def keep_archive(context: ServiceContext) -> None:
    """Beside the fold: archive what is over, for as long as the service runs. Off without CLEARTIDE_ARCHIVE_ADDRESS."""
    settings = AnalyticsSettings()
    if not settings.archive_address:
        await context.stopping.wait()
        return
    store = open_store(settings.archive_address, settings.archive_key, settings.archive_secret)
    while not context.stopping.is_set():
        over = datetime.now(UTC) - timedelta(hours=settings.archive_after_hours)
        try:
            async with context.pool.acquire() as connection:
                await archive_closed_days(connection, store, over.date())
        except (*STORE_TROUBLE, ObjectStoreError) as error:
            log.warning("archive_failed", error=str(error)[:200])
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await context.stopping.wait()


async def fetch(store: ObjectStore, dataset: str, first: date, last: date, folder: Path) -> list[Path]:
    """The files of these days, fetched where they are not there yet."""
    paths = []
    for key in (await store.keys(f"{dataset}/"))[:MOST_DAYS]:
        if object_key(dataset, first) <= key <= object_key(dataset, last):
            target = folder / key
            if not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                await store.get(key, target)
            paths.append(target)
    return paths


def ask(sql: str, views: Mapping[str, list[Path]]) -> list[tuple[Any, ...]]:
    """SQL over fetched files; each dataset is a view that has the column `day` of its folders."""
    import duckdb  # as in cleartide.store.parquet

    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        for name, paths in views.items():
            files = ", ".join(f"'{path}'" for path in paths)
            read = f"read_parquet([{files}], hive_partitioning = true, union_by_name = true)"
            duck.execute(f"CREATE VIEW {name} AS SELECT * FROM {read}")  # noqa: S608
        return duck.execute(sql).fetchall()
