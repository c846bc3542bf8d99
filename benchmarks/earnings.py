"""Earnings at size: a day of many lines against raw COPY, and a month from its days against GROUP BY.

All on one server with every fsync on, over the same rows. `load` is the daily load: a closed day's rows by the
service's own commit, into partitions with their index, beside `copy`, binary COPY of the same rows into a table without
keys. `close` is everything that the end of a day takes: the service folds the event that begins a new day, works out
every line's row, at most CLOSES_PER_EVENT lines with each event, says each to its owner, and commits rows, outbox and
months in one transaction. `month` is what one more day costs the kept months, counted and written under their key;
`counted` that without writing them; `group` is PostgreSQL making the months anew from their days, `remade` DuckDB from
the archive of the closed ones. LINES and DAYS make it smaller or larger.

Five times GROUP BY is aimed at for a hundred million rows, in the day's delta and in the full recompute: those are
`history100m.delta` and `history100m.month`. At these 20,000 lines most of `month` is rewriting as many indexed rows,
against which GROUP BY, whose result is in no index, has nothing to set; it keeps the same aim and is told as it is.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
from cleartide.bus.ports import Commit, Progress
from cleartide.contracts.chain import ChainEvent
from cleartide.fold import Changes
from cleartide.service.memory import expect_batches, keep_state
from cleartide.store.asking import ask
from cleartide.store.datasets import archive_closed_days
from cleartide.store.objects import FolderStore
from cleartide.store.partitions import Partitioned, ensure_days
from cleartide.store.postgres import PostgresStore

from benchmarks.report import Row, disk_sync_rows, median, write
from benchmarks.rooms import room
from services.vaults.app import SERVICE
from services.vaults.domain.ledger import DayRow
from services.vaults.domain.months import Month
from services.vaults.domain.state import CLOSES_PER_EVENT
from services.vaults.repository import DAYS as DAYS_TABLE
from services.vaults.repository import MONTHS, sums_of
from services.vaults.tests.chain import DAY, START, delivery, deposit, stake, state
from tests.support.fold_bench import in_batches, new_folder
from tests.support.installation import Installation

LINES = int(os.environ.get("LINES", "20000"))
DAYS = int(os.environ.get("DAYS", "28"))
BATCH = 500
FIRST = START
"""2024-10-04: four weeks from here are within the month."""
_MONTHS_SQL = """
CREATE TABLE remade AS
SELECT owner, protocol, asset, sum(deposits)::bigint AS deposits, sum(withdrawals)::bigint AS withdrawals,
       sum(fees)::bigint AS fees, sum(earned)::bigint AS earned, count(*) AS active_days,
       count(return_1e12) AS return_days, sum(return_1e12)::bigint AS return_sum
