"""What nobody gets past: too large, too slow, not text, not signed in, somebody else's; and one effect per key."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import pytest
from fastapi import FastAPI

from deploy.local.valkey import ValkeyServer
from services.gateway.domain.access import DEMO, Principal
from services.gateway.edge.authorisation import PUBLIC, SCOPES
from services.gateway.edge.server import embedded
from services.gateway.settings import GatewaySettings
from services.gateway.tests.crowd import Decider, at_once
from services.gateway.tests.entrance import Entrance, EvmWallet, SolanaWallet, entrance, serving
from services.gateway.tests.support import answering
from tests.support.servers import Broker, Database, forget_addresses

FAMILY = {"ok": True, "data": {"accounts": []}}


@pytest.fixture(autouse=True)
async def fresh_valkey(valkey: ValkeyServer) -> None:
    """Nothing counted, nothing remembered."""
    await forget_addresses(valkey)


async def _raw(door: Entrance, *parts: bytes) -> bytes:
    """What the server says to these bytes until it closes."""
    where = urlsplit(door.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()


def _post(body: bytes, length: int | None = None) -> bytes:
    head = "POST /api/v1/auth/nonce HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return head.encode() + f"Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


async def test_bodies_are_small_soon_and_text(database: Database, broker: Broker) -> None:
    """GW-DOOR-001: a body that is too large, too slow or not UTF-8 is refused, in the one form."""
    async with entrance(database, broker, body_seconds=2) as door:
        expected = {
            b"413 body_too_large": (_post(b"x", 10**7),),
            b"413 body_too_large ": (_post(b"", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"),),
            b"408 body_too_slow": (_post(b'{"chain":', 40),),
            b"400 bad_encoding": (_post(b'{"chain": "\xff\xfe"}'),),
            b"422 invalid_parameter": (_post(b'{"chain": "\\ud800"}'),),
            b"400 bad_request": (_post(b"[" * 60_000),),
        }
        chunks = b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n" + b"2\r\nxx\r\n"
        for wanted, parts in expected.items():
            status, code = wanted.split()[:2]
            answer = await _raw(door, *parts, *([chunks] if b"chunked" in parts[0] else []))
            assert answer.startswith(b"HTTP/1.1 " + status), (wanted, answer[:300])
            assert b'"code":"' + code in answer, (wanted, answer[:300])
        assert (await door.ask("POST", "auth/nonce", {"chain": "celo"}))[0] == 201


async def test_a_connection_rests_longer_than_clients_keep_it(database: Database, broker: Broker) -> None:
    """GW-DOOR-012: aiohttp keeps a connection for 15 s, so it never meets one that is closing; one at rest ends."""
    assert embedded(FastAPI(), GatewaySettings()).config.timeout_keep_alive > 15
    async with entrance(database, broker, idle_seconds=1) as door:
        assert (await _raw(door, b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_a_slow_loris_starves(database: Database, broker: Broker) -> None:
    """GW-DOOR-002: a connection whose request does not begin in time is closed; one that works goes on."""
    async with entrance(database, broker, head_seconds=1.5) as door:
        assert await _raw(door) == b""
        where = urlsplit(door.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(b"GET /api/health HTTP/1.1\r\nHost: x\r\n")
        dribble = asyncio.create_task(_dribble(writer))
        async with asyncio.timeout(30):
            assert await _until_its_end(reader) == b"", "no answer, and an end"
        dribble.cancel()
        writer.close()
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for _ in range(3):
            writer.write(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            assert head.startswith(b"HTTP/1.1 200")
        writer.close()
        async with door.http.ws_connect(f"{door.url}/api/v1/ws") as ws:
            for number in range(6):
                await ws.send_json({"op": "ping", "id": number})
                assert (await ws.receive_json(timeout=30))["id"] == number
                await asyncio.sleep(0.3)


async def _until_its_end(reader: asyncio.StreamReader) -> bytes:
    """What is said on a connection that ends; to bytes that come after its end a server answers with a reset."""
    said = b""
    with suppress(ConnectionResetError):
        while part := await reader.read(4_096):
            said += part
    return said


async def _dribble(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"X-Slow: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _every_route(door: Entrance) -> list[tuple[str, str]]:
    """Method and pattern of every route of the API."""
    async with door.http.get(f"{door.url}/api/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    return [
        (method.upper(), path) for path, methods in paths.items() if path.startswith("/api/v1") for method in methods
    ]


def _filled(path: str, account: str, user: str) -> str:
    """A path with the other's names in its places."""
    known = {"account": account, "market": "BTC-PERP", "delegate": user, "chain": "ethereum", "vault": "v"}
    known |= {"address": EvmWallet(1).address, "session": "s_1", "key": "k_1"}
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, known.get(part.strip("{}"), "1"))
    return path.removeprefix("/api/v1/")


