"""A month of account days: loading a day, storage, one account's history, and months, beside PostgreSQL and Parquet."""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import duckdb
from cleartide.bus.ports import Commit, Progress
from cleartide.fold import Changes
from cleartide.store.parquet import from_csv
from cleartide.store.partitions import ensure_days, index_closed
from cleartide.store.postgres import PostgresStore

from benchmarks.report import Row, median
from deploy.local.postgres import PostgresServer
from services.analytics.app import SERVICE
from services.analytics.tables import ACCOUNT_DAYS
from tests.support.schema import migrated
from tests.support.servers import new_database

DAYS: Final = 30
ROUNDS: Final = 3
FIRST: Final = datetime(2026, 9, 1, tzinfo=UTC)
LOOKS: Final = 15
TABLE: Final = next(table for table in SERVICE.partitions if table.table == "account_days")
LOADED: Final = 102_400
BATCH: Final = 25_600
"""What a hundred events close, at 256 accounts each."""
_COLUMNS: Final = ", ".join(ACCOUNT_DAYS.columns)
_DAY_SQL: Final = """
COPY (
  SELECT TIMESTAMPTZ '{day:%Y-%m-%d} 00:00:00+00' AS ts, n AS number, {start} AS start, 'user-' || n AS account,
         1000000000 + n AS equity_start, 1000000000 + n + gain - fee AS equity_end, 0 AS flows, gain AS pnl,
         0 AS funding, fee AS fees, gain // 2 AS realized, abs(gain) * 1000 AS volume, 1 + n % 40 AS trades, 0 AS earned
  FROM (SELECT n, (hash(n * 64 + {number}) % 10000000)::BIGINT - 5000000 AS gain,
               (hash(n * 64 + {number} + 32) % 90000)::BIGINT AS fee
        FROM range(1, {users} + 1) r(n)) drawn
) TO '{path}' (FORMAT csv, HEADER false)
"""
_MONTH_SQL: Final = """
SELECT number, sum(pnl) AS pnl, sum(fees) AS fees, sum(volume) AS volume, count(*) AS days FROM {} GROUP BY number
"""
_DELTA_SQL: Final = """
SELECT number, sum(pnl)::bigint AS pnl, sum(fees)::bigint AS fees, sum(volume)::bigint AS volume, sum(days) AS days
FROM (SELECT * FROM read_parquet('{}') UNION ALL
      SELECT number, pnl, fees, volume, 1 FROM read_parquet('{}')) both_parts GROUP BY number
"""
_DIGEST: Final = "count(*), sum(pnl), sum(fees), sum(volume), sum(days), sum(pnl % 1009 * number)"


