"""Passes ahead for whoever keeps asking: counted in Redis when they are given, spent without asking it.

Requests of one name that wait at the same time are counted in one call, each by itself. Who used his passes up within
LEASE_SECONDS gets twice as many with his next request, who let them lapse, half; who asks now and then has none. How
many there are at most is up to whoever counts. Nobody passes more than is counted.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

LEASE_SECONDS: Final = 0.25
MOST_LEASED: Final = 512
MOST_HELD: Final = 50_000
K = TypeVar("K", bound=Hashable)


class Verdict(NamedTuple):
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
class Held:
    """A name that asks: its passes, who waits, and how many it is likely to need."""

    left: int = 0
    ends: float = 0.0
    remaining: int = 0
    limit: int = 0
    reset: int = 0
    counted_at: int = 0
    """When, by Redis's clock in milliseconds, the passes were counted."""
    wanted: int = 0
    # One for each request that is being answered: `max_connections` bounds them.
    waiting: "list[asyncio.Future[Verdict]]" = field(default_factory=list)
    asking: "asyncio.Task[None] | None" = None

    def lease(self, passes: int, ahead: int) -> None:
        """Passes from now on, of `ahead` that were wished."""
        self.left, self.wanted, self.ends = passes, ahead, time.monotonic() + LEASE_SECONDS


Count = Callable[[K, Held, int, int], Awaitable[list[Verdict]]]
"""Counts so many that wait, and leases at most so many more: a verdict for each that waits."""


class Leases(Generic[K]):
    """Everybody who asked lately."""

    def __init__(self, count: Count[K]) -> None:
        self._count = count
        self._held: OrderedDict[K, Held] = OrderedDict()

    def spend(self, name: K) -> Verdict | None:
        """One of the name's passes; None when it has none."""
        held = self._held.get(name)
        if held is None or not held.left or time.monotonic() >= held.ends:
            return None
        held.left -= 1
        return Verdict(True, held.limit, held.remaining + held.left, 1, held.reset)

    async def ask(self, name: K) -> Verdict:
        """Counted with all of the name that wait now."""
        held = self._held.pop(name, None) or Held()
        self._held[name] = held
        if len(self._held) > MOST_HELD:
            self._held.popitem(last=False)
        counted: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        held.waiting.append(counted)
        if held.asking is None:
            held.asking = asyncio.create_task(self._ask(name, held))
        return await counted

    async def _ask(self, name: K, held: Held) -> None:
        """Until nobody waits."""
        waiting: list[asyncio.Future[Verdict]] = []
        try:
            while held.waiting:
                ahead = min(MOST_LEASED, 2 * held.wanted + 1) if time.monotonic() < held.ends else held.wanted // 2
                waiting, held.waiting = held.waiting, []
                for one, verdict in zip(waiting, await self._count(name, held, len(waiting), ahead), strict=True):
                    if not one.done():
                        one.set_result(verdict)
        finally:
            held.asking = None
            for one in (*waiting, *held.waiting):
                one.cancel()  # nothing, unless whoever counts is ended
