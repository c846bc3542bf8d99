"""TimescaleDB's chunks beside days of our own: rows a second, a day read, a day dropped. Needs `make timescale`.

Two databases of one server, one of them with the extension, take turns at the same work. `STORE_DAY_ROWS` make a day.
"""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from cleartide.bus.streams import SERVICES
from cleartide.store.bulk import BulkWriter, open_schema
from cleartide.store.days import DAY, days_of, drop_days
from cleartide.store.hypertables import is_hypertable
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.partitions import ensure_days
from cleartide.store.postgres import PostgresStore
from cleartide.store.roles import ensure_roles

from benchmarks.report import Row, disk_sync_rows, median, write
from benchmarks.store import BATCH, DAY_ROWS, FOLD_BATCH, QUOTES, START, Place, age, fill, tickers
from deploy.local.identity import find_runner
from deploy.local.postgres import PostgresServer
from services.ingestor.app import SERVICE
from services.ingestor.repository import TICKERS
from tests.support import timescale

ROUNDS: Final = 9
DROPS: Final = 5
HOUR: Final = "SELECT count(*), max(bid_ticks) FROM venue_tickers WHERE symbol = 'SYM7USDT' AND ts >= $1 AND ts < $2"


@dataclass
class Kind:
    """One of the two databases, and what was measured there, by what was done."""

    connection: "asyncpg.Connection[Any]"
    bulk: BulkWriter
    place: Place
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def took(self, what: str, began: float) -> None:
        """Note it."""
        self.seconds.setdefault(what, []).append(time.perf_counter() - began)


async def run() -> None:
    """Measure and write the result file."""
    programs = timescale.programs()
    if programs is None:
        print(f"there is no TimescaleDB here; for one: {timescale.COMMAND}")
        return
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
        Path(name).chmod(0o755)
        runner = find_runner(programs, Path(name) / "programs")
        server = PostgresServer(Path(name) / "postgres", password="bench-only", durable=True, runner=runner)
        await server.start()
        try:
            async with _kind(server, "own", "") as own, _kind(server, "chunks", "timescaledb") as chunks:
                await _write(own, chunks)
                await _drop(server, own, chunks)
            write("chunks", disk_sync_rows() + _rows(own, chunks))
        finally:
            await server.stop()


@asynccontextmanager
async def _kind(server: PostgresServer, name: str, extension: str) -> AsyncIterator[Kind]:
    owner = await asyncpg.connect(server.dsn)
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()
    admin = urlsplit(server.dsn)._replace(path=name).geturl()
    owner = await asyncpg.connect(admin)
    if extension:
        await owner.execute(f"CREATE EXTENSION {extension}")
    await ensure_roles(owner, {service: f"db-{service}" for service in SERVICES})
    await owner.close()
    await Migrator(admin, SERVICE.name, role_of(SERVICE.name), [SERVICE.migrations]).migrate()
    dsn = f"postgresql://{role_of(SERVICE.name)}:db-ingestor@127.0.0.1:{server.port}/{name}"
    async with AsyncExitStack() as open_ones:
        connection = await open_schema(dsn, SERVICE.name)
        open_ones.push_async_callback(connection.close)
        store = PostgresStore(dsn, SERVICE.name)
        open_ones.push_async_callback(store.close)
        epoch = await store.begin()
        bulk = await open_ones.enter_async_context(BulkWriter(dsn, SERVICE.name))
        assert await is_hypertable(connection, TICKERS.name) == bool(extension)
        await connection.execute("SET statement_timeout TO 0")
        await ensure_days(connection, QUOTES, [START])
        yield Kind(connection, bulk, Place(store, epoch.number, epoch.progress))


async def _write(*kinds: Kind) -> None:
    """Batches into one day, in bulk and as the service folds; each kind goes first in every other round."""
    for number in range(ROUNDS + 1):
        for kind in kinds if number % 2 else reversed(kinds):
            bulk, fold = tickers(BATCH, 2 * number * BATCH), tickers(BATCH, (2 * number + 1) * BATCH)
            began = time.perf_counter()
            await kind.bulk.write(TICKERS, bulk)
            if number:  # the first round warms up
                kind.took("bulk", began)
            began = time.perf_counter()
            for start in range(0, BATCH, FOLD_BATCH):
                await kind.place.commit(fold[start : start + FOLD_BATCH])
            if number:
                kind.took("fold", began)


async def _drop(server: PostgresServer, *kinds: Kind) -> None:
    """A day of rows that is old: an hour of one symbol is read, then the day goes."""
    for number in range(DROPS):
        for kind in kinds:
            await kind.connection.execute("TRUNCATE venue_tickers")
            await ensure_days(kind.connection, QUOTES, [START, START + DAY])
            await fill(kind.connection, TICKERS.name, START, DAY_ROWS)
            await kind.connection.execute("ANALYZE venue_tickers")
            await kind.connection.fetch(HOUR, START, START + timedelta(hours=1))
            began = time.perf_counter()
            for _ in range(10):
                await kind.connection.fetch(HOUR, START + timedelta(hours=7), START + timedelta(hours=8))
            kind.took("read", began)
        await age(server)
        for kind in kinds if number % 2 else reversed(kinds):
            full = [each for each in await days_of(kind.connection, TICKERS.name) if each.day == START.date()]
            began = time.perf_counter()
            await drop_days(kind.connection, full)
            kind.took("drop", began)


def _rows(own: Kind, chunks: Kind) -> list[Row]:
    found = []
    for what in ("bulk", "fold"):
        rates = [BATCH / median(kind.seconds[what]) for kind in (own, chunks)]
        found += _pair(what, rates, "rows/s")
    for what, times in (("read", 10), ("drop", 1)):
        found += _pair(what, [median(kind.seconds[what]) * 1_000 / times for kind in (own, chunks)], "ms")
    return found


def _pair(what: str, values: list[float], unit: str) -> list[Row]:
    own, chunks = values
    return [
        Row(f"chunks.own.{what}", own, unit),
        Row(f"chunks.{what}", chunks, unit, f"chunks.own.{what}", chunks / own),
    ]
