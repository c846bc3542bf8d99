"""Own answers given again at once: to one person alone, while he may have them and nothing has happened to them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.types import Message, Scope

from services.gateway.domain.access import OWNER_SCOPES, Principal
from services.gateway.edge.freshness import KEPT_MS, Freshness, Place
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.near import AGE_SECONDS, EVENT_SECONDS, MOST_BYTES, MOST_HELD, Found, Near, name_of
from services.gateway.tests.entrance import Entrance, Person, entrance
from services.gateway.tests.support import answering
from tests.support.servers import Broker, Database

ANN = Principal("session", "ann", scopes=frozenset(OWNER_SCOPES), session="s1")
HIT = "cleartide; hit"
ORDERS: dict[str, Any] = {"ok": True, "data": {"as_of_seq": 1, "orders": []}}


class Room:
    """Answers held, on a clock that stands still, in a process that has heard every event for long enough."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.freshness = Freshness(lambda: self.now)
        self.now += KEPT_MS / 1_000
        self.near = Near(self.freshness, EdgeMetrics(CollectorRegistry()), lambda: self.now)

    async def given(self, path: str = "/api/v1/accounts/ann/orders", principal: Principal = ANN) -> bytes | None:
        """What is given again."""
        said: list[Message] = []

        async def send(message: Message) -> None:
            said.append(message)

        scope = asked(path)
        name = name_of(principal, scope)
        if name is None or not await self.near.give(name, scope, send):
            return None
        assert (said[0]["status"], dict(said[0]["headers"])[b"cache-status"]) == (200, HIT.encode())
        return bytes(said[1]["body"])

    async def told(
        self, body: bytes, path: str = "/api/v1/accounts/ann/orders", *, status: int = 200, alone: bool = True
    ) -> None:
        """An answer that went the whole way."""
        scope, key = asked(path), ("orders", path.split("/")[4], 50)

        async def send(_message: Message) -> None:
            pass

        name = name_of(ANN, scope)
        assert name is not None
        found = Found(alone, (key, 500), self.freshness.version(key, 500))
        hear = self.near.holding(name, scope, send, found)
        headers = [(b"content-type", b"application/json"), (b"cache-status", b"cleartide; fwd=uri-miss; stored")]
        await hear({"type": "http.response.start", "status": status, "headers": headers})
        await hear({"type": "http.response.body", "body": body})


def asked(path: str, method: str = "GET", headers: Sequence[tuple[bytes, bytes]] = ()) -> Scope:
    """A request, as ASGI has it."""
    return {"type": "http", "method": method, "raw_path": path.encode(), "query_string": b"", "headers": [*headers]}


async def test_it_is_given_until_something_happens_to_it() -> None:
    """GW-NEAR-001: one's own answer is given again until the next event about it, and a second at most."""
    room = Room()
    await room.told(b"before")
    assert await room.given() == b"before"
    room.freshness.hear([Place("OrderAccepted", 7, account="ben")])
    room.now += 0.9 * EVENT_SECONDS
    assert await room.given() == b"before"
    room.freshness.hear([Place("OrderAccepted", 8, account="ann")])
    assert await room.given() is None, "at once, whatever the clock says"
    await room.told(b"after")
    room.now += 0.9 * AGE_SECONDS
    assert await room.given() == b"after"
    room.now += 0.2 * AGE_SECONDS
    assert await room.given() is None, "of what has just happened services may not know yet"


async def test_past_its_time_one_request_renews_it() -> None:
    """GW-NEAR-002: past its time one request goes the whole way, others are given it for at most as long again."""
    room = Room()
    await room.told(b"old")
    room.now += EVENT_SECONDS
    assert [await room.given() for _ in range(3)] == [None, b"old", b"old"]
    room.now += EVENT_SECONDS
    assert [await room.given() for _ in range(2)] == [None, None]
    await room.told(b"new")
    assert await room.given() == b"new"


