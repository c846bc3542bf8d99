"""The time-series store: what is counted, what is dropped and deleted, and what bulk writing leaves."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from cleartide.store.bulk import BulkWriter, open_schema
from cleartide.store.days import days_before, days_of, delete_before, drop_days, truncate
from cleartide.store.partitions import Partitioned, ensure_days
from cleartide.store.sizes import activity, recount, sizes

from services.ingestor.repository import SERIES, TICKERS
from services.ingestor.tests.series import CHUNKS, DAY, OWN_DAYS, Kind, cleartide, on_both_kinds, tickers
from services.ingestor.tests.test_ingestor_fold import batches
from services.ingestor.tests.test_ingestor_postgres import ingest
from tests.support.schema import ServiceSchema
from tests.support.servers import Database

HOUR = timedelta(hours=1)
QUOTES = Partitioned("venue_tickers")
EXACT = (
    "SELECT (ts AT TIME ZONE 'UTC')::date, venue, count(*), min(ts), max(ts) FROM venue_tickers GROUP BY 1, 2 "
    "ORDER BY 1, 2"
)
COUNTED = (
    "SELECT day, venue, rows, first_at, last_at FROM series_rows WHERE series = 'venue_tickers' ORDER BY day, venue"
)


async def filled(schema: ServiceSchema, count: int = 120, step: timedelta = HOUR) -> "asyncpg.Connection[Any]":
    """Five days of quotes, of which the last has no day of its own."""
    connection = await open_schema(schema.dsn, "ingestor")
    await ensure_days(connection, QUOTES, [DAY + timedelta(days=number) for number in range(4)])
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        assert await writer.write(TICKERS, tickers(count, step=step)) == count
    return connection


async def assert_counted(connection: "asyncpg.Connection[Any]") -> list[Any]:
    """What is counted is what is there."""
    exact = [tuple(row) for row in await connection.fetch(EXACT)]
    assert [tuple(row) for row in await connection.fetch(COUNTED)] == exact
    return exact


@on_both_kinds
async def test_every_row_is_counted_whoever_writes_it(schema: ServiceSchema) -> None:
    """ING-STORE-001"""
    connection = await filled(schema)
    await ingest(schema, batches(400))
    exact = await assert_counted(connection)
    assert sum(row[2] for row in exact) > 120
    await ingest(schema, batches(400))
    assert await assert_counted(connection) == exact
    day = datetime(2024, 8, 8, tzinfo=UTC)
    await ensure_days(connection, QUOTES, [day])
    assert await assert_counted(connection) == exact
    found = {each.series: each for each in await sizes(connection, [table.name for table in SERIES])}
    for table in SERIES:
        assert found[table.name].rows == await connection.fetchval(f"SELECT count(*) FROM {table.name}"), table.name
    await connection.close()


@on_both_kinds
async def test_days_are_dropped_whole_and_their_rows_are_no_longer_counted(schema: ServiceSchema, kind: Kind) -> None:
    """ING-STORE-002"""
    connection = await filled(schema)
    assert [each.day for each in await days_of(connection, "venue_tickers")] == [
        *(date(2026, 3, number) for number in range(1, 5)),
        date(2026, 3, 5) if kind == CHUNKS else None,
    ]
    old = await days_before(connection, "venue_tickers", date(2026, 3, 3))
    assert [each.name for each in old] == ["venue_tickers_2026_03_01", "venue_tickers_2026_03_02"]
    await drop_days(connection, old)
    exact = await assert_counted(connection)
    assert {row[0] for row in exact} == {date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5)}
    await drop_days(connection, old)
    strays = [each for each in await days_of(connection, "venue_tickers") if each.day is None]
    assert len(strays) == (kind == OWN_DAYS)
    for each in strays:
        with pytest.raises(ValueError, match="is no day"):
            await drop_days(connection, [each])
    await connection.close()


@on_both_kinds
async def test_rows_are_deleted_by_age_from_days_and_from_the_default_partition(
    schema: ServiceSchema, kind: Kind
) -> None:
    """ING-STORE-003"""
    connection = await filled(schema)
    before = DAY + timedelta(days=1, hours=7)
    assert await delete_before(connection, QUOTES, before) == 31
    exact = await assert_counted(connection)
    assert min(row[3] for row in exact) == before
    assert await delete_before(connection, QUOTES, DAY + timedelta(days=4, hours=20)) == 85
    assert sum(row[2] for row in await assert_counted(connection)) == 4
    await truncate(connection, ["venue_tickers"])
    assert await assert_counted(connection) == []
    assert len(await days_of(connection, "venue_tickers")) == (0 if kind == CHUNKS else 5)
    await connection.close()


@on_both_kinds
async def test_bulk_writing_takes_only_what_is_new(schema: ServiceSchema) -> None:
    """ING-STORE-004"""
    connection = await filled(schema, 60)
    first = await connection.fetch("SELECT * FROM venue_tickers ORDER BY ts")
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        assert await writer.write(TICKERS, []) == 0
        assert await writer.write(TICKERS, tickers(60, step=HOUR)) == 0
        assert await writer.write(TICKERS, [*tickers(80, step=HOUR), *tickers(80, step=HOUR)]) == 20
        assert await writer.write(TICKERS, tickers(5, step=HOUR, first=80)) == 5
        assert await writer.write(TICKERS, tickers(5, step=HOUR, first=85)) == 5
        changed = [(*row[:7], 99, *row[8:]) for row in tickers(10, step=HOUR)]
        assert await writer.write(TICKERS, [*tickers(10, step=HOUR), *changed], replace=True) == 10
    assert await connection.fetchval("SELECT count(*) FROM venue_tickers WHERE bid_lots = 99") == 10
    rows = await connection.fetch("SELECT * FROM venue_tickers ORDER BY ts")
    assert len(rows) == 90
    assert rows[10:60] == first[10:]
    await assert_counted(connection)
    assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname ~ '^staging_'") == 0
    await connection.close()


@on_both_kinds
async def test_a_killed_writer_leaves_nothing_behind_for_long(schema: ServiceSchema) -> None:
    """ING-STORE-005"""
    connection = await filled(schema, 10)
    async with BulkWriter(schema.dsn, "ingestor") as killed:
        await killed.write(TICKERS, tickers(12, step=HOUR))
        assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname ~ '^staging_'") == 1
        killed.connection.terminate()
    async with asyncio.timeout(30):
        while await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname ~ '^staging_'"):
            async with BulkWriter(schema.dsn, "ingestor"):
                pass
    assert await connection.fetchval("SELECT count(*) FROM venue_tickers") == 12
    await connection.close()


@on_both_kinds
async def test_counts_that_somebody_broke_are_put_right(schema: ServiceSchema) -> None:
    """ING-STORE-006"""
    connection = await filled(schema)
    second = (await days_of(connection, "venue_tickers"))[1]
    await connection.execute(f"DELETE FROM {second.relation}")
    assert await recount(connection, [Partitioned(table.name) for table in SERIES]) == 2
    await assert_counted(connection)
    assert await recount(connection, [QUOTES]) == 0
    await connection.close()


@on_both_kinds
async def test_activity_is_by_symbol_and_most_first(schema: ServiceSchema) -> None:
    """ING-STORE-007"""
    connection = await filled(schema, 90, timedelta(minutes=1))
    found = await activity(connection, [QUOTES], DAY + timedelta(minutes=89), HOUR)
    assert sum(each.rows for each in found) == 60
    assert [each.rows for each in found] == sorted((each.rows for each in found), reverse=True)
    assert (found[0].venue, found[0].symbol) == ("binance-usdm", "BTCUSDT")
    await connection.close()


async def run(*arguments: str) -> Any:
    return await asyncio.to_thread(cleartide, arguments)


async def test_the_store_is_made_looked_at_and_cleaned_from_the_command_line(database: Database) -> None:
    """ING-CLI-001"""
    admin = ("--database-url", database.admin_dsn)
    missing = await run("db", "stats", *admin)
    assert (missing.code, "cleartide db init" in missing.err) == (1, True)
    made = await run("db", "init", *admin, "--create-partitions-days", "3")
    assert (made.code, f"migrations applied, {4 * len(SERIES)} days made" in made.out) == (0, True), made
    again = await run("db", "init", *admin, "--create-partitions-days", "3")
    assert again.out == "schema ingestor: 0 migrations applied, 0 days made\n"
    assert (await run("db", "migrate", *admin)).out == "nothing is pending\n"
    own = ("--database-url", database.dsn("ingestor"))
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
    async with BulkWriter(database.dsn("ingestor"), "ingestor") as writer:
        await writer.write(TICKERS, tickers(3 * 24, start=start, step=HOUR))
    stats = (await run("db", "stats", "--format", "json", *own)).json
    quotes = next(each for each in stats["series"] if each["series"] == "venue_tickers")
    assert quotes["rows"] == 72
    assert quotes["venues"] == {"binance-usdm": 36, "bybit": 36}
    assert quotes["total"] == quotes["data"] + quotes["indexes"]
    assert stats["database_bytes"] > quotes["total"]
    text = await run("db", "stats", "--recount", *own)
    assert ("venue_tickers" in text.out, "0 counts put right" in text.err) == (True, True)
    await cleaned(own)


async def cleaned(own: tuple[str, ...]) -> None:
    """Every way to clean, with and without its dry run."""

    async def rows() -> int:
        stats = (await run("db", "stats", "--format", "json", *own)).json
        return int(sum(each["rows"] for each in stats["series"]))

    assert (await run("db", "clean", *own)).code == 1
    assert "no series nonsense" in (await run("db", "clean", "--truncate", "--tables", "nonsense", *own)).err
    for what in (("--older-than", "30h"), ("--drop-partitions-older-than", "0d"), ("--truncate",)):
        before = await rows()
        dry = await run("db", "clean", *what, "--dry-run", "--format", "json", *own)
        assert dry.code == 0
        assert len(dry.json) > 0, what
        assert (await run("db", "clean", *what, *own)).code == 1, "nobody to ask"
        assert await rows() == before
        assert (await run("db", "clean", *what, "--yes", *own)).code == 0
        assert await rows() == before - sum(each["rows"] for each in dry.json), what
    assert "there is nothing to clean" in (await run("db", "clean", "--truncate", "--yes", *own)).out
