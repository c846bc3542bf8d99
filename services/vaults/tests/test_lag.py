"""The gauge of the chain's lag beside the fold."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.vaults import lag
from services.vaults.app import SERVICE
from services.vaults.tests.chain import START, delivery, stake
from tests.support.fold_bench import in_batches
from tests.support.running import until
from tests.support.schema import migrated
from tests.support.servers import Database

SECOND = 1_000_000


async def test_a_database_that_is_away_does_not_end_the_service(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VLT-LAG-001"""
    monkeypatch.setattr(lag, "POLL_SECONDS", 0.01)
    pool = await asyncpg.create_pool(database.dsn("vaults"), min_size=0)
    await pool.close()
    context: Any = SimpleNamespace(pool=pool, registry=CollectorRegistry(), stopping=asyncio.Event())
    watching = asyncio.create_task(lag.watch_lag(cast(Any, context)))
    done, _ = await asyncio.wait([watching], timeout=0.3)
    assert not done
    context.stopping.set()
    await watching


async def test_the_gauges_tell_how_late_the_newest_block_came_and_when_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VLT-LAG-002: three seconds from block to arrival; a late event of an older block is not the newest."""
    monkeypatch.setattr(lag, "POLL_SECONDS", 0.01)
    schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
    newest, late = stake(7, START + 60 * SECOND, "alice", 1), stake(6, START, "alice", 1)
    told = [delivery(newest, START + 63 * SECOND), delivery(late, START + 90 * SECOND)]
    assert await schema.run_epoch(in_batches(told, 1)) == 0
    registry, chain = CollectorRegistry(), {"chain": "solana"}
    async with schema.pool() as pool:
        context: Any = SimpleNamespace(pool=pool, registry=registry, stopping=asyncio.Event())
        watching = asyncio.create_task(lag.watch_lag(cast(Any, context)))
        await until(lambda: registry.get_sample_value("cleartide_chain_block_timestamp_seconds", chain) is not None)
        context.stopping.set()
        await watching
    assert registry.get_sample_value("cleartide_chain_lag_seconds", chain) == 3
    assert registry.get_sample_value("cleartide_chain_slot", chain) == 7
    assert registry.get_sample_value("cleartide_chain_block_timestamp_seconds", chain) == START / SECOND + 60
