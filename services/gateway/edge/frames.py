"""WebSocket messages framed once and written to many connections as the same bytes.

ASGI sends one message at a time, through a task of its own for each client, and each is framed, copied and written by
itself. For a thousand clients who are told hundreds of messages a second, that is the whole cost. `EXTENSION` in the
scope offers the connection's `Line`, which takes frames that are made already; the messages that the client reads are
the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol, cast

from starlette.websockets import WebSocket
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION: Final = "cleartide.line"


class Line(Protocol):
    """A connection that frames are written to. What is written in one turn of the loop leaves in one write."""

    def take(self, frames: bytes) -> bool:
        """Write now; False when the connection takes nothing at the moment, or no more."""

    async def taking(self) -> None:
        """Until it takes frames. OSError when it is over."""


class FramesProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, with the short way: it is its connection's line."""

    def handle_connect(self, event: Request) -> None:
        """Offer it to the application."""
        super().handle_connect(event)
        if (scope := getattr(self, "scope", None)) is not None:
            cast(dict[str, Any], scope["extensions"])[EXTENSION] = self

    def take(self, frames: bytes) -> bool:
        """As a `Line` does."""
        if not self.writable.is_set() or self._is_over():
            return False
        self.transport.write(frames)
        return True

    async def taking(self) -> None:
        """As a `Line` does."""
        await self.writable.wait()
        if self._is_over():
            raise ClientDisconnected

    def _is_over(self) -> bool:
        return self.disconnected or self.close_sent or not self.handshake_complete or self.transport.is_closing()


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that many are told together, and the bytes in which they leave."""

    texts: Sequence[bytes]
    frames: bytes


def framed(texts: Sequence[bytes]) -> bytes:
    """Each as one frame of a server."""
    return b"".join([part for text in texts for part in (head(len(text)), text)])


@lru_cache(maxsize=4_096)
def head(length: int) -> bytes:
    """What stands before a server's text message of so many bytes (RFC 6455, section 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


def line_of(socket: WebSocket) -> Line:
    """The connection's line, which `FramesProtocol` offers."""
    return cast(Line, socket.scope["extensions"][EXTENSION])
