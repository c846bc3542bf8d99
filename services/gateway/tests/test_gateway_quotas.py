"""Windows of a minute, an hour, a day on a real Valkey: counted together, all or none, and by oneself without it."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from deploy.local.ports import free_port
from deploy.local.valkey import ValkeyServer
from services.gateway.edge import leases
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.quotas import DAY, HOUR, KEY_PREFIX, Quotas, Window
from services.gateway.edge.redis_guard import RedisGuard


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A client on an empty Valkey."""
    client = Redis.from_url(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


def quotas(redis: Redis) -> Quotas:
    """Of a process of its own."""
    return Quotas(RedisGuard(redis, seconds=10), EdgeMetrics(CollectorRegistry()))


async def test_of_a_crowd_in_two_processes_the_limit_passes(redis: Redis) -> None:
    """GW-QUOTA-001: of sixty requests at once over two processes exactly the limit passes."""
    both, window = (quotas(redis), quotas(redis)), [Window("a", 7, DAY)]
    verdicts = await asyncio.gather(*(both[n % 2].take("t", window) for n in range(60)))
    assert sum(verdict.allowed for verdict in verdicts) == 7
    assert sorted(verdict.remaining for verdict in verdicts if verdict.allowed) == list(range(7))
    refused = next(verdict for verdict in verdicts if not verdict.allowed)
    assert refused.headers()["RateLimit-Limit"] == "7"
    assert 1 <= refused.retry_after <= 2 * DAY
    assert (await both[0].take("t", [Window("b", 7, DAY)])).allowed


async def test_a_request_counts_in_every_window_or_in_none(redis: Redis) -> None:
    """GW-QUOTA-002: a request that one window refuses counts in no other; what is told is the tightest window."""
    one = quotas(redis)
    assert (await one.take("t", [Window("small", 1, DAY)])).allowed
    both = [Window("large", 9, HOUR), Window("small", 1, DAY)]
    for _ in range(3):
        verdict = await one.take("t", both)
        assert (verdict.allowed, verdict.limit) == (False, 1)
    assert (await one.take("t", [Window("large", 9, HOUR)])).remaining == 8


async def test_the_last_period_counts_for_what_of_it_is_left(redis: Redis) -> None:
    """GW-QUOTA-003: at the border of two periods nobody gets twice the limit: the last one counts by its share."""
    one, window = quotas(redis), Window("slide", 100, DAY)
    seconds, _ = await redis.time()
    number, passed = divmod(int(seconds), DAY)
    await redis.set(f"{KEY_PREFIX}slide:{number - 1}", 100)
    taken = 0
    while (verdict := await one.take("t", [window])).allowed:
        taken += 1
    assert abs(taken - 100 * passed / DAY) <= 1.5
    assert verdict.retry_after <= DAY / 100 + 1


async def test_given_back_is_not_counted(redis: Redis) -> None:
    """GW-QUOTA-004: what is given back was not counted."""
    one, window = quotas(redis), [Window("back", 1, DAY)]
    for _ in range(3):
        assert (await one.take("t", window)).allowed
        await one.give_back(window)
    assert (await one.take("t", window)).allowed
    assert not (await one.take("t", window)).allowed


async def test_without_valkey_each_process_keeps_the_limit_by_itself() -> None:
    """GW-QUOTA-005: without Valkey each process keeps the limit by itself: nobody is uncounted, nobody shut out."""
    client = Redis.from_url(f"redis://127.0.0.1:{free_port()}")
    metrics = EdgeMetrics(registry := CollectorRegistry())
    one, window = Quotas(RedisGuard(client), metrics), [Window("a", 2, DAY), Window("b", 5, HOUR)]
    assert [(await one.take("t", window)).allowed for _ in range(3)] == [True, True, False]
    await one.give_back(window)
    assert (await one.take("t", window)).remaining == 0
    assert registry.get_sample_value("cleartide_quota_total", {"kind": "t", "verdict": "alone"}) == 4
    await client.aclose()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Of the leases; it stands still until it is moved."""
    stopped = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=lambda: stopped.now))
    return stopped


async def counted(redis: Redis, name: str) -> int:
    """What Valkey has counted of a window."""
    return sum([int(await redis.get(key) or 0) for key in await redis.keys(f"{KEY_PREFIX}{name}:*")])


async def test_passes_ahead_are_counted_and_come_back(redis: Redis, clock: SimpleNamespace) -> None:
    """GW-QUOTA-006: who keeps asking has passes ahead, counted when they are given; what is not spent comes back."""
    one, window = quotas(redis), [Window("a", 10_000, DAY)]
    told = [(await one.take("t", window)).remaining for _ in range(10)]
    assert await counted(redis, "a") == 15
    assert told == [*range(9_999, 9_989, -1)]
    clock.now += 1
    assert (await one.take("t", window)).remaining == 9_989
    assert await counted(redis, "a") == 11 + 3


async def test_leased_or_not_no_more_pass_than_the_limit(redis: Redis, clock: SimpleNamespace) -> None:
    """GW-QUOTA-007: over processes that all lease ahead, exactly the limit passes."""
    both, window, passed = (quotas(redis), quotas(redis)), [Window("a", 300, DAY)], 0
    for _ in range(400):
        for process in both:
            passed += (await process.take("t", window)).allowed
    assert (passed, await counted(redis, "a")) == (300, 300)
    assert clock.now == 1_000
