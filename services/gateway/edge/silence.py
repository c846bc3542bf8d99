"""How long somebody says nothing, counted by looks at the clock while something is expected of him.

Each look is worth a `LOOKS`th of the time, however late it comes, and between two of them the loop hears whoever
speaks. So what keeps this process from listening, such as a crowd, is not taken for the other's silence.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

LOOKS: Final = 10


class Silence:
    """Of one other, for whom `over` is called when he has been silent for so many seconds."""

    def __init__(self, seconds: float, over: Callable[[], object]) -> None:
        self._every, self._over = seconds / LOOKS, over
        self._looks, self._expecting = 0, False
        self._timer: asyncio.TimerHandle | None = None

    def expect(self) -> None:
        """He shall say something from now on, or already shall."""
        self._expecting = True
        if self._timer is None:
            self._looks = 0
            self._wait()

    def heard(self, *, more: bool) -> None:
        """He has said something; `more`: and shall say more."""
        self._looks, self._expecting = 0, more

    def end(self) -> None:
        """Nothing is expected any more."""
        self._expecting = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._expecting:
            return
        self._looks += 1
        if self._looks > LOOKS:
            self._over()
        else:
            self._wait()


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """TimeoutError when what is waited for in the block has been silent for so long."""
    async with asyncio.timeout(None) as clock:
        silence = Silence(seconds, lambda: clock.reschedule(asyncio.get_running_loop().time()))
        silence.expect()
        try:
            yield
        finally:
            silence.end()
