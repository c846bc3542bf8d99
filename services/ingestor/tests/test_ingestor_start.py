"""`cleartide start`: alone beside PostgreSQL and NATS, and one line where something that it needs is not there."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from cleartide.store.bulk import open_schema

from deploy.local.nats import NatsServer
from services.ingestor.simulator.replay import Pace
from services.ingestor.tests.rig import venue
from services.ingestor.tests.series import Said, cleartide
from tests.support.running import until
from tests.support.schema import ServiceSchema
from tests.support.servers import Broker, Database

NOBODY = "nats://127.0.0.1:1"
WHAT = ("start", "-e", "binance-usdm", "-s", "BTC/USDT", "--simulator", "127.0.0.1:1")


async def refused(*more: str) -> Said:
    """What it says when it does not start: one line, and no trace."""
    said = await asyncio.to_thread(cleartide, (*WHAT, *more))
    assert said.code
    assert not said.out
    assert len(said.err.strip().splitlines()) == 1 or said.err.startswith("usage:"), said.err
    return said


async def test_an_administrators_address_is_refused_with_the_way_to_the_right_one(
    schema: ServiceSchema, series_database: Database
) -> None:
    """ING-CLI-017: the service runs as its own role and as nobody else."""
    said = await refused("--database-url", series_database.admin_dsn, "--nats-url", NOBODY)
    assert "as cleartide_ingestor, not as postgres" in said.err
    assert "cleartide db init" in said.err
    assert NOBODY in (await refused("--database-url", schema.dsn, "--nats-url", NOBODY)).err


async def test_a_database_without_tables_and_a_bus_without_rights_are_said(
    database: Database, schema: ServiceSchema, broker: Broker
) -> None:
    """ING-CLI-017"""
    said = await refused("--database-url", database.dsn("ingestor"), "--nats-url", NOBODY)
    assert "run `cleartide db init`" in said.err
    said = await refused("--database-url", schema.dsn, "--nats-url", broker.server.url)
    assert broker.server.url in said.err
    assert "Authorization" in said.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--klines", "7m"), "no interval 7m; there are 1m"),
        (("--report-interval", "0"), "no number of seconds above 0"),
        (("--port", "70000"), "no port"),
        (("--nats-url", "here"), "nats://"),
    ],
)
async def test_what_the_service_would_not_take_is_said_before_it_starts(given: tuple[str, ...], said: str) -> None:
    """ING-CLI-017"""
    options = ("--database-url", "postgresql://cleartide_ingestor@127.0.0.1:1/x", "--nats-url", NOBODY)
    assert said in (await refused(*options, *given, "--dry-run")).err


async def test_it_collects_beside_a_bus_that_has_no_streams_yet(schema: ServiceSchema, folder: Path) -> None:
    """ING-CLI-018: it makes those that it writes, stores what a venue says, and ends when told."""
    nats = NatsServer(folder / "nats", durable=False)
    await nats.start()
    try:
        async with venue(pace=Pace(1.0, loop=True, shift_time=True), wait=False) as (_, address):
            options = ("-e", "binance-usdm", "-s", "BTC/USDT", "--simulator", address.partition("/")[0])
            where = ("--database-url", schema.dsn, "--nats-url", nats.url)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "cleartide", "start", *options, *where, env=dict(os.environ)
            )
            connection = await open_schema(schema.dsn, "ingestor")
            try:
                await until(lambda: collected(connection), 60)
            finally:
                await connection.close()
                process.send_signal(signal.SIGINT)
                assert await process.wait() == 0
    finally:
        await nats.stop()


async def collected(connection: object) -> bool:
    return bool(await connection.fetchval("SELECT count(*) > 20 FROM venue_trades"))  # type: ignore[attr-defined]
