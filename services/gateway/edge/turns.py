"""Requests begin in the order in which they came, at most AT_ONCE in one turn of the loop.

A turn that began all that have come would be as long as they are many: with a thousand connections a tenth of a second
in which nobody is heard and nothing is sent. What a request waits for itself, such as Redis or a service, needs several
turns: so those that had to ask waited many times as long as those that did not, and Redis seemed to be late.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

AT_ONCE: Final = 64
Start = Callable[[], None]


class Turns:
    """Of one server."""

    def __init__(self) -> None:
        # lint: allow bounded-queue: one for each connection at most, and `max_connections` bounds those
        self._waiting: deque[Start] = deque()
        self._begun = 0

    def begin(self, start: Start) -> None:
        """Call it now, or when those who came before have begun."""
        if self._waiting or self._begun >= AT_ONCE:
            self._waiting.append(start)
        else:
            self._begin(start)

    def _begin(self, start: Start) -> None:
        if self._begun == 0:
            asyncio.get_running_loop().call_soon(self._next)
        self._begun += 1
        start()

    def _next(self) -> None:
        """A turn later."""
        self._begun = 0
        while self._waiting and self._begun < AT_ONCE:
            self._begin(self._waiting.popleft())
