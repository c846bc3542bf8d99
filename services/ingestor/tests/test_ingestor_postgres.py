"""The fold on a real PostgreSQL: day partitions, rows that come twice, and what the queries tell."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from cleartide.store.partitions import Partitioned, ensure_days

from services.ingestor.app import SERVICE
from services.ingestor.queries import QUERIES, highest_trades
from services.ingestor.repository import EPOCH, SERIES, instant
from services.ingestor.tests.harness import market_message
from services.ingestor.tests.series import on_both_kinds
from services.ingestor.tests.test_ingestor_fold import SECOND, START, batches, heartbeat
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema
from tests.support.servers import Database

COUNTS = " UNION ALL ".join(f"SELECT '{table.name}', count(*) FROM {table.name}" for table in SERIES)


@pytest.fixture
async def pool(schema: ServiceSchema) -> AsyncIterator[Any]:
    """The service's connections for reading."""
    async with schema.pool() as made:
        yield made


async def ingest(schema: ServiceSchema, feeds: list[tuple[list[Any], int]]) -> None:
    """Fold and commit, every 40 messages a batch, as the runner does."""
    messages = [market_message(events, at) for events, at in feeds]
    assert await schema.run_epoch(in_batches(messages, 40)) == 0


async def counted(pool: Any) -> dict[str, int]:
    return dict(await pool.fetch(COUNTS))


@on_both_kinds
async def test_ingesting_a_recording_twice_leaves_the_same_rows(schema: ServiceSchema, pool: Any) -> None:
    """ING-ROW-002"""
    feeds = batches(3_000)
    await ingest(schema, feeds)
    before = await counted(pool)
    checks = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM venue_tickers t"
    digest = await pool.fetchval(checks)
    assert before["venue_tickers"] > 1_500
    assert before["venue_trades"] > 400
    await ingest(schema, [(events, at + 60 * SECOND) for events, at in feeds])
    after = await counted(pool)
    venue = [name for name in after if name.startswith("venue_")]
    assert {name: after[name] for name in venue} == {name: before[name] for name in venue}
    assert await pool.fetchval(checks) == digest


async def test_rows_lie_in_the_partition_of_their_day_and_late_rows_in_the_default_one(
    schema: ServiceSchema, pool: Any
) -> None:
    """ING-PART-001"""
    await ingest(schema, batches(1_000))
    assert await pool.fetchval("SELECT count(*) FROM venue_tickers_default") > 100
    connection = await asyncpg.connect(schema.dsn)
    day = instant(START).replace(hour=0, minute=0, second=0, microsecond=0)
    for table in SERIES:
        await ensure_days(connection, Partitioned(table.name), [day, day + timedelta(days=1)])
    await connection.close()
    assert await pool.fetchval("SELECT count(*) FROM venue_tickers_default") == 0
    assert await pool.fetchval("SELECT count(*) FROM venue_tickers_2024_08_08") > 100
    before = await counted(pool)
    await ingest(schema, batches(1_000))
    after = await counted(pool)
    assert after["venue_tickers"] == before["venue_tickers"]
    plan = "EXPLAIN SELECT * FROM venue_trades WHERE symbol = 'BTCUSDT' AND ts >= '2024-08-09' AND ts < '2024-08-10'"
    text = "\n".join(row[0] for row in await pool.fetch(plan))
    assert "venue_trades_2024_08_09" in text
    assert "venue_trades_2024_08_08" not in text