FROM {} GROUP BY owner, protocol, asset
"""
_TOLD_LAST = """(SELECT * FROM vault_days d WHERE NOT EXISTS (
  SELECT 1 FROM vault_days l WHERE l.revision > 0 AND (l.number, l.ts) = (d.number, d.ts) AND l.revision > d.revision
)) told"""


async def run() -> None:
    """Measure and write `results/earnings.json`. The collector looks when it does in a service."""
    expect_batches()
    async with room() as installed:
        loads, counts = await _fold(installed)
        store_seconds, copy_seconds = await _load(installed)
        month_seconds, counted_seconds, group_seconds = await _month(installed)
        remade_seconds = await _remade(installed)
    rate, copied = LINES / median(loads), LINES / copy_seconds
    stored = LINES / store_seconds
    write(
        "earnings",
        [
            *disk_sync_rows(),
            Row("earnings.lines", LINES, "lines"),
            Row("earnings.days", counts, "rows"),
            Row("earnings.load", stored, "rows/s by the service's commit", "copy", stored / copied, ">= 0.6"),
            Row("earnings.close", rate, "rows/s worked out, told and stored", "copy", rate / copied),
            Row("earnings.copy", copied, "rows/s"),
            Row("earnings.month", month_seconds, "s", "group", group_seconds / month_seconds, ">= 5"),
            Row("earnings.counted", counted_seconds, "s", "group", group_seconds / counted_seconds, ">= 5"),
            Row("earnings.remade", remade_seconds, "s", "group", group_seconds / remade_seconds, ">= 5"),
            Row("earnings.group", group_seconds, "s"),
        ],
    )


async def _fold(installed: Installation) -> tuple[list[float], int]:
    """Seconds of each day's closing, and how many rows there are in the end. The first days warm up."""
    store = PostgresStore(installed.service_dsn("vaults"), "vaults")
    try:
        connection = await _owner(installed)
        days = [datetime.fromtimestamp(_at(day) // 10**6, UTC).replace(hour=0, minute=0) for day in range(DAYS + 7)]
        await ensure_days(connection, Partitioned("vault_days"), days)
        await connection.close()
        epoch = await store.begin()
        folder = new_folder(SERVICE.fold, SERVICE.repository.restore({table.name: [] for table in _loaded()}), epoch)
        position = await _commit(folder, store, _opening(), 0)
        keep_state()
        loads = []
        for day in range(1, DAYS + 1):
            events: list[ChainEvent] = [state(10**8 + day, _at(day), 10**15 + day * 10**11, 10**15)]
            events += [stake(2 * 10**8 + day * 10**4 + n, _at(day) + n, "nobody", 1) for n in range(_closers())]
            started = time.perf_counter()
            position = await _commit(folder, store, events, position)
            loads.append(time.perf_counter() - started)
        rows = await installed.fetch("vaults", "SELECT count(*) FROM vault_days")
        return loads[2:] or loads, int(rows[0][0])
    finally:
        await store.close()


def _loaded() -> list[Any]:
    return [table for table in SERVICE.repository.tables if table.load]


def _at(day: int) -> int:
    return FIRST + day * DAY + DAY // 2


def _closers() -> int:
    return LINES // CLOSES_PER_EVENT + 2


def _opening() -> list[ChainEvent]:
    first: list[ChainEvent] = [state(1, _at(0), 10**15, 10**15)]
    return first + [deposit(n + 2, _at(0), f"owner-{n:07}", 10**9 + n, 10**9 + n) for n in range(LINES)]


async def _commit(folder: Any, store: PostgresStore, events: Sequence[ChainEvent], position: int) -> int:
    for batch in in_batches(events, BATCH):
        placed = [delivery(each, each.block_time)._replace(stream_seq=position + n) for n, each in enumerate(batch, 1)]
        position += len(batch)
        commit, _ = folder.fold(folder.decode(placed), "", "bench")
        await store.commit(commit)
    return position


async def _owner(installed: Installation) -> Any:
    connection = await asyncpg.connect(installed.admin_dsn)
    await connection.execute("SET search_path TO vaults")
    return connection


def _added(months: dict[str, Any], day: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Every line's month with one more day, as the service keeps it; none of who never held anything."""
    for row in day:
        kept = months.get(row["owner"])
        if kept is None:
            continue
        month = Month(*kept[4:])
        month.end_with(DayRow(row["day"], *tuple(row)[7:]))
        yield (*kept[:4], *sums_of(month))


async def _remade(installed: Installation) -> float:
    """Seconds of the months anew, from the closed days' Parquet."""
    connection = await _owner(installed)
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
        store = FolderStore(Path(name) / "archive")
        try:
            last = datetime.fromtimestamp(_at(DAYS) // 10**6, UTC).date()
            assert await archive_closed_days(connection, store, SERVICE.archived, last)
        finally:
            await connection.close()
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            await ask(store, _MONTHS_SQL.format(_TOLD_LAST), {"vault_days": (date.min, last)})
            seconds.append(time.perf_counter() - started)
        return median(seconds)


async def _load(installed: Installation) -> tuple[float, float]:
    """Seconds to store one day's rows: by the service's commit, and by binary COPY into a table without keys."""
    day = (await installed.fetch("vaults", "SELECT max(day) FROM vault_days"))[0][0]
    columns = ", ".join(DAYS_TABLE.columns)
    rows = [
        tuple(row) for row in await installed.fetch("vaults", f"SELECT {columns} FROM vault_days WHERE day = {day}")
    ]
    store = PostgresStore(installed.service_dsn("vaults"), "vaults")
    connection = await _owner(installed)
    stored, copied = [], []
    try:
        await connection.execute("CREATE TABLE copied AS SELECT * FROM vault_days LIMIT 0")
        epoch = await store.begin()
        at = epoch.progress
        for attempt in range(1, 6):
            changes = Changes()
            changes.put_all(DAYS_TABLE, [(*row[:6], 10**9 + attempt, *row[7:]) for row in rows])
            after = Progress(at.position + 1, at.stream_seq + 1, at.stream_created, at.at)
            started = time.perf_counter()
            await store.commit(Commit(epoch.number, at, after, changes, [], {}))
            stored.append(time.perf_counter() - started)
            at = after
            started = time.perf_counter()
            await connection.copy_records_to_table("copied", records=rows, columns=list(DAYS_TABLE.columns))
            copied.append(time.perf_counter() - started)
        await connection.execute("DELETE FROM vault_days WHERE revision >= 1000000000")
        return median(stored), median(copied)
    finally:
        await connection.close()
        await store.close()


async def _month(installed: Installation) -> tuple[float, float, float]:
    """Seconds that one more day costs every line's month, stored and only counted; and those of making them anew."""
    connection = await _owner(installed)
    store = PostgresStore(installed.service_dsn("vaults"), "vaults")
    kept, counted, made = [], [], []
    try:
        epoch = await store.begin()
        months = {row["owner"]: tuple(row) for row in await connection.fetch("SELECT * FROM vault_months")}
        day = await connection.fetch("SELECT * FROM vault_days WHERE day = (SELECT max(day) FROM vault_days)")
        await connection.execute("ANALYZE vault_days")
        at = epoch.progress
        for _ in range(3):
            started = time.perf_counter()
            changes = Changes()
            changes.put_all(MONTHS, _added(months, day))
            counted.append(time.perf_counter() - started)
            after = Progress(at.position + 1, at.stream_seq + 1, at.stream_created, at.at)
            await store.commit(Commit(epoch.number, at, after, changes, [], {}))
            kept.append(time.perf_counter() - started)
            at = after
            started = time.perf_counter()
            await connection.execute(_MONTHS_SQL.format("current_days"))
            made.append(time.perf_counter() - started)
            await connection.execute("DROP TABLE remade")
        return median(kept), median(counted), median(made)
    finally:
        await connection.close()
        await store.close()
