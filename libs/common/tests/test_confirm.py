"""A client knows when the server has taken its subscriptions."""

import asyncio
from collections.abc import AsyncIterator

import nats
import pytest
from cleartide.bus.confirm import confirm

INFO = b'INFO {"server_id":"x","version":"2.12.0","max_payload":1048576,"headers":true,"proto":1}\r\n'


class Server:
    """Speaks as much of the protocol as a subscriber needs, and keeps the order in which words came."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        while line := await reader.readline():
            self.heard += line.decode().split()[:1]
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    """A listening server and its address."""
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with listening:
        yield made, f"nats://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_a_subscription_is_ahead_of_the_ping_that_confirms_it(server: tuple[Server, str]) -> None:
    """RUN-BUS-001"""
    spoken, url = server
    client = await nats.connect(url)
    try:
        for _ in range(20):
            spoken.heard.clear()
            await client.subscribe("alerts.>")
            await client.publish("elsewhere", b"")
            await confirm(client)
            last_ping = len(spoken.heard) - 1 - spoken.heard[::-1].index("PING")
            assert spoken.heard.index("SUB") < last_ping
            assert spoken.heard.index("PUB") < last_ping
    finally:
        await client.close()
