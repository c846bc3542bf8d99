"""What processes hold of sessions and keys: for a moment, and not after somebody has been put out."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from deploy.local.valkey import ValkeyServer
from services.gateway.edge.redis_guard import RedisGuard
from services.gateway.identity.remembered import AHEAD_SECONDS, NEAR_SECONDS, Remembered

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


class Schema:
    """Answers when it is let, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked, self.open = 0, asyncio.Event()
        self.open.set()

    async def __call__(self) -> bytes:
        self.asked += 1
        await self.open.wait()
        return b"ann"


async def test_a_crowd_asks_once_and_who_keeps_coming_never_waits() -> None:
    """GW-AUTH-014: all who wait for a name wait for one question; what is held is renewed before it is too old."""
    clock, schema = Clock(), Schema()
    here = Remembered(RedisGuard(None), clock)
    assert await asyncio.gather(*(here.get(NAME, schema) for _ in range(20))) == [b"ann"] * 20
    assert schema.asked == 1
    schema.open.clear()
    clock.now += NEAR_SECONDS - AHEAD_SECONDS
    assert [await here.get(NAME, schema) for _ in range(20)] == [b"ann"] * 20, "nobody waits"
    schema.open.set()
    await asyncio.sleep(0)  # a turn for the question, and one for its answer
    await asyncio.sleep(0)
    clock.now += 0.9 * NEAR_SECONDS
    assert (await here.get(NAME, schema), schema.asked) == (b"ann", 2)


@pytest.mark.parametrize("drop", ["revoke", "forget", "let_go", "late"])
async def test_a_question_from_before_is_nobodys_answer_after(drop: str) -> None:
    """GW-AUTH-015: who comes after somebody was put out, or too late, asks anew; the old answer is not held."""
    clock, schema, after = Clock(), Schema(), Schema()
    here = Remembered(RedisGuard(None), clock)
    schema.open.clear()
    before = asyncio.create_task(here.get(NAME, schema))
    await asyncio.sleep(0)
    match drop:
        case "revoke":
            await here.revoke(NAME)
        case "forget":
            await here.forget(NAME)
        case "let_go":
            here.let_go()
        case _:
            clock.now += NEAR_SECONDS
    assert (await here.get(NAME, after), after.asked) == (b"ann", 1)
    schema.open.set()
    assert await before == b"ann"
    here.let_go()
    assert (await here.get(NAME, after), after.asked) == (b"ann", 2)


async def test_a_question_that_failed_is_asked_again() -> None:
    """GW-AUTH-014: everybody who waited hears that it failed, and the next one asks."""

    async def away() -> bytes:
        raise OSError("the schema is away")

    here = Remembered(RedisGuard(None), Clock())
    told = await asyncio.gather(*(here.get(NAME, away) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in told] == [OSError] * 3
    assert await here.get(NAME, stands) == b"ann"
