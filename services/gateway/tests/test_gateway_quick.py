"""Public answers given again at once: as counted and guarded as any other; and connections that come all together."""

import asyncio
from urllib.parse import urlsplit

import pytest

from deploy.local.valkey import ValkeyServer
from services.gateway.edge.patience import MOST_HEAD
from services.gateway.edge.quick import NEAR_SECONDS
from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.tests.support import MARKET, answering
from tests.support.servers import Broker, Database, forget_addresses

CROWD = 300


@pytest.fixture(autouse=True)
async def fresh_valkey(valkey: ValkeyServer) -> None:
    """Nothing counted, nothing kept."""
    await forget_addresses(valkey)


async def _raw(door: Entrance, text: bytes, times: int = 1) -> list[bytes]:
    """The same bytes on several connections at once; what is said on each until its end."""
    where = urlsplit(door.url)

    async def one() -> bytes:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(text)
        async with asyncio.timeout(30):
            said = await reader.read()
        writer.close()
        return said

    return await asyncio.gather(*(one() for _ in range(times)))


async def test_it_is_the_same_answer_and_counts(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-QUICK-001: a public answer given again has the same fields, and limit, meter and metrics count it."""
    async with (
        entrance(database, broker, redis_url=valkey.url, rate_burst=20, rate_per_second=1) as door,
        broker.client("matching") as matching,
    ):
        door.held_to_types = False
        await answering(matching, "query.matching.fee_schedules", {"ok": True, "data": {"schedules": []}})
        loop = asyncio.get_running_loop()
        started, passed = loop.time(), [await door.ask("GET", "fees")]
        while (answer := await door.ask("GET", "fees"))[0] == 200:
            passed.append(answer)
        assert 20 <= len(passed) <= 20 + (loop.time() - started) + 1
        assert (answer[0], answer[1]["error"]["code"]) == (429, "rate_limited")
        assert {str(body) for _, body, _ in passed} == {str(passed[0][1])}
        assert {frozenset(fields.keys()) for _, _, fields in passed} == {frozenset(passed[0][2].keys())}
        assert min(int(fields["RateLimit-Remaining"]) for _, _, fields in passed) < 10
        labels = {"method": "GET", "route": "/api/v1/fees", "status": "200"}
        assert door.count("cleartide_http_request_seconds_count", **labels) == len(passed)
        async with asyncio.timeout(30):
            while (await door.rows("SELECT count(*) AS n FROM request_log"))[0]["n"] <= len(passed):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_it_never_hides_who_asks(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-QUICK-002: credentials are looked at however public the route is: what has ended is refused at once."""
    async with (
        entrance(database, broker, redis_url=valkey.url) as door,
        broker.client("matching") as matching,
    ):
        door.held_to_types = False
        await answering(matching, "query.matching.fee_schedules", {"ok": True, "data": {"schedules": []}})
        person = await door.sign_in()
        for _ in range(3):
            assert (await door.ask("GET", "fees"))[0] == 200
            assert (await person.ask("GET", "fees"))[0] == 200
        assert (await person.ask("POST", "auth/sign-out"))[0] in (200, 204)
        assert (await door.ask("GET", "fees"))[0] == 200
        assert (await person.ask("GET", "fees"))[0] == 401
        assert (await door.ask("GET", "fees", X_API_Key="ctk_wrong"))[0] == 401
        assert (await door.ask("GET", "fees", Cleartide_After="x"))[0] == 422


async def test_it_is_renewed_and_a_crowd_asks_once(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-QUICK-003: a new answer is told soon after the kept one's time, and a crowd asks together."""
    async with (
        entrance(database, broker, redis_url=valkey.url) as door,
        broker.client("matching") as matching,
        broker.client("analytics") as analytics,
    ):
        data = {"markets": [MARKET]}
        await answering(analytics, "query.analytics.market_stats", {"ok": True, "data": {"markets": []}})
        asked = await answering(matching, "query.matching.markets", {"ok": True, "data": data})
        assert (await door.ask("GET", "markets"))[0] == 200
        before = len(asked)
        request = b"GET /api/v1/markets HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        said = await _raw(door, request, CROWD)
        assert all(one.startswith(b"HTTP/1.1 200") and b"BTC-PERP" in one for one in said)
        assert len(asked) - before < CROWD / 10
        count = len(asked)
        async with asyncio.timeout(30):
            while len(asked) == count:
                await asyncio.sleep(2 * NEAR_SECONDS)
                assert (await door.ask("GET", "markets"))[0] == 200


async def test_many_come_at_once(database: Database, broker: Broker) -> None:
    """GW-DOOR-009: hundreds of connections at one moment are all taken and answered."""
    async with entrance(database, broker) as door:
        request = b"GET /api/v1/prices HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert all(one.startswith(b"HTTP/1.1 200") for one in await _raw(door, request, CROWD))


async def test_what_is_no_request_is_told_so(database: Database, broker: Broker) -> None:
    """GW-DOOR-010: what cannot be read as HTTP, and a head without end, get 400 in the one form and an end."""
    async with entrance(database, broker) as door:
        fields = b"".join(b"X-Field-%d: %s\r\n" % (number, b"x" * 1_000) for number in range(MOST_HEAD // 1_000 + 2))
        for text in (b"nonsense\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n" + fields):
            said = (await _raw(door, text))[0]
            assert said.startswith(b"HTTP/1.1 400"), said[:200]
            assert b'{"error":{"code":"bad_request"' in said


async def test_when_every_place_is_taken(database: Database, broker: Broker) -> None:
    """GW-DOOR-011: beyond the places there are one is told 503 in the one form, and when to come again."""
    async with entrance(database, broker, max_connections=2) as door:
        where = urlsplit(door.url)
        held = [await asyncio.open_connection(where.hostname, where.port) for _ in range(3)]
        said = (await _raw(door, b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"))[0]
        assert said.startswith(b"HTTP/1.1 503"), said[:200]
        assert b'"code":"too_many_connections"' in said
        assert b"retry-after: 1" in said.lower()
        for _, writer in held:
            writer.close()
