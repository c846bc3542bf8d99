"""The rate limiter on a real Valkey: what passes, what is refused, and what happens when Valkey is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from deploy.local.ports import free_port
from deploy.local.valkey import ValkeyServer
from services.gateway.edge.limits import RateLimiter, client_key
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable

PATIENCE_SECONDS = 10.0
"""Enough for a busy machine: a limiter that finds Valkey too slow counts alone, which is a test of its own."""


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A client on an empty Valkey."""
    client = Redis.from_url(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


def limiter(redis: Redis, per_second: int = 1, burst: int = 5) -> RateLimiter:
    """A limiter of a process of its own."""
    return RateLimiter(
        RedisGuard(redis, seconds=PATIENCE_SECONDS),
        EdgeMetrics(CollectorRegistry()),
        per_second=per_second,
        burst=burst,
    )


async def test_a_burst_passes_and_the_next_request_is_told_when_to_return(redis: Redis) -> None:
    """GW-RATE-001: a client has `burst` requests at once, then 429 with Retry-After."""
    limits = limiter(redis)
    verdicts = [await limits.check("192.0.2.1") for _ in range(6)]
    assert [verdict.allowed for verdict in verdicts if verdict] == [True] * 5 + [False]
    assert [verdict.remaining for verdict in verdicts if verdict] == [4, 3, 2, 1, 0, 0]
    assert verdicts[-1] is not None
    assert verdicts[-1].headers() == {
        "RateLimit-Limit": "5",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "5",
        "Retry-After": "1",
    }


async def test_requests_come_back_at_the_sustained_rate(redis: Redis) -> None:
    """GW-RATE-002: after the burst one request per interval, no matter how often one tries in between.

    Never sooner, and never later: who is refused was let through less than an interval ago.
    """
    interval, clocks_differ = 0.05, 0.005
    limits = limiter(redis, per_second=20, burst=2)
    now = asyncio.get_running_loop().time
    started = last = now()
    allowed = 0
    while allowed < 12:
        asked = now()
        if (await limits.check("192.0.2.1")).allowed:
            allowed, last = allowed + 1, now()
        else:
            assert asked - last < interval + clocks_differ
        assert allowed <= 2 + (now() - started) / interval + 1


async def test_all_gateways_count_together_and_clients_apart(redis: Redis) -> None:
    """GW-RATE-003: two processes share one allowance; another address has its own."""
    first, second = limiter(redis, burst=2), limiter(redis, burst=2)
    passed = [await process.check("192.0.2.1") for process in (first, second, first)]
    assert [verdict.allowed for verdict in passed if verdict] == [True, True, False]
    other = await second.check("192.0.2.2")
    assert other is not None
    assert other.allowed


async def test_concurrent_requests_never_exceed_the_burst(redis: Redis) -> None:
    """GW-RATE-004: the script is atomic: of fifty at once exactly the burst passes."""
    limits = limiter(redis, burst=7)
    verdicts = await asyncio.gather(*(limits.check("192.0.2.1") for _ in range(50)))
    assert sum(verdict.allowed for verdict in verdicts if verdict) == 7


async def test_without_valkey_each_process_counts_by_itself() -> None:
    """GW-RATE-005: without Valkey each process keeps the limit by itself, and says that it counts alone."""
    client = Redis.from_url(f"redis://127.0.0.1:{free_port()}")
    metrics = EdgeMetrics(registry := CollectorRegistry())
    limits = RateLimiter(RedisGuard(client), metrics, per_second=1, burst=2)
    verdicts = [await limits.check("192.0.2.1") for _ in range(3)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, False]
    assert [verdict.remaining for verdict in verdicts] == [1, 0, 0]
    assert verdicts[-1].headers()["Retry-After"] == "1"
    assert (await limits.check("192.0.2.2")).allowed
    assert registry.get_sample_value("cleartide_rate_limiter_total", {"verdict": "alone"}) == 4
    await client.aclose()


async def test_a_dead_valkey_is_not_asked_for_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """GW-RATE-006: after a failure Valkey is not called for a second, then tried once."""
    now = 0.0
    client = Redis.from_url(f"redis://127.0.0.1:{free_port()}")
    calls, reach = 0, client.connection_pool.get_connection
    guard = RedisGuard(client, clock=lambda: now)

    async def counted() -> Any:
        nonlocal calls
        calls += 1
        return await reach()  # type: ignore[no-untyped-call]

    monkeypatch.setattr(client.connection_pool, "get_connection", counted)

    for moment in (0.0, 0.5, 0.9, 1.1, 1.2):
        now = moment
        with pytest.raises(RedisUnavailable):
            await guard.ask("PING")
    assert calls == 2
    await client.aclose()


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "unknown"),
    ],
)
def test_who_is_counted(address: str, key: str) -> None:
    """GW-RATE-007: an IPv6 client cannot escape through the other addresses of its network."""
    assert client_key(address) == key


async def test_who_keeps_asking_is_counted_ahead(redis: Redis) -> None:
    """GW-RATE-008: passes are leased ahead to who keeps asking; no more pass than the limit, over all processes."""
    burst = 400
    processes = [limiter(redis, burst=burst), limiter(redis, burst=burst)]
    now = asyncio.get_running_loop().time
    started, passed, asked, refused = now(), 0, 0, set[int]()
    while len(refused) < len(processes):
        for number, process in enumerate(processes):
            verdict = process.leased("192.0.2.1")
            if verdict is None:
                asked += 1
                verdict = await process.check("192.0.2.1")
            passed += verdict.allowed
            if not verdict.allowed:
                refused.add(number)
    assert passed <= burst + (now() - started) + 1
    assert asked < passed


async def test_a_crowd_of_one_address_is_counted_together(redis: Redis) -> None:
    """GW-RATE-009: requests that wait at the same time are counted in one call, each told what is left after it."""
    calls = 0

    class Counting(RedisGuard):
        async def run(self, *asked: Any) -> Any:
            nonlocal calls
            calls += 1
            return await super().run(*asked)

    metrics = EdgeMetrics(registry := CollectorRegistry())
    limits = RateLimiter(Counting(redis, seconds=PATIENCE_SECONDS), metrics, per_second=1, burst=7)
    verdicts = await asyncio.gather(*(limits.check("192.0.2.1") for _ in range(40)))
    assert calls == 1
    assert [verdict.remaining for verdict in verdicts[:8]] == [6, 5, 4, 3, 2, 1, 0, 0]
    assert [verdict.allowed for verdict in verdicts] == [True] * 7 + [False] * 33
    assert registry.get_sample_value("cleartide_rate_limiter_total", {"verdict": "limited"}) == 33
