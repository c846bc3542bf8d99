"""Waiting longer after each failure, never in step with others, never for ever."""

import asyncio
import random
from typing import Final

_random: Final = random.SystemRandom()


class Backoff:
    """Doubling delays from `first` to `longest` seconds, each cut by up to half at random."""

    def __init__(self, first: float = 0.5, longest: float = 30.0) -> None:
        self._first, self._longest = first, longest
        self._failures = 0

    def reset(self) -> None:
        """It worked: the next delay is the first one again."""
        self._failures = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more failure."""
        delay = jittered_delay(self._first, self._longest, self._failures)
        self._failures += 1
        return delay


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
