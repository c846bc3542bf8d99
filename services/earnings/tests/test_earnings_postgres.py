"""The same fold on a real PostgreSQL: the migrations fit the tables, and the queries tell what the account needs."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from cleartide.bus.folder import Folder
from cleartide.bus.ports import Delivery
from cleartide.bus.streams import EVENTS
from cleartide.contracts import TradingEvent
from cleartide.contracts.codec import encode
from cleartide.service import QueryError
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.postgres import PostgresStore
from cleartide.store.roles import ensure_roles

from deploy.local.postgres import PostgresServer
from services.earnings.handlers import HANDLERS
from services.earnings.queries import QUERIES
from services.earnings.repository import EarningsRepository
from services.earnings.tests.harness import Harness, batches
from services.earnings.tests.model import DAY, START, Venue

PASSWORD = "test-only"
MIGRATIONS = Path(__file__).parents[1] / "migrations"
REPOSITORY = EarningsRepository()


@pytest.fixture
async def dsn(tmp_path: Path) -> AsyncIterator[str]:
    """A migrated schema, seen as the service sees it."""
    server = PostgresServer(tmp_path, password=PASSWORD, durable=False)
    await server.start()
    try:
        admin = await asyncpg.connect(server.dsn)
        await ensure_roles(admin, {"earnings": PASSWORD})
        await admin.close()
        await Migrator(server.dsn, "earnings", role_of("earnings"), [MIGRATIONS]).migrate()
        address = urlsplit(server.dsn)
        yield f"postgresql://{role_of('earnings')}:{PASSWORD}@127.0.0.1:{address.port}{address.path}"
    finally:
        await server.stop()


async def run_epoch(dsn: str, events: list[TradingEvent], size: int) -> None:
    """Load what is stored and fold on from there, in batches of `size` events."""
    store = PostgresStore(dsn, "earnings")
    try:
        epoch = await store.begin()
        state = REPOSITORY.restore(await store.load([table for table in REPOSITORY.tables if table.load]))
        folder = Folder(
            service="earnings",
            stream=EVENTS,
            handlers=HANDLERS,
            repository=REPOSITORY,
            state=state,
            epoch=epoch,
            journal=False,
        )
        for number, batch in enumerate(batches(events, size), start=epoch.progress.stream_seq + 1):
            payload = b"[" + b",".join(encode(event) for event in batch) + b"]"
            delivery = Delivery(number, batch[-1].occurred_at, "trading.main", payload, "", 0)
            commit, _ = folder.fold(folder.decode([delivery]), "", "stream")
            await store.commit(commit)
    finally:
        await store.close()


def two_days() -> Venue:
    """Alice deposits and goes long on day one, holds over midnight, and is paid funding on day two."""
    venue = Venue()
    venue.transfer("alice", 10_000_000)
    venue.mark("BTC-PERP", 1_000)
    venue.trade("BTC-PERP", "alice", "bob", 20, 990, (30, 10))
    venue.at = START + DAY
    venue.mark("BTC-PERP", 1_100)
    venue.fund("BTC-PERP", -50)
    venue.trade("BTC-PERP", "bob", "alice", 5, 1_090, (0, 15))
    venue.mark("BTC-PERP", 1_200)
    return venue


async def test_rows_and_answers_on_a_real_database(dsn: str) -> None:
    """EARN-REBUILD-002, EARN-QUERY-001, EARN-QUERY-002, EARN-QUERY-003"""
    events = two_days().events
    await run_epoch(dsn, events[:7], 3)
    await run_epoch(dsn, events[7:], 2)
    in_memory = Harness()
    in_memory.feed(events)
    store = PostgresStore(dsn, "earnings")
    stored = await store.load(REPOSITORY.tables)
    await store.close()
    for table in REPOSITORY.tables:
        assert list(stored[table.name]) == sorted(in_memory.tables[table.name].values(), key=table.key_of)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        await check_days(pool)
        await check_summary(pool)
        await check_totals(pool)


async def check_days(pool: Any) -> None:
    answer = await QUERIES["days"](pool, {"account": "alice"})
    today, yesterday = answer["days"]
    assert yesterday == {
        "day": START,
        "equity_start": "0.000000",
        "equity_end": "10.019970",
        "flows": "10.000000",
        "pnl": "0.020000",
        "funding": "0.000000",
        "fees": "0.000030",
        "closed": True,
        "as_of": START + DAY,
    }
    assert (today["day"], today["closed"], today["equity_start"]) == (START + DAY, False, "10.019970")
    only = await QUERIES["days"](pool, {"account": "alice", "from_day": START + DAY + 5, "limit": 10})
    assert only["days"] == [today]
    with pytest.raises(QueryError):
        await QUERIES["days"](pool, {"account": "alice", "limit": 0})
    with pytest.raises(QueryError):
        await QUERIES["days"](pool, {"account": "alice", "from_day": 2 * DAY, "to_day": DAY})


async def check_summary(pool: Any) -> None:
    """Day two: 20 lots gain 100 ticks, 5 of them sold 10 under the mark, 15 gain another 100."""
    answer = await QUERIES["summary"](pool, {"account": "alice"})
    pnl = (20 * 100 - 5 * 10 + 15 * 100) * 100
    equity = 10_019_970 + pnl + 1_000 - 15
    assert answer["equity"] == f"{equity // 10**6}.{equity % 10**6:06}"
    assert answer["open_day"] == {
        "day": START + DAY,
        "equity_start": "10.019970",
        "equity_end": answer["equity"],
        "flows": "0.000000",
        "pnl": f"0.{pnl:06}",
        "funding": "0.001000",
        "fees": "0.000015",
    }
    assert answer["closed_days"] == 1
    assert answer["lifetime"] == {
        "flows": "10.000000",
        "pnl": f"0.{pnl + 20_000:06}",
        "funding": "0.001000",
        "fees": "0.000045",
    }
    with pytest.raises(QueryError):
        await QUERIES["summary"](pool, {"account": "nobody"})


async def check_totals(pool: Any) -> None:
    answer = await QUERIES["totals"](pool, {})
    (day,) = answer["days"]
    assert (day["day"], day["accounts"]) == (START, 2)
    assert (day["pnl"], day["fees"], day["flows"]) == ("0.000000", "0.000040", "10.000000")
