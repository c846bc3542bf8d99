"""One client's socket: its subscriptions and the frames on their way to it."""

import asyncio
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

QUEUED_FRAMES: Final = 10_000
MARKET_EVENTS: Final = ("markPrice", "aggTrade", "kline", "forceOrder")


class Outbox:
    """The frames on their way to one client. `patient`: wait for it instead of cutting it off."""

    def __init__(self, socket: web.WebSocketResponse, patient: bool) -> None:
        self._socket = socket
        self._patient = patient
        self._silent = False
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUED_FRAMES)

    @property
    def drained(self) -> bool:
        """Whether nothing is on its way."""
        return self._queue.empty()

    async def send(self, raw: bytes) -> None:
        """Queue a frame; a replay at its own pace cuts off a client that does not keep up, as a venue does."""
        if self._silent or self._socket.closed:
            return
        if self._patient:
            await self._queue.put(raw)
            return
        try:
            self._queue.put_nowait(raw)
        except asyncio.QueueFull:
            await self.end(WSCloseCode.POLICY_VIOLATION)

    async def end(self, code: int) -> None:
        """Close the socket."""
        await self._socket.close(code=code)

    def silence(self) -> None:
        """Stay open, say nothing more."""
        self._silent = True

    def forget(self) -> None:
        """The socket is gone: whoever waits to send to it goes on."""
        self._silent = True
        while not self._queue.empty():
            self._queue.get_nowait()

    async def write(self) -> None:
        """Send what is queued, for as long as the socket lives."""
        while True:
            raw = await self._queue.get()
            await self._socket.send_frame(self.framed(raw), WSMsgType.TEXT)

    def framed(self, raw: bytes) -> bytes:
        """A queued frame as this client gets it."""
        return raw


class Client(Outbox):
    """A client of Binance USD-M: the names of its streams and the route they come on."""

    def __init__(self, socket: web.WebSocketResponse, route: str, combined: bool, patient: bool) -> None:
        super().__init__(socket, patient)
        self._serves_market = route == "market"
        self._combined = combined
        self.streams: list[str] = []

    def wants(self, stream: str) -> bool:
        """Subscribed to it, and the route serves it."""
        of_market = stream.split("@")[1].partition("_")[0] in MARKET_EVENTS
        return stream in self.streams and of_market == self._serves_market

    def framed(self, raw: bytes) -> bytes:
        """With the stream's name, or bare."""
        return raw if self._combined else _bare(raw)

    async def answer(self, text: str) -> None:
        """SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS."""
        try:
            request = msgspec.json.decode(text, type=dict[str, Any])
            method, names = request.get("method"), [str(name) for name in request.get("params", [])]
        except (msgspec.DecodeError, TypeError):
            await self._socket.send_json({"error": {"code": 3, "msg": "Invalid JSON"}})
            return
        result = None
        if method == "SUBSCRIBE":
            self.streams += [name for name in names if name not in self.streams]
        elif method == "UNSUBSCRIBE":
            self.streams = [name for name in self.streams if name not in names]
        elif method == "LIST_SUBSCRIPTIONS":
            result = self.streams
        else:
            await self._socket.send_json({"error": {"code": 2, "msg": "Invalid request"}, "id": request.get("id")})
            return
        await self._socket.send_json({"result": result, "id": request.get("id")})


def _bare(raw: bytes) -> bytes:
    return raw[raw.index(b'"data":') + 7 : -1]
