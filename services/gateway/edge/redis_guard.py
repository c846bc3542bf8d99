"""Redis as an aid that may fail: given up when it is silent too long, and after a failure not asked for a moment."""

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.edge.redis_line import RedisLine, Script

log = structlog.get_logger()

SILENT_SECONDS: Final = 0.25
PAUSE_SECONDS: Final = 1.0


class RedisUnavailable(Exception):  # noqa: N818 - a state, not a fault of the caller
    """Redis did not answer in time, or did not lately; the caller goes on without it."""


class RedisGuard:
    """Asks Redis unless it failed less than PAUSE_SECONDS ago, so that a dead Redis costs nothing per request."""

    def __init__(
        self, client: "Redis | None", clock: Callable[[], float] = monotonic, seconds: float = SILENT_SECONDS
    ) -> None:
        """`seconds`: how long Redis may be silent to whoever asks; what keeps this process from listening is not it."""
        self._clock, self._paused_until = clock, 0.0
        self._line = None if client is None else RedisLine(client, seconds)

    @property
    def configured(self) -> bool:
        """Whether there is a Redis at all."""
        return self._line is not None

    @property
    def away(self) -> bool:
        """Whether nothing would even be asked."""
        return self._line is None or self._clock() < self._paused_until

    async def ask(self, *command: bytes | str | int) -> Any:
        """What one command answers, or RedisUnavailable. It travels with others'."""
        return await self._answer(lambda line: line.ask(*command))

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[int | str]) -> Any:
        """What a script answers, or RedisUnavailable; it travels with others too."""
        return await self._answer(lambda line: line.run(script, keys, arguments))

    async def _answer(self, asked: Callable[[RedisLine], Awaitable[Any]]) -> Any:
        if self._line is None or self.away:
            raise RedisUnavailable
        try:
            return await asked(self._line)
        except (RedisError, OSError, TimeoutError) as error:
            if not self.away:
                log.warning("redis_unavailable", error=str(error) or type(error).__name__)
            self._paused_until = self._clock() + PAUSE_SECONDS
            raise RedisUnavailable from error
