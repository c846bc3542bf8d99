"""A signed request is good once, also when Valkey forgets it, begins anew, or is away for a while."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from deploy.local.valkey import ValkeyServer
from services.gateway.identity.once import KEY
from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.tests.test_gateway_keys import code, make, signature
from tests.support.running import until
from tests.support.servers import Broker, Database

TARGET = "/api/v1/me"
AGAIN = (401, "request_replayed")
UNTIMELY = (401, "timestamp_refused")
SILENT_SECONDS = 0.5


@pytest.fixture
async def own_valkey(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    """One that may be killed, and that keeps what it is told beyond its end."""
    server = ValkeyServer(tmp_path / "valkey", password="valkey", durable=True)
    await server.start()
    yield server
    await server.stop()


async def signer(door: Entrance) -> dict[str, Any]:
    """A key that signs."""
    return await make(await door.sign_in(), signs=True)


def signed(key: dict[str, Any], sent_at: int | None = None) -> dict[str, str]:
    """A request of now, or of another instant in milliseconds."""
    return signature(key, "GET", TARGET, b"", sent_at)


async def said(door: Entrance, request: dict[str, str]) -> tuple[int, str | None]:
    """What is answered to a signed request."""
    return code(await door.ask("GET", "me", **request))


async def let_in(door: Entrance, key: dict[str, Any]) -> dict[str, str]:
    """A request that is let in; who begins to know refuses what was signed before, so it is signed until then."""
    while True:
        request = signed(key)
        if (answer := await said(door, request)) == (200, None):
            return request
        assert answer == UNTIMELY


async def knows_again(door: Entrance, key: dict[str, Any], valkey: ValkeyServer) -> bool:
    """Whether what the edge lets in is known to Valkey."""
    request = await let_in(door, key)
    async with Redis.from_url(valkey.url) as client:
        return await client.zscore(KEY, f"{key['id']}:{request['Cleartide-Signature']}") is not None


async def test_what_was_signed_before_a_loss_is_refused(
    database: Database, broker: Broker, own_valkey: ValkeyServer
) -> None:
    """GW-KEY-006: a store that has lost what it knew, or begun a new run, lets in nothing that was signed before."""
    async with entrance(database, broker, redis_url=own_valkey.url) as door:
        key = await signer(door)
        for lose in (_flush, _evict, _restart):
            came = await let_in(door, key)
            waits = signed(key)
            assert await said(door, came) == AGAIN
            await lose(own_valkey)
            assert (lose.__name__, await said(door, came)) == (lose.__name__, UNTIMELY)
            await until(lambda: knows_again(door, key, own_valkey))
            assert (lose.__name__, await said(door, came)) == (lose.__name__, UNTIMELY)
            assert await said(door, waits) == UNTIMELY, "nobody knows of it either"
            assert await said(door, await let_in(door, key)) == AGAIN


async def _flush(valkey: ValkeyServer) -> None:
    async with Redis.from_url(valkey.url) as client:
        await client.flushall()


async def _evict(valkey: ValkeyServer) -> None:
    """For want of room."""
    async with Redis.from_url(valkey.url) as client:
        assert await client.delete(KEY) == 1


async def _restart(valkey: ValkeyServer) -> None:
    """What it had been told is there again, but perhaps not the last of it."""
    await valkey.kill()
    await valkey.start()


async def test_a_valkey_that_is_away_for_a_while(database: Database, broker: Broker, own_valkey: ValkeyServer) -> None:
    """GW-KEY-007: what came before Valkey went away, or while it was, is not let in again, there or when it is back."""
    async with entrance(database, broker, redis_url=own_valkey.url, redis_call_seconds=SILENT_SECONDS) as door:
        key = await signer(door)
        before = await let_in(door, key)
        assert own_valkey.process is not None
        own_valkey.process.signal(signal.SIGSTOP)
        assert await said(door, before) == UNTIMELY
        meanwhile = await let_in(door, key)
        assert await said(door, meanwhile) == AGAIN
        own_valkey.process.signal(signal.SIGCONT)
        await until(lambda: knows_again(door, key, own_valkey))
        assert await said(door, meanwhile) == AGAIN
        assert await said(door, before) in (AGAIN, UNTIMELY)


async def test_without_a_valkey_the_schema_knows(database: Database, broker: Broker) -> None:
    """GW-KEY-008: an edge that has no Valkey at all lets each in once, and of many at once one."""
    async with entrance(database, broker) as door:
        key = await signer(door)
        request = signed(key)
        answers = await asyncio.gather(*(said(door, request) for _ in range(6)))
        assert sorted(answers) == [(200, None)] + [AGAIN] * 5


async def test_nothing_is_let_in_before_its_time(database: Database, broker: Broker, own_valkey: ValkeyServer) -> None:
    """GW-KEY-009: what a clock that is ahead signs waits for its time; more than a second ahead it is refused."""
    async with (
        entrance(database, broker, redis_url=own_valkey.url) as door,
        entrance(database, broker) as alone,
    ):
        key = await signer(door)
        for edge in (door, alone):
            soon = time.time_ns() // 1_000_000 + 600
            assert await said(edge, signed(key, soon)) == (200, None)
            assert time.time_ns() // 1_000_000 >= soon
            assert await said(edge, signed(key, soon + 5_000)) == UNTIMELY
