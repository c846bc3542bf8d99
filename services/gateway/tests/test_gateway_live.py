"""Live data end to end: the gateway as a process, with its own rights, on real NATS, Postgres and Valkey."""

import asyncio
import os
import shutil
import socket
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cleartide.connect import redis_client
from nats.aio.client import Client

from deploy.local.ports import free_port
from services.gateway.live.prices import REDIS_KEY
from services.gateway.live.pump import SLOW_CLOSE_CODE, SLOW_REASON
from services.gateway.tests.support import MARKET, alert, answering, mark_price, publish_alerts, publish_events, trade
from tests.support.installation import Installation
from tests.support.running import until

Socket = aiohttp.ClientWebSocketResponse
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "risk_alerts.sh"
MARKETS = {"ok": True, "data": {"markets": [MARKET]}}


@pytest.fixture
async def url(installed: Installation) -> AsyncIterator[str]:
    """A running gateway; it must never ask NATS for more than it may."""
    port = free_port()
    small = {"CLEARTIDE_LIVE_QUEUE_FRAMES": "64", "CLEARTIDE_LIVE_SEND_SECONDS": "2"}
    async with installed.client("matching") as matching:
        await answering(matching, "query.matching.markets", MARKETS)
        await installed.start("gateway", environment={"CLEARTIDE_GATEWAY_PORT": str(port), **small})
        yield f"http://127.0.0.1:{port}"
        log = installed.processes["gateway"].log
        assert installed.stop_services() == {"gateway": 0}
        assert "permissions violation" not in log.read_text().lower()


@pytest.fixture
async def risk(installed: Installation) -> AsyncIterator[Client]:
    """A connection with the rights of risk."""
    async with installed.client("risk") as client:
        yield client


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Socket]:
    """A live client."""
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/api/v1/ws") as ws:
        yield ws


async def frame(ws: Socket) -> dict[str, Any]:
    """The next frame."""
    received: dict[str, Any] = await ws.receive_json(timeout=30)
    return received


async def numbers(ws: Socket, last: int) -> list[int]:
    """The alerts that arrive, in order, until `last` did."""
    told: list[int] = []
    while not told or told[-1] < last:
        one = await frame(ws)
        assert one["channel"] == "alerts"
        told += [each["seq"] for each in one["data"]] if one["op"] == "snapshot" else [one["seq"]]
    return told


async def test_snapshot_then_live_then_resume(url: str, risk: Client) -> None:
    """GW-WS-004: history first, then what happens; after a break, from the last seq on: no loss, no duplicate."""
    await publish_alerts(risk, *(alert(seq) for seq in range(1, 6)))
    await _committed(url, 5)
    async with connected(url) as ws:
        await ws.send_json({"op": "subscribe", "channel": "alerts", "after_seq": 2})
        assert await numbers(ws, 5) == [3, 4, 5]
        await publish_alerts(risk, alert(6))
        live = await frame(ws)
        assert (live["op"], live["seq"], live["data"]["health_factor"]) == ("update", 6, "1.449999")
        assert live["data"]["inputs"][0]["size"] == "-1.500"
    await publish_alerts(risk, alert(7), alert(8))
    async with connected(url) as ws:
        await ws.send_json({"op": "subscribe", "channel": "alerts", "after_seq": 6})
        await publish_alerts(risk, alert(9))
        assert await numbers(ws, 9) == [7, 8, 9]


async def test_clients_that_join_in_a_storm_miss_nothing(url: str, risk: Client) -> None:
    """GW-WS-005: forty clients join at any moment while alerts pour in; each is told every alert once, in order."""
    last = 300

    async def storm() -> None:
        for seq in range(1, last + 1):
            await publish_alerts(risk, alert(seq, f"a{seq % 7}"))

    async def join(after: float) -> list[int]:
        await asyncio.sleep(after)
        async with connected(url) as ws:
            await ws.send_json({"op": "subscribe", "channel": "alerts", "after_seq": 0})
            return await numbers(ws, last)

    _, *told = await asyncio.gather(storm(), *(join(number * 0.02) for number in range(40)))
    assert all(each == list(range(1, last + 1)) for each in told)


