"""The ingestor folded again from MARKET: the same tables, whatever the process that was killed still had under way."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from cleartide.bus.folder import Folder
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Delivery, Fenced
from cleartide.bus.streams import MARKET
from cleartide.ops.rebuild import rebuild
from cleartide.store.bulk import BulkWriter
from cleartide.store.names import enter_schema
from cleartide.store.postgres import PostgresStore

from services.ingestor.adapters.events import MarketStruct, encode
from services.ingestor.app import SERVICE
from services.ingestor.registry import FEES, instrument_row
from services.ingestor.repository import INSTRUMENTS, instant
from services.ingestor.tests.support import BTCUSDT, new_core
from services.ingestor.tests.test_ingestor_fold import SECOND, START, batches, heartbeat
from services.ingestor.views import TERMS
from tests.support.installation import Installation
from tests.support.running import until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def published(installed: Installation, messages: Sequence[Sequence[MarketStruct]]) -> list[Delivery]:
    """Messages of the feed, and how the stream holds them."""
    async with installed.client("ingestor") as client:
        for number, events in enumerate(messages):
            headers = {"Nats-Msg-Id": str(number)}
            await client.jetstream().publish(events[0].subject, encode(list(events)), headers=headers)
    async with installed.client() as client:
        bus = NatsBus(client)
        held: list[Delivery] = []
        while len(held) < len(messages):
            held += await bus.read(MARKET, len(held) + 1, len(messages))
        return held


class Killed:
    """A process up to the moment of its end: what it has folded, and the commit that it has just given away."""

    def __init__(self, dsn: str) -> None:
        self.store = PostgresStore(dsn, "ingestor")

    async def folds(self, deliveries: Sequence[Delivery]) -> None:
        epoch = await self.store.begin()
        tables = [table for table in SERVICE.repository.tables if table.load]
        self.folder: Folder = SERVICE.fold.folder(await self.store.load(tables), epoch)
        for delivery in deliveries:
            await self.commits(delivery)

    async def commits(self, delivery: Delivery) -> None:
        await self.store.commit(self.folder.fold(self.folder.decode([delivery]), "", "stream")[0])


async def waiting(admin: "asyncpg.Connection[Any]", sessions: int) -> None:
    """Until so many sessions wait for a lock."""

    async def all_wait() -> bool:
        return bool(await admin.fetchval(WAITING) >= sessions)

    await until(all_wait, 30)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_commit_of_a_killed_process_does_not_land_within_the_comparison(
    installed: Installation, begun: bool
) -> None:
    """RUN-REBUILD-002: it is whole in what is compared, or refused; it once made the index's digest differ."""
    feeds = [events for events, _ in batches(300)] + [heartbeat(START + SECOND)]
    *deliveries, last = await published(installed, feeds)
    killed = Killed(installed.service_dsn("ingestor"))
    await killed.folds(deliveries)
    admin, blocking = await asyncpg.connect(installed.admin_dsn), await asyncpg.connect(installed.admin_dsn)
    try:
        await enter_schema(blocking, "ingestor")
        held = blocking.transaction()
        await held.start()
        if begun:  # The commit has taken its place, and waits for a row.
            await blocking.execute("SELECT FROM venue_statuses FOR UPDATE")
            commit = asyncio.create_task(killed.commits(last))
        else:  # It has been sent, and waits for a table; an index is due with it.
            await blocking.execute("LOCK TABLE index_prices IN ACCESS EXCLUSIVE MODE")
            commit = asyncio.create_task(killed.commits(last._replace(at=last.at + 5 * SECOND)))
        await waiting(admin, 1)
        again = asyncio.create_task(rebuild(installed.ops, "ingestor"))
        await waiting(admin, 2)
        await held.rollback()
        (ended,) = await asyncio.gather(commit, return_exceptions=True)
        assert (await again).position == len(deliveries) + begun
        assert isinstance(ended, Fenced) != begun, ended
    finally:
        await killed.store.close()
        await blocking.close()
        await admin.close()


async def test_what_commands_have_recorded_beside_the_fold_is_kept_and_not_compared(installed: Installation) -> None:
    """ING-INST-002"""
    listed = instrument_row("bybit", replace(BTCUSDT, base="BTC", quote="USDT"))
    core = new_core()
    deliveries = await published(installed, [list(core.terms(START)), heartbeat(START)])
    killed = Killed(installed.service_dsn("ingestor"))
    await killed.folds(deliveries)
    connection = await asyncpg.connect(installed.service_dsn("ingestor"))
    try:
        told = await connection.fetch("SELECT * FROM venue_instruments")
        followed = instrument_row(core.venue, replace(BTCUSDT, tick_size="7", base="X", quote="Y"))
        async with BulkWriter(installed.service_dsn("ingestor"), "ingestor") as writer:
            await writer.write(INSTRUMENTS, [listed, followed])
            await writer.write(FEES, [("bybit", "", -5_000, 450_000, instant(START))])
        assert await connection.fetch("SELECT * FROM venue_instruments WHERE said_at > 0") == told
    finally:
        await connection.close()
        await killed.store.close()
    digests = (await installed.digests("ingestor"))["ingestor"]
    assert (await rebuild(installed.ops, "ingestor")).digests == digests
    rows = await installed.fetch("ingestor", f"SELECT venue, said_at > 0, taker_ppb FROM {TERMS} i ORDER BY venue")
    assert [tuple(row) for row in rows] == [(core.venue, True, BTCUSDT.taker_ppb), ("bybit", False, 450_000)]
