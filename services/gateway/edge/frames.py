"""WebSocket messages that go out together: framed once, in one write.

ASGI sends one message at a time, and each is framed, copied and written by itself. For a thousand clients who are told
hundreds of messages a second, that is the whole cost. `EXTENSION` in the scope offers the short way; the messages that
the client reads are the same.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from starlette.websockets import WebSocket
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION: Final = "cleartide.together"
Write = Callable[[Sequence[bytes]], Awaitable[None]]


class FramesProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, with the short way."""

    def handle_connect(self, event: Request) -> None:
        """Offer it to the application."""
        super().handle_connect(event)
        if (scope := getattr(self, "scope", None)) is not None:
            cast(dict[str, Any], scope["extensions"])[EXTENSION] = self.write_texts

    async def write_texts(self, texts: Sequence[bytes]) -> None:
        """Send messages, each as one frame, when the connection takes them. ClientDisconnected when it is over."""
        await self.writable.wait()
        if self.disconnected or self.close_sent or not self.handshake_complete or self.transport.is_closing():
            raise ClientDisconnected
        self.transport.write(b"".join([part for text in texts for part in (head(len(text)), text)]))


@lru_cache(maxsize=4_096)
def head(length: int) -> bytes:
    """What stands before a server's text message of so many bytes (RFC 6455, section 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


def together(socket: WebSocket) -> Write:
    """How to send messages to a client: all in one write where the server can, else one after the other."""
    offered: Write | None = socket.scope.get("extensions", {}).get(EXTENSION)

    async def one_by_one(texts: Sequence[bytes]) -> None:
        for text in texts:
            await socket.send_text(text.decode())

    return offered or one_by_one
