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
from services.funding.domain.rate import HOUR_MICROS
from services.funding.handlers import HANDLERS
from services.funding.queries import QUERIES
from services.funding.repository import FundingRepository
from services.funding.tests.support import BTC, ETH, START, Venue

PASSWORD = "test-only"
MIGRATIONS = Path(__file__).parents[1] / "migrations"
REPOSITORY = FundingRepository(HOUR_MICROS)


@pytest.fixture
async def dsn(tmp_path: Path) -> AsyncIterator[str]:
    """A migrated schema, seen as the service sees it."""
    server = PostgresServer(tmp_path, password=PASSWORD, durable=False)
    await server.start()
    try:
        admin = await asyncpg.connect(server.dsn)
        await ensure_roles(admin, {"funding": PASSWORD})
        await admin.close()
        await Migrator(server.dsn, "funding", role_of("funding"), [MIGRATIONS]).migrate()
        address = urlsplit(server.dsn)
        yield f"postgresql://{role_of('funding')}:{PASSWORD}@127.0.0.1:{address.port}{address.path}"
    finally:
        await server.stop()


async def run_epoch(dsn: str, events: list[Message], size: int) -> None:
    """Load what is stored and fold on from there, in batches of `size` events."""
    store = PostgresStore(dsn, "funding")
    try:
        epoch = await store.begin()
        folder = Folder(
            service="funding",
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


def three_hours() -> Venue:
    """Two markets; samples in BTC in the first and third hour, the first hour settled."""
    venue = Venue()
    venue.list_market(BTC)
    venue.list_market(ETH)
    for minute in range(0, 60, 2):
        venue.sample(BTC, minute, 6_000_000)
    venue.tick(ETH, START + HOUR_MICROS)
    venue.settled(BTC, START, START + HOUR_MICROS + 1)
    venue.sample(BTC, 120, 60_000_000)
    return venue


async def test_rows_and_answers_on_a_real_database(dsn: str) -> None:
    """FUND-DB-003 and the answers below: two epochs in batches leave the rows of one fold in memory."""
    venue = three_hours()
    venue.restart()
    await run_epoch(dsn, venue.heard[:20], 4)
    await run_epoch(dsn, venue.heard[20:], 50)
    store = PostgresStore(dsn, "funding")
    stored = await store.load(REPOSITORY.tables)
    await store.close()
    for table in REPOSITORY.tables:
        assert list(stored[table.name]) == sorted(venue.tables.rows[table.name].values(), key=table.key_of)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        await check_rates(pool)
        await check_predicted(pool)


async def check_rates(pool: Any) -> None:
    """FUND-VIEW-005: a market's rates, newest first, on from an interval, with what matching settled."""
    answer = await QUERIES["rates"](pool, {"market": BTC})
    assert [(rate["interval_start"] - START) // HOUR_MICROS for rate in answer["rates"]] == [1, 0]
    assert [rate["rate"] for rate in answer["rates"]] == ["0.000000000", "0.000312500"]
    assert [rate["settlement"] is not None for rate in answer["rates"]] == [False, True]
    older = await QUERIES["rates"](pool, {"market": BTC, "before": START + HOUR_MICROS, "limit": 1})
    assert older["rates"] == answer["rates"][1:]


async def check_predicted(pool: Any) -> None:
    """FUND-VIEW-006: the open interval of every market; of one with its past rates; an unknown one is not found."""
    answer = await QUERIES["predicted"](pool, {})
    shown = {market["market"]: market for market in answer["markets"]}
    assert (shown[BTC]["samples"], shown[ETH]["samples"]) == (1, 0)
    assert {market["interval_start"] for market in answer["markets"]} == {START + 2 * HOUR_MICROS}
    assert (shown[BTC]["seconds_left"], shown[BTC]["average_premium_ppb"]) == (0, 1_000_000)
    one = await QUERIES["funding"](pool, {"market": BTC, "limit": 1})
    assert {name: one[name] for name in shown[BTC]} == shown[BTC]
    assert (one["rate"], one["predicted_rate"]) == ("0.000000000", "0.000062500")
    assert [rate["interval_start"] for rate in one["rates"]] == [START + HOUR_MICROS]
    with pytest.raises(QueryError, match="XRP-PERP"):
        await QUERIES["funding"](pool, {"market": "XRP-PERP"})
