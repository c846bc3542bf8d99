"""What operators change over HTTP: who may, what matching is told, what the log keeps, and when it counts."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cleartide.bus.confirm import confirm
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.gateway.tests.entrance import Entrance, entrance
from services.gateway.tests.support import answering
from services.gateway.tests.test_gateway_operations import with_role
from tests.support.servers import Broker, Database

VENUE = {"mode": "demo", "kill_switch": "off", "maintenance": "off", "limits": {"demo": {}, "live": {}}, "tiers": {}}


@dataclass
class Venue:
    """Stands where matching does: does what it is told, but for going live."""

    client: Client
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def listen(self, operator: Client) -> None:
        for subject in ("admin.venue", "transfers.>"):
            await operator.subscribe(subject, cb=self._hear)
        await confirm(operator)

    async def _hear(self, message: Msg) -> None:
        command = json.loads(message.data)
        self.heard.append(command)
        if command["type"] == "SetVenueMode":
            letter = {"type": "DeadLettered", "causation_id": command["id"], "reason": "open_positions"}
            await self.client.publish("dead.matching.open_positions", json.dumps(letter).encode())
            return
        event = {"type": "VenueChanged", "causation_id": command["id"]}
        await self.client.publish("trading.main", json.dumps([event]).encode())


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with entrance(database, broker) as found:
        yield found


@pytest.fixture
async def venue(door: Entrance, broker: Broker) -> AsyncIterator[Venue]:
    async with broker.client() as operator, broker.client("matching") as client:
        found = Venue(client)
        await found.listen(operator)
        await answering(client, "query.matching.venue", {"ok": True, "data": VENUE})
        terms = {"accounts": [{"account": "a1", "tier": "free", "standing": "active"}]}
        await answering(client, "query.matching.account_terms", {"ok": True, "data": terms})
        yield found


async def logged(door: Entrance) -> list[tuple[Any, ...]]:
    rows = await door.rows(
        "SELECT action, resource, old_value, new_value FROM admin_log WHERE outcome = 'done' ORDER BY id LIMIT 20"
    )
    return [tuple(row) for row in rows]


async def test_the_venue_is_switched_with_old_and_new_in_the_log(door: Entrance, venue: Venue) -> None:
    """GW-OPS-010: an operator's switch goes into the sequence in his name; matching's refusal is told."""
    operator, support = await with_role(door, "operator"), await with_role(door, "support")
    switch = "admin/venue/switches/kill_switch"
    assert (await support.ask("PUT", switch, {"on": True}))[0] == 403
    status, told, _ = await operator.ask("PUT", switch, {"on": True, "note": "drill"}, Idempotency_Key="once")
    assert (status, told["events"][0]["type"]) == (202, "VenueChanged")
    assert (await operator.ask("PUT", switch, {"on": True, "note": "drill"}, Idempotency_Key="once"))[1] == told
    assert (await operator.ask("PUT", "admin/venue/limits/live", {"max_position": "5000"}))[0] == 202
    assert (await operator.ask("PUT", "admin/terms/a1", {"standing": "reduce_only"}))[0] == 202
    status, why, _ = await operator.ask("PUT", "admin/venue/mode", {"mode": "live"})
    assert (status, why["error"]["code"]) == (422, "open_positions")
    assert (await operator.ask("PUT", "admin/venue/switches/lights", {"on": True}))[0] == 422
    given = [(command["type"], command["by"]) for command in venue.heard]
    names = ("SetVenueSwitch", "SetVenueLimits", "SetAccountTerms", "SetVenueMode")
    assert given == [(name, operator.user) for name in names]
    assert await logged(door) == [
        ("venue.switch", "kill_switch", "off", "on"),
        ("venue.limits", "live", "", "max_daily_loss=none max_leverage=none max_position=5000"),
        ("account.terms", "a1", "standing=active", "standing=reduce_only"),
    ]


async def test_alerts_are_answered_for_the_venue(door: Entrance, venue: Venue) -> None:
    """GW-OPS-011: the desk reads every account's alerts and answers them; the note says which operator it was."""
    support, person = await with_role(door, "support"), await door.sign_in()
    assert (await person.ask("GET", "admin/alerts"))[0] == 403
    path = "admin/alerts/a1/7/answers"
    assert (await person.ask("POST", path, {"answer": "resolve"}))[0] == 403
    assert (await support.ask("POST", path, {"answer": "resolve", "note": "called them"}))[0] == 202
    [command] = venue.heard
    assert (command["type"], command["account"], command["alert"], command.get("actor")) == (
        "AnswerAlert",
        "a1",
        7,
        None,
    )
    assert command["note"] == f"{support.user}: called them"
    assert await logged(door) == [("alerts.answer", "a1 #7", "", "resolve")]


async def test_people_are_found_and_their_states_count_at_once(door: Entrance) -> None:
    """GW-OPS-012: tier, KYC and risk count from the next request; who is suspended is out at once."""
    owner, operator, person = await with_role(door, "owner"), await with_role(door, "operator"), await door.sign_in()
    _, found, _ = await operator.ask("GET", f"admin/people?wanted={person.user}")
    assert [(one["id"], one["tier"]) for one in found["people"]] == [(person.user, "free")]
    _, newest, _ = await operator.ask("GET", "admin/people?limit=1")
    _, older, _ = await operator.ask("GET", f"admin/people?limit=1&before={newest['next']}")
    assert older["people"][0]["created_at"] < newest["people"][0]["created_at"]
    path = f"admin/people/{person.user}"
    before = int((await person.ask("GET", "me"))[2]["RateLimit-Limit"])
    status, after, _ = await operator.ask("PATCH", path, {"tier": "pro", "kyc": "verified", "note": "papers seen"})
    assert (status, after["tier"], after["kyc"]) == (200, "pro", "verified")
    assert int((await person.ask("GET", "me"))[2]["RateLimit-Limit"]) > before
    assert (await operator.ask("PATCH", path, {"venue": True}))[0] == 403, "who sees the venue, an owner says"
    assert (await owner.ask("PATCH", path, {"venue": True}))[1]["scopes"] == ["venue:read"]
    assert (await operator.ask("PATCH", f"admin/people/{operator.user}", {"tier": "pro"}))[0] == 409
    assert (await operator.ask("PATCH", "admin/people/u00000000000000000000", {"tier": "pro"}))[0] == 404
    assert (await operator.ask("PATCH", path, {}))[0] == 422
    assert (await operator.ask("PATCH", path, {"status": "suspended"}))[0] == 200
    assert (await person.ask("GET", "me"))[0] == 401
    assert await logged(door) == [
        ("people.write", person.user, "kyc=none tier=free", "kyc=verified tier=pro"),
        ("people.write", person.user, "scopes=none", "scopes=venue:read"),
        ("people.write", person.user, "status=active", "status=suspended"),
    ]
