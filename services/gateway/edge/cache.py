"""Responses kept for a moment in Redis, shared by all gateways; without Redis every request is answered afresh.

Requests for the same key that arrive while its answer is being made wait for that one answer.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Literal

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable

KEY_PREFIX: Final = "cleartide:cache:"
Outcome = Literal["hit", "miss", "shared", "bypass"]
Make = Callable[[], Awaitable[bytes]]

CACHE_STATUS: Final[dict[Outcome, str]] = {
    "hit": "cleartide; hit",
    "miss": "cleartide; fwd=uri-miss; stored",
    "shared": "cleartide; fwd=uri-miss; collapsed",
    "bypass": "cleartide; fwd=bypass",
}


class ResponseCache:
    """Keyed bytes with a short life. Failures are never kept."""

    def __init__(self, guard: RedisGuard, metrics: EdgeMetrics) -> None:
        self._guard, self._metrics = guard, metrics
        self._making: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, key: str, ttl_ms: int, make: Make) -> tuple[bytes, Outcome]:
        """The kept bytes of the key, or new ones from `make`, and how they were come by."""
        body, outcome = await self._get(KEY_PREFIX + key, ttl_ms, make)
        self._metrics.cache.labels(outcome).inc()
        return body, outcome

    async def _get(self, key: str, ttl_ms: int, make: Make) -> tuple[bytes, Outcome]:
        bypass = False
        try:
            kept = await self._guard.ask("GET", key)
            if isinstance(kept, bytes):
                return kept, "hit"
        except RedisUnavailable:
            bypass = True
        if (running := self._making.get(key)) is not None:
            return await asyncio.shield(running), "shared"
        task = asyncio.create_task(self._make(key, ttl_ms, make, store=not bypass))
        self._making[key] = task
        task.add_done_callback(functools.partial(self._done, key))
        return await asyncio.shield(task), "bypass" if bypass else "miss"

    async def _make(self, key: str, ttl_ms: int, make: Make, *, store: bool) -> bytes:
        body = await make()
        if store:
            with suppress(RedisUnavailable):
                await self._guard.ask("SET", key, body, "PX", ttl_ms)
        return body

    def _done(self, key: str, task: "asyncio.Task[bytes]") -> None:
        del self._making[key]
        if not task.cancelled():
            task.exception()  # every waiter may be gone; then nobody else looks at it
