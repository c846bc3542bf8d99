"""TimescaleDB is used where it is when the series are made, and what a day is to us it is there too."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cleartide.store.bulk import BulkWriter, open_schema
from cleartide.store.days import days_of, drop_days
from cleartide.store.hypertables import is_hypertable
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.partitions import Partitioned, ensure_days
from cleartide.store.sizes import recount, sizes
from cleartide.store.trouble import STORE_TROUBLE

from deploy.local.identity import find_runner
from deploy.local.postgres import PostgresServer
from services.ingestor.app import SERVICE
from services.ingestor.repository import SERIES, TICKERS
from services.ingestor.tests.harness import fold_of
from services.ingestor.tests.series import CHUNKS, DAY, Kind, cleartide, on_both_kinds, tickers
from tests.support.running import until
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database, new_database

HOUR = timedelta(hours=1)
QUOTES = Partitioned(TICKERS.name)
EVERY = [table.name for table in SERIES]
on_chunks = pytest.mark.parametrize("kind", [CHUNKS], ids=["timescale"], indirect=True)
SHAPES = {
    "columns": "SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid) "
    "FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
    "WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname",
    "constraints": "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = $1::regclass ORDER BY conname",
    "indexes": "SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index "
    "WHERE indrelid = $1::regclass ORDER BY 1",
    "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal "
    "ORDER BY 1",
}


async def shapes(schema: ServiceSchema) -> dict[str, Any]:
    connection = await open_schema(schema.dsn, "ingestor")
    found = {
        f"{kind} of {series}": [tuple(row) for row in await connection.fetch(query, series)]
        for series in EVERY
        for kind, query in SHAPES.items()
    }
    await connection.close()
    return found


@on_chunks
async def test_a_series_made_where_timescale_is_is_a_hypertable_of_days(
    schema: ServiceSchema, database: Database
) -> None:
    """ING-CHUNK-001: with the columns, checks, keys, indexes and counts of one that keeps its days by itself, and each
    day has them too."""
    assert await shapes(schema) == await shapes(await migrated(database, fold_of(), SERVICE.migrations))
    connection = await open_schema(schema.dsn, "ingestor")
    assert [name for name in EVERY if not await is_hypertable(connection, name)] == []
    assert await ensure_days(connection, QUOTES, [DAY]) == []
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        assert await writer.write(TICKERS, tickers(60, DAY - HOUR, HOUR)) == 60
    days = await days_of(connection, TICKERS.name)
    assert [each.name for each in days] == [f"venue_tickers_2026_0{tail}" for tail in ("2_28", "3_01", "3_02", "3_03")]
    for each in days:
        indexes = await connection.fetch(SHAPES["indexes"], each.relation)
        found = {row[0].partition(" USING ")[2] for row in indexes}
        assert found == {"btree (symbol, ts, venue, venue_seq)", "brin (ts)"}
    (told,) = await sizes(connection, [TICKERS.name])
    assert (told.rows, told.days, told.default_bytes) == (60, 4, 0)
    assert told.total_bytes == sum(each.bytes for each in days)
    stats = await asyncio.to_thread(cleartide, ("db", "stats", "--database-url", schema.dsn))
    assert "the days are its chunks" in stats.out
    await connection.close()


@on_chunks
async def test_a_series_that_has_days_of_its_own_stays_as_it_is(series_database: Database, tmp_path: Path) -> None:
    """ING-CHUNK-002: when the extension comes later, or the migration that would use it."""
    for file in SERVICE.migrations.glob("*.sql"):
        if "timescale" not in file.name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    who = (series_database.admin_dsn, "ingestor", role_of("ingestor"))
    await Migrator(*who, [tmp_path]).migrate()
    connection = await open_schema(series_database.dsn("ingestor"), "ingestor")
    await ensure_days(connection, QUOTES, [DAY])
    await connection.execute("INSERT INTO index_prices (ts, market, used) VALUES ($1, 'BTC-USD', 0)", DAY)
    await Migrator(*who, [SERVICE.migrations]).migrate()
    assert {name for name in EVERY if not await is_hypertable(connection, name)} == {"venue_tickers", "index_prices"}
    assert await connection.fetchval("SELECT count(*) FROM index_prices") == 1
    assert [each.name for each in await days_of(connection, "venue_tickers")][:1] == ["venue_tickers_2026_03_01"]
    stats = await asyncio.to_thread(cleartide, ("db", "stats", "--database-url", series_database.dsn("ingestor")))
    assert "chunks" in stats.out
    await connection.close()


async def test_a_timescale_that_is_too_old_is_left_alone(database: Database) -> None:
    """ING-CHUNK-003: the days are our own, and `db stats` says why."""
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute(
        "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) "
        "SELECT 16000, 'timescaledb', 10, oid, false, '2.19.3' FROM pg_namespace WHERE nspname = 'public'"
    )
    await admin.close()
    schema = await migrated(database, fold_of(), SERVICE.migrations)
    connection = await open_schema(schema.dsn, "ingestor")
    assert [name for name in EVERY if await is_hypertable(connection, name)] == []
    await connection.close()
    stats = await asyncio.to_thread(cleartide, ("db", "stats", "--database-url", schema.dsn))
    assert "TimescaleDB 2.19.3 is installed; the days are our own" in stats.out


@on_both_kinds
async def test_days_are_dropped_while_rows_come(schema: ServiceSchema) -> None:
    """ING-CHUNK-004: no writer fails, and in the end what is counted is what is there."""
    connection = await open_schema(schema.dsn, "ingestor")
    await ensure_days(connection, QUOTES, [DAY])
    done = asyncio.Event()

    async def write(first: int) -> int:
        written = 0
        async with BulkWriter(schema.dsn, "ingestor") as writer:
            while not done.is_set():
                written += await writer.write(TICKERS, tickers(20, DAY, timedelta(0), first + written))
        return written

    writers = [asyncio.create_task(write(10**6 * number)) for number in range(1, 4)]
    for _ in range(15):
        await ensure_days(connection, QUOTES, [DAY])
        days = [each for each in await days_of(connection, TICKERS.name) if each.day]
        await drop_days(connection, days)
        await drop_days(connection, days)
        await until(partial(rows_come, connection))
    done.set()
    assert all(await asyncio.gather(*writers))
    assert await recount(connection, [QUOTES]) == 0
    await connection.close()


async def rows_come(connection: "asyncpg.Connection[Any]") -> bool:
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM venue_tickers)"))


@on_chunks
async def test_a_server_killed_in_the_midst_of_writing_loses_no_row_and_no_count(
    kind: Kind, series_server: PostgresServer, folder: Path
) -> None:
    """ING-CHUNK-005: whatever it had confirmed is there, what it had not is there once after it is written again."""
    runner = find_runner(series_server.runner.programs, folder / "programs")
    server = PostgresServer(folder / "killed", password="test-only", durable=False, runner=runner)
    await server.start()
    try:
        async with new_database(server, folder, kind.extension) as database:
            schema = await migrated(database, fold_of(), SERVICE.migrations)
            batches = [tickers(400, DAY, timedelta(minutes=7), 400 * number) for number in range(40)]
            for number in (3, 11, 17):
                writing = write_until_killed(schema, batches)
                confirmed, _ = await asyncio.gather(writing, kill_after(server, schema, number))
                await server.start()
                connection = await open_schema(schema.dsn, "ingestor")
                held = await connection.fetchval("SELECT count(*) FROM venue_tickers")
                assert held >= 400 * confirmed
                assert held % 400 == 0
                assert await recount(connection, [QUOTES]) == 0
                await connection.close()
            async with BulkWriter(schema.dsn, "ingestor") as writer:
                for batch in batches:
                    await writer.write(TICKERS, batch)
                assert await writer.connection.fetchval("SELECT count(*) FROM venue_tickers") == 16_000
                assert await recount(writer.connection, [QUOTES]) == 0
    finally:
        await server.stop()


async def write_until_killed(schema: ServiceSchema, batches: list[Any]) -> int:
    """Again from the beginning, as after a kill; returns how many batches were confirmed."""
    confirmed = 0
    try:
        async with BulkWriter(schema.dsn, "ingestor") as writer:
            for batch in batches:
                await writer.write(TICKERS, batch)
                confirmed += 1
    except STORE_TROUBLE:
        return confirmed
    raise AssertionError("nobody killed the server")


async def kill_after(server: PostgresServer, schema: ServiceSchema, batches: int) -> None:
    """Once so many more batches are there, whatever is being written then."""
    connection = await open_schema(schema.dsn, "ingestor")

    async def enough() -> bool:
        held = await connection.fetchval("SELECT coalesce(sum(rows), 0)::bigint FROM series_rows")
        return bool(held >= 400 * batches)

    await until(enough)
    connection.terminate()
    await server.kill()


@on_chunks
async def test_chunks_of_another_length_are_refused(schema: ServiceSchema, series_database: Database) -> None:
    """ING-CHUNK-006: a day is a day: no retention drops what is younger than it says."""
    admin = await asyncpg.connect(series_database.admin_dsn)
    await admin.execute("SELECT set_chunk_time_interval('ingestor.venue_tickers', interval '7 days')")
    await admin.close()
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        await writer.write(TICKERS, tickers(3))
        with pytest.raises(ValueError, match="is not one UTC day"):
            await days_of(writer.connection, TICKERS.name)
