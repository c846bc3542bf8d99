"""Signed requests are good once: known to Redis, or to the schema while Redis is away. Never to neither.

Redis keeps all that came lately in one key, with the run in which it began to: whatever it loses, by a restart, a flush
or for want of room, it loses as a whole, and knows from when on it knows. A process that cannot ask Redis knows by the
schema, from when it could not; while what it let in then is still young, the schema is asked beside Redis. What was
signed before is refused, and nothing is let in before its own time by Redis's clock: so what comes after a loss and is
not refused has not come before it.

What remains: of several edges one that cannot reach Redis while another can does not know what the other let in.
"""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Final

from cleartide.store.truth import TruthStore

from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable
from services.gateway.edge.redis_line import Script
from services.gateway.identity.people import now_micros

KEY: Final = "cleartide:once"
MILLIS: Final = 1_000
PAST_MS: Final = 10_000
AHEAD_MS: Final = 1_000
"""How old a request may be, and how far ahead its sender's clock."""
KEPT_MS: Final = 2 * (PAST_MS + AHEAD_MS)
"""Longer than a request is good; twice that, for clocks which are not the same."""

# KEYS: a sorted set of names by when they came, and of the run of Redis, by the instant of its beginning below zero.
# ARGV: the name, its instant, how long it is kept; in milliseconds. Answers: whether it is the first, or -1 when nobody
# knows; and the milliseconds until its time, when it is not asked for yet.
_FIRST: Final = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:%x+')
local since = redis.call('ZSCORE', KEYS[1], run)
if not since then
  redis.call('DEL', KEYS[1])
  since = -now
  redis.call('ZADD', KEYS[1], since, run)
end
local at = tonumber(ARGV[2])
if at <= -tonumber(since) then return {-1, 0} end
if at > now then return {0, at - now} end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - tonumber(ARGV[3]))
return {redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1]), 0}
""")


class Forgotten(Exception):  # noqa: N818 - a verdict
    """Nobody knows any more whether it has come before."""


class Once:
    """Knows what has come."""

    def __init__(self, truth: TruthStore, guard: RedisGuard) -> None:
        self._truth, self._guard = truth, guard
        self._alone_since: int | None = None
        self._both_until = 0.0

    async def begin(self) -> None:
        """Have Redis know from now on, if it does not yet, and notice when it is away. Call it again and again."""
        with suppress(RedisUnavailable):
            await self._first_of_redis("", 0)

    async def first(self, name: str, at: int) -> bool:
        """Whether it comes for the first time; of several at once exactly one does. Waits for its time.

        `at`: when it was signed, in milliseconds, at most AHEAD_MS from now. Raises Forgotten.
        """
        try:
            first = await self._first_of_redis(name, at)
        except RedisUnavailable:
            return await self._first_alone(name, at)
        if first < 0:
            raise Forgotten
        return first > 0 and (monotonic() >= self._both_until or await self._first_of_schema(name))

    async def _first_of_redis(self, name: str, at: int) -> int:
        try:
            first, early = await self._guard.run(_FIRST, [KEY], (name, at, KEPT_MS))
            while early:
                await asyncio.sleep(early / MILLIS)
                first, early = await self._guard.run(_FIRST, [KEY], (name, at, KEPT_MS))
        except RedisUnavailable:
            if self._alone_since is None and self._guard.configured:
                self._alone_since = now_micros() // MILLIS
            raise
        if self._alone_since is not None:
            self._alone_since, self._both_until = None, monotonic() + KEPT_MS / MILLIS
        return int(first)

    async def _first_alone(self, name: str, at: int) -> bool:
        if self._alone_since is not None and at <= self._alone_since:
            raise Forgotten
        while (early := at - now_micros() // MILLIS) > 0:  # noqa: ASYNC110 - a clock rings no bell
            await asyncio.sleep(early / MILLIS)
        return await self._first_of_schema(name)

    async def _first_of_schema(self, name: str) -> bool:
        async with self._truth.acting() as truth:
            now = now_micros()
            row = {"nonce": f"signed:{name}", "purpose": "request", "used_at": now}
            return await truth.add_new("nonces", expires_at=now + KEPT_MS * MILLIS, **row)
