"""The store: rows a second beside COPY and row by row, a day dropped beside deleted, statistics of millions of rows.

`cleartide db stats` looks at `STORE_ROWS` (default 10,000,000); `STORE_DAY_ROWS` (1,000,000) are dropped and deleted.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
from cleartide.bus.ports import Commit, Progress
from cleartide.bus.streams import SERVICES
from cleartide.fold import Changes
from cleartide.fold import Row as Record
from cleartide.store.bulk import BulkWriter, open_schema
from cleartide.store.days import DAY, days_of, delete_before, drop_days
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.partitions import Partitioned, ensure_days
from cleartide.store.postgres import PostgresStore
from cleartide.store.roles import ensure_roles

from benchmarks.report import Row, disk_sync_rows, median, write
from deploy.local.postgres import PostgresServer
from services.ingestor.app import SERVICE
from services.ingestor.repository import SERIES, TICKERS

ROOT: Final = Path(__file__).resolve().parents[1]
ROWS: Final = int(os.environ.get("STORE_ROWS", "10000000"))
DAY_ROWS: Final = int(os.environ.get("STORE_DAY_ROWS", "1000000"))
BATCH: Final = 20_000
FOLD_BATCH: Final = 2_000
SINGLE: Final = 1_000
ROUNDS: Final = 5
DAYS: Final = 10
VENUES: Final = 7
SYMBOLS: Final = 50
START: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - DAYS * DAY
QUOTES: Final = Partitioned(TICKERS.name)
CHUNK: Final = 2**20
FILES: Final = """SELECT pg_relation_size(c.oid) AS size FROM pg_class c
WHERE c.oid = $1::regclass OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = $1::regclass)"""
MADE: Final = """INSERT INTO {table}
SELECT $1::timestamptz + n * $2::interval, 'venue-' || n % {venues}, 'SYM' || n % {symbols} || 'USDT', n,
    $1::timestamptz + n * $2::interval, 'ok', 600000 + n % 997, 5, 600001 + n % 997, 7
FROM generate_series(0, $3::bigint - 1) AS n"""


async def run() -> None:
    """Measure and write the result file."""
    rows = disk_sync_rows()
    async with _database() as (dsn, server):
        connection = await open_schema(dsn, SERVICE.name)
        rows += await _writers(connection, dsn)
        rows += await _dropping(connection, dsn, server)
        rows += await _statistics(connection, dsn)
        await connection.close()
    write("store", rows)


@asynccontextmanager
async def _database() -> AsyncIterator[tuple[str, PostgresServer]]:
    """PostgreSQL with every fsync on and the ingestor's schema: its address as the service, and the server."""
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
        Path(name).chmod(0o755)
        server = PostgresServer(Path(name) / "postgres", password="bench-only", durable=True)
        await server.start()
        try:
            owner = await asyncpg.connect(server.dsn)
            await ensure_roles(owner, {service: f"db-{service}" for service in SERVICES})
            await owner.close()
            await Migrator(server.dsn, SERVICE.name, role_of(SERVICE.name), [SERVICE.migrations]).migrate()
            dsn = f"postgresql://{role_of(SERVICE.name)}:db-ingestor@127.0.0.1:{server.port}/postgres"
            yield dsn, server
        finally:
            await server.stop()


def tickers(count: int, first: int) -> list[Record]:
    """Quotes of one day, numbered from `first`."""
    rows: list[Record] = []
    for number in range(first, first + count):
        ts = START + timedelta(milliseconds=number)
        place = (f"venue-{number % VENUES}", f"SYM{number % SYMBOLS}USDT")
        bid = 600_000 + number % 997
        rows.append((ts, *place, number, ts, "ok", bid, 5, bid + 1, 7))
    return rows


