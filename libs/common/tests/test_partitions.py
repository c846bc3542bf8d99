"""Daily partitions: made ahead, never in the way of a writer, and nothing is left behind in the default one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from cleartide.store.partitions import (
    Partitioned,
    days_around,
    ensure_days,
    index_closed,
    keep_ahead,
    partition_name,
)

from tests.support.running import until
from tests.support.servers import Database

TRADES = Partitioned("venue_trades", ahead_days=2)
FOUND = Partitioned("venue_trades", ahead_days=2, found_by="n")
DAY = datetime(2026, 3, 1, tzinfo=UTC)
MIGRATION = """-- migrate:up
CREATE TABLE venue_trades (ts timestamptz NOT NULL, n bigint NOT NULL DEFAULT 0, PRIMARY KEY (ts, n))
    PARTITION BY RANGE (ts);
CREATE TABLE venue_trades_default PARTITION OF venue_trades DEFAULT;
CREATE INDEX venue_trades_by_n ON venue_trades (n);
"""


@pytest.fixture
async def ingestor(database: Database) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection as the ingestor, with one partitioned table."""
    await database.migrator("ingestor", m0001_trades=MIGRATION).migrate()
    connection = await asyncpg.connect(database.dsn("ingestor"))
    yield connection
    await connection.close()


async def held(connection: Any, table: str) -> int:
    return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def insert(connection: Any, *moments: datetime) -> None:
    await connection.executemany(
        "INSERT INTO venue_trades (ts, n) VALUES ($1, $2)", [(moment, n) for n, moment in enumerate(moments)]
    )


def test_days_are_whole_utc_days_from_yesterday_on() -> None:
    """Whatever zone the clock is read in: yesterday for late rows, today, and the days ahead."""
    tokyo = timezone(timedelta(hours=9))
    now = datetime(2026, 3, 1, 2, 30, tzinfo=tokyo)
    assert days_around(now, 1) == [datetime(2026, 2, day, tzinfo=UTC) for day in (27, 28)] + [DAY]
    assert partition_name("venue_trades", DAY) == "venue_trades_2026_03_01"


async def test_rows_go_to_the_partition_of_their_day(ingestor: Any) -> None:
    """Each UTC day has its table, from midnight to midnight, with the parent's key and indexes; a repeat makes none."""
    days = [DAY, DAY + timedelta(days=1)]
    assert await ensure_days(ingestor, TRADES, days) == ["venue_trades_2026_03_01", "venue_trades_2026_03_02"]
    assert await ensure_days(ingestor, TRADES, days) == []
    last = DAY + timedelta(days=1) - timedelta(microseconds=1)
    await insert(ingestor, DAY, last, last + timedelta(microseconds=1), DAY - timedelta(seconds=1))
    assert await held(ingestor, "venue_trades_2026_03_01") == 2
    assert await held(ingestor, "venue_trades_2026_03_02") == 1
    assert await held(ingestor, "venue_trades_default") == 1
    with pytest.raises(asyncpg.UniqueViolationError):
        await ingestor.execute("INSERT INTO venue_trades (ts, n) VALUES ($1, 0)", DAY)
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = 'venue_trades_2026_03_01'"
    assert await ingestor.fetchval(indexes) == 2


async def test_rows_of_an_unforeseen_day_move_out_of_the_default_partition(ingestor: Any) -> None:
    """Rows that came before their partition are in it afterwards: none lost, none doubled, none left behind."""
    moments = [DAY + timedelta(hours=hour) for hour in range(-2, 26)]
    await insert(ingestor, *moments)
    assert await held(ingestor, "venue_trades_default") == 28
    await ensure_days(ingestor, TRADES, [DAY])
    assert await held(ingestor, "venue_trades_default") == 4
    assert await held(ingestor, "venue_trades_2026_03_01") == 24
    assert await held(ingestor, "venue_trades") == 28


async def test_two_makers_at_once_make_each_day_once(ingestor: Any, database: Database) -> None:
    """Two processes during a takeover: both end well, every partition is there, every row too."""
    await insert(ingestor, *[DAY + timedelta(hours=6 * step) for step in range(20)])
    days = [DAY + timedelta(days=number) for number in range(5)]
    others = [await asyncpg.connect(database.dsn("ingestor")) for _ in range(3)]
    try:
        made = await asyncio.gather(*(ensure_days(connection, TRADES, days) for connection in others))
    finally:
        for connection in others:
            await connection.close()
    assert sorted(name for names in made for name in names) == [partition_name("venue_trades", day) for day in days]
    assert await held(ingestor, "venue_trades_default") == 0
    assert await held(ingestor, "venue_trades") == 20


