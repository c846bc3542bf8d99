"""How many requests in a minute, an hour, a day: sliding windows, counted together by all gateways on Redis's clock.

A window counts this period's requests and, of the last one's, the share that still lies within a period from now. Every
window of a request counts it or none does. Without Redis each process counts by itself and with the same limits: nobody
is let in without a count, and nobody is shut out. It is told by `cleartide_quota_total{verdict="alone"}` and by health.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from services.gateway.edge.limits import Verdict
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable

KEY_PREFIX: Final = "cleartide:quota:"
MILLIS: Final = 1_000
MOST_ALONE: Final = 50_000
MINUTE, HOUR, DAY = 60, 3_600, 86_400

# ARGV: cost, then per window its limit and its period in milliseconds. KEYS: per window one name.
# Answers: allowed, place of the tightest window (from 1), what remains in it, milliseconds to wait, to its end.
_WINDOWS: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cost = tonumber(ARGV[1])
local tightest, least, wait, ends = 0, nil, 0, 0
for i = 1, #KEYS do
  local limit, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local number = math.floor(now / period)
  local passed = now - number * period
  local here = tonumber(redis.call('GET', KEYS[i] .. ':' .. number) or 0)
  local before = tonumber(redis.call('GET', KEYS[i] .. ':' .. (number - 1)) or 0)
  local left = limit - here - before * (period - passed) / period - cost
  local this = 0
  if left < 0 then
    if here + cost > limit then
      this = period - passed + math.max(0, period * (1 - (limit - cost) / here))
    else
      this = period * (1 - (limit - cost - here) / before) - passed
    end
  end
  if this > wait or (wait == 0 and (least == nil or left < least)) then
    tightest, least, wait, ends = i, left, math.max(this, wait), period - passed
  end
end
if wait > 0 then return {0, tightest, 0, math.ceil(wait), ends} end
for i = 1, #KEYS do
  local period = tonumber(ARGV[2 * i + 1])
  local name = KEYS[i] .. ':' .. math.floor(now / period)
  if redis.call('INCRBY', name, cost) == cost then redis.call('PEXPIRE', name, 2 * period) end
end
return {1, tightest, math.floor(least), 0, ends}
"""


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many in so many seconds, of whatever the name counts."""

    name: str
    limit: int
    seconds: int


class Quotas:
    """Counts requests in windows."""

    def __init__(self, guard: RedisGuard, metrics: EdgeMetrics) -> None:
        self._guard, self._metrics = guard, metrics
        self._alone: OrderedDict[tuple[str, int], int] = OrderedDict()

    async def take(self, kind: str, windows: Sequence[Window], cost: int = 1) -> Verdict:
        """Count one request in every window, or in none when one of them is full. `kind` is for the metric."""
        try:
            answer = await self._guard.call(lambda redis: _count(redis, windows, cost))
            outcome = "allowed" if answer[0] else "limited"
        except RedisUnavailable:
            answer, outcome = self._count_alone(windows, cost), "alone"
        self._metrics.quotas.labels(kind, outcome).inc()
        allowed, place, remaining, wait, ends = answer
        limit = windows[place - 1].limit
        return Verdict(bool(allowed), limit, remaining, max(1, ceil(wait / MILLIS)), ceil(ends / MILLIS))

    async def give_back(self, windows: Sequence[Window], cost: int = 1) -> None:
        """What was counted is not to count after all, as a sign-in that succeeded."""
        try:
            await self._guard.call(lambda redis: _uncount(redis, windows, cost))
        except RedisUnavailable:
            for window in windows:
                name = (window.name, int(time.time()) // window.seconds)
                self._alone[name] = max(0, self._alone.get(name, 0) - cost)

    def _count_alone(self, windows: Sequence[Window], cost: int) -> list[int]:
        now = time.time()
        tightest, least = 1, None
        for place, window in enumerate(windows, start=1):
            number, passed = int(now // window.seconds), now % window.seconds
            here = self._alone.get((window.name, number), 0)
            before = self._alone.get((window.name, number - 1), 0)
            left = int(window.limit - here - before * (1 - passed / window.seconds) - cost)
            if left < 0:
                return [0, place, 0, ceil((window.seconds - passed) * MILLIS), ceil((window.seconds - passed) * MILLIS)]
            if least is None or left < least:
                tightest, least = place, left
        for window in windows:
            name = (window.name, int(now // window.seconds))
            self._alone[name] = self._alone.pop(name, 0) + cost
        while len(self._alone) > MOST_ALONE:
            self._alone.popitem(last=False)
        ends = windows[tightest - 1].seconds - now % windows[tightest - 1].seconds
        return [1, tightest, least or 0, 0, ceil(ends * MILLIS)]


async def _count(redis: Any, windows: Sequence[Window], cost: int) -> list[int]:
    keys = [KEY_PREFIX + window.name for window in windows]
    terms = [value for window in windows for value in (window.limit, window.seconds * MILLIS)]
    answer: list[int] = await redis.eval(_WINDOWS, len(keys), *keys, cost, *terms)
    return answer


async def _uncount(redis: Any, windows: Sequence[Window], cost: int) -> None:
    seconds, _ = await redis.time()
    for window in windows:
        name = f"{KEY_PREFIX}{window.name}:{seconds // window.seconds}"
        if int(await redis.get(name) or 0) >= cost:
            await redis.decrby(name, cost)
