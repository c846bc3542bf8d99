"""Two processes of the edge beside one that folds: whichever a client meets, it is one gateway."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from benchmarks.people import Person, signed_in
from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.sandbox.market import MARKET
from deploy.local.valkey import ValkeyServer
from services.gateway.identity.standings import ENDED_CODE
from services.gateway.tests.support import alert
from tests.support.installation import Installation, installation
from tests.support.traffic import Traffic, publish_surely

BURST = 60
CROWD = 8
Socket = aiohttp.ClientWebSocketResponse


@dataclass(frozen=True)
class Edges:
    """An installation whose edge is apart, twice."""

    installed: Installation
    urls: Sequence[str]
    http: aiohttp.ClientSession
    unused: int
    """The port at which the process that folds would serve an edge of its own."""

    async def ask(self, place: int, method: str, path: str, person: Person, **fields: str) -> tuple[int, Any]:
        """What one of the edges answers to somebody: status and body."""
        body = None
        if method == "POST" and path.endswith("orders"):
            body = {"market": MARKET, "side": "buy", "size": "0.001", "price": "50000.0", "time_in_force": "ioc"}
        headers = {"Authorization": f"Bearer {person.token}", **fields}
        url = f"{self.urls[place]}/api/v1/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    @asynccontextmanager
    async def told(self, place: int, person: Person) -> AsyncIterator[Socket]:
        """A WebSocket at one of the edges that is told somebody's alerts."""
        headers = {"Authorization": f"Bearer {person.token}"}
        async with self.http.ws_connect(f"{self.urls[place]}/api/v1/ws", headers=headers) as ws:
            await ws.send_json({"op": "subscribe", "channel": "alerts", "account": person.user})
            assert (await ws.receive_json(timeout=30))["op"] == "snapshot"
            yield ws


@pytest.fixture
async def edges(installed: Installation) -> AsyncIterator[Edges]:
    """The fold without an edge, matching, and two edges."""
    unused, *ports = free_port(), free_port(), free_port()
    shared = {"CLEARTIDE_SIGN_IN_DOMAINS": json.dumps(["app.example.com"]), "CLEARTIDE_UPSTREAM_TIMEOUT_SECONDS": "30"}
    limits = {
        "CLEARTIDE_RATE_BURST": str(BURST),
        "CLEARTIDE_RATE_PER_SECOND": "1",
        "CLEARTIDE_REDIS_CALL_SECONDS": "10",
    }
    started = [
        installed.spawn("matching"),
        installed.spawn(
            "gateway", {**shared, "CLEARTIDE_GATEWAY_EDGE": "apart", "CLEARTIDE_GATEWAY_PORT": str(unused)}
        ),
        *(
            installed.spawn(
                "gateway", {**shared, **limits, "CLEARTIDE_GATEWAY_PORT": str(port)}, beside=True, part="edge"
            )
            for port in ports
        ),
    ]
    await asyncio.gather(*(each.ready() for each in started))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
        yield Edges(installed, [f"http://127.0.0.1:{port}" for port in ports], http, unused)


@pytest.mark.timeout(120)
async def test_two_edges_are_one_gateway(edges: Edges) -> None:
    """GW-EDGE-001: sessions, idempotency, live rooms and limits are the same at each of several edges beside one fold.

    Slow: four processes start.
    """
    installed = edges.installed
    (ann,) = await signed_in(edges.urls[0], installed.service_dsn("gateway"), 1)
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", edges.unused)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(installed.client())
        await Traffic(client, accounts=(ann.user,)).open_market()
        sockets = [await stack.enter_async_context(edges.told(place, ann)) for place in (0, 1)]
        await _once(edges, ann)
        risk = await stack.enter_async_context(installed.client("risk"))
        await publish_surely(risk, alert(1, ann.user))
        for ws in sockets:
            said = await ws.receive_json(timeout=30)
            assert (said["op"], said["data"]["account"]) == ("update", ann.user), said
        await _limited(edges, ann)
        status, _ = await _let_in(edges, 0, "POST", "auth/sign-out", ann)
        assert status in (200, 204)
        assert (await _let_in(edges, 1, "GET", f"accounts/{ann.user}/orders", ann))[0] == 401
        for ws in sockets:
            last = await ws.receive(timeout=30)
            assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, ENDED_CODE)


async def _once(edges: Edges, ann: Person) -> None:
    """One key, at both edges at once: one order."""
    asked = [
        edges.ask(number % 2, "POST", f"accounts/{ann.user}/orders", ann, **{"Idempotency-Key": "one-order"})
        for number in range(CROWD)
    ]
    said = await asyncio.gather(*asked)
    assert {status for status, _ in said} == {201}, said
    assert len({(body["order_id"], body["position"]) for _, body in said}) == 1


async def _limited(edges: Edges, ann: Person) -> None:
    """Whoever goes from edge to edge has one allowance, not two."""
    started, passed = time.monotonic(), 0
    for number in range(2 * BURST + CROWD):
        status, body = await edges.ask(number % 2, "GET", f"accounts/{ann.user}/orders", ann)
        if status == 429:
            assert body["error"]["code"] == "rate_limited"
            break
        assert status == 200, body
        passed += 1
    else:
        raise AssertionError("never limited")
    assert passed <= BURST + (time.monotonic() - started) + 1


async def _let_in(edges: Edges, place: int, method: str, path: str, person: Person) -> tuple[int, Any]:
    """The same, once the limit lets it through."""
    async with asyncio.timeout(60):
        while True:
            status, body = await edges.ask(place, method, path, person)
            if status != 429:
                return status, body
            await asyncio.sleep(body["error"]["detail"]["retry_after_seconds"])


async def test_what_a_test_used_up_is_not_the_next_ones_concern(
    folder: Path, postgres: PostgresServer, valkey: ValkeyServer
) -> None:
    """RUN-TEST-001: a fresh installation finds no limits, sessions or answers of the one before on the same Valkey."""
    redis = Redis.from_url(valkey.url)
    await redis.set("limit:address:127.0.0.1", 10_000)
    async with installation(folder, postgres, valkey):
        assert await redis.dbsize() == 0
    await redis.aclose()
