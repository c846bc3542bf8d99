"""Commands that travel together to a real Valkey: each gets its own answer, or is told that none came."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from deploy.local.valkey import ValkeyServer
from services.gateway.edge.redis_line import RedisLine, Script

CROWD = 200
SILENT_SECONDS = 0.1
TURNS_TO_SEND = 30


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A client on an empty Valkey."""
    client = Redis.from_url(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


async def _commands(redis: Redis) -> int:
    """Connections' worth of reads that Valkey has had: what came together came in one."""
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_a_crowd_goes_together_and_each_has_its_own_answer(redis: Redis) -> None:
    """GW-LINE-001: commands asked at once travel together; each has its own answer, a refusal its asker alone."""
    line = RedisLine(redis, 30)
    await line.ask("SET", "text", b"not a number")
    before = await _commands(redis)
    asked: list[Any] = [line.ask("SET", f"name-{number}", b"%d" % number) for number in range(CROWD)]
    said = await asyncio.gather(*asked, line.ask("INCR", "text"), line.ask("GET", "name-7"), return_exceptions=True)
    assert said[:CROWD] == [b"OK"] * CROWD
    assert isinstance(said[CROWD], ResponseError)
    assert said[CROWD + 1] == b"7"
    assert await _commands(redis) - before < CROWD / 10
    assert await asyncio.gather(*(line.ask("GET", f"name-{number}") for number in range(3))) == [b"0", b"1", b"2"]


async def test_who_leaves_takes_nothing_from_others(redis: Redis) -> None:
    """GW-LINE-002: one that asks meanwhile is answered next; one that leaves takes nobody's answer with it."""
    line = RedisLine(redis, 30)
    first = asyncio.create_task(line.ask("ECHO", "first"))
    leaving = asyncio.create_task(line.ask("ECHO", "leaving"))
    await asyncio.sleep(0)
    leaving.cancel()
    later = [await line.ask("ECHO", f"{number}") for number in range(20)]
    assert (await first, later) == (b"first", [b"%d" % number for number in range(20)])
    assert leaving.cancelled()


async def test_nobody_is_given_an_answer_of_before(redis: Redis) -> None:
    """GW-LINE-003: when Redis stands still all are told in time; what it says later is nobody's answer."""
    line = RedisLine(redis, 0.05)
    await redis.client_pause(60_000, all=False)
    try:
        said = await asyncio.gather(*(line.ask("SET", "late", "late") for _ in range(3)), return_exceptions=True)
    finally:
        await redis.client_unpause()
    assert [type(one) for one in said] == [TimeoutError] * 3
    patient = RedisLine(redis, 30)
    assert await asyncio.gather(*(patient.ask("ECHO", f"{number}") for number in range(3))) == [b"0", b"1", b"2"]


async def test_a_script_is_told_again_to_a_redis_that_has_forgotten_it(redis: Redis) -> None:
    """GW-LINE-004: a script runs by its digest, and by its text where that is not known."""
    line, script = RedisLine(redis, 30), Script("return {KEYS[1], tonumber(ARGV[1]) + 1}")
    for _ in range(2):
        assert await line.run(script, ["name"], [41]) == [b"name", 42]
    await redis.script_flush()
    assert await line.run(script, ["name"], [1]) == [b"name", 2]


async def test_it_keeps_its_connection_and_takes_another_when_that_was_closed(redis: Redis) -> None:
    """GW-LINE-005"""
    line = RedisLine(redis, 30)
    own = {await line.ask("CLIENT", "ID") for _ in range(5)}
    assert len(own) == 1
    await redis.client_kill_filter(_id=str(own.pop()))
    with suppress(RedisConnectionError):  # when it asks before it hears of its end
        await line.ask("ECHO", "once")
    assert await line.ask("ECHO", "again") == b"again"
    assert len({await line.ask("CLIENT", "ID") for _ in range(5)}) == 1


async def test_a_process_that_is_late_to_listen_does_not_give_redis_up(redis: Redis, valkey: ValkeyServer) -> None:
    """GW-LINE-006: Redis is silent only while this process listens: what came while it could not is heard."""
    line = RedisLine(redis, SILENT_SECONDS)
    await _reached(line)
    with BlockingRedis.from_url(valkey.url) as other:
        asked = asyncio.create_task(line.ask("BLPOP", "later", 0))
        for _ in range(TURNS_TO_SEND):
            await asyncio.sleep(0)
        ends = time.monotonic() + 2 * SILENT_SECONDS
        while time.monotonic() < ends or not other.info("clients")["blocked_clients"]:
            time.sleep(0.01)  # noqa: ASYNC251 - nobody is heard meanwhile, as in a crowd
        other.rpush("later", "said")
        assert other.ping()  # and the answer has been sent
        assert await asked == [b"later", b"said"]


async def _reached(line: RedisLine) -> None:
    """However long a busy machine takes for it."""
    while True:
        with suppress(TimeoutError):
            await line.ask("PING")
            return
