"""Live clients of a gateway, for tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from services.gateway.tests.entrance import Entrance, Person

Frame = dict[str, Any]
SECONDS: Final = 30


class Listener:
    """A live client that keeps what it was told."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[Frame] = []

    async def subscribe(self, channel: str, **more: Any) -> Frame:
        """Its first answer."""
        await self.socket.send_json({"op": "subscribe", "channel": channel, **more})
        return await self.until(lambda frame: frame["op"] == "error" or frame.get("channel") == channel)

    async def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next frame that is wanted; those before it are kept."""
        while True:
            frame: Frame = await self.socket.receive_json(timeout=SECONDS)
            self.heard.append(frame)
            if wanted(frame):
                return frame


@asynccontextmanager
async def listener(door: Entrance, person: Person | None = None) -> AsyncIterator[Listener]:
    """Connected, as a person or as nobody."""
    headers = person.headers if person else {}
    async with door.http.ws_connect(f"{door.url}/api/v1/ws", headers=headers) as socket:
        yield Listener(socket)
