"""Postgres is the system of record, NATS is disposable, and every service is the fold of its input."""

import asyncio
import shutil

import pytest
from cleartide.bus.streams import SERVICES
from cleartide.ops.rebuild import RebuildError, rebuild
from cleartide.ops.restore import restore

from tests.support.installation import Installation
from tests.support.streams import assert_gapless
from tests.support.traffic import START_TICKS, Traffic, price_text

FOLDS = ("matching", "risk", "funding", "earnings", "analytics", "gateway")
STEPS = 150
STOPS = 20
COMMITTED = """
SELECT json_array_length(f.order_ids::json), c.position - c.stream_seq FROM fired_orders f, consumer_position c
"""
"""How many orders have fired and are not placed, and the distance of the position from the command of that."""


async def test_every_service_folds_to_the_same_tables_again(installed: Installation, free_port: int) -> None:
    """RUN-REBUILD-001."""
    installed.extra_environment["CLEARTIDE_GATEWAY_PORT"] = str(free_port)
    await installed.start(*FOLDS)
    async with installed.client() as client:
        traffic = Traffic(client, seed=3)
        await traffic.open_market()
        for _ in range(STEPS):
            await traffic.step()
        await installed.settled(FOLDS)
    with pytest.raises(RebuildError, match="risk runs: stop it"):
        await rebuild(installed.ops, "risk")
    installed.stop_services()
    before = await installed.digests(*FOLDS)
    for service in FOLDS:
        done = await rebuild(installed.ops, service)
        assert done.digests == before[service]
    await installed.start(*FOLDS)
    async with installed.client() as client:
        await Traffic(client, seed=4, accounts=("late",)).deposit("late", "5")
        await installed.settled(FOLDS)


async def test_nats_may_lose_everything_and_nothing_is_lost(installed: Installation, free_port: int) -> None:
    """RUN-DISPOSABLE-001."""
    installed.extra_environment["CLEARTIDE_GATEWAY_PORT"] = str(free_port)
    await installed.start(*FOLDS)
    async with installed.client() as client:
        traffic = Traffic(client, seed=5)
        await traffic.open_market()
        for _ in range(STEPS):
            await traffic.step()
        await installed.settled(("matching",))
    installed.stop_services()
    at_the_loss = await installed.digests("matching")
    await lose_streams(installed)
    made = await restore(installed.ops)
    assert made["EVENTS"] > 0
    assert await installed.digests("matching") == at_the_loss
    await installed.start(*FOLDS)
    async with installed.client() as client:
        for _ in range(STEPS):
            await traffic_goes_on(traffic, client)
        await installed.settled(FOLDS)
        await assert_gapless(client, "EVENTS", "RISK", "FUNDING", "EARNINGS", "ANALYTICS")
    installed.stop_services()
    for service in FOLDS:
        await rebuild(installed.ops, service)
    assert set(FOLDS) < set(SERVICES)


async def test_a_command_in_the_midst_of_which_the_sequencer_was_killed_is_rebuilt_and_restored(
    installed: Installation,
) -> None:
    """RUN-REBUILD-003: as far as it had come; then NATS loses everything, and the command is done to its end all the
    same."""
    await installed.start("matching")
    async with installed.client() as client:
        traffic = Traffic(client, seed=6)
        await traffic.open_market()
        for _ in range(STOPS):
            stop = {"order_type": "stop_market", "price": None, "trigger_price": price_text(START_TICKS - 10)}
            await traffic.order(traffic.accounts[0], "sell", 1, START_TICKS, **stop)
        await installed.settled(("matching",))
        installed.stop_services()
        killed = installed.spawn("matching", {"CLEARTIDE_CRASH_AT": "after_commit:1"})
        await killed.ready()
        await traffic.price(START_TICKS - 20)
        await asyncio.to_thread(killed.process.wait)
    held = (await installed.digests("matching"))["matching"]
    assert await installed.fetch("matching", COMMITTED) == [(STOPS, -1)]
    for _ in range(2):
        assert (await rebuild(installed.ops, "matching")).digests == held
    await lose_streams(installed)
    assert (await restore(installed.ops))["COMMANDS"] == 1
    await installed.start("matching")
    await installed.settled(("matching",))
    assert await installed.fetch("matching", COMMITTED) == []
    installed.stop_services()
    await rebuild(installed.ops, "matching")


async def lose_streams(installed: Installation) -> None:
    """NATS comes back empty."""
    await installed.nats.stop()
    for store in installed.nats.folder.rglob("jetstream"):
        await asyncio.to_thread(shutil.rmtree, store)
    await installed.nats.start()


async def traffic_goes_on(traffic: Traffic, client: object) -> None:
    """The same traffic over the connection to the new server."""
    traffic.client = client  # type: ignore[assignment]
    await traffic.step()
