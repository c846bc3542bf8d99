"""What processes hold of sessions and keys: for a moment, and not after somebody has been put out."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from deploy.local.valkey import ValkeyServer
from services.gateway.edge.redis_guard import RedisGuard
from services.gateway.identity.remembered import NEAR_SECONDS, Remembered

NAME = "session:s1"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A client on an empty Valkey."""
    client = Redis.from_url(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


async def stands() -> bytes:
    """What the schema says."""
    return b"ann"


async def test_who_keeps_asking_is_held_for_a_moment_and_let_go_by_the_bell(redis: Redis) -> None:
    """GW-AUTH-011: what a process holds is held a quarter second from when it asked, and no longer than the bell."""
    clock = Clock()
    here = Remembered(RedisGuard(redis, seconds=10), clock)
    there = Remembered(RedisGuard(redis, seconds=10))
    assert await here.get(NAME, stands) == b"ann"
    await there.revoke(NAME)
    clock.now += 0.9 * NEAR_SECONDS
    assert await here.get(NAME, stands) == b"ann"
    here.let_go()
    assert await here.get(NAME, stands) is None
    await redis.flushall()
    assert await here.get(NAME, stands) == b"ann"
    await there.revoke(NAME)
    clock.now += NEAR_SECONDS
    assert await here.get(NAME, stands) is None


async def test_when_a_revocation_is_said_to_be_done_nobody_holds_what_it_ended(redis: Redis) -> None:
    """GW-AUTH-012: without a bell too, whoever is told that a session has ended is let in nowhere after it."""
    here, there = (Remembered(RedisGuard(redis, seconds=10)) for _ in range(2))
    for process in (here, there):
        assert await process.get(NAME, stands) == b"ann"
    await there.revoke(NAME)
    assert await there.get(NAME, stands) is None
    await there.lapsed()
    assert await here.get(NAME, stands) is None
