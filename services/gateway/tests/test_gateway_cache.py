"""The response cache on a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from deploy.local.ports import free_port
from deploy.local.valkey import ValkeyServer
from services.gateway.edge.cache import KEY_PREFIX, ResponseCache
from services.gateway.edge.errors import ApiError
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard

LIFE_MS: Final = 60_000


class Maker:
    """Makes answers and counts them."""

    def __init__(self) -> None:
        self.made = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> bytes:
        self.made += 1
        made = self.made
        self.begun.set()
        await self.go.wait()
        return b"answer %d" % made


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A client on an empty Valkey."""
    client = Redis.from_url(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


def cache(redis: Redis | None) -> ResponseCache:
    """A cache of a process of its own."""
    return ResponseCache(RedisGuard(redis, seconds=10), EdgeMetrics(CollectorRegistry()))


async def test_an_answer_is_kept_for_its_time_and_shared(redis: Redis) -> None:
    """GW-CACHE-001: within its life the answer comes from Valkey, in every process; after it, a new one is made."""
    make = Maker()
    assert await cache(redis).get("k", LIFE_MS, make) == (b"answer 1", "miss")
    assert await cache(redis).get("k", LIFE_MS, make) == (b"answer 1", "hit")
    assert LIFE_MS / 2 < await redis.pttl(f"{KEY_PREFIX}k") <= LIFE_MS
    await redis.pexpire(f"{KEY_PREFIX}k", 1)
    async with asyncio.timeout(30):
        while await redis.exists(f"{KEY_PREFIX}k"):
            pass
    assert await cache(redis).get("k", LIFE_MS, make) == (b"answer 2", "miss")


async def test_keys_do_not_mix(redis: Redis) -> None:
    """GW-CACHE-002: an answer is kept for its own parameters alone."""
    kept, make = cache(redis), Maker()
    await kept.get("trades:BTC-PERP:50", 1000, make)
    assert (await kept.get("trades:BTC-PERP:51", 1000, make))[0] == b"answer 2"


async def test_requests_at_the_same_time_make_one_answer(redis: Redis) -> None:
    """GW-CACHE-003: a crowd at an empty cache asks the services once; one that leaves takes nothing from the others."""
    kept, make = cache(redis), Maker()
    make.go.clear()
    waiting = [asyncio.create_task(kept.get("k", 1000, make)) for _ in range(20)]
    await make.begun.wait()
    await asyncio.sleep(0.05)
    waiting[0].cancel()
    make.go.set()
    answers = await asyncio.gather(*waiting[1:])
    assert {body for body, _ in answers} == {b"answer 1"}
    assert make.made == 1


async def test_failures_are_not_kept(redis: Redis) -> None:
    """GW-CACHE-004: an error is told to those who wait for it and never kept."""
    kept, make = cache(redis), Maker()

    async def fail() -> bytes:
        raise ApiError(504, "upstream_timeout", "late")

    with pytest.raises(ApiError, match="late"):
        await kept.get("k", 1000, fail)
    assert await kept.get("k", 1000, make) == (b"answer 1", "miss")


async def test_without_valkey_every_answer_is_fresh() -> None:
    """GW-CACHE-005: without Valkey the cache is bypassed and nothing fails."""
    make, client = Maker(), Redis.from_url(f"redis://127.0.0.1:{free_port()}")
    kept = cache(client)
    assert [await kept.get("k", 1000, make) for _ in range(2)] == [(b"answer 1", "bypass"), (b"answer 2", "bypass")]
    assert await cache(None).get("k", 1000, make) == (b"answer 3", "bypass")
    await client.aclose()
