"""The same fold on a real PostgreSQL: rows equal those in memory, and the questions are answered from them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from cleartide.bus.folder import Folder
from cleartide.bus.ports import Delivery
from cleartide.bus.streams import EVENTS
from cleartide.contracts import Message
from cleartide.contracts.codec import encode
from cleartide.service import QueryError
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of
from cleartide.store.postgres import PostgresStore
from cleartide.store.roles import ensure_roles

from deploy.local.postgres import PostgresServer
from services.risk.handlers import HANDLERS
from services.risk.queries import queries
from services.risk.repository import RiskRepository
from services.risk.tests.scenario import Scenario
from services.risk.tests.support import Venue
from services.risk.views import account_view, riskiest_first

PASSWORD = "test-only"
MIGRATIONS = Path(__file__).parents[1] / "migrations"
REPOSITORY = RiskRepository()
QUERIES = queries(500)


@pytest.fixture
async def dsn(tmp_path: Path) -> AsyncIterator[str]:
    """A migrated schema, seen as the service sees it."""
    server = PostgresServer(tmp_path, password=PASSWORD, durable=False)
    await server.start()
    try:
        admin = await asyncpg.connect(server.dsn)
        await ensure_roles(admin, {"risk": PASSWORD})
        await admin.close()
        await Migrator(server.dsn, "risk", role_of("risk"), [MIGRATIONS]).migrate()
        address = urlsplit(server.dsn)
        yield f"postgresql://{role_of('risk')}:{PASSWORD}@127.0.0.1:{address.port}{address.path}"
    finally:
        await server.stop()


async def run_epoch(dsn: str, events: list[Message], size: int) -> None:
    """Load what is stored and fold on from there, in batches of `size` events."""
    store = PostgresStore(dsn, "risk")
    try:
        epoch = await store.begin()
        folder = Folder(
            service="risk",
            stream=EVENTS,
            handlers=HANDLERS,
            repository=REPOSITORY,
            state=REPOSITORY.restore(await store.load([table for table in REPOSITORY.tables if table.load])),
            epoch=epoch,
            journal=False,
        )
        for first in range(0, len(events), size):
            batch = events[first : first + size]
            payload = b"[" + b",".join(encode(event) for event in batch) + b"]"
            number = epoch.progress.stream_seq + 1 + first // size
            delivery = Delivery(number, batch[-1].occurred_at, "trading.main", payload, "", 0)
            commit, _ = folder.fold(folder.decode([delivery]), "", "stream")
            await store.commit(commit)
    finally:
        await store.close()


async def test_rows_and_answers_on_a_real_database(dsn: str) -> None:
    """RISK-DB-005 and the answers below: two epochs in batches leave the rows of one fold in memory."""
    scenario = Scenario(11, markets=4, accounts=20, most_positions=3)
    for _ in range(400):
        scenario.step()
    venue = scenario.venue
    venue.commit()
    half = len(venue.heard) // 2
    await run_epoch(dsn, venue.heard[:half], 50)
    await run_epoch(dsn, venue.heard[half:], 7)
    store = PostgresStore(dsn, "risk")
    stored = await store.load(REPOSITORY.tables)
    await store.close()
    for table in REPOSITORY.tables:
        assert list(stored[table.name]) == sorted(venue.tables.rows[table.name].values(), key=table.key_of)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        await check_accounts(pool, venue)
        await check_one_account(pool, venue)
        await check_alerts(pool, venue)
        await check_summary(pool, venue)


async def check_accounts(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-005: the list is that of the state in memory at the same event, whole or by level."""
    holders = [account for account in venue.state.accounts.values() if account.positions]
    answer = await QUERIES["accounts"](pool, {"limit": 5})
    assert answer["as_of_seq"] == venue.effects.seq
    assert answer["total"] == answer["considered"] == len(holders)
    assert answer["accounts"] == [account_view(account) for account in riskiest_first(holders)[:5]]
    bad = await QUERIES["accounts"](pool, {"level": "liquidatable"})
    assert bad["total"] == len(bad["accounts"])
    assert {account["level"] for account in bad["accounts"]} == {"liquidatable"}


async def check_one_account(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-006: one account by its id; an unknown one is not found."""
    answer = await QUERIES["account"](pool, {"account": "a3"})
    assert answer == {"as_of_seq": venue.effects.seq, **account_view(venue.state.accounts["a3"])}
    with pytest.raises(QueryError, match="nobody"):
        await QUERIES["account"](pool, {"account": "nobody"})


async def check_alerts(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-007: newest first, or on from a sequence, for all or for one account, inputs included."""
    newest = (await QUERIES["alerts"](pool, {"limit": 3}))["alerts"]
    last = venue.state.alerts
    assert [alert["seq"] for alert in newest] == [last, last - 1, last - 2]
    after = (await QUERIES["alerts"](pool, {"after": last - 2}))["alerts"]
    assert after == newest[1::-1]
    mine = (await QUERIES["alerts"](pool, {"account": "a3", "after": 0, "limit": 500}))["alerts"]
    assert [alert["account_seq"] for alert in mine] == list(range(1, len(mine) + 1))
    shown = await pool.fetchval("SELECT count(*) FROM alert_inputs WHERE alert_seq = $1", last)
    assert len(newest[0]["inputs"]) == shown > 0


async def check_summary(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-008: every account is in one level, every holder with a price in one column."""
    answer = await QUERIES["summary"](pool, {})
    assert sum(answer["levels"].values()) == len(venue.state.accounts)
    assert sum(column["accounts"] for column in answer["histogram"]) == answer["total"]
    assert answer["liquidating"] == sum(account.liquidating for account in venue.state.accounts.values())