async def test_an_account_is_told_its_own_alerts_alone(url: str, risk: Client) -> None:
    """GW-WS-006: an account's subscription is told its own alerts alone, in history and live."""
    await publish_alerts(risk, alert(1, "a1"), alert(2, "a2"), alert(3, "a1"))
    async with connected(url) as ws:
        await ws.send_json({"op": "subscribe", "channel": "alerts", "after_seq": 0, "account": "a1"})
        assert await numbers(ws, 3) == [1, 3]
        await publish_alerts(risk, alert(4, "a2"), alert(5, "a1"))
        assert (await frame(ws))["seq"] == 5
        await ws.send_json({"op": "unsubscribe", "channel": "alerts", "account": "a1"})
        assert (await frame(ws))["op"] == "unsubscribed"


async def test_a_repeated_message_is_told_once(url: str, risk: Client) -> None:
    """GW-WS-007: what is published again after a crash reaches a plain subscriber twice, and a client once."""
    async with connected(url) as ws:
        await ws.send_json({"op": "subscribe", "channel": "alerts"})
        await frame(ws)
        for seq in (1, 1, 2, 1, 2, 3):
            await publish_alerts(risk, alert(seq))
        assert await numbers(ws, 3) == [1, 2, 3]


async def test_prices_begin_with_the_latest(installed: Installation, url: str) -> None:
    """GW-WS-008: prices begin with what is known, then changes, in decimals; a restarted gateway still knows."""
    async with installed.client("matching") as matching, connected(url) as ws:
        await ws.send_json({"op": "subscribe", "channel": "prices", "market": "BTC-PERP"})
        assert (await frame(ws))["data"] is None
        await publish_events(matching, mark_price(1, 970_001))
        first = await frame(ws)
        assert (first["op"], first["seq"], first["data"]["mark"]) == ("update", 1, "97000.1")
        assert (first["data"]["open_interest"], first["data"]["last"]) == ("12.345", None)
        await publish_events(matching, trade(2, 970_005, 1_500))
        second = (await frame(ws))["data"]
        assert (second["last"], second["mark"]) == ("97000.5", "97000.1")
        assert second["last_trade"]["size"] == "1.500"

    async with redis_client(installed.valkey.url) as redis:

        async def kept() -> bool:
            return b"97000.5" in (await redis.hget(REDIS_KEY, "BTC-PERP") or b"")

        await until(kept)
    installed.stop_services()
    port = free_port()
    await installed.start("gateway", environment={"CLEARTIDE_GATEWAY_PORT": str(port)})
    async with connected(f"http://127.0.0.1:{port}") as ws:
        await ws.send_json({"op": "subscribe", "channel": "prices", "market": "BTC-PERP"})
        assert (await frame(ws))["data"] == second


async def test_bad_messages_are_answered_and_the_client_stays(url: str) -> None:
    """GW-WS-009: a bad message gets an error frame, not a disconnect; ping still gets its pong."""
    async with connected(url) as ws:
        for text in ("{", '{"op":"subscribe","channel":"prices"}', '{"op":"dance"}'):
            await ws.send_str(text)
            refused = await frame(ws)
            assert (refused["op"], refused["error"]["code"]) == ("error", "bad_message")
        await ws.send_json({"op": "subscribe", "channel": "alerts", "after_seq": 99})
        beyond = await frame(ws)
        assert (beyond["error"]["code"], beyond["error"]["detail"]["head"]) == ("after_seq_beyond_feed", 0)
        await ws.send_json({"op": "ping", "id": 5})
        pong = await frame(ws)
        assert (pong["op"], pong["id"]) == ("pong", 5)
        assert abs(pong["at"] / 1e6 - time.time()) < 60


async def test_subscriptions_are_bounded(url: str) -> None:
    """GW-WS-010: a client holds at most sixty-four subscriptions; the next is an error."""
    async with connected(url) as ws:
        for number in range(65):
            await ws.send_json({"op": "subscribe", "channel": "prices", "market": f"M{number}-PERP"})
        ops = [(await frame(ws))["op"] for _ in range(65)]
    assert ops == ["snapshot"] * 64 + ["error"]