async def _writers(connection: Any, dsn: str) -> list[Row]:
    """Quotes into one day, each way in turn; raw COPY goes into a table of the same columns and indexes."""
    await _plain(connection)
    await ensure_days(connection, QUOTES, [START])
    columns, single = list(TICKERS.columns), ", ".join(f"${place}" for place in range(1, len(TICKERS.columns) + 1))
    insert = await connection.prepare(f"INSERT INTO {TICKERS.name} VALUES ({single})")
    store = PostgresStore(dsn, SERVICE.name)
    epoch = await store.begin()
    place = Place(store, epoch.number, epoch.progress)
    async with BulkWriter(dsn, SERVICE.name) as bulk, BulkWriter(dsn, SERVICE.name) as repeating:

        async def copy(rows: Sequence[Record]) -> None:
            await connection.copy_records_to_table("plain", records=rows, columns=columns)

        async def one_by_one(rows: Sequence[Record]) -> None:
            for row in rows[:SINGLE]:
                await insert.fetch(*row)

        async def fold(rows: Sequence[Record]) -> None:
            for start in range(0, len(rows), FOLD_BATCH):
                await place.commit(rows[start : start + FOLD_BATCH])

        async def in_bulk(rows: Sequence[Record]) -> None:
            await bulk.write(TICKERS, rows)

        async def again(rows: Sequence[Record]) -> None:
            await repeating.write(TICKERS, rows)

        ways: dict[str, Callable[[Sequence[Record]], Awaitable[None]]] = {
            "copy": copy, "bulk": in_bulk, "bulk_again": again, "fold": fold, "one_by_one": one_by_one,
        }  # fmt: skip
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(ROUNDS + 1):
            for turn, (name, way) in enumerate(ways.items()):
                # Written again is what has been written in bulk just before.
                base = (number * len(ways) + (1 if name == "bulk_again" else turn)) * BATCH
                rows = tickers(BATCH, base)
                began = time.perf_counter()
                await way(rows)
                count = SINGLE if name == "one_by_one" else BATCH
                if number:  # the first round warms up
                    rates[name].append(count / (time.perf_counter() - began))
    await store.close()
    raw, single_rate = median(rates["copy"]), median(rates["one_by_one"])
    found = [
        Row("store.copy.rows", raw, "rows/s"),
        Row(
            "store.bulk.rows", median(rates["bulk"]), "rows/s", "store.copy.rows", median(rates["bulk"]) / raw, ">= 0.6"
        ),
        Row(
            "store.fold.rows", median(rates["fold"]), "rows/s", "store.copy.rows", median(rates["fold"]) / raw, ">= 0.6"
        ),
        Row("store.one_by_one.rows", single_rate, "rows/s"),
    ]
    for name in ("bulk", "fold"):
        rate = median(rates[name])
        found.append(Row(f"store.{name}.gain", rate, "rows/s", "store.one_by_one.rows", rate / single_rate, ">= 5"))
    found.append(Row("store.bulk_again.rows", median(rates["bulk_again"]), "rows/s", note="every row is there already"))
    return found


@dataclass
class Place:
    """The service's place: each batch is rows and position in one statement."""

    store: PostgresStore
    epoch: int
    progress: Progress

    async def commit(self, rows: Sequence[Record]) -> None:
        """Write one batch as the service does."""
        changes = Changes()
        changes.put_all(TICKERS, rows)
        after = self.progress._replace(position=self.progress.position + 1)
        await self.store.commit(Commit(self.epoch, self.progress, after, changes, (), {}))
        self.progress = after


async def _plain(connection: Any) -> None:
    """The same columns, keys and indexes, and nothing that counts."""
    await connection.execute("CREATE TABLE plain (LIKE venue_tickers INCLUDING ALL) PARTITION BY RANGE (ts)")
    await connection.execute("CREATE TABLE plain_default PARTITION OF plain DEFAULT")
    await ensure_days(connection, Partitioned("plain"), [START, START + DAY])