@on_both_kinds
async def test_the_queries_tell_what_was_recorded(schema: ServiceSchema, pool: Any) -> None:
    """ING-QUERY-001"""
    feeds = batches(1_200)
    last = feeds[-1][1]
    await ingest(schema, [*feeds, (heartbeat(last + SECOND), last + SECOND)])

    async def ask(name: str, **params: Any) -> Any:
        return await QUERIES[name](pool, params)

    trades = await ask("recent_trades", symbol="BTCUSDT", limit=3)
    assert len(trades) == 3
    assert trades[0]["ts"] >= trades[-1]["ts"]
    newest = (await ask("latest_tickers"))[0]
    assert newest["trade_seq"] == int(trades[0]["trade_id"])
    book = await ask("book_top", symbol="BTCUSDT")
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    assert await ask("book_top", symbol="XYZ") is None
    index = await ask("index", market="BTC-PERP", limit=2)
    assert index[0]["used"] == 1
    assert index[0]["sources"][0]["price"] == index[0]["price"]
    assert index[0]["ts"] > index[1]["ts"] > START
    assert (await ask("statuses"))[0]["status"] == "stale"
    assert await ask("gaps") == []
    assert await ask("funding", symbol="BTCUSDT") == []
    assert await highest_trades(pool, "binance-usdm") == {"BTCUSDT": newest["trade_seq"]}


@on_both_kinds
async def test_times_survive_the_database_to_the_microsecond(schema: ServiceSchema, pool: Any) -> None:
    """ING-ROW-001"""
    feeds = batches(200)
    await ingest(schema, feeds)
    said = {event.id: event for events, _ in feeds for event in events if event.type == "VenueTicker"}
    rows = await pool.fetch("SELECT ts, received_at, venue_seq FROM venue_tickers")
    assert len(rows) == len(said)
    for row in rows:
        event = said[f"binance-usdm:BTCUSDT:ticker:{row['venue_seq']}"]
        assert (row["ts"], row["received_at"]) == (instant(event.venue_time), instant(event.received_at))
        assert (row["ts"] - EPOCH) // timedelta(microseconds=1) == event.venue_time


@on_both_kinds
async def test_migrations_can_be_taken_back(schema: ServiceSchema) -> None:
    """ING-DB-002"""
    connection = await asyncpg.connect(schema.dsn)
    tables = (
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'ingestor'::regnamespace AND relname ~ '^(venue|index)_'"
    )
    assert await connection.fetchval(tables) > 0
    for path in sorted(SERVICE.migrations.glob("*.sql"), reverse=True):
        await connection.execute(path.read_text().split("-- migrate:down")[1])
    assert await connection.fetchval(tables) == 0
    await connection.close()


async def test_what_was_recorded_of_instruments_is_carried_over(database: Database) -> None:
    """ING-INST-001"""
    texts = {f"m{path.stem}": path.read_text() for path in sorted(SERVICE.migrations.glob("*.sql"))}
    one_table = next(name for name in texts if "one_table" in name)
    await database.migrator("ingestor", **{name: text for name, text in texts.items() if name < one_table}).migrate()
    connection = await asyncpg.connect(database.dsn("ingestor"))
    told = "'binance-usdm', 'BTCUSDT', 'BTC', 'USDT', 'linear', '0.1', '0.001'"
    await connection.execute(f"INSERT INTO venue_instruments VALUES ({told}, '0.001', 28800000000, 200000, 500000, 9)")
    await connection.execute(
        f"INSERT INTO instruments VALUES ({told.replace('0.1', '9')}, 28800000000, now()), "
        f"({told.replace('USDT', 'USD').replace('linear', 'inverse')}, 14400000000, now())"
    )
    await database.migrator("ingestor", **texts).migrate()
    rows = "SELECT symbol, contract_type, tick_size, funding_interval_micros, taker_ppb, said_at FROM venue_instruments"
    assert [tuple(row) for row in await connection.fetch(f"{rows} ORDER BY symbol")] == [
        ("BTCUSD", "inverse", "0.1", 14_400_000_000, 0, 0),
        ("BTCUSDT", "linear", "0.1", 28_800_000_000, 500_000, 9),
    ]
    await connection.execute(texts[one_table].split("-- migrate:down")[1])
    assert await connection.fetchval("SELECT count(*) FROM instruments WHERE kind IN ('linear', 'inverse')") == 2
    assert await connection.fetchval("SELECT count(*) FROM venue_instruments") == 1
    await connection.close()
