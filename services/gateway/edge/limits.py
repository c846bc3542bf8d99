"""A rate limit per client address, shared by all gateways: GCRA in one Redis script, on Redis's clock.

Whoever keeps asking is given passes ahead (`edge.leases`) out of what he may have now: at most a sixteenth of what is
left, so whoever is near his limit has none and is counted exactly. Unspent passes are lost to him, never gained.

Without Redis each process counts by itself, with the same limit: counted as `alone`, and health shows Redis as down.
"""

import time
from collections import OrderedDict
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from services.gateway.edge.leases import Held, Leases, Verdict
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable
from services.gateway.edge.redis_line import Script

KEY_PREFIX: Final = "cleartide:rate:"
MICROS: Final = 1_000_000
MOST_ALONE: Final = 50_000

# KEYS[1] holds the theoretical arrival time of the next request, in microseconds. ARGV: interval, burst, how many ask,
# how many more are wished. Answers: how many of them pass, how many more are leased, what remains, wait, reset.
_GCRA: Final = Script("""
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local asking, more = tonumber(ARGV[3]), tonumber(ARGV[4])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local room = math.max(0, math.floor((now + burst * interval - tat) / interval))
local passing = math.min(asking, room)
local leased = math.min(more, math.floor((room - passing) / 16))
tat = tat + (passing + leased) * interval
if passing + leased > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
end
return {passing, leased, room - passing - leased, tat + interval - burst * interval - now, tat - now}
""")


class RateLimiter:
    """`burst` requests at once, then `per_second` sustained."""

    def __init__(self, guard: RedisGuard, metrics: EdgeMetrics, *, per_second: int, burst: int) -> None:
        self._guard, self._metrics = guard, metrics
        self._interval, self._burst = MICROS // per_second, burst
        self._alone: OrderedDict[str, int] = OrderedDict()
        self._leases = Leases(self._count)
        self._allowed, self._limited = metrics.limiter.labels("allowed"), metrics.limiter.labels("limited")

    def leased(self, address: str) -> Verdict | None:
        """Count one request of the address out of its lease, or alone; None when that must be asked of Redis."""
        if (verdict := self._leases.spend(key := client_key(address))) is None:
            return self._counted_alone(key) if self._guard.away else None
        self._allowed.inc()
        return verdict

    async def check(self, address: str) -> Verdict:
        """Count one request of the address."""
        if (verdict := self.leased(address)) is not None:
            return verdict
        return await self._leases.ask(client_key(address))

    async def _count(self, key: str, held: Held, asking: int, ahead: int) -> list[Verdict]:
        terms = (self._interval, self._burst, asking, ahead)
        try:
            passing, leased, remaining, wait, reset = await self._guard.run(_GCRA, [KEY_PREFIX + key], terms)
        except RedisUnavailable:
            return [self._counted_alone(key) for _ in range(asking)]
        self._allowed.inc(passing)
        self._limited.inc(asking - passing)
        held.limit, held.remaining, held.reset = self._burst, remaining, ceil(reset / MICROS)
        held.lease(leased, ahead)
        spare = remaining + leased
        return [
            self._verdict(place < passing, spare + max(0, passing - 1 - place), wait, reset) for place in range(asking)
        ]

    def _counted_alone(self, key: str) -> Verdict:
        self._metrics.limiter.labels("alone").inc()
        return self._verdict(*self._check_alone(KEY_PREFIX + key, time.monotonic_ns() // 1_000))

    def _verdict(self, allowed: bool | int, remaining: int, wait: int, reset: int) -> Verdict:
        return Verdict(bool(allowed), self._burst, remaining, max(1, ceil(wait / MICROS)), ceil(reset / MICROS))

    def _check_alone(self, key: str, now: int) -> tuple[int, int, int, int]:
        """The script, for this process alone; `now` in microseconds. The oldest addresses are forgotten first."""
        arrival = max(self._alone.pop(key, now), now)
        wait = arrival + self._interval - self._burst * self._interval - now
        if wait <= 0:
            arrival += self._interval
        self._alone[key] = arrival
        if len(self._alone) > MOST_ALONE:
            self._alone.popitem(last=False)
        remaining = 0 if wait > 0 else (now + self._burst * self._interval - arrival) // self._interval
        return int(wait <= 0), remaining, max(wait, 0), arrival - now


@lru_cache(maxsize=4_096)
def client_key(address: str) -> str:
    """The address as the limiter counts it: an IPv6 client owns its whole /64, so that is what is limited."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)
