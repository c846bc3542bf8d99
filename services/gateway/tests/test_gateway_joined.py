"""How an answer leaves, looked at on a connection: a real server with its own way of writing."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from services.gateway.edge.joined import Joined
from services.gateway.edge.server import embedded, listening_socket
from services.gateway.settings import GatewaySettings

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


class _Cycle:
    """What of uvicorn's a `Joined` looks at."""

    def __init__(self, method: str) -> None:
        self.scope, self.response_started = {"method": method}, False


class _Writes(asyncio.Transport):
    """Remembers every write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))


def test_head_and_body_are_one_write() -> None:
    """GW-JOINED-001: the head leaves with the first of the body; what comes before and after it, as it comes."""
    transport, cycle = _Writes(), _Cycle("GET")
    joined = Joined(transport, cycle)
    joined.write(b"continue")
    cycle.response_started = True
    for data in (b"head", b"body", b"", b"more"):
        joined.write(data)
    assert transport.written == [b"continue", b"headbody", b"", b"more"]


def test_a_head_that_has_no_body_does_not_wait_for_one() -> None:
    """GW-JOINED-002: what is asked by HEAD leaves at once."""
    transport, cycle = _Writes(), _Cycle("HEAD")
    joined = Joined(transport, cycle)
    cycle.response_started = True
    joined.write(b"head")
    assert transport.written == [b"head"]


@asynccontextmanager
async def _served(app: Callable[[Scope, Receive, Send], Any]) -> AsyncIterator[int]:
    listener = listening_socket("127.0.0.1", 0)
    server = embedded(app, GatewaySettings())
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def test_an_answer_is_whole_and_what_is_told_in_parts_comes_in_parts() -> None:
    """GW-JOINED-003: by GET, HEAD and without a body an answer is whole; parts of a long one leave as they are told."""
    heard = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        if scope["path"] == "/parts":
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await heard.wait()
        await send({"type": "http.response.body", "body": b"" if scope["path"] == "/empty" else b"last"})

    async with _served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in (b"GET /", b"HEAD /", b"GET /empty", b"GET /parts"):
            writer.write(request + b" HTTP/1.1\r\nHost: here\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
            if request == b"GET /parts":
                assert await reader.readuntil(b"first\r\n") == b"5\r\nfirst\r\n"
                heard.set()
            if not request.startswith(b"HEAD"):
                assert (await reader.readuntil(b"0\r\n\r\n")).startswith((b"4\r\nlast\r\n", b"0\r\n"))
        writer.close()
        await writer.wait_closed()


async def test_an_answer_that_has_left_leaves_nothing_behind() -> None:
    """GW-JOINED-004: no request waits for the garbage collector, whose pauses would be those of all others."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"all"})

    async with _served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        gc.collect()
        gc.disable()
        try:
            for method in (b"GET", b"HEAD", b"POST") * 5:
                writer.write(method + b" / HTTP/1.1\r\nHost: here\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
                if method != b"HEAD":
                    await reader.readuntil(b"0\r\n\r\n")
            left = sum(type(each) is RequestResponseCycle for each in gc.get_objects())
        finally:
            gc.enable()
        assert left <= 1  # the last, which its connection still has
        writer.close()
        await writer.wait_closed()
