"""One socket to one route of a venue: open, read, watch, close, and open again, for as long as the service runs."""

import asyncio
import time
from typing import Final, Protocol

import aiohttp
import structlog

from services.ingestor.adapters.protocol import RouteSpec
from services.ingestor.transport.backoff import Backoff, stopped_within

log = structlog.get_logger()
CONNECT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
PING_SECONDS: Final = 15.0
WATCH_SECONDS: Final = 0.5
STEADY_SECONDS: Final = 30.0
LONGEST_DELAY_SECONDS: Final = 10.0
MAX_FRAME_BYTES: Final = 8 * 2**20
MAX_OUTGOING: Final = 1_000


class Listener(Protocol):
    """Who uses the route."""

    async def locate(self, route: RouteSpec) -> str:
        """The address to connect to now."""
        ...

    def opened(self, route: str) -> None:
        """The socket is open and takes frames by `Route.send`."""
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
    """Keeps one route connected.

    `lifetime`: seconds after which the socket is renewed; venues cut theirs after a day at the latest.
    """

    def __init__(
        self,
        spec: RouteSpec,
        listener: Listener,
        *,
        silent_limit: float = 0.0,
        lifetime: float = 23.5 * 3600,
        first_delay: float = 0.25,
    ) -> None:
        self.name = spec.name
        self._spec = spec
        self._listener = listener
        self._silent_limit = silent_limit or spec.silent_seconds
        self._lifetime = lifetime
        self._backoff = Backoff(first=first_delay, longest=LONGEST_DELAY_SECONDS)
        self._close_reason = ""
        self._outgoing: asyncio.Queue[str] = asyncio.Queue(MAX_OUTGOING)

    def send(self, *frames: str) -> None:
        """Send frames on the socket that is open; dropped when there is none, since a new one subscribes anew.

        A socket that takes nothing any more is given up.
        """
        try:
            for frame in frames:
                self._outgoing.put_nowait(frame)
        except asyncio.QueueFull:
            self._close_reason = "takes no more frames"

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
            url = await self._listener.locate(self._spec)
            socket = await session.ws_connect(
                url,
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
        self._outgoing = asyncio.Queue(MAX_OUTGOING)
        self._listener.opened(self.name)
        log.info("venue_connected", route=self.name, url=str(socket.get_extra_info("peername")))
        helpers = [asyncio.create_task(work) for work in (self._watch(socket), self._write(socket))]
        received, room = self._listener.received, self._listener.room
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    received(message.data)
                    await room()
        finally:
            for helper in helpers:
                helper.cancel()
        return self._close_reason or f"closed by the venue, code {socket.close_code}"

    async def _write(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> None:
        """Send what is queued, and the keepalive whenever nothing was sent for its time."""
        keepalive = self._spec.keepalive
        while True:
            try:
                async with asyncio.timeout(keepalive.seconds if keepalive else None):
                    frame = await self._outgoing.get()
            except TimeoutError:
                assert keepalive is not None
                frame = keepalive.frame
            try:
                await socket.send_str(frame)
            except (aiohttp.ClientError, OSError):
                return  # the reader sees the same end and says why

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
