"""A rate limit per client address, shared by all gateways: GCRA in one Redis script, on Redis's clock.

Requests of one address that wait at the same time are counted in one call, each by itself. Whoever keeps asking is
given some passes ahead, a lease, out of what he may have now: counted in Redis when it is given, spent without asking,
void after LEASE_SECONDS. It is at most a sixteenth of what is left, so whoever is near his limit has none and is
counted exactly; unspent passes are lost to him, never gained. Nobody passes more than is counted.

Without Redis each process counts by itself, with the same limit: counted as `alone`, and health shows Redis as down.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any, Final

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable

KEY_PREFIX: Final = "cleartide:rate:"
MICROS: Final = 1_000_000
MOST_ALONE: Final = 50_000
LEASE_SECONDS: Final = 0.25
MOST_LEASED: Final = 512

# KEYS[1] holds the theoretical arrival time of the next request, in microseconds. ARGV: interval, burst, how many ask,
# how many more are wished. Answers: how many of them pass, how many more are leased, what remains, wait, reset.
_GCRA: Final = """
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

    def raw(self) -> list[tuple[bytes, bytes]]:
        """The same of a request that passes, as ASGI has them."""
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset),
        ]


@dataclass(slots=True)
class _Held:
    """An address that asks: its lease, who waits, and how many passes it is likely to need."""

    left: int = 0
    ends: float = 0.0
    remaining: int = 0
    reset: int = 0
    wanted: int = 0
    # One for each request that is being answered: `max_connections` bounds them.
    waiting: "list[asyncio.Future[Verdict]]" = field(default_factory=list)
    asking: "asyncio.Task[None] | None" = None


class RateLimiter:
    """`burst` requests at once, then `per_second` sustained."""

    def __init__(self, guard: RedisGuard, metrics: EdgeMetrics, *, per_second: int, burst: int) -> None:
        self._guard, self._metrics = guard, metrics
        self._interval, self._burst = MICROS // per_second, burst
        self._alone: OrderedDict[str, int] = OrderedDict()
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._allowed, self._limited = metrics.limiter.labels("allowed"), metrics.limiter.labels("limited")

    def leased(self, address: str) -> Verdict | None:
        """Count one request of the address out of its lease, or alone; None when that must be asked of Redis."""
        held = self._held.get(key := client_key(address))
        if held is None or not held.left or time.monotonic() >= held.ends:
            return self._counted_alone(key) if self._guard.away else None
        held.left -= 1
        self._allowed.inc()
        return Verdict(True, self._burst, held.remaining + held.left, 1, held.reset)

    async def check(self, address: str) -> Verdict:
        """Count one request of the address."""
        if (verdict := self.leased(address)) is not None:
            return verdict
        key = client_key(address)
        held = self._held.pop(key, None) or _Held()
        self._held[key] = held
        if len(self._held) > MOST_ALONE:
            self._held.popitem(last=False)
        counted: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        held.waiting.append(counted)
        if held.asking is None:
            held.asking = asyncio.create_task(self._ask(key, held))
        return await counted

    async def _ask(self, key: str, held: _Held) -> None:
        """Until nobody waits: all who wait are counted together."""
        waiting: list[asyncio.Future[Verdict]] = []
        try:
            while held.waiting:
                now = time.monotonic()
                # Who used his lease up gets twice as many; who let it lapse, half.
                ahead = min(MOST_LEASED, 2 * held.wanted + 1) if now < held.ends else held.wanted // 2
                waiting, held.waiting = held.waiting, []
                for one, verdict in zip(waiting, await self._count(key, held, len(waiting), ahead), strict=True):
                    if not one.done():
                        one.set_result(verdict)
        finally:
            held.asking = None
            for one in (*waiting, *held.waiting):
                one.cancel()  # nothing, unless the limiter itself is ended

    async def _count(self, key: str, held: _Held, asking: int, ahead: int) -> list[Verdict]:
        async def run(redis: Any) -> list[int]:
            script = redis.register_script(_GCRA)
            answer: list[int] = await script([KEY_PREFIX + key], [self._interval, self._burst, asking, ahead])
            return answer

        try:
            passing, leased, remaining, wait, reset = await self._guard.call(run)
        except RedisUnavailable:
            return [self._counted_alone(key) for _ in range(asking)]
        self._allowed.inc(passing)
        self._limited.inc(asking - passing)
        held.left, held.remaining, held.reset = leased, remaining, ceil(reset / MICROS)
        held.wanted, held.ends = ahead, time.monotonic() + LEASE_SECONDS
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
