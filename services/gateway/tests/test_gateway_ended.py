"""A connection lives no longer than what it was opened with: whoever is put out hears nothing more, in any process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from deploy.local.valkey import ValkeyServer
from services.gateway.identity.standings import ENDED_CODE, ENDED_REASON
from services.gateway.tests.entrance import Answered, Entrance, Person, entrance, serving
from tests.support.servers import Broker, Database, forget_addresses

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture(autouse=True)
async def fresh_valkey(valkey: ValkeyServer) -> None:
    """Nothing counted, nothing remembered."""
    await forget_addresses(valkey)


@asynccontextmanager
async def two(
    database: Database, broker: Broker, valkey: ValkeyServer, recheck: float = 3_600
) -> AsyncIterator[tuple[Entrance, Entrance]]:
    """Two processes' worth of edge. `recheck`: seconds between questions that nobody has rung for."""
    async with (
        entrance(database, broker, redis_url=valkey.url, live_recheck_seconds=recheck) as door,
        serving(database, broker, redis_url=valkey.url, live_recheck_seconds=recheck) as second,
    ):
        yield door, second


@asynccontextmanager
async def listening(door: Entrance, account: str, **headers: str) -> AsyncIterator[Socket]:
    """A WebSocket that is told an account's alerts."""
    async with door.http.ws_connect(f"{door.url}/api/v1/ws", headers=headers) as ws:
        await ws.send_json({"op": "subscribe", "channel": "alerts", "account": account})
        assert (await ws.receive_json(timeout=30))["op"] == "snapshot"
        yield ws


@asynccontextmanager
async def following(door: Entrance, account: str, **headers: str) -> AsyncIterator[aiohttp.StreamReader]:
    """A stream of server-sent events of an account's alerts, which has begun."""
    stream = f"{door.url}/api/v1/alerts/stream?account={account}"
    async with door.http.get(stream, headers=headers, timeout=aiohttp.ClientTimeout(total=60)) as answer:
        assert answer.status == 200
        await answer.content.readuntil(b"event: caught-up")
        yield answer.content


async def told_to_go(ws: Socket) -> None:
    """The connection is closed, with the reason."""
    last = await ws.receive(timeout=30)
    assert (last.type, last.data, last.extra) == (aiohttp.WSMsgType.CLOSE, ENDED_CODE, ENDED_REASON)


async def lives(ws: Socket) -> None:
    """The connection still answers."""
    await ws.send_json({"op": "ping", "id": 1})
    assert (await ws.receive_json(timeout=30))["op"] == "pong"


async def test_an_ended_session_ends_its_connections(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-END-001: signing out closes the session's WebSockets and event streams at once, in every process."""
    async with two(database, broker, valkey) as (door, second):
        ann, ben = await door.sign_in(), await door.sign_in()
        async with (
            listening(door, ann.user, **ann.headers) as here,
            listening(second, ann.user, **ann.headers) as there,
            following(second, ann.user, **ann.headers) as events,
            listening(second, ben.user, **ben.headers) as other,
        ):
            assert (await ann.ask("POST", "auth/sign-out"))[0] == 200
            await asyncio.gather(told_to_go(here), told_to_go(there))
            async with asyncio.timeout(30):
                assert (await events.read()).endswith(b"event: ended\ndata: {}\n\n")
            await lives(other)


async def _ended_by_owner(ann: Person) -> Answered:
    return await ann.ask("DELETE", f"me/sessions/{ann.session['session']}")


async def _stolen(ann: Person) -> Answered:
    """The refresh token comes a second time."""
    for _ in range(2):
        answer = await ann.door.ask("POST", "auth/refresh", {"refresh_token": ann.session["refresh_token"]})
    return answer


async def test_a_connection_belongs_to_all_who_spoke_on_it(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-END-002: whichever way a session ends, what was said to be it ends: also one that named itself later."""
    async with two(database, broker, valkey) as (door, second):
        for end in (_ended_by_owner, _stolen):
            ann = await door.sign_in()
            async with second.http.ws_connect(f"{second.url}/api/v1/ws") as ws:
                await ws.send_json({"op": "auth", "token": ann.session["access_token"]})
                assert (await ws.receive_json(timeout=30))["op"] == "authenticated"
                assert (await end(ann))[0] in (200, 401)
                await told_to_go(ws)


async def test_a_withdrawn_key_ends_its_connections(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-END-003: a key that is revoked, or whose time is over, closes its connections; another key's live on."""
    async with two(database, broker, valkey, 0.1) as (door, second):
        ann = await door.sign_in()
        made = [(await ann.ask("POST", "me/keys", {"name": "n", "scopes": ["account:read"]}))[1] for _ in range(2)]
        async with (
            listening(second, ann.user, **{"X-API-Key": made[0]["key"]}) as first,
            listening(second, ann.user, **{"X-API-Key": made[1]["key"]}) as last,
        ):
            assert (await ann.ask("DELETE", f"me/keys/{made[0]['id']}"))[0] == 200
            await told_to_go(first)
            await lives(last)
            async with door.truth.acting() as truth:
                await truth.change("api_keys", {"id": made[1]["id"]}, expires_at=1)
            await told_to_go(last)


async def test_who_may_less_begins_anew(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-END-004: who loses the right to read for the venue, or is suspended, is told nothing more."""
    async with two(database, broker, valkey, 0.1) as (door, second):
        ann = await door.sign_in()
        lost: tuple[dict[str, Any], ...] = ({"scopes": []}, {"status": "suspended"})
        for states in lost:
            async with door.truth.acting() as truth:
                await truth.change("users", {"id": ann.user}, scopes=["venue:read"])
            await forget_addresses(valkey)
            async with second.http.ws_connect(f"{second.url}/api/v1/ws", headers=ann.headers) as ws:
                await ws.send_json({"op": "subscribe", "channel": "alerts"})
                assert (await ws.receive_json(timeout=30))["op"] == "snapshot"
                async with door.truth.acting() as truth:
                    await truth.change("users", {"id": ann.user}, **states)
                await told_to_go(ws)
