"""Redis as an aid that may fail: a hard timeout per call, and after a failure no call for a moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, Final, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.edge.redis_line import RedisLine, Script

log = structlog.get_logger()

CALL_SECONDS: Final = 0.25
CALLS_AT_ONCE: Final = 512
PAUSE_SECONDS: Final = 1.0
T = TypeVar("T")


class RedisUnavailable(Exception):  # noqa: N818 - a state, not a fault of the caller
    """Redis did not answer in time, or did not lately; the caller goes on without it."""


class RedisGuard:
    """Calls Redis unless it failed less than PAUSE_SECONDS ago, so that a dead Redis costs nothing per request."""

    def __init__(
        self, client: "Redis | None", clock: Callable[[], float] = monotonic, seconds: float = CALL_SECONDS
    ) -> None:
        """`seconds`: how long a call may take, the wait for its turn included."""
        self._client, self._clock, self._seconds = client, clock, seconds
        self._paused_until = 0.0
        if client is not None:
            self._line = RedisLine(client, seconds)
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)

    @property
    def configured(self) -> bool:
        """Whether there is a Redis at all."""
        return self._client is not None

    @property
    def away(self) -> bool:
        """Whether a call would not even be tried."""
        return self._client is None or self._clock() < self._paused_until

    async def ask(self, *command: bytes | str | int) -> Any:
        """What one command answers, or RedisUnavailable. For what every request asks: it travels with others'."""
        return await self.call(lambda _: self._line.ask(*command))

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        """What a script answers, or RedisUnavailable; it travels with others too."""
        return await self.call(lambda _: self._line.run(script, keys, arguments))

    async def call(self, operation: "Callable[[Redis], Awaitable[T]]") -> T:
        """The operation's result, or RedisUnavailable."""
        if self._client is None or self.away:
            raise RedisUnavailable
        try:
            async with asyncio.timeout(self._seconds), self._slots:
                return await operation(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            if self._clock() >= self._paused_until:
                log.warning("redis_unavailable", error=str(error) or type(error).__name__)
            self._paused_until = self._clock() + PAUSE_SECONDS
            raise RedisUnavailable from error
