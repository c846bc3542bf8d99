"""Daily partitions `{table}_{YYYY}_{MM}_{DD}`, made ahead continuously; a default partition catches the unforeseen.

When a day's partition is made and the default one already holds rows of that day, the rows move into it: no insert ever
fails for a missing day, and no day is left behind in the default partition. By month it is the same, as
`{table}_{YYYY}_{MM}`; and months that are older than what is kept are dropped. A day that is over gets the B-tree that
its writer was spared, where the table names the column by which its rows are looked up.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import asyncpg
import structlog

from cleartide.store.hypertables import is_hypertable
from cleartide.store.names import quoted
from cleartide.store.trouble import STORE_TROUBLE

log = structlog.get_logger()
CHECK_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 30.0
DAYS_BACK: Final = 1
SETTLED: Final = timedelta(hours=1)
"""How long after its end a day counts as written."""


@dataclass(frozen=True)
class Partitioned:
    """A table partitioned by range on the timestamptz or date column `column`, with days made ahead of now.

    keep_months: of a table by month, how many months are kept beside the one that runs; 0 is all. found_by: the column
    on which a partition gets an index of its own once its time is over; "" is none.
    """

    table: str
    ahead_days: int = 3
    column: str = "ts"
    by: Literal["day", "month"] = "day"
    keep_months: int = 0
    found_by: str = ""

    def start_of(self, day: datetime) -> datetime:
        """Where the partition of a UTC day begins."""
        return day.replace(day=1) if self.by == "month" else day

    def end_of(self, start: datetime) -> datetime:
        """Where the partition that begins there ends."""
        if self.by == "day":
            return start + timedelta(days=1)
        return months_after(start, 1)

    def name_of(self, start: datetime) -> str:
        """The name of the partition that begins there."""
        return partition_name(self.table, start) if self.by == "day" else f"{self.table}_{start:%Y_%m}"


def partition_name(table: str, day: date) -> str:
    """`venue_trades_2026_11_21`."""
    return f"{table}_{day:%Y_%m_%d}"


def months_after(start: datetime, months: int) -> datetime:
    """The first of the month that comes so many months after a first of a month, or before it."""
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


async def ensure_days(connection: "asyncpg.Connection[Any]", table: Partitioned, days: Iterable[datetime]) -> list[str]:
    """Make the partitions of these UTC days where they are missing; returns the names that were made.

    A hypertable makes its days by itself.
    """
    if await is_hypertable(connection, table.table):
        return []
    made = []
    for day in sorted({table.start_of(day) for day in days}):
        name = table.name_of(day)
        if await _exists(connection, name):
            continue
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout TO '5s'")
            # One maker at a time, and no writer between the move and the attachment: its row would be for the default
            # partition, which by then must not take it.
            await connection.execute(f"LOCK TABLE ONLY {quoted(table.table)} IN SHARE ROW EXCLUSIVE MODE")
            if not await _exists(connection, name):
                await _make(connection, table, name, day)
                made.append(name)
    return made


async def _exists(connection: "asyncpg.Connection[Any]", name: str) -> bool:
    return await connection.fetchval("SELECT to_regclass($1)", name) is not None


async def _make(connection: "asyncpg.Connection[Any]", table: Partitioned, name: str, day: datetime) -> None:
    start, end = day, table.end_of(day)
    parent, column, default = quoted(table.table), quoted(table.column), quoted(f"{table.table}_default")
    await connection.execute(f"CREATE TABLE {quoted(name)} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    await connection.execute(
        f"WITH moved AS (DELETE FROM {default} WHERE {column} >= $1 AND {column} < $2 RETURNING *) "  # noqa: S608
        f"INSERT INTO {quoted(name)} SELECT * FROM moved",
        start,
        end,
    )
    await connection.execute(
        f"ALTER TABLE {parent} ATTACH PARTITION {quoted(name)} "
        f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
    )


def days_around(now: datetime, ahead_days: int) -> list[datetime]:
    """Yesterday to `ahead_days` after today, as UTC midnights."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [today + timedelta(days=offset) for offset in range(-DAYS_BACK, ahead_days + 1)]


async def drop_old_months(connection: "asyncpg.Connection[Any]", table: Partitioned, now: datetime) -> list[str]:
    """Drop the months of a table that are older than what is kept; returns the names that went. 0 keeps all."""
    if not table.keep_months:
        return []
    oldest = months_after(table.start_of(days_around(now, 0)[-1]), -table.keep_months)
    old = await _before(connection, table, oldest)
    for name in old:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout TO '5s'")
            await connection.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
    return old


async def _before(connection: "asyncpg.Connection[Any]", table: Partitioned, start: datetime) -> list[str]:
    """The partitions before the one that begins there, oldest first; never the default one."""
    rows = await connection.fetch(
        "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = to_regclass($1) ORDER BY 1",
        table.table,
    )
    dated = re.compile(rf"{re.escape(table.table)}_\d{{4}}_\d{{2}}" + (r"_\d{2}" if table.by == "day" else ""))
    return [row["name"] for row in rows if dated.fullmatch(row["name"]) and row["name"] < table.name_of(start)]


async def index_closed(connection: "asyncpg.Connection[Any]", table: Partitioned, now: datetime) -> list[str]:
    """Give each partition whose time is over its B-tree on `found_by`; returns the names of those that got one.

    Each is a transaction: cut off, it leaves nothing. Meanwhile readers go on, a writer of that one partition waits.
    """
    if not table.found_by:
        return []
    made = []
    for name in await _before(connection, table, table.start_of(days_around(now - SETTLED, 0)[-1])):
        index = f"{name}_by_{table.found_by}"
        if await _exists(connection, index):
            continue
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout TO '5s'")
            # A large day takes longer than what a service may ask of the database otherwise.
            await connection.execute("SET LOCAL statement_timeout TO '30min'")
            # One maker at a time; writers need not wait for this lock, only for the index itself.
            await connection.execute(f"LOCK TABLE {quoted(name)} IN SHARE UPDATE EXCLUSIVE MODE")
            if await _exists(connection, index):
                continue
            await connection.execute(f"CREATE INDEX {quoted(index)} ON {quoted(name)} ({quoted(table.found_by)})")
        made.append(name)
    return made


async def keep_ahead(dsn: str, tables: Sequence[Partitioned], stopping: asyncio.Event) -> None:
    """Make partitions ahead, and index closed ones, for as long as the service runs; a failure is tried again soon."""
    while not stopping.is_set():
        wait = CHECK_SECONDS
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
            try:
                for table in tables:
                    made = await ensure_days(connection, table, days_around(datetime.now(UTC), table.ahead_days))
                    if made:
                        log.info("partitions_made", table=table.table, days=len(made), last=made[-1])
                    if gone := await drop_old_months(connection, table, datetime.now(UTC)):
                        log.info("partitions_dropped", table=table.table, months=len(gone), last=gone[-1])
                    if closed := await index_closed(connection, table, datetime.now(UTC)):
                        log.info("partitions_indexed", table=table.table, days=len(closed), last=closed[-1])
            finally:
                await connection.close()
        except STORE_TROUBLE as error:
            log.warning("partitions_failed", error=str(error)[:200])
            wait = RETRY_SECONDS
        try:
            async with asyncio.timeout(wait):
                await stopping.wait()
        except TimeoutError:
            continue
