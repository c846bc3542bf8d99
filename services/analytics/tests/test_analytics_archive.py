"""Closed days leave as Parquet and are asked there: the same rows, in the same order, once."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import duckdb
import pytest
from cleartide.store.asking import ask
from cleartide.store.datasets import archive_closed_days, object_key
from cleartide.store.objects import FolderStore
from cleartide.store.partitions import Partitioned, ensure_days

from benchmarks.analytics import documented
from services.analytics.app import SERVICE
from services.analytics.archive import ARCHIVED
from services.analytics.tests.recount import MIDNIGHT, disturbed
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

FIRST = datetime.fromtimestamp(MIDNIGHT // 10**6, UTC).date()


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def archived(schema: ServiceSchema, folder: Path, before: date) -> list[str]:
    connection = await asyncpg.connect(schema.dsn)
    try:
        return await archive_closed_days(connection, FolderStore(folder), ARCHIVED, before)
    finally:
        await connection.close()


async def test_days_are_archived_once_and_asked_there(schema: ServiceSchema, tmp_path: Path) -> None:
    """ANA-ARCHIVE-004, ANA-ARCHIVE-005: the same sums as the tables, one file per dataset and day, nothing twice."""
    await schema.run_trading_epoch(disturbed(60).events, 100)
    written = await archived(schema, tmp_path / "store", FIRST + timedelta(days=3))
    assert {key.split("/")[0] for key in written} == {"account_days", "account_hours", "trades", "candles"}
    assert object_key("trades", FIRST) in written and object_key("trades", FIRST + timedelta(days=3)) not in written
    assert await archived(schema, tmp_path / "store", FIRST + timedelta(days=3)) == []
    store, last = FolderStore(tmp_path / "store"), FIRST + timedelta(days=2)
    views = dict.fromkeys(("trades", "account_days"), (FIRST, last))
    end = MIDNIGHT + 3 * 86_400_000_000
    async with schema.pool() as pool:
        kept = await pool.fetch(
            "SELECT market, count(*), sum(quote_quanta)::bigint FROM trades WHERE minute < $1 GROUP BY 1 ORDER BY 1",
            end,
        )
        days = await pool.fetch(
            "SELECT start, sum(pnl)::bigint FROM account_days WHERE start < $1 GROUP BY 1 ORDER BY 1", end
        )
    sql = "SELECT market, count(*), sum(quote_quanta)::BIGINT FROM trades GROUP BY 1 ORDER BY 1"
    assert (await ask(store, sql, views)).rows == [tuple(row) for row in kept]
    sql = "SELECT epoch_us(day::TIMESTAMP), sum(pnl)::BIGINT FROM account_days GROUP BY 1 ORDER BY 1"
    assert (await ask(store, sql, views)).rows == [tuple(row) for row in days]


async def test_the_documented_query_is_answered_by_the_files_where_they_lie(
    schema: ServiceSchema, tmp_path: Path
) -> None:
    """ANA-ARCHIVE-008: who gained most, by the days' folders alone; what is gained is all that is not a flow. The same
    text for `ask` and for DuckDB itself, and for the engines of `make bench ONLY=archive`.
    """
    first, last = FIRST, FIRST + timedelta(days=2)
    await schema.run_trading_epoch(disturbed(60).events, 100)
    assert await archived(schema, tmp_path, last + timedelta(days=5))
    async with schema.pool() as pool:
        gained = await pool.fetch(
            "SELECT account, sum(equity_end - equity_start - flows)::bigint AS gain FROM account_days "
            "WHERE start >= $1 AND start < $2 GROUP BY account ORDER BY gain DESC, account LIMIT 10",
            MIDNIGHT,
            MIDNIGHT + 3 * 86_400_000_000,
        )
    query = documented.query(first, last)
    duck = duckdb.connect()
    duck.execute(documented.duckdb_view(str(tmp_path)))
    found = duck.execute(query).fetchall()
    assert len(found) == 10
    assert found == [tuple(row) for row in gained]
    asked = await ask(FolderStore(tmp_path), query, {"account_days": (first, last + timedelta(days=5))})
    assert asked.rows == found


def test_the_document_gives_other_engines_the_same_files() -> None:
    """ANA-ARCHIVE-008: below the dataset's folder in a bucket and in a folder, with nothing of the document's left."""
    files, prefix = "account_days/*/*.parquet", "http://127.0.0.1:9/b/p"
    view = documented.clickhouse_view(prefix, "who", "what")
    assert view.endswith(f"s3('{prefix}/{files}', 'who', 'what', 'Parquet')")
    assert f"'/a/{files}'" in documented.duckdb_view("/a")
    assert documented.spark_view("/a").startswith('spark.read.parquet("/a/account_days")')
    with pytest.raises(LookupError, match="shows 0 times"):
        documented.shown("CREATE VIEW trades", {})


async def test_rows_lie_in_the_order_of_accounts(schema: ServiceSchema, tmp_path: Path) -> None:
    """ANA-ARCHIVE-006: so that one account's rows are few row groups of a file, and few pages of a partition."""
    connection = await asyncpg.connect(schema.dsn)
    try:
        days = [datetime.fromtimestamp(MIDNIGHT // 10**6, UTC) + timedelta(days=n) for n in range(4)]
        for table in ("account_days", "account_hours"):
            await ensure_days(connection, Partitioned(table), days)
        await schema.run_trading_epoch(disturbed(60).events, 100)
        await archive_closed_days(connection, FolderStore(tmp_path), ARCHIVED, FIRST + timedelta(days=1))
        stored = await connection.fetch(f"SELECT number FROM account_days_{FIRST:%Y_%m_%d}")
        assert [row["number"] for row in stored] == sorted(row["number"] for row in stored)
        assert await connection.fetchval("SELECT count(*) FROM account_days_default WHERE start = $1", MIDNIGHT) == 0
    finally:
        await connection.close()
    path = tmp_path / object_key("account_days", FIRST)
    numbers = duckdb.connect().execute(f"SELECT number FROM '{path}'").fetchall()
    assert [number for (number,) in numbers] == [row["number"] for row in stored]


def test_the_service_keeps_its_days_ahead() -> None:
    """ANA-ARCHIVE-007: partitions of hours and days are made before their rows come."""
    assert {table.table for table in SERVICE.partitions} == {"account_hours", "account_days"}