async def test_no_route_shows_or_does_anything_for_a_stranger_or_another(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-DOOR-003: a stranger gets the public routes, and nobody another's account or the venue's figures."""
    async with entrance(database, broker, redis_url=valkey.url) as door, broker.client("matching") as matching:
        ann, ben = await door.sign_in(), await door.sign_in(SolanaWallet(5))
        await answering(matching, "query.matching.family", FAMILY)
        routes = await _every_route(door)
        assert len(routes) > 40
        for method, path in routes:
            name, filled = f"{method} {path}", _filled(path, ann.user, ben.user)
            status, body, _ = await door.ask(method, filled)
            if name in PUBLIC:
                assert status not in (401, 403) or "/auth/" in path, (name, body)
                continue
            assert (name, status, body["error"]["code"]) == (name, 401, "sign_in_required")
            if "{account}" in path or name not in SCOPES:
                status, body, _ = await ben.ask(method, filled)
                assert (name, status, body["error"]["code"]) == (name, 403, "not_permitted")
        for path in ("positions", "alerts", "alerts/stream"):
            assert (await ben.ask("GET", f"{path}?account={ann.user}"))[0] == 403
            assert (await ben.ask("GET", f"{path}?account={ben.user}&account={ann.user}"))[0] != 200
        there = {f"{method} {path}" for method, path in routes}
        opened = {name for name in (*PUBLIC, *SCOPES) if " /api/v1/" in name and not name.startswith("WEBSOCKET")}
        assert opened - there == set(), "a line for a route that is not there"


async def test_an_owner_and_a_delegate_read(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-DOOR-004: an owner reads the accounts of the family, a delegate the one account, live as well."""
    async with entrance(database, broker, redis_url=valkey.url) as door, broker.client("matching") as matching:
        door.held_to_types = False
        ann, ben = await door.sign_in(), await door.sign_in(SolanaWallet(5))
        hedge = f"{ann.user}--hedge"
        members = [
            {"account": ann.user, "delegates": {}},
            {"account": hedge, "delegates": {ben.user: ["trade"]}},
        ]
        await answering(matching, "query.matching.family", {"ok": True, "data": {"accounts": members}})
        await answering(matching, "query.matching.margin", {"ok": True, "data": {"equity": "1"}})
        for person, account, status in (
            (ann, ann.user, 200),
            (ann, hedge, 200),
            (ben, hedge, 200),
            (ben, ann.user, 403),
            (ben, f"{ann.user}x", 403),
            (ann, ann.user[:-1], 403),
        ):
            assert (account, (await person.ask("GET", f"accounts/{account}/margin"))[0]) == (account, status)
        narrowed = {"name": "n", "scopes": ["account:read"], "accounts": [hedge]}
        _, made, _ = await ann.ask("POST", "me/keys", narrowed)
        assert (await door.ask("GET", f"accounts/{hedge}/margin", X_API_Key=made["key"]))[0] == 200
        assert (await door.ask("GET", f"accounts/{ann.user}/margin", X_API_Key=made["key"]))[0] == 403
        async with door.http.ws_connect(f"{door.url}/api/v1/ws", headers=ben.headers) as ws:
            for whose in (None, ann.user):
                await ws.send_json({"op": "subscribe", "channel": "alerts", "account": whose})
                told = await ws.receive_json(timeout=30)
                assert (told["op"], told["error"]["code"]) == ("error", "not_permitted")
            await ws.send_json({"op": "subscribe", "channel": "alerts", "account": hedge})
            assert (await ws.receive_json(timeout=30))["op"] == "snapshot"


async def test_a_browsers_connection_says_who_it_is(database: Database, broker: Broker) -> None:
    """GW-DOOR-008: a browser's live connection says who it is by the protocols that it offers."""
    async with entrance(database, broker) as door:
        ann = await door.sign_in()
        _, made, _ = await ann.ask("POST", "me/keys", {"name": "n", "scopes": ["account:read"]})
        for token in (ann.session["access_token"], made["key"]):
            offered = ("cleartide.v1", f"cleartide.token.{token}")
            async with door.http.ws_connect(f"{door.url}/api/v1/ws", protocols=offered) as ws:
                assert ws.protocol == "cleartide.v1"
                await ws.send_json({"op": "subscribe", "channel": "alerts", "account": ann.user})
                assert (await ws.receive_json(timeout=30))["op"] == "snapshot"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await door.http.ws_connect(f"{door.url}/api/v1/ws", protocols=("cleartide.v1", "cleartide.token.forged"))
        assert refused.value.status in (401, 403)


async def test_a_command_is_given_once_and_answered(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-DOOR-005: a command goes in the person's name, once per Idempotency-Key, answered by what matching said."""
    async with (
        entrance(database, broker, redis_url=valkey.url) as door,
        serving(database, broker, redis_url=valkey.url) as second,
        broker.client() as operator,
        broker.client("matching") as matching,
    ):
        ann = await door.sign_in()
        decider = Decider(matching)
        await decider.listen(operator)
        answers = await at_once(ann, (door, second), 20)
        assert {status for status, _, _ in answers} == {202}
        assert len({body["command_id"] for _, body, _ in answers}) == 1
        assert sum(headers.get("Idempotent-Replayed") == "true" for _, _, headers in answers) == 19
        assert [(one["type"], one["account"], one["name"], one["actor"]) for one in decider.heard] == [
            ("OpenSubaccount", ann.user, "hedge", ann.user)
        ]
        assert answers[0][1]["events"][0]["type"] == "SubaccountOpened"
        status, body, _ = await ann.ask("POST", "me/accounts", {"name": "other"}, Idempotency_Key="one")
        assert (status, body["error"]["code"]) == (422, "idempotency_key_reused")
        status, body, _ = await ann.ask("POST", "me/accounts", {"name": "twice"})
        assert (status, body["error"]["code"]) == (422, "account_exists")
        assert (await ann.ask("POST", "me/accounts", {"name": "more"}, Idempotency_Key="\u00e9"))[0] == 422


async def test_profile_and_wallets(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-DOOR-006: a person changes the profile, links wallets of several chains, and keeps the last way in."""
    async with entrance(database, broker, redis_url=valkey.url) as door:
        ann, ben = await door.sign_in(EvmWallet(21)), await door.sign_in(EvmWallet(22))
        wish = {"display_name": "Ann \u2713", "username": "ann_1", "preferences": {"theme": "dark"}}
        status, me, _ = await ann.ask("PATCH", "me", wish)
        assert (status, me["display_name"], me["preferences"]) == (200, "Ann \u2713", {"theme": "dark"})
        assert (await ben.ask("PATCH", "me", {"username": "ann_1"}))[1]["error"]["code"] == "username_taken"
        for bad in (
            {"tier": "enterprise"},
            {"display_name": "a\u0000b"},
            {"email": "no"},
            {"preferences": {"a": "\u0000"}},
        ):
            assert (bad, (await ann.ask("PATCH", "me", bad))[0]) == (bad, 422)
        proof = await door.statement(SolanaWallet(21), "me/wallets/nonce", **ann.headers)
        assert (await ben.ask("POST", "me/wallets", proof))[1]["error"]["code"] == "nonce_refused"
        status, linked, _ = await ann.ask("POST", "me/wallets", {**proof, "label": "cold"})
        assert (status, linked["chain"], linked["label"], linked["is_main"]) == (201, "solana", "cold", False)
        taken = await door.statement(SolanaWallet(21), "me/wallets/nonce", **ben.headers)
        assert (await ben.ask("POST", "me/wallets", taken))[1]["error"]["code"] == "wallet_taken"
        celo = await door.statement(EvmWallet(21, chain="celo"), "me/wallets/nonce", **ann.headers)
        assert (await ann.ask("POST", "me/wallets", celo))[0] == 201
        assert (await door.sign_in(SolanaWallet(21))).user == ann.user
        address = EvmWallet(21).address
        for chain, held, status in (("ethereum", address, 200), ("ethereum", address, 404), ("celo", address, 200)):
            assert (await ann.ask("DELETE", f"me/wallets/{chain}/{held.lower()}"))[0] == status
        last = await ann.ask("DELETE", f"me/wallets/solana/{SolanaWallet(21).address}")
        assert (last[0], last[1]["error"]["code"]) == (409, "last_way_in")
        assert (await door.sign_in(EvmWallet(21))).user != ann.user, "an unlinked wallet is nobody's"


def test_what_scopes_allow() -> None:
    """GW-DOOR-007: scopes and ownership by the pure rules: an onlooker writes nothing, a key signs what it writes."""
    assert DEMO.has("venue:read")
    assert not DEMO.has("orders:write")
    key = Principal("key", "u1", scopes=frozenset({"orders:write", "account:read"}))
    assert (key.has("account:read"), key.has("orders:write")) == (True, False)
    signed = Principal("key", "u1", scopes=frozenset({"orders:write"}), signed=True, accounts=("u1--a",))
    assert signed.has("orders:write")
    assert [signed.owns(name) for name in ("u1--a", "u1", "u1--b", "u2", "")] == [True, False, False, False, False]
    assert not Principal("demo").owns("")
