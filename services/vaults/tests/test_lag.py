"""The gauge of the chain's lag beside the fold."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.vaults import lag
from tests.support.servers import Database


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
