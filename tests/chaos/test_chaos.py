"""A short run of what `make chaos` does at length."""

import tempfile
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from tests.chaos.monkey import Monkey
from tests.support.installation import installation

KILLS = 10


@pytest.mark.timeout(180)
async def test_ten_kills_lose_and_double_nothing(valkey: ValkeyServer) -> None:
    """RUN-CHAOS-001."""
    with tempfile.TemporaryDirectory(prefix="cleartide-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # Its own Postgres: it is killed, and other tests must not notice.
        postgres = PostgresServer(folder / "postgres", password="chaos-only", durable=True)
        await postgres.start()
        try:
            async with installation(folder, postgres, valkey, durable=True) as installed:
                installed.extra_environment["CLEARTIDE_GATEWAY_PORT"] = str(ports.free_port())
                counted = await Monkey(installed, KILLS, seed=42).run()
        finally:
            await postgres.stop()
    assert counted["trades"] > 0
