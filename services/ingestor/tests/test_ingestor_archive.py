"""What the store says it holds is what it holds, and old days leave it whole or not at all."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cleartide.store.archive import ArchiveError, archive_day
from cleartide.store.bulk import BulkWriter
from cleartide.store.days import Day, days_of, delete_before, drop_days, truncate
from cleartide.store.partitions import Partitioned, days_around, ensure_days, keep_ahead
from cleartide.store.sizes import sizes, timescale_version

from services.ingestor.app import SERVICE
from services.ingestor.repository import SERIES, TICKERS
from services.ingestor.tests.series import DAY, cleartide, on_both_kinds, tickers
from tests.support.running import until
from tests.support.schema import ServiceSchema

QUOTES = Partitioned(TICKERS.name)
ONE_DAY = timedelta(days=1)
EXACTLY = "SELECT venue, count(*), min(ts), max(ts) FROM venue_tickers GROUP BY venue ORDER BY venue"
TOLD = (
    "SELECT venue, sum(rows)::bigint, min(first_at), max(last_at) FROM series_rows WHERE series = 'venue_tickers' "
    "GROUP BY venue ORDER BY venue"
)


async def full_days(connection: Any) -> list[Day]:
    return [each for each in await days_of(connection, TICKERS.name) if each.day is not None]


@on_both_kinds
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_is_told_is_what_is_there(schema: ServiceSchema, seed: int, tmp_path: Path) -> None:
    """ING-STORE-008: after each of many steps, exactly."""
    chance = random.Random(seed)
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        connection = writer.connection

        async def write() -> None:
            first = chance.randrange(400)
            rows = tickers(chance.randrange(1, 200), DAY, timedelta(minutes=17), first)
            await writer.write(TICKERS, rows)

        async def make_days() -> None:
            await ensure_days(connection, QUOTES, [DAY + ONE_DAY * chance.randrange(7)])

        async def delete() -> None:
            await delete_before(connection, QUOTES, DAY + timedelta(hours=chance.randrange(48)))

        async def drop() -> None:
            await drop_days(connection, (await full_days(connection))[:1])

        async def archive() -> None:
            for each in (await full_days(connection))[:1]:
                await archive_day(connection, each, TICKERS.columns, TICKERS.key, tmp_path / "day.parquet")

        async def empty() -> None:
            await truncate(connection, [TICKERS.name])

        steps = (write, write, write, write, make_days, make_days, delete, drop, archive, empty)
        for _ in range(40):
            await chance.choice(steps)()
            assert await connection.fetch(TOLD) == await connection.fetch(EXACTLY)
        await write()
        (told,) = await sizes(connection, [TICKERS.name])
        assert told.rows == await connection.fetchval("SELECT count(*) FROM venue_tickers") > 0
        assert told.total_bytes == await connection.fetchval(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'venue_tickers'::regclass"
        )


@on_both_kinds
async def test_a_day_goes_into_a_file_and_comes_back_from_it(schema: ServiceSchema, tmp_path: Path) -> None:
    """ING-STORE-009"""
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        await ensure_days(writer.connection, QUOTES, [DAY, DAY + ONE_DAY])
        await writer.write(TICKERS, tickers(300, step=timedelta(minutes=7)))
        everything = "SELECT * FROM venue_tickers ORDER BY ts, venue_seq"
        before = await writer.connection.fetch(everything)
        what = ("db", "archive", "--database-url", schema.dsn, "--older-than", "1d", "--folder", str(tmp_path))
        assert (await asyncio.to_thread(cleartide, (*what, "--dry-run"))).code == 0
        assert "give --yes" in (await asyncio.to_thread(cleartide, what)).err
        assert await writer.connection.fetch(everything) == before
        assert "300 rows archived" in (await asyncio.to_thread(cleartide, (*what, "--yes"))).err
        assert await writer.connection.fetch(everything) == []
        files = [str(path) for path in sorted(tmp_path.glob("*/venue_tickers.parquet"))]
        assert len(files) == 2
        assert (await asyncio.to_thread(cleartide, ("import", "--database-url", schema.dsn, *files))).code == 0
        assert await writer.connection.fetch(everything) == before


@on_both_kinds
async def test_a_day_to_which_something_comes_meanwhile_stays(schema: ServiceSchema, tmp_path: Path) -> None:
    """ING-STORE-009"""
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        await ensure_days(writer.connection, QUOTES, [DAY])
        await writer.write(TICKERS, tickers(50))
        # What the file cannot hold, as it came after it was read: a row that is counted and is not there yet.
        await writer.connection.execute("UPDATE series_rows SET rows = rows + 1 WHERE venue = 'bybit'")
        (day,) = await full_days(writer.connection)
        with pytest.raises(ArchiveError, match="51 rows by count and 50"):
            await archive_day(writer.connection, day, TICKERS.columns, TICKERS.key, tmp_path / "day.parquet")
        assert await writer.connection.fetchval(f"SELECT count(*) FROM {day.relation}") == 50


async def test_every_day_of_every_series_has_its_indexes(schema: ServiceSchema) -> None:
    """ING-PART-002"""
    connection = await asyncpg.connect(schema.dsn)
    for table in SERIES:
        await ensure_days(connection, Partitioned(table.name), [DAY])
        found = {
            each["text"].partition(" USING ")[2]
            for each in await connection.fetch(
                "SELECT pg_get_indexdef(indexrelid) AS text FROM pg_index WHERE indrelid = $1::regclass",
                f"{table.name}_2026_03_01",
            )
        }
        assert "brin (ts)" in found, table.name
        first = "symbol" if "symbol" in table.columns and table.name != "index_sources" else "market"
        assert any(text.startswith(f"btree ({first}, ts") for text in found), table.name
    await connection.close()


async def test_days_are_made_ahead_without_any_extension(schema: ServiceSchema) -> None:
    """ING-PART-003"""
    connection = await asyncpg.connect(schema.dsn)
    stopping = asyncio.Event()
    keeper = asyncio.create_task(keep_ahead(schema.dsn, SERVICE.partitions, stopping))
    wanted = len(SERIES) * len(days_around(DAY, 3))
    made = (
        "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        r"WHERE c.relname ~ '\d{4}_\d\d_\d\d$' AND c.relkind = 'r'"
    )

    async def all_made() -> bool:
        return bool(await connection.fetchval(made) == wanted)

    await until(all_made, 30)
    stopping.set()
    await keeper
    assert await timescale_version(connection) is None
    assert await connection.fetchval("SELECT string_agg(extname, ',') FROM pg_extension") == "plpgsql"
    await connection.close()
