"""A second process beside each service: it takes the place over, warm and exact, however the first one goes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cleartide.ops.rebuild import rebuild

from tests.support.installation import Installation, ServiceProcess
from tests.support.streams import assert_gapless
from tests.support.traffic import Traffic

LEASE_SECONDS = 60
"""What an active process may be silent: no machine is so busy that one that lives is taken for dead."""
SOON_SECONDS = 5.0
FENCED = 75


@asynccontextmanager
async def _flowing(traffic: Traffic) -> AsyncIterator[None]:
    """Commands keep coming while the body runs."""
    ended = asyncio.Event()

    async def flow() -> None:
        while not ended.is_set():
            await traffic.step()
            await asyncio.sleep(0.005)

    task = asyncio.create_task(flow())
    try:
        yield
    finally:
        ended.set()
        await task


async def _pair(installed: Installation, service: str = "matching") -> tuple[ServiceProcess, ServiceProcess]:
    """An active process and a warm standby."""
    active = installed.spawn(service)
    await active.becomes("active")
    standby = installed.spawn(service, beside=True)
    await standby.becomes("standby")
    return active, standby


async def _exact(installed: Installation, traffic: Traffic, *services: str) -> None:
    """Nothing lost, nothing doubled, and every table is what an undisturbed fold of the input gives."""
    await installed.settled(services)
    installed.stop_services()
    async with installed.client() as client:
        await assert_gapless(client, "EVENTS", "RISK", "FUNDING", "EARNINGS", "ANALYTICS")
    for service in services:
        assert (await rebuild(installed.ops, service)).position == await installed.position(service)
    applied = await installed.fetch("matching", "SELECT outside_trade_id FROM trades WHERE outside_trade_id <> ''")
    assert sorted(row[0] for row in applied) == sorted(traffic.trade_ids)


async def _commits_again(installed: Installation, service: str = "matching") -> float:
    """Seconds until the position goes on."""
    before, started = await installed.position(service), time.monotonic()
    while await installed.position(service) == before:  # noqa: ASYNC110 - another process's work
        await asyncio.sleep(0.002)
    return time.monotonic() - started


@pytest.fixture
def patient(installed: Installation) -> Installation:
    """An installation whose standbys take nobody for dead because he is slow."""
    installed.extra_environment["CLEARTIDE_LEASE_SECONDS"] = str(LEASE_SECONDS)
    return installed


async def test_a_standby_takes_over_from_one_that_is_killed_again_and_again(patient: Installation) -> None:
    """RUN-STANDBY-001: kill -9 of whoever is active, five times, orders flowing: soon, warm and exact."""
    async with patient.client() as client:
        traffic = Traffic(client, seed=3)
        active, standby = await _pair(patient)
        await traffic.open_market()
        async with _flowing(traffic):
            for _ in range(5):
                await _commits_again(patient)
                active.kill()
                assert await _commits_again(patient) < SOON_SECONDS
                report = await standby.becomes("active")
                assert report["warm"] is True
                active, standby = standby, patient.spawn("matching", beside=True)
                await standby.becomes("standby")
    await _exact(patient, traffic, "matching")


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "before_publish", "after_publish"])
async def test_one_that_freezes_and_wakes_up_later_changes_nothing(installed: Installation, point: str) -> None:
    """RUN-STANDBY-002: frozen with a batch in its hands, overtaken, awake again: it may neither commit nor confuse."""
    async with installed.client() as client:
        traffic = Traffic(client, seed=4)
        frozen = installed.spawn("matching", {"CLEARTIDE_FREEZE_AT": f"{point}:150"})
        await frozen.becomes("active")
        standby = installed.spawn("matching", beside=True)
        await standby.becomes("standby")
        await traffic.open_market()
        async with _flowing(traffic):
            await standby.becomes("active")
            await _commits_again(installed)
            frozen.thaw()
            assert await asyncio.to_thread(frozen.process.wait, 20) == FENCED
            await _commits_again(installed)
        assert standby.progress()["warm"] is True
    await _exact(installed, traffic, "matching")


async def test_an_orderly_stop_hands_the_place_over_at_once(patient: Installation) -> None:
    """RUN-STANDBY-003: a drained process lets its standby in; nobody waits for a lease to end."""
    async with patient.client() as client:
        traffic = Traffic(client, seed=5)
        active, standby = await _pair(patient)
        await traffic.open_market()
        async with _flowing(traffic):
            await _commits_again(patient)
            assert await asyncio.to_thread(active.stop) == 0
            assert await _commits_again(patient) < SOON_SECONDS
            await standby.becomes("active")
    await _exact(patient, traffic, "matching")


async def test_a_standby_that_folds_otherwise_loads_the_rows_instead(patient: Installation) -> None:
    """RUN-STANDBY-004: another release or other settings are seen; such a standby waits, and takes over by loading."""
    async with patient.client() as client:
        traffic = Traffic(client, seed=6)
        active = patient.spawn("matching")
        await active.becomes("active")
        await traffic.open_market()
        other = patient.spawn("matching", {"CLEARTIDE_SOME_RULE": "another"}, beside=True)
        await other.ready()
        async with _flowing(traffic):
            await _commits_again(patient)
            assert (other.progress()["role"], other.progress()["warm"]) == ("standby", False)
            active.kill()
            await _commits_again(patient)
            assert (other.progress()["role"], other.progress()["warm"]) == ("active", False)
    await _exact(patient, traffic, "matching")


async def test_every_service_may_have_a_standby(patient: Installation) -> None:
    """RUN-STANDBY-005: the same for those that read what matching says, all killed at once."""
    services = ("matching", "risk", "funding", "earnings", "analytics")
    async with patient.client() as client:
        traffic = Traffic(client, seed=7)
        await patient.start(*services)
        await traffic.open_market()
        pairs = {service: (patient.processes[service], patient.spawn(service, beside=True)) for service in services}
        await asyncio.gather(*(standby.becomes("standby") for _, standby in pairs.values()))
        async with _flowing(traffic):
            await _commits_again(patient)
            for active, _ in pairs.values():
                active.kill()
            for _, standby in pairs.values():
                assert (await standby.becomes("active"))["warm"] is True
            await _commits_again(patient)
    await _exact(patient, traffic, *services)
