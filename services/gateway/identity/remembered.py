"""Sessions and keys as they stand, looked at with every request: remembered in Redis, true in the schema.

What a process was told it holds for NEAR_SECONDS from when it asked. In the last AHEAD_SECONDS of that it is asked for
again beside whoever comes, so that those who keep coming never wait; and all who wait for one name wait for one
question, which is no older than what is held would be. A bell among the gateways empties what they hold as soon as
somebody is put out; and should no bell be heard, whoever puts him out waits NEAR_SECONDS before he says that it is done
(`lapsed`). So the next request is refused, in whichever process it comes.

A revocation is committed first and then marked in Redis. Whoever reads the schema meanwhile writes only where nothing
stands, so no older answer covers the mark. While Redis is away every request asks the schema; a mark that could not be
set is set again by the process that owes it, and no memory outlives REMEMBERED_MS in any case.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Final

from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable

KEY_PREFIX: Final = "cleartide:identity:"
REMEMBERED_MS: Final = 30_000
MARKED_MS: Final = 120_000
MOST_OWED: Final = 10_000
_REVOKED: Final = b"-"

NEAR_SECONDS: Final = 0.25
AHEAD_SECONDS: Final = 0.1
MOST_NEAR: Final = 10_000

Load = Callable[[], Awaitable[bytes | None]]


class Remembered:
    """Bytes by name; None is a name that is no longer, or never was, good."""

    def __init__(self, guard: RedisGuard, clock: Callable[[], float] = monotonic) -> None:
        self._guard, self._clock = guard, clock
        self._owed: dict[str, float] = {}
        self._near: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._asking: dict[str, tuple[float, asyncio.Task[bytes | None]]] = {}

    async def get(self, name: str, load: Load) -> bytes | None:
        """What is remembered, or what `load` reads from the schema."""
        held, now = self._near.get(name), self._clock()
        if held is None or now >= held[0]:
            return await asyncio.shield(self._question(name, load, now))
        if now >= held[0] - AHEAD_SECONDS:
            self._question(name, load, now)
        return held[1]

    def _question(self, name: str, load: Load, now: float) -> "asyncio.Task[bytes | None]":
        """The one that is under way, unless what it is told could not be held any more; else a new one."""
        asked_at, asking = self._asking.get(name, (-NEAR_SECONDS, None))
        if asking is None or now >= asked_at + NEAR_SECONDS:
            asking = asyncio.get_running_loop().create_task(self._ask(name, load))
            self._asking[name] = (now, asking)
            asking.add_done_callback(partial(self._told, name, now))
        return asking

    def _told(self, name: str, asked_at: float, asked: "asyncio.Task[bytes | None]") -> None:
        """Hold what was found, unless there was a reason to ask again meanwhile."""
        failed = asked.cancelled() or asked.exception() is not None
        if self._asking.get(name) != (asked_at, asked):
            return
        del self._asking[name]
        if failed:
            return
        if (found := asked.result()) is None:
            self._near.pop(name, None)
            return
        self._near[name] = (asked_at + NEAR_SECONDS, found)
        self._near.move_to_end(name)
        if len(self._near) > MOST_NEAR:
            self._near.popitem(last=False)

    def let_go(self) -> None:
        """Of all that is held here, or being asked: somebody has been put out somewhere."""
        self._near.clear()
        self._asking.clear()

    def _drop(self, name: str) -> None:
        self._near.pop(name, None)
        self._asking.pop(name, None)

    async def lapsed(self) -> None:
        """Until no process holds what it was told before now. Call it after `revoke` or `forget`."""
        await asyncio.sleep(NEAR_SECONDS)

    async def _ask(self, name: str, load: Load) -> bytes | None:
        key = KEY_PREFIX + name
        if name in self._owed:
            await self.settle()
            return await load()
        try:
            kept = await self._guard.ask("GET", key)
        except RedisUnavailable:
            return await load()
        if isinstance(kept, bytes):
            return None if kept == _REVOKED else kept
        found = await load()
        if found is not None:
            with suppress(RedisUnavailable):
                await self._guard.ask("SET", key, found, "PX", REMEMBERED_MS, "NX")
        return found

    async def revoke(self, name: str) -> None:
        """Nobody is let in by it once what is held has `lapsed`. Call it after the commit."""
        self._drop(name)
        if len(self._owed) < MOST_OWED:
            self._owed[name] = monotonic() + MARKED_MS / 1_000
        await self.settle()

    async def forget(self, name: str) -> None:
        """What is remembered of it is asked for anew, once what is held has `lapsed`."""
        self._drop(name)
        with suppress(RedisUnavailable):
            await self._guard.ask("DEL", KEY_PREFIX + name)

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
        await self._guard.ask("SET", key, _REVOKED, "PX", MARKED_MS)
