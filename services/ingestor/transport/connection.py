"""One socket to one route of a venue: open, read, watch, close, and open again, for as long as the service runs."""

import asyncio
import time
from typing import Final, Protocol

import structlog

from services.ingestor.adapters.protocol import Keepalive, RouteSpec
from services.ingestor.transport.backoff import Backoff, stopped_within
from services.ingestor.transport.socket import CONNECT_SECONDS, Reader, Socket

log = structlog.get_logger()
WATCH_SECONDS: Final = 0.5
STEADY_SECONDS: Final = 30.0
AT_ONCE_SECONDS: Final = 0.25


class Listener(Reader, Protocol):
    """Who uses the route."""

    async def locate(self, route: RouteSpec) -> str:
        """The address to connect to now."""
        ...

    def opened(self, route: str) -> None:
        """The socket is open and takes frames by `Route.send`."""
        ...

    def closed(self, route: str, reason: str) -> None:
        """The socket is gone."""
        ...

    def silent_seconds(self, route: str) -> float:
        """How long no data came, heartbeats left aside."""
        ...


class Route:
    """Keeps one route connected.

    `lifetime`: seconds after which the socket is renewed; venues cut theirs after a day at the latest. A socket that is
    cut is opened again at once; where that fails too, the pauses double from `first_delay` to `longest_delay` seconds.
    """

    def __init__(
        self,
        spec: RouteSpec,
        listener: Listener,
        *,
        silent_limit: float = 0.0,
        lifetime: float = 23.5 * 3600,
        first_delay: float = 5.0,
        longest_delay: float = 300.0,
    ) -> None:
        self.name = spec.name
        self._spec = spec
        self._listener = listener
        self._silent_limit = silent_limit or spec.silent_seconds
        self._lifetime = lifetime
        self._backoff = Backoff(first_delay, longest_delay, at_once=min(AT_ONCE_SECONDS, first_delay))
        self._socket: Socket | None = None
        self._sent_at = 0.0

    def send(self, *frames: str) -> None:
        """Send frames on the socket that is open; dropped when there is none, since a new one subscribes anew."""
        if self._socket is not None:
            self._sent_at = time.monotonic()
            for frame in frames:
                self._socket.send(frame)

    async def keep(self, stopping: asyncio.Event) -> None:
        """Connect and read until the service stops; every failure is followed by another try."""
        while not stopping.is_set():
            started = time.monotonic()
            try:
                reason = await self._connect_and_read()
            except (OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"[:160]
            if time.monotonic() - started > STEADY_SECONDS:
                self._backoff.reset()
            delay = self._backoff.next_delay()
            log.warning("venue_disconnected", route=self.name, reason=reason, retry_seconds=round(delay, 3))
            if await stopped_within(stopping, delay):
                return

    async def _connect_and_read(self) -> str:
        async with asyncio.timeout(CONNECT_SECONDS):
            socket = await Socket.open(await self._listener.locate(self._spec), self._listener)
        reason = "cancelled"
        try:
            reason = await self._read(socket)
        finally:
            self._socket = None
            self._listener.closed(self.name, reason)
            socket.close(reason)
        return reason

    async def _read(self, socket: Socket) -> str:
        self._socket, self._sent_at = socket, time.monotonic()
        self._listener.opened(self.name)
        log.info("venue_connected", route=self.name, url=socket.peer)
        helpers = [asyncio.create_task(self._watch(socket))]
        if self._spec.keepalive is not None:
            helpers.append(asyncio.create_task(self._keep_alive(self._spec.keepalive)))
        try:
            return await socket.read()
        finally:
            for helper in helpers:
                helper.cancel()

    async def _keep_alive(self, keepalive: Keepalive) -> None:
        """Send it whenever nothing was sent for its time."""
        while True:
            rest = self._sent_at + keepalive.seconds - time.monotonic()
            if rest > 0:
                await asyncio.sleep(rest)
            else:
                self.send(keepalive.frame)

    async def _watch(self, socket: Socket) -> None:
        until = time.monotonic() + self._lifetime
        while not socket.reason:
            await asyncio.sleep(min(WATCH_SECONDS, self._silent_limit / 4))
            silent = self._listener.silent_seconds(self.name)
            if silent > self._silent_limit:
                socket.close(f"no data for {silent:.1f} s")
            elif time.monotonic() > until:
                socket.close("renewed before the venue's 24 hour cut")
