"""Postgres is the system of record, NATS is disposable, and every service is the fold of its input."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from cleartide.bus.streams import SERVICES
from cleartide.ops.rebuild import rebuild
from cleartide.ops.registry import migrations_folder
from cleartide.ops.restore import restore
from cleartide.ops.set_aside import RebuildError
from cleartide.ops.setup import set_up_database
from cleartide.store.migrations import Migrator
from cleartide.store.names import role_of

from tests.support.installation import Installation
from tests.support.servers import Database
from tests.support.streams import assert_gapless
from tests.support.traffic import START_TICKS, Traffic, price_text

FOLDS = ("matching", "risk", "funding", "earnings", "analytics", "gateway")
STEPS = 150
STOPS = 20
COMMITTED = """
SELECT json_array_length(f.order_ids::json), c.position - c.stream_seq FROM fired_orders f, consumer_position c
"""
"""How many orders have fired and are not placed, and the distance of the position from the command of that."""
TRIGGERED = """
SELECT tgrelid::regclass::text AS relation, tgtype & 4 > 0 AS inserts, tgtype & 8 > 0 AS deletes
FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 1 = 0 AND tgtype & 2 = 0 AND tgrelid::regclass::text LIKE $1
"""
"""Tables with a trigger after a statement, and after which."""


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


@pytest.mark.parametrize("service", SERVICES)
async def test_a_statement_that_the_fence_has_emptied_looks_for_no_other_table(
    database: Database, service: str
) -> None:
    """RUN-REBUILD-008: for its schema may have been set aside since; its triggers know names and not tables."""
    await Migrator(database.admin_dsn, service, role_of(service), [migrations_folder(service)]).migrate()
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        await connection.execute("SET search_path = pg_catalog")
        for name, inserts, deletes in await connection.fetch(TRIGGERED, f"{service}.%"):
            if inserts:
                await connection.execute(f"INSERT INTO {name} SELECT * FROM {name} WHERE false")
            elif deletes:
                await connection.execute(f"DELETE FROM {name} WHERE false")
            else:
                column = await connection.fetchval(
                    "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum = 1", name
                )
                await connection.execute(f"UPDATE {name} SET {column} = {column} WHERE false")
    finally:
        await connection.close()


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


PERSON = """
INSERT INTO gateway.users (id, referral_code, created_at, updated_at) VALUES ('u0123456789abcdef0123', 'r', 1, 1)
"""
PEOPLE = "SELECT count(*) FROM gateway.users"


async def test_a_rebuild_that_is_killed_leaves_what_was_to_whoever_comes_next(
    installed: Installation, free_port: int
) -> None:
    """RUN-REBUILD-005: the next set-up, or rebuild, takes it back; meanwhile no service works on the half of it."""
    installed.extra_environment["CLEARTIDE_GATEWAY_PORT"] = str(free_port)
    await installed.start(*FOLDS)
    async with installed.client() as client:
        traffic = Traffic(client, seed=9)
        await traffic.open_market()
        for _ in range(STOPS):
            await traffic.step()
        await installed.settled(FOLDS)
    installed.stop_services()
    await as_owner(installed, PERSON)
    held = await installed.digests("gateway", "risk")

    await killed_in_its_midst(installed, "gateway")
    waiting = installed.spawn("gateway")
    async with asyncio.timeout(60):
        while "is being rebuilt" not in str(waiting.progress().get("last_error")):  # noqa: ASYNC110 - asked from outside
            await asyncio.sleep(0.02)
    assert await set_up_database(installed.ops, ("gateway", "risk")) == [
        "gateway: a rebuild that was cut short has been taken back"
    ]
    await waiting.ready()
    installed.stop_services()
    assert (await installed.digests("gateway"))["gateway"] == held["gateway"]
    assert await as_owner(installed, PEOPLE) == 1

    for service in ("gateway", "risk"):
        await killed_in_its_midst(installed, service)
        assert (await rebuild(installed.ops, service)).digests == held[service]
    assert await as_owner(installed, PEOPLE) == 1


async def test_one_rebuild_of_a_service_at_a_time(installed: Installation) -> None:
    """RUN-REBUILD-006: a second one, and a set-up meanwhile, are refused and change nothing."""
    async with under_way(installed, "risk"):
        with pytest.raises(RebuildError, match="risk is being rebuilt"):
            await rebuild(installed.ops, "risk")
        with pytest.raises(RebuildError, match="risk is being rebuilt"):
            await set_up_database(installed.ops, ("risk",))


async def test_not_beside_further_processes(installed: Installation, free_port: int) -> None:
    """RUN-REBUILD-007: refused while an edge is at work, also after its session was lost; not when it was killed."""
    edge = installed.spawn("gateway", {"CLEARTIDE_GATEWAY_PORT": str(free_port)}, part="edge")
    await edge.ready()
    before = await installed.digests("gateway")
    refused = "gateway is still at work in 1 further processes"
    with pytest.raises(RebuildError, match=refused):
        await rebuild(installed.ops, "gateway")
    assert await as_owner(installed, _CUT_OFF.format(installed.database)) != 0
    async with asyncio.timeout(60):
        while not await as_owner(installed, _SEEN):  # noqa: ASYNC110 - asked from outside
            await asyncio.sleep(0.05)
    with pytest.raises(RebuildError, match=refused):
        await rebuild(installed.ops, "gateway")
    assert await installed.digests("gateway") == before
    edge.kill()
    assert (await rebuild(installed.ops, "gateway")).digests == before["gateway"]


_CUT_OFF = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()
"""
_SEEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%-beside'"


@asynccontextmanager
async def under_way(installed: Installation, service: str) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """A rebuild that has set the schema aside and waits for the right to migrate the new one, which we hold."""
    ops = installed.ops
    environment = {
        **os.environ,
        "CLEARTIDE_ADMIN_DSN": ops.admin_dsn,
        "CLEARTIDE_NATS_URL": ops.nats_url,
        "CLEARTIDE_NATS_ADMIN_USER": ops.nats_admin_user,
        "CLEARTIDE_NATS_ADMIN_PASSWORD": ops.nats_admin_password,
        "CLEARTIDE_SECRETS_FILE": str(ops.secrets_file),
    }
    admin = await asyncpg.connect(installed.admin_dsn)
    await admin.execute("SELECT pg_advisory_lock(hashtext($1))", f"cleartide-migrate-{service}")
    command = (sys.executable, "-m", "cleartide.ops", "rebuild", service)
    process = await asyncio.to_thread(subprocess.Popen, command, env=environment)
    try:
        async with asyncio.timeout(60):
            while not await admin.fetchval("SELECT to_regnamespace($1) IS NOT NULL", f"{service}_before_rebuild"):
                assert process.poll() is None
                await asyncio.sleep(0.02)
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        await admin.close()


async def as_owner(installed: Installation, statement: str) -> object:
    """What the owner of the database gets for a statement."""
    admin = await asyncpg.connect(installed.admin_dsn)
    try:
        return await admin.fetchval(statement)
    finally:
        await admin.close()


async def killed_in_its_midst(installed: Installation, service: str) -> None:
    """What was set aside is where it was put, and what stands in its place is empty."""
    async with under_way(installed, service) as process:
        process.kill()


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
