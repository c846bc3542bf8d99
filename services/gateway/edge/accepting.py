"""Connections are taken as they come, many in one turn of the loop.

uvloop takes one connection from each listener in a turn. When a thousand clients are being served a turn is long, and
whoever knocks then waits as many turns as there are others before him: seconds. Here a turn takes all that wait.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

import structlog

log = structlog.get_logger()

AT_ONCE: Final = 128
PAUSE_SECONDS: Final = 0.5


class Accepting:
    """What uvicorn knows as a server: it is closed, and then it has closed."""

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listener, self._protocol = listener, protocol
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[Any]] = set()
        self._open = True
        listener.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Take no more."""
        self._open = False
        self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """Until those that were taken last have their protocol."""
        await asyncio.gather(*self._coming, return_exceptions=True)

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._listener, self._take)

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # No file descriptor is left: those who knock wait in the listener's queue until somebody has gone.
                log.error("connections_exhausted", error=str(error))
                self._loop.remove_reader(self._listener)
                self._loop.call_later(PAUSE_SECONDS, self._listen)
                return
            connection.setblocking(False)
            coming = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
            self._coming.add(coming)
            coming.add_done_callback(self._came)

    def _came(self, coming: "asyncio.Task[Any]") -> None:
        self._coming.discard(coming)
        if not coming.cancelled() and (error := coming.exception()) is not None:
            log.info("connection_lost_early", error=f"{type(error).__name__}: {error}"[:200])
