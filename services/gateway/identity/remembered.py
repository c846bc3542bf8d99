"""Sessions and keys as they stand, asked with every request: remembered in Redis, true in the schema.

A revocation is committed first and then marked in Redis. Whoever reads the schema meanwhile writes only where nothing
stands, so no older answer covers the mark. While Redis is away every request asks the schema; a mark that could not be
set is set again by the process that owes it, and no memory outlives REMEMBERED_MS in any case.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable

KEY_PREFIX: Final = "cleartide:identity:"
REMEMBERED_MS: Final = 30_000
MARKED_MS: Final = 120_000
MOST_OWED: Final = 10_000
_REVOKED: Final = b"-"

Load = Callable[[], Awaitable[bytes | None]]


class Remembered:
    """Bytes by name; None is a name that is no longer, or never was, good."""

    def __init__(self, guard: RedisGuard) -> None:
        self._guard = guard
        self._owed: dict[str, float] = {}

    async def get(self, name: str, load: Load) -> bytes | None:
        """What is remembered, or what `load` reads from the schema."""
        key = KEY_PREFIX + name
        if name in self._owed:
            await self.settle()
            return await load()
        try:
            kept = await self._guard.call(lambda redis: redis.get(key))
        except RedisUnavailable:
            return await load()
        if isinstance(kept, bytes):
            return None if kept == _REVOKED else kept
        found = await load()
        if found is not None:
            with suppress(RedisUnavailable):
                await self._guard.call(lambda redis: redis.set(key, found, px=REMEMBERED_MS, nx=True))
        return found

    async def revoke(self, name: str) -> None:
        """Nobody is let in by it from here on. Call it after the commit."""
        if len(self._owed) < MOST_OWED:
            self._owed[name] = monotonic() + MARKED_MS / 1_000
        await self.settle()

    async def forget(self, name: str) -> None:
        """What is remembered of it is asked for anew."""
        with suppress(RedisUnavailable):
            await self._guard.call(lambda redis: redis.delete(KEY_PREFIX + name))

    async def settle(self) -> None:
        """Set the marks that are owed."""
        for name, until in list(self._owed.items()):
            try:
                await self._mark(KEY_PREFIX + name)
            except RedisUnavailable:
                if monotonic() < until:
                    return
            self._owed.pop(name, None)

    async def _mark(self, key: str) -> None:
        await self._guard.call(lambda redis: redis.set(key, _REVOKED, px=MARKED_MS))
