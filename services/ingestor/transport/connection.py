"""One socket to one route of a venue: open, read, watch, close, and open again, for as long as the service runs."""

import asyncio
import time
from typing import Final, Protocol

import aiohttp
import structlog

from services.ingestor.transport.backoff import Backoff, stopped_within

log = structlog.get_logger()
CONNECT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
PING_SECONDS: Final = 15.0
WATCH_SECONDS: Final = 0.5
STEADY_SECONDS: Final = 30.0
LONGEST_DELAY_SECONDS: Final = 10.0
MAX_FRAME_BYTES: Final = 8 * 2**20


class Listener(Protocol):
    """Who uses the route."""

    def opened(self, route: str) -> list[str]:
        """The socket is open; returns the frames to send."""
        ...

    def received(self, data: bytes) -> None:
        """One text message."""
        ...

    def closed(self, route: str, reason: str) -> None:
        """The socket is gone."""
        ...

    async def room(self) -> None:
        """Wait until more may be received."""
        ...

    def silent_seconds(self, route: str) -> float:
        """How long no data came, heartbeats left aside."""
        ...


class Route:
    """Keeps one route connected. `silent_limit`: seconds without data after which the socket is given up.

    `lifetime`: seconds after which it is renewed; the venue itself cuts every socket after 24 hours.
    """

    def __init__(
        self,
        name: str,
        url: str,
        listener: Listener,
        *,
        silent_limit: float = 10.0,
        lifetime: float = 23.5 * 3600,
        first_delay: float = 0.25,
    ) -> None:
        self.name = name
        self._url = url
        self._listener = listener
        self._silent_limit = silent_limit
        self._lifetime = lifetime
        self._backoff = Backoff(first=first_delay, longest=LONGEST_DELAY_SECONDS)
        self._close_reason = ""

    async def keep(self, session: aiohttp.ClientSession, stopping: asyncio.Event) -> None:
        """Connect and read until the service stops; every failure is followed by another try."""
        while not stopping.is_set():
            started = time.monotonic()
            try:
                reason = await self._connect_and_read(session)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"[:160]
            if time.monotonic() - started > STEADY_SECONDS:
                self._backoff.reset()
            delay = self._backoff.next_delay()
            log.warning("venue_disconnected", route=self.name, reason=reason, retry_seconds=round(delay, 3))
            if await stopped_within(stopping, delay):
                return

    async def _connect_and_read(self, session: aiohttp.ClientSession) -> str:
        async with asyncio.timeout(CONNECT_SECONDS):
            socket = await session.ws_connect(
                self._url,
                heartbeat=PING_SECONDS,
                max_msg_size=MAX_FRAME_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                decode_text=False,
            )
        reason = "cancelled"
        try:
            reason = await self._read(socket)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"[:160]
        finally:
            self._listener.closed(self.name, reason)
            await socket.close()
        return reason

    async def _read(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> str:
        self._close_reason = ""
        for frame in self._listener.opened(self.name):
            await socket.send_str(frame)
        log.info("venue_connected", route=self.name, url=self._url)
        watcher = asyncio.create_task(self._watch(socket))
        received, room = self._listener.received, self._listener.room
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    received(message.data)
                    await room()
        finally:
            watcher.cancel()
        return self._close_reason or f"closed by the venue, code {socket.close_code}"

    async def _watch(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> None:
        until = time.monotonic() + self._lifetime
        while not self._close_reason:
            await asyncio.sleep(min(WATCH_SECONDS, self._silent_limit / 4))
            silent = self._listener.silent_seconds(self.name)
            if silent > self._silent_limit:
                self._close_reason = f"no data for {silent:.1f} s"
            elif time.monotonic() > until:
                self._close_reason = "renewed before the venue's 24 hour cut"
        await socket.close()
