"""Waiting longer after each failure, never in step with others, never for ever."""

import asyncio
import random
from typing import Final

_random: Final = random.SystemRandom()


class Backoff:
    """Doubling delays from `first` to `longest` seconds, each cut by up to half at random.

    at_once: the very first delay instead, for what fails now and then and mostly works when it is tried again.
    """

    def __init__(self, first: float = 0.5, longest: float = 30.0, *, at_once: float = 0.0) -> None:
        self._first, self._longest, self._at_once = first, longest, at_once
        self._failures = 0

    def reset(self) -> None:
        """It worked: the next delay is the first one again."""
        self._failures = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more failure."""
        failures, self._failures = self._failures, self._failures + 1
        if not self._at_once:
            return jittered_delay(self._first, self._longest, failures)
        if not failures:
            return jittered_delay(self._at_once, self._at_once, 0)
        return jittered_delay(self._first, self._longest, failures - 1)


def jittered_delay(first: float, longest: float, failures: int) -> float:
    """Seconds to wait when `failures` came before this one."""
    return min(longest, first * 2.0 ** min(failures, 16)) * _random.uniform(0.5, 1.0)


async def stopped_within(stopping: asyncio.Event, seconds: float) -> bool:
    """Sleep, but wake at once when the service stops; tells whether it did."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return False
    return True
