"""Things that may happen once: in Redis, or in the schema while Redis is away. Never in neither."""

from typing import Final

from cleartide.store.truth import TruthStore

from services.gateway.edge.redis_guard import RedisGuard, RedisUnavailable
from services.gateway.identity.people import now_micros

KEY_PREFIX: Final = "cleartide:once:"


class Once:
    """Remembers names for some seconds."""

    def __init__(self, truth: TruthStore, guard: RedisGuard) -> None:
        self._truth, self._guard = truth, guard

    async def first(self, name: str, seconds: int) -> bool:
        """Whether this is the first time within so many seconds; of several at once exactly one is the first."""
        try:
            return bool(await self._guard.ask("SET", KEY_PREFIX + name, b"1", "PX", seconds * 1_000, "NX"))
        except RedisUnavailable:
            async with self._truth.acting() as truth:
                now = now_micros()
                expires_at = now + seconds * 1_000_000
                return await truth.add_new("nonces", nonce=name, purpose="request", used_at=now, expires_at=expires_at)