async def test_a_writer_goes_on_while_partitions_are_made(ingestor: Any, database: Database) -> None:
    """Rows that keep coming for the very day that is being made are all there, each once, and no insert fails."""
    writer = await asyncpg.connect(database.dsn("ingestor"))
    done = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        while not done.is_set():
            await writer.execute("INSERT INTO venue_trades (ts, n) VALUES ($1, $2)", DAY, written)
            written += 1

    task = asyncio.create_task(write())
    try:
        await until(lambda: written > 10)
        days = [DAY + timedelta(days=number) for number in range(-2, 4)]
        assert len(await ensure_days(ingestor, TRADES, days)) == 6
        await until(lambda: written > 20)
    finally:
        done.set()
        await task
        await writer.close()
    assert await held(ingestor, "venue_trades_2026_03_01") == await held(ingestor, "venue_trades") == written


async def indexed(connection: Any) -> list[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_indexes WHERE indexname LIKE '%\\_by\\_n' ORDER BY 1")
    return [row["tablename"] for row in rows if row["tablename"] != "venue_trades"]


async def test_a_closed_day_is_found_by_its_column(ingestor: Any) -> None:
    """LIB-DAYS-001: an hour after its end a day has the B-tree that its writer was spared; no other day has, nor has
    the default partition. A late row is written, and found, all the same. A repeat makes none."""
    await ingestor.execute("DROP INDEX venue_trades_by_n")
    days = [DAY + timedelta(days=number) for number in range(3)]
    await ensure_days(ingestor, FOUND, days)
    await insert(ingestor, *[DAY + timedelta(seconds=second) for second in range(2000)])
    over = DAY + timedelta(days=2, hours=1)
    assert await index_closed(ingestor, TRADES, over) == []
    assert await index_closed(ingestor, FOUND, DAY + timedelta(days=1, minutes=59)) == []
    assert await index_closed(ingestor, FOUND, over) == ["venue_trades_2026_03_01", "venue_trades_2026_03_02"]
    assert await index_closed(ingestor, FOUND, over) == []
    assert await indexed(ingestor) == ["venue_trades_2026_03_01", "venue_trades_2026_03_02"]
    await insert(ingestor, DAY + timedelta(hours=3))
    await ingestor.execute("ANALYZE venue_trades_2026_03_01")
    plan = await ingestor.fetch("EXPLAIN SELECT * FROM venue_trades WHERE n = 7 AND ts < $1", days[1])
    assert any("venue_trades_2026_03_01_by_n" in line[0] for line in plan), plan
    assert await ingestor.fetchval("SELECT count(*) FROM venue_trades WHERE n = 0") == 2


async def test_two_keepers_at_once_index_each_day_once(ingestor: Any, database: Database) -> None:
    """LIB-DAYS-002: two processes during a takeover: both end well, and each day has one index."""
    await ingestor.execute("DROP INDEX venue_trades_by_n")
    days = [DAY + timedelta(days=number) for number in range(4)]
    await ensure_days(ingestor, FOUND, days)
    others = [await asyncpg.connect(database.dsn("ingestor")) for _ in range(3)]
    try:
        over = DAY + timedelta(days=9)
        await asyncio.gather(*(index_closed(connection, FOUND, over) for connection in others))
    finally:
        for connection in others:
            await connection.close()
    assert await indexed(ingestor) == [partition_name("venue_trades", day) for day in days]


async def test_the_keeper_indexes_closed_days(database: Database, ingestor: Any) -> None:
    """LIB-DAYS-003: a running service does it by itself."""
    await ingestor.execute("DROP INDEX venue_trades_by_n")
    old = days_around(datetime.now(UTC), 0)[0] - timedelta(days=3)
    await ensure_days(ingestor, FOUND, [old])
    stopping = asyncio.Event()
    keeper = asyncio.create_task(keep_ahead(database.dsn("ingestor"), [FOUND], stopping))

    async def found() -> bool:
        return partition_name("venue_trades", old) in await indexed(ingestor)

    await until(found)
    stopping.set()
    await asyncio.wait_for(keeper, 30)


async def test_the_keeper_makes_the_days_ahead_and_ends_when_told(database: Database, ingestor: Any) -> None:
    """A running service has tomorrow's partition before tomorrow."""
    stopping = asyncio.Event()
    keeper = asyncio.create_task(keep_ahead(database.dsn("ingestor"), [TRADES], stopping))
    names = [partition_name("venue_trades", day) for day in days_around(datetime.now(UTC), 2)]

    async def made() -> bool:
        return await ingestor.fetchval("SELECT to_regclass($1)", names[-1]) is not None

    await until(made)
    stopping.set()
    await asyncio.wait_for(keeper, 30)
    assert len(names) == 4
    for name in names:
        assert await ingestor.fetchval("SELECT to_regclass($1)", name)


async def test_the_keeper_outlives_a_database_that_is_away(
    database: Database, ingestor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure is logged and tried again; the service does not end for it."""
    monkeypatch.setattr("cleartide.store.partitions.RETRY_SECONDS", 0.02)
    stopping = asyncio.Event()
    missing = Partitioned("no_such_table")
    keeper = asyncio.create_task(keep_ahead(database.dsn("ingestor"), [missing], stopping))
    await asyncio.sleep(0.2)
    assert not keeper.done()
    stopping.set()
    await asyncio.wait_for(keeper, 30)
