"""How many requests in a minute, an hour, a day: sliding windows, counted together by all gateways on Redis's clock.

A window counts this period's requests and, of the last one's, the share that still lies within a period from now. Every
window of a request counts it or none does. Whoever keeps asking is given passes ahead (`edge.leases`), at most a
sixteenth of what is left; those that he does not spend are given back with his next request. Without Redis each process
counts by itself and with the same limits: nobody is let in without a count, and nobody is shut out. It is told by
`cleartide_quota_total{verdict="alone"}` and by health.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

from services.gateway.edge.leases import Held, Leases, Verdict
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable
from services.gateway.edge.redis_line import Script

KEY_PREFIX: Final = "cleartide:quota:"
MILLIS: Final = 1_000
MOST_ALONE: Final = 50_000
MINUTE, HOUR, DAY = 60, 3_600, 86_400

# ARGV: cost of a request, how many ask, how many more are wished, passes that come back, when they were counted; then
# per window its limit and its period in milliseconds. KEYS: per window one name.
# Answers: how many pass, how many more are leased, place of the tightest window (from 1), what remains in it,
# milliseconds to wait, to its end, the clock.
_WINDOWS: Final = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cost, asking, more = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local back, at = tonumber(ARGV[4]), tonumber(ARGV[5])
local windows, passing = {}, asking
for i = 1, #KEYS do
  local limit, period = tonumber(ARGV[2 * i + 4]), tonumber(ARGV[2 * i + 5])
  local number, counted = math.floor(now / period), math.floor(at / period)
  local passed = now - number * period
  if back > 0 and counted >= number - 1 then
    local name = KEYS[i] .. ':' .. counted
    if tonumber(redis.call('GET', name) or 0) >= back then redis.call('DECRBY', name, back) end
  end
  local here = tonumber(redis.call('GET', KEYS[i] .. ':' .. number) or 0)
  local before = tonumber(redis.call('GET', KEYS[i] .. ':' .. (number - 1)) or 0)
  local left = limit - here - before * (period - passed) / period
  passing = math.min(passing, math.max(0, math.floor(left / cost)))
  windows[i] = {limit, period, number, passed, here, before, left}
end
local tightest, least, wait, ends = 0, nil, 0, 0
for i = 1, #KEYS do
  local limit, period, number, passed, here, before, left = unpack(windows[i])
  here, left = here + passing * cost, left - passing * cost
  local this = 0
  if passing < asking and left < cost then
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
local leased = 0
if passing == asking then leased = math.min(more, math.floor(least / cost / 16)) end
local count = (passing + leased) * cost
for i = 1, #KEYS do
  local name = KEYS[i] .. ':' .. windows[i][3]
  if count > 0 and redis.call('INCRBY', name, count) == count then redis.call('PEXPIRE', name, 2 * windows[i][2]) end
end
return {passing, leased, tightest, math.floor(math.max(0, least - leased * cost)), math.ceil(wait), ends, now}
""")


class Window(NamedTuple):
    """At most so many in so many seconds, of whatever the name counts."""

    name: str
    limit: int
    seconds: int


class _Asked(NamedTuple):
    """A request by what it counts in."""

    kind: str
    windows: tuple[Window, ...]
    cost: int

    @property
    def steady(self) -> bool:
        """Whether passes may be leased: not of a window that is hardly longer than a lease."""
        return self.cost == 1 and all(window.seconds >= MINUTE for window in self.windows)


class Quotas:
    """Counts requests in windows."""

    def __init__(self, guard: RedisGuard, metrics: EdgeMetrics) -> None:
        self._guard, self._metrics = guard, metrics
        self._alone: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._leases = Leases(self._count)

    async def take(self, kind: str, windows: Sequence[Window], cost: int = 1) -> Verdict:
        """Count one request in every window, or in none when one of them is full. `kind` is for the metric."""
        asked = _Asked(kind, tuple(windows), cost)
        if (verdict := self._leases.spend(asked)) is not None:
            self._metrics.quota(kind, "allowed").inc()
            return verdict
        return await self._leases.ask(asked)

    async def _count(self, asked: "_Asked", held: Held, asking: int, ahead: int) -> list[Verdict]:
        count = self._metrics.quota
        more = ahead if asked.steady else 0
        try:
            answer = await self._ask(asked, held, asking, more)
        except RedisUnavailable:
            count(asked.kind, "alone").inc(asking)
            return [self._alone_verdict(asked) for _ in range(asking)]
        passing, leased, place, remaining, wait, ends, held.counted_at = answer
        count(asked.kind, "allowed").inc(passing)
        count(asked.kind, "limited").inc(asking - passing)
        held.limit, held.remaining, held.reset = asked.windows[place - 1].limit, remaining, ceil(ends / MILLIS)
        held.lease(leased, ahead)
        later, spare = max(1, ceil(wait / MILLIS)), remaining + leased
        return [
            Verdict(True, held.limit, spare + (passing - 1 - number) * asked.cost, later, held.reset)
            if number < passing
            else Verdict(False, held.limit, 0, later, held.reset)
            for number in range(asking)
        ]

    async def _ask(self, asked: "_Asked", held: Held, asking: int, more: int) -> list[int]:
        keys = [KEY_PREFIX + window.name for window in asked.windows]
        terms = [value for window in asked.windows for value in (window.limit, window.seconds * MILLIS)]
        back, held.left = held.left, 0
        answer: list[int] = await self._guard.run(
            _WINDOWS, keys, (asked.cost, asking, more, back, held.counted_at, *terms)
        )
        return answer

    def _alone_verdict(self, asked: "_Asked") -> Verdict:
        allowed, place, remaining, wait, ends = self._count_alone(asked.windows, asked.cost)
        limit = asked.windows[place - 1].limit
        return Verdict(bool(allowed), limit, remaining, max(1, ceil(wait / MILLIS)), ceil(ends / MILLIS))

    async def give_back(self, windows: Sequence[Window], cost: int = 1) -> None:
        """What was counted is not to count after all, as a sign-in that succeeded."""
        try:
            await self._uncount(windows, cost)
        except RedisUnavailable:
            for window in windows:
                name = (window.name, int(time.time()) // window.seconds)
                self._alone[name] = max(0, self._alone.get(name, 0) - cost)

    async def _uncount(self, windows: Sequence[Window], cost: int) -> None:
        seconds, _ = await self._guard.ask("TIME")
        for window in windows:
            name = f"{KEY_PREFIX}{window.name}:{int(seconds) // window.seconds}"
            if int(await self._guard.ask("GET", name) or 0) >= cost:
                await self._guard.ask("DECRBY", name, cost)

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