async def fill(connection: Any, table: str, start: datetime, count: int) -> None:
    """So many quotes, evenly over the day that begins there."""
    made = MADE.format(table=table, venues=VENUES, symbols=SYMBOLS)
    step = timedelta(microseconds=86_399_999_999 // max(1, count))
    await connection.execute(made, start, step, count, timeout=3_600)


async def age(server: PostgresServer) -> None:
    """Everything is on the disk and nothing in the system's memory, as with days that are old enough to go."""
    owner = await asyncpg.connect(server.dsn)
    await owner.execute("CHECKPOINT")
    await owner.close()
    for path in (server.data / "base").glob("*/*"):
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def _discarding(server: PostgresServer, sizes: Sequence[int]) -> float:
    """Seconds in which the file system itself gives up files of these sizes that hold nothing of a database."""
    paths = [server.data / f"discarded-{number}" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        with path.open("wb") as file:
            for start in range(0, size, CHUNK):
                file.write(os.urandom(min(CHUNK, size - start)))
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    began = time.perf_counter()
    for path in paths:
        os.truncate(path, 0)
    seconds = time.perf_counter() - began
    for path in paths:
        path.unlink()
    return seconds


@dataclass
class Reading:
    """How long the longest answer took, and when the day was first gone from an answer."""

    longest: float = 0.0
    gone: float = 0.0


@asynccontextmanager
async def _reading(dsn: str) -> AsyncIterator[Reading]:
    """A reader of the same series, who asks again and again while the block runs."""
    reader, found = await open_schema(dsn, SERVICE.name), Reading()

    async def read() -> None:
        while True:
            began = time.perf_counter()
            await reader.fetch("SELECT FROM venue_tickers_default LIMIT 1")
            there = await reader.fetch("SELECT FROM venue_tickers WHERE ts < $1 LIMIT 1", START + DAY)
            found.longest = max(found.longest, time.perf_counter() - began)
            if not there and not found.gone:
                found.gone = time.perf_counter()

    reading = asyncio.create_task(read())
    try:
        yield found
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        reader.terminate()


async def _dropping(connection: Any, dsn: str, server: PostgresServer) -> list[Row]:
    """A day of rows: dropped; deleted from a table that counts nothing; deleted as `db clean --older-than` does."""
    await connection.execute("TRUNCATE venue_tickers, plain")
    await connection.execute("SET statement_timeout TO 0")
    await ensure_days(connection, QUOTES, [START, START + DAY])
    await fill(connection, "plain", START, DAY_ROWS)
    held: list[float] = []
    names = ("drop", "gone", "delete", "vacuum", "clean", "files")
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(3):
        await fill(connection, "venue_tickers", START, DAY_ROWS)
        full = [each for each in await days_of(connection, TICKERS.name) if each.day == START.date()]
        sizes = [each["size"] for each in await connection.fetch(FILES, full[0].name)]
        await age(server)
        seconds["files"].append(await asyncio.to_thread(_discarding, server, sizes))
        async with _reading(dsn) as reader:
            began = time.perf_counter()
            await drop_days(connection, full)
            ended = time.perf_counter()
        seconds["drop"].append(ended - began)
        seconds["gone"].append((reader.gone or ended) - began)
        held.append(reader.longest)
        await ensure_days(connection, QUOTES, [START])
    await age(server)
    began = time.perf_counter()
    await connection.execute("DELETE FROM plain WHERE ts >= $1 AND ts < $2", START, START + DAY, timeout=3_600)
    seconds["delete"].append(time.perf_counter() - began)
    await connection.execute("VACUUM plain", timeout=3_600)
    seconds["vacuum"].append(time.perf_counter() - began)
    await fill(connection, "venue_tickers", START, DAY_ROWS)
    await age(server)
    began = time.perf_counter()
    await delete_before(connection, QUOTES, START + DAY)
    seconds["clean"].append(time.perf_counter() - began)
    drop, gone, delete, vacuum, clean, files = (median(each) * 1_000 for each in seconds.values())
    return [
        Row("store.drop_day", drop, "ms", note="until the space is free too: files and all"),
        Row("store.drop_day.files", files, "ms", note="the file system alone, giving up bare files of the same sizes"),
        Row("store.drop_day.gone", gone, "ms", note="until a reader's answer is without the day; the locks are gone"),
        Row("store.drop_day.readers_wait", median(held) * 1_000, "ms", note="the longest answer meanwhile"),
        Row("store.delete_day", delete, "ms", "store.drop_day", delete / drop, ">= 50", f"{DAY_ROWS:,} rows"),
        Row(
            "store.delete_day.gone",
            delete,
            "ms",
            "store.drop_day.gone",
            delete / gone,
            ">= 50",
            "like for like: until no reader sees the day any more; neither has freed a byte",
        ),
        Row(
            "store.delete_day_for_good", vacuum, "ms", "store.drop_day", vacuum / drop, note="with the vacuum it needs"
        ),
        Row("store.clean_day", clean, "ms", "store.drop_day", clean / drop, note="deleted and counted"),
    ]


async def _statistics(connection: Any, dsn: str) -> list[Row]:
    """`cleartide db stats` as its user runs it, and what of it is not the start of Python; the counts are right."""
    await connection.execute("TRUNCATE venue_tickers")
    await ensure_days(connection, QUOTES, [START + number * DAY for number in range(DAYS + 1)])
    for number in range(DAYS):
        start = datetime.now(UTC) - (DAYS - number) * DAY
        await fill(connection, "venue_tickers", start, ROWS // DAYS)
    command = [sys.executable, "-m", "cleartide", "db", "stats", "--format", "json", "--database-url", dsn]
    seconds: list[float] = []
    told: dict[str, Any] = {}
    for _ in range(3):
        began = time.perf_counter()
        done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
        told = json.loads(done.stdout)
    counted = {each["series"]: each["rows"] for each in told["series"]}
    for table in SERIES:
        exact = await connection.fetchval(f"SELECT count(*) FROM {table.name}", timeout=3_600)
        assert counted[table.name] == exact, (table.name, counted[table.name], exact)
    began = time.perf_counter()
    await connection.fetchval("SELECT count(*) FROM venue_tickers", timeout=3_600)
    scan = time.perf_counter() - began
    note = f"{sum(counted.values()):,} rows; every count equals count(*)"
    return [
        Row("store.stats", median(seconds), "s", aim="< 1", note=note),
        Row("store.count_rows", scan, "s", "store.stats", scan / median(seconds), note="count(*) of the one series"),
    ]
