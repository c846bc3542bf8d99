"""A rate limit per client address, shared by all gateways: GCRA in one Redis script, on Redis's clock.

Without Redis each process counts by itself, with the same limit: counted as `alone`, and health shows Redis as down.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any, Final

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable

KEY_PREFIX: Final = "cleartide:rate:"
MICROS: Final = 1_000_000
MOST_ALONE: Final = 50_000

# KEYS[1] holds the theoretical arrival time of the next request, in microseconds.
_GCRA: Final = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local allow_at = tat + interval - burst * interval
if allow_at > now then
  return {0, 0, allow_at - now, tat - now}
end
tat = tat + interval
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
return {1, math.floor((now + burst * interval - tat) / interval), 0, tat - now}
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass; `retry_after` and `reset` in whole seconds, rounded up."""

    allowed: bool
    limit: int
    remaining: int
    retry_after: int
    reset: int

    def headers(self) -> dict[str, str]:
        """The RateLimit header fields, and Retry-After when refused."""
        fields = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        if not self.allowed:
            fields["Retry-After"] = str(self.retry_after)
        return fields


class RateLimiter:
    """`burst` requests at once, then `per_second` sustained."""

    def __init__(self, guard: RedisGuard, metrics: EdgeMetrics, *, per_second: int, burst: int) -> None:
        self._guard, self._metrics = guard, metrics
        self._interval, self._burst = MICROS // per_second, burst
        self._alone: OrderedDict[str, int] = OrderedDict()

    async def check(self, address: str) -> Verdict:
        """Count one request of the address."""
        key = KEY_PREFIX + client_key(address)

        async def run(redis: Any) -> list[int]:
            answer: list[int] = await redis.eval(_GCRA, 1, key, self._interval, self._burst)
            return answer

        try:
            allowed, remaining, wait, reset = await self._guard.call(run)
        except RedisUnavailable:
            self._metrics.limiter.labels("alone").inc()
            allowed, remaining, wait, reset = self._check_alone(key, time.monotonic_ns() // 1_000)
        else:
            self._metrics.limiter.labels("allowed" if allowed else "limited").inc()
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