async def day_rows(rows: int, name: str = "analytics.days") -> list[Row]:
    """So many rows on a server of their own; everything that they took is given back."""
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        server = PostgresServer(folder / "postgres", password="bench-only", durable=False)
        await server.start()
        try:
            async with new_database(server, folder) as database:
                schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
                connection = await asyncpg.connect(schema.dsn, command_timeout=3_600)
                try:
                    return await _measured(connection, folder, max(1, rows // DAYS), name, schema.dsn)
                finally:
                    await connection.close()
        finally:
            await server.stop()


async def _measured(connection: "asyncpg.Connection[Any]", folder: Path, users: int, name: str, dsn: str) -> list[Row]:
    await connection.execute("SET statement_timeout TO 0")
    files = [await _day(connection, folder, users, number) for number in range(DAYS)]
    await connection.execute("VACUUM ANALYZE account_days")
    stored = await connection.fetchval(
        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'account_days'::regclass"
    )
    packed = sum(path.stat().st_size for path in files)
    began = time.perf_counter()
    # At the midnight after: the newest day has no index yet, which is the worst that an account's month meets.
    closed = await index_closed(connection, TABLE, FIRST + timedelta(days=DAYS))
    assert len(closed) == DAYS - 1
    indexed = (time.perf_counter() - began) / len(closed)
    looks = [await _history_ms(connection, 1 + look * (users - 1) // LOOKS) for look in range(LOOKS)]
    group, remade, delta = await _months(connection, files)
    loaded, copied = await _loads(connection, dsn)
    ratio = float(stored) / packed
    return [
        Row(f"{name}.rows", users * DAYS, "account days"),
        Row(f"{name}.load", loaded, "rows/s by the service's commits", "copy", loaded / copied, ">= 0.6"),
        Row(f"{name}.copy", copied, "rows/s by raw COPY"),
        Row(f"{name}.storage", packed / 2**20, "MB of Parquet", "rows in PostgreSQL", ratio, ">= 8"),
        Row(f"{name}.index", indexed, "s, a closed day's index, once", note="not in `storage`"),
        Row(f"{name}.history", median(looks), "ms, one account's 30 days", aim="< 20"),
        Row(f"{name}.history.slowest", max(looks), "ms, the slowest of 15 accounts", aim="< 20"),
        Row(f"{name}.group", group, "s, month of every account by GROUP BY in PostgreSQL"),
        Row(f"{name}.month", remade, "s, the same from the days' Parquet", "group", group / remade, ">= 5"),
        Row(f"{name}.delta", delta, "s, the same from the month so far and a day", "group", group / delta, ">= 5"),
    ]


async def _day(connection: "asyncpg.Connection[Any]", folder: Path, users: int, number: int) -> Path:
    """Into its partition, and as the archive writes it."""
    rows = await fill_day(connection, folder, users, number)
    file = folder / f"account_days_{FIRST + timedelta(days=number):%Y_%m_%d}.parquet"
    from_csv(rows, ACCOUNT_DAYS.columns, file)
    rows.unlink()
    return file


async def fill_day(connection: "asyncpg.Connection[Any]", folder: Path, users: int, number: int) -> Path:
    """Drawn by DuckDB in the accounts' order, as CSV, which is returned; from there by COPY into its partition."""
    day = FIRST + timedelta(days=number)
    await ensure_days(connection, TABLE, [day])
    rows = folder / "day.csv"
    start = int(day.timestamp()) * 10**6
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        duck.execute(_DAY_SQL.format(day=day, start=start, number=number, users=users, path=rows))
    columns = list(ACCOUNT_DAYS.columns)
    await connection.copy_to_table("account_days", source=rows, columns=columns, format="csv")
    print(f"day {number + 1} of {DAYS}", end="\r", flush=True)
    return rows


async def _history_ms(connection: "asyncpg.Connection[Any]", number: int) -> float:
    started = time.perf_counter()
    rows = await connection.fetch("SELECT * FROM account_days WHERE number = $1 AND ts >= $2", number, FIRST)
    assert len(rows) == DAYS
    return (time.perf_counter() - started) * 1_000


async def _months(connection: "asyncpg.Connection[Any]", files: list[Path]) -> tuple[float, float, float]:
    """Seconds of the same sums in PostgreSQL, in DuckDB from all days, and from the sums of all but the last and it.

    All three results are compared.
    """
    started = time.perf_counter()
    kept = await connection.fetchrow(f"SELECT {_DIGEST} FROM ({_MONTH_SQL.format('account_days')}) m")
    group = time.perf_counter() - started
    so_far, whole = files[0].with_name("so_far.parquet"), files[0].with_name("month.parquet")
    remade, delta = [], []
    with duckdb.connect() as duck:
        duck.execute(f"COPY ({_MONTH_SQL.format(_parquet(files[:-1]))}) TO '{so_far}' (FORMAT parquet)")
        for _ in range(ROUNDS):
            started = time.perf_counter()
            counted = duck.execute(f"SELECT {_DIGEST} FROM ({_MONTH_SQL.format(_parquet(files))}) m").fetchall()[0]
            remade.append(time.perf_counter() - started)
            started = time.perf_counter()
            duck.execute(f"COPY ({_DELTA_SQL.format(so_far, files[-1])}) TO '{whole}' (FORMAT parquet)")
            delta.append(time.perf_counter() - started)
            added = duck.execute(f"SELECT {_DIGEST} FROM read_parquet('{whole}')").fetchall()[0]
            assert kept is not None
            assert tuple(map(int, kept)) == tuple(map(int, counted)) == tuple(map(int, added)), (kept, counted, added)
    return group, median(remade), median(delta)


def _parquet(files: list[Path]) -> str:
    return "read_parquet([" + ", ".join(f"'{path}'" for path in files) + "])"


async def _loads(connection: "asyncpg.Connection[Any]", dsn: str) -> tuple[float, float]:
    """Rows per second of a day's end: by the service's commits, and by COPY into a table without keys or indexes."""
    taken = await connection.fetch(f"SELECT {_COLUMNS} FROM account_days WHERE ts = $1 LIMIT {LOADED}", FIRST)
    store, seconds = PostgresStore(dsn, SERVICE.name), dict[str, list[float]](ours=[], raw=[])
    await connection.execute("CREATE TABLE copied AS SELECT * FROM account_days LIMIT 0")
    try:
        epoch = await store.begin()
        at = epoch.progress
        for attempt in range(ROUNDS):
            day = FIRST + timedelta(days=DAYS + attempt)
            await ensure_days(connection, TABLE, [day])
            rows = [(day, row[1], int(day.timestamp()) * 10**6, *row[3:]) for row in map(tuple, taken)]
            batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
            started = time.perf_counter()
            for batch in batches:
                after = Progress(at.position + 1, at.stream_seq + 1, at.stream_created, at.at)
                await store.commit(Commit(epoch.number, at, after, Changes({ACCOUNT_DAYS: batch}), [], {}))
                at = after
            seconds["ours"].append(time.perf_counter() - started)
            started = time.perf_counter()
            for batch in batches:
                await connection.copy_records_to_table("copied", records=batch, columns=list(ACCOUNT_DAYS.columns))
            seconds["raw"].append(time.perf_counter() - started)
    finally:
        await store.close()
    return len(taken) / median(seconds["ours"]), len(taken) / median(seconds["raw"])
