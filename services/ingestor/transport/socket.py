"""One open WebSocket: whole text messages out of its frames, as many as came, without a task between them."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import picows
import structlog

log = structlog.get_logger()
CONNECT_SECONDS: Final = 10.0
PING_SECONDS: Final = 15.0
PONG_SECONDS: Final = 7.5
MAX_MESSAGE_BYTES: Final = 8 * 2**20
MAX_OUTGOING_BYTES: Final = 2**20
"""More than this unsent, and the socket takes nothing any more."""
AGENT: Final = {"User-Agent": "cleartide"}
# The library's own names are looked up anew each time, which costs a tenth of what a short frame does.
TEXT: Final = picows.WSMsgType.TEXT
CONTINUATION: Final = picows.WSMsgType.CONTINUATION
CLOSE: Final = picows.WSMsgType.CLOSE


class Reader(Protocol):
    """Who reads the socket."""

    def received(self, data: bytes) -> None:
        """One text message."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether no more may be received now."""
        ...

    async def room(self) -> None:
        """Wait until more may be received."""
        ...


class Socket(picows.WSListener):
    """Gives its reader each message as it comes. `reason`: why it was closed from this side, "" while it was not."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._transport: picows.WSTransport | None = None
        self._early: list[bytes] = []
        # Who takes a message, instead of being asked about with each: first a line, then the reader, in the end nobody.
        self._take: Callable[[bytes], None] = self._early.append
        self._parts: list[bytes] = []
        self._turn = asyncio.Event()
        self._closed = False
        self._failure: Exception | None = None
        self._said = "without a close"
        self.reason = ""

    @classmethod
    async def open(cls, url: str, reader: Reader) -> "Socket":
        """Connect. Raises OSError, also for a handshake that fails."""
        try:
            _, listener = await picows.ws_connect(
                lambda: cls(reader),
                url,
                websocket_handshake_timeout=CONNECT_SECONDS,
                enable_auto_ping=True,
                auto_ping_idle_timeout=PING_SECONDS,
                auto_ping_reply_timeout=PONG_SECONDS,
                max_frame_size=MAX_MESSAGE_BYTES,
                extra_headers=AGENT,
            )
        except picows.WSError as error:
            raise ConnectionError(f"{type(error).__name__}: {error}"[:160]) from error
        assert isinstance(listener, cls)
        return listener

    @property
    def peer(self) -> str:
        """Who is at the other end."""
        return str(self._live.underlying_transport.get_extra_info("peername"))

    def send(self, frame: str) -> None:
        """Send a text; a socket that takes nothing any more is given up."""
        if self._closed:
            return
        self._live.send(TEXT, frame.encode())
        if self._live.underlying_transport.get_write_buffer_size() > MAX_OUTGOING_BYTES:
            self.close("takes no more frames")

    def close(self, reason: str) -> None:
        """Close it from this side; the first reason counts."""
        self.reason = self.reason or reason
        self._live.disconnect(graceful=False)
        self._end()

    async def read(self) -> str:
        """Let messages come until the socket ends; why it did. Raises what the reader raised."""
        self._take = self._reader.received
        for data in self._early:
            self._give(data)
        self._early.clear()
        if self._closed:
            self._take = _drop
        while not self._closed:
            await self._turn.wait()
            self._turn.clear()
            if not self._closed:
                await self._reader.room()
                self._live.underlying_transport.resume_reading()
        if self._failure is not None:
            raise self._failure
        return self.reason or f"closed by the venue, {self._said}"

    # -- called by the library ----------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """One frame; almost always a whole message."""
        if frame.msg_type is TEXT and frame.fin:
            # As `_give` does, whose call would cost as much as all else here.
            try:
                self._take(frame.get_payload_as_bytes())
            except Exception as error:
                self._fail(error)
        elif not self._closed:
            self._take_other(transport, frame)
        if frame.last_in_buffer and self._reader.is_full and not self._closed:
            transport.underlying_transport.pause_reading()
            self._turn.set()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:  # noqa: ARG002 - the library's signature
        """It is gone, whoever closed it."""
        self._end()

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _live(self) -> picows.WSTransport:
        assert self._transport is not None, "open() comes first"
        return self._transport

    def _end(self) -> None:
        self._closed = True
        self._take = _drop
        self._turn.set()

    def _take_other(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """A part of a message, or the venue's last word."""
        kind = frame.msg_type
        if kind is TEXT or (kind is CONTINUATION and self._parts):
            self._gather(frame)
        elif kind is CLOSE:
            code = frame.get_payload_as_bytes()[:2]
            self._said = f"code {int.from_bytes(code)}"
            transport.send(CLOSE, code)
            transport.disconnect()

    def _gather(self, frame: picows.WSFrame) -> None:
        """A message in parts, which the first part begins anew."""
        if frame.msg_type is TEXT:
            self._parts.clear()
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > MAX_MESSAGE_BYTES:
            self.close("a message is too long")
        elif frame.fin:
            whole = b"".join(self._parts)
            self._parts.clear()
            self._give(whole)

    def _give(self, data: bytes) -> None:
        """What the reader raises ends the socket, and is raised where it is read."""
        try:
            self._take(data)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self.close("a message could not be taken")


def _drop(data: bytes) -> None:
    """What comes after the end is nobody's."""
