"""An event loop whose time is a number: waiting costs nothing and the same program always runs the same way."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class NothingHappens(AssertionError):  # noqa: N818 - a verdict on a run
    """Everybody waits for somebody else: the system has come to a stop that no timer ends."""


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """Runs ready callbacks first come, first served; when there are none, time jumps to the next timer.

    The base class asks a selector to wait for input or the next timer. There is no input here, so this loop is its own
    selector, and waiting is arithmetic.
    """

    def __init__(self) -> None:
        super().__init__()
        self._virtual_seconds = 0.0
        self._selector = self
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._virtual_seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Let time pass."""
        if timeout is None:
            raise NothingHappens("no callback is ready and no timer is set")
        self._virtual_seconds += timeout
        return []

    def _process_events(self, _events: list[Any]) -> None:
        """There is no input."""


def run_virtually(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end on a loop of its own."""
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(_end(asyncio.all_tasks(loop)))
        loop.close()


async def _end(left: "set[asyncio.Task[Any]]") -> None:
    """A run that failed leaves its actors in the middle of something."""
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