async def test_a_slow_client_is_cut_off_and_nobody_waits_for_it(url: str, risk: Client) -> None:
    """GW-WS-011: a slow client is closed with 1013 once its queue is full; the others get every alert meanwhile."""
    count = 220
    async with _unread(url) as slow:
        async with connected(url) as ws:
            await ws.send_json({"op": "subscribe", "channel": "alerts"})
            await frame(ws)
            for seq in range(1, count + 1):
                await publish_alerts(risk, alert(seq, positions=256))
            assert await numbers(ws, count) == list(range(1, count + 1))
        reason = SLOW_REASON.encode()
        closed = bytes([0x88, 2 + len(reason)]) + SLOW_CLOSE_CODE.to_bytes(2, "big") + reason
        received = b""
        async with asyncio.timeout(20):
            while not received.endswith(closed):
                chunk = await asyncio.get_running_loop().sock_recv(slow, 1_048_576)
                assert chunk, "the connection ended without a word"
                received += chunk


@asynccontextmanager
async def _unread(url: str) -> AsyncIterator[socket.socket]:
    """A client that opens a WebSocket by hand, subscribes to alerts, and then reads nothing."""
    loop, address = asyncio.get_running_loop(), url.removeprefix("http://").split(":")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        slow.setblocking(False)
        await loop.sock_connect(slow, (address[0], int(address[1])))
        request = "GET /api/v1/ws HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        await loop.sock_sendall(slow, (request + key).encode())
        answer = await loop.sock_recv(slow, 4_096)
        assert answer.startswith(b"HTTP/1.1 101")
        text = b'{"op":"subscribe","channel":"alerts","after_seq":0}'
        await loop.sock_sendall(slow, bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)
        yield slow


async def test_events_resume_by_last_event_id(url: str, risk: Client) -> None:
    """GW-SSE-001: the browser's own reconnect resumes where it stopped; `caught-up` marks the end of history."""
    await publish_alerts(risk, *(alert(seq) for seq in range(1, 4)))
    await _committed(url, 3)
    async with aiohttp.ClientSession() as http:
        stream = f"{url}/api/v1/alerts/stream"
        async with http.get(stream, headers={"Last-Event-ID": "1"}) as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            assert await _events(response.content, 3) == [("alert", 2), ("alert", 3), ("caught-up", 3)]
            await publish_alerts(risk, alert(4))
            assert await _events(response.content, 1) == [("alert", 4)]
        async with http.get(stream, headers={"Last-Event-ID": "9"}) as response:
            assert response.status == 409


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_example_for_curl_follows_alerts(url: str, risk: Client) -> None:
    """GW-SSE-002: in at most thirty lines the alerts after the one that is named, and each new one as it is raised."""
    assert len(EXAMPLE.read_text().splitlines()) <= 30
    await publish_alerts(risk, alert(1), alert(2))
    await _committed(url, 2)
    environment = {**os.environ, "CLEARTIDE_GATEWAY_URL": url}
    process = await asyncio.create_subprocess_exec("sh", str(EXAMPLE), "1", stdout=PIPE, env=environment)
    try:
        assert process.stdout is not None
        assert await _events(process.stdout, 2) == [("alert", 2), ("caught-up", 2)]
        await publish_alerts(risk, alert(3))
        assert await _events(process.stdout, 1) == [("alert", 3)]
    finally:
        process.terminate()
        await process.wait()


async def _events(stream: asyncio.StreamReader | aiohttp.StreamReader, count: int) -> list[tuple[str, int]]:
    """(event, id) of the next events."""
    found: list[tuple[str, int]] = []
    name = ""
    while len(found) < count:
        line = (await asyncio.wait_for(stream.readline(), 30)).decode().strip()
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("id: "):
            found.append((name, int(line.removeprefix("id: "))))
    return found


async def _committed(url: str, seq: int) -> None:
    """Wait until the feed has reached `seq`."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(30):
        while True:
            async with http.get(f"{url}/api/v1/alerts?limit=1") as response:
                body = await response.json()
            if body["next_after_seq"] >= seq:
                return
            await asyncio.sleep(0.02)
