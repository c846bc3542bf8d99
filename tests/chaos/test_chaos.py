"""A short run of what `make chaos` does at length."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import ports
from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from tests.chaos.monkey import Monkey
from tests.support.installation import Installation, installation

KILLS = 10
MATCHING = ("matching",)


@asynccontextmanager
async def _installed(valkey: ValkeyServer) -> AsyncIterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="cleartide-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # Its own Postgres: it is killed, and other tests must not notice.
        postgres = PostgresServer(folder / "postgres", password="chaos-only", durable=True)
        await postgres.start()
        try:
            async with installation(folder, postgres, valkey, durable=True) as installed:
                installed.extra_environment["CLEARTIDE_GATEWAY_PORT"] = str(ports.free_port())
                yield installed
        finally:
            await postgres.stop()


async def test_ten_kills_lose_and_double_nothing(valkey: ValkeyServer) -> None:
    """RUN-CHAOS-001."""
    async with _installed(valkey) as installed:
        counted = await Monkey(installed, KILLS, seed=42).run()
    assert counted["trades"] > 0


async def test_ten_takeovers_lose_and_double_nothing(valkey: ValkeyServer) -> None:
    """RUN-CHAOS-002: the active sequencer is killed or frozen, again and again, with a standby beside it."""
    async with _installed(valkey) as installed:
        monkey = Monkey(installed, KILLS, seed=43, prey=MATCHING, standbys=MATCHING, services=(*MATCHING, "risk"))
        counted = await monkey.run()
    assert counted["trades"] > 0
    assert monkey.victims["matching frozen"] > 0