async def test_what_is_not_his_alone_to_see_is_not_held() -> None:
    """GW-NEAR-003: held is a kept answer that who asks and for what decides alone; it is that principal's only."""
    room = Room()
    await room.told(b"by a delegate", alone=False)
    assert await room.given() is None
    await room.told(b"no", status=404)
    assert await room.given() is None
    await room.told(b"x" * (MOST_BYTES + 1))
    assert await room.given() is None
    await room.told(b"mine")
    assert await room.given() == b"mine"
    assert await room.given(path="/api/v1/accounts/ann/ledger") is None
    for other in (Principal("session", "ben"), Principal("key", "ann", key="k", accounts=("ann--a",))):
        assert await room.given(principal=other) is None
    path = "/api/v1/accounts/ann/orders"
    assert name_of(ANN, asked(path, headers=[(b"cleartide-after", b"9")])) is None
    assert name_of(ANN, asked(path, "HEAD")) is None
    assert name_of(Principal("anonymous"), asked(path)) is None


async def test_memory_is_bounded() -> None:
    """GW-NEAR-004: of more answers than are held the ones that were renewed longest ago go."""
    room = Room()
    for number in range(MOST_HELD + 1):
        await room.told(b"%d" % number, f"/api/v1/accounts/{number}/orders")
    assert await room.given("/api/v1/accounts/0/orders") is None
    assert await room.given("/api/v1/accounts/1/orders") == b"1"


async def _again(person: Person, path: str) -> None:
    """Ask until an answer was given again."""
    async with asyncio.timeout(30):
        while True:
            status, _, fields = await person.ask("GET", path)
            assert status == 200
            if fields["Cache-Status"] == HIT:
                return


async def _requests(door: Entrance, user: str) -> int:
    return int((await door.rows("SELECT count(*) AS n FROM request_log WHERE user_id = $1", user))[0]["n"])


async def test_every_request_is_checked_and_counted(database: Database, broker: Broker) -> None:
    """GW-NEAR-005: a request that is given an answer again is checked, limited, metered and measured like any other."""
    async with entrance(database, broker) as door, broker.client("matching") as matching:
        door.held_to_types = False
        await answering(matching, "query.matching.orders", ORDERS)
        await answering(matching, "query.matching.family", {"ok": True, "data": {"accounts": []}})
        ann, ben = await door.sign_in(), await door.sign_in()
        path = f"accounts/{ann.user}/orders"
        first = (await ann.ask("GET", path))[2]
        await _again(ann, path)
        last = (await ann.ask("GET", path))[2]
        assert first.keys() == last.keys()
        assert int(last["RateLimit-Remaining"]) < int(first["RateLimit-Remaining"])
        assert (await ben.ask("GET", path))[0] == 403
        assert (await ann.ask("GET", path, Cleartide_After="x"))[0] == 422
        assert (await ann.ask("POST", "auth/sign-out"))[0] in (200, 204)
        assert (await ann.ask("GET", path))[0] == 401
        route = "/api/v1/accounts/{account}/orders"
        answered = door.count("cleartide_http_request_seconds_count", method="GET", route=route, status="200")
        async with asyncio.timeout(30):
            while await _requests(door, ann.user) < answered + 2:  # noqa: ASYNC110 - the meter writes when it does
                await asyncio.sleep(0.05)


async def test_a_delegate_is_asked_for_each_time(database: Database, broker: Broker) -> None:
    """GW-NEAR-006: what an account's owner has opened to a delegate is looked up with every request."""
    async with entrance(database, broker) as door, broker.client("matching") as matching:
        door.held_to_types = False
        ann, ben = await door.sign_in(), await door.sign_in()
        opened = {"accounts": [{"account": ann.user, "delegates": {ben.user: ["trade"]}}]}
        await answering(matching, "query.matching.orders", ORDERS)
        families = await answering(matching, "query.matching.family", {"ok": True, "data": opened})
        for number in range(1, 21):
            assert (await ben.ask("GET", f"accounts/{ann.user}/orders"))[0] == 200
            assert len(families) == number
