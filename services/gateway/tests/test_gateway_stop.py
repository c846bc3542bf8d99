"""A gateway that is told to stop does so, whatever it is waiting for."""

import asyncio
from typing import Any

import aiohttp
import asyncpg
from cleartide.bus.together import end
from cleartide.connect import redis_client

from deploy.local.ports import free_port
from deploy.local.valkey import ValkeyServer
from services.gateway.notify.run import Notifying
from tests.support.installation import Installation

MOMENTS = 30


async def test_a_cancellation_that_comes_with_the_answer_counts(valkey: ValkeyServer) -> None:
    """GW-STOP-001: whenever a call is cancelled, whoever made it ends; a gateway that stops waits for nobody."""
    survivors = []
    for moment in range(MOMENTS * 4):
        client = redis_client(valkey.url)

        async def ask() -> None:
            await client.hgetall("nothing")  # noqa: B023
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        asking = asyncio.create_task(ask())
        for _ in range(moment % MOMENTS):
            await asyncio.sleep(0.0001)
        ended = asking.done()
        asking.cancel()
        await asyncio.wait([asking])
        if not ended and not asking.cancelled():
            survivors.append(moment % MOMENTS)
        await client.aclose()
    assert not survivors


async def test_a_gateway_ends_by_itself_however_soon_it_is_stopped(installed: Installation) -> None:
    """GW-STOP-002, GW-STOP-004: told to stop at its first sign of life, while it still makes its connections."""
    for _ in range(2):
        port = free_port()
        await installed.start("gateway", environment={"CLEARTIDE_GATEWAY_PORT": str(port)})
        log = installed.processes["gateway"].log
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/api/v1/trades/BTC-PERP"):
            pass
        assert await asyncio.to_thread(installed.stop_services) == {"gateway": 0}
    assert "task_cancelled" not in log.read_text()
    admin = await asyncpg.connect(installed.admin_dsn)
    assert await admin.fetchval("SELECT count(*) FROM gateway.request_log") == 2, "the last request is noted too"
    await admin.close()


class Forgetful:
    """Forgets two cancellations, as the clients' libraries may when an answer comes at that moment."""

    def __init__(self) -> None:
        self.asked = 0

    async def run(self) -> None:
        """Until the third."""
        while self.asked < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.asked += 1
        raise asyncio.CancelledError


async def test_notifications_end_though_a_part_of_them_forgets_that_it_was_told() -> None:
    """GW-STOP-003: whoever forgets is told again, also when the parts are ended from outside."""
    parts: Any = [Forgetful() for _ in range(4)]
    running = asyncio.create_task(Notifying((), *parts).run())
    await asyncio.sleep(0)
    await asyncio.wait_for(end([running]), 30)
    assert [part.asked for part in parts] == [3] * 4
