"""The operator's desk over real HTTP: who is admitted, what it shows and does, and what is written down of it."""

import base64
from collections.abc import AsyncIterator

import asyncpg
import pytest
from cleartide.contracts import MarkPriceUpdated, Message, ReportTrade, RiskAlertRaised
from cleartide.contracts.codec import encode
from cleartide.contracts.dead import DeadLettered
from cleartide.contracts.examples import EXAMPLES
from nats.aio.client import Client

from services.gateway.domain.roles import PERMISSIONS, ROLES, may
from services.gateway.tests.entrance import Entrance, Person, entrance
from tests.support.servers import Broker, Database

DEAD = "admin/dead-letters"


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with entrance(database, broker) as found:
        yield found


async def with_role(door: Entrance, role: str) -> Person:
    """Somebody who has a role."""
    person = await door.sign_in()
    async with door.truth.acting() as truth:
        await truth.add("admin_roles", user_id=person.user, role=role, granted_by="test", granted_at=1)
    return person


async def letter(client: Client, subject: str = "trades.BTC-PERP", *, whole: bool = True) -> None:
    """A refused message, as matching puts it away."""
    payload = encode(EXAMPLES[ReportTrade])
    change = {
        "service": "matching",
        "reason": "unknown_market",
        "subject_of_origin": subject,
        "payload_base64": base64.b64encode(payload if whole else payload[:9]).decode(),
        "payload_bytes": len(payload),
    }
    message = EXAMPLES[DeadLettered].model_copy(update=change)
    await client.jetstream().publish(message.subject, encode(message))


def test_roles_are_what_they_say() -> None:
    """GW-OPS-001: only an owner changes who may what, only owners and operators redrive, auditors change nothing."""
    assert {role for role in ROLES if may(role, "roles.write")} == {"owner"}
    assert {role for role in ROLES if may(role, "dead_letters.redrive")} == {"owner", "operator"}
    assert not any(permission.endswith(("write", "redrive")) for permission in PERMISSIONS["auditor"])
    assert not may(None, "venue.read")


async def test_strangers_people_and_keys_are_not_admitted(door: Entrance) -> None:
    """GW-OPS-002: every route of the desk refuses a stranger, a person without a role, and what a role lacks."""
    person, support = await door.sign_in(), await with_role(door, "support")
    reads = ["dead-letters", "dead-letters/1", "roles", "log", "venue", "venue/changes", "trace/1"]
    for path in reads:
        assert (await door.ask("GET", f"admin/{path}"))[0] == 401, path
        assert (await person.ask("GET", f"admin/{path}"))[0] == 403, path
    writes = [
        ("POST", f"{DEAD}/1/redrive", {"note": ""}),
        ("PUT", f"admin/roles/{person.user}", {"role": "owner"}),
        ("PUT", "admin/networks", {"networks": []}),
    ]
    for method, path, body in writes:
        assert (await door.ask(method, path, body))[0] == 401, path
        assert (await person.ask(method, path, body))[0] == 403, path
        assert (await support.ask(method, path, body))[0] == 403, path
    rows = await door.rows("SELECT actor, action, outcome, note FROM admin_log ORDER BY id LIMIT 10")
    assert [tuple(row) for row in rows] == [
        (support.user, action, "refused", "not with this role")
        for action in ("dead_letters.redrive", "roles.write", "networks.write")
    ]


async def test_dead_letters_are_listed_looked_at_and_given_again(door: Entrance, broker: Broker) -> None:
    """GW-OPS-003: newest first, with what was refused; a redrive reaches the sequence once and is logged."""
    operator = await with_role(door, "operator")
    async with broker.client() as client:
        for subject, whole in (("trades.BTC-PERP", True), ("admin.markets", True), ("trades.BTC-PERP", False)):
            await letter(client, subject, whole=whole)
        status, listed, _ = await operator.ask("GET", f"{DEAD}?limit=2")
        assert (status, [one["seq"] for one in listed["dead_letters"]], listed["last"]) == (200, [3, 2], 3)
        _, older, _ = await operator.ask("GET", f"{DEAD}?before=2")
        assert [one["seq"] for one in older["dead_letters"]] == [1]
        _, first, _ = await operator.ask("GET", f"{DEAD}/1")
        assert (first["reason"], first["redrivable"]) == ("unknown_market", True)
        assert '"ReportTrade"' in first["payload"]
        assert (await operator.ask("GET", f"{DEAD}/99"))[0] == 404
        for _ in range(2):
            status, done, _ = await operator.ask("POST", f"{DEAD}/1/redrive", {"note": "listed now"})
            assert (status, done["subject"]) == (202, "trades.BTC-PERP")
        for refused in (2, 3):
            status, why, _ = await operator.ask("POST", f"{DEAD}/{refused}/redrive", {"note": ""})
            assert (status, why["error"]["code"]) == (409, "not_from_here")
        state = await client.jetstream().stream_info("COMMANDS")
        assert state.state.messages == 1, "given twice, it is stored once"
    _, log, _ = await operator.ask("GET", "admin/log")
    line = log["log"][0]
    assert (line["action"], line["resource"], line["outcome"]) == ("dead_letters.redrive", "dead letter #1", "done")
    assert (line["old_value"], line["new_value"], line["note"]) == ("unknown_market", "trades.BTC-PERP", "listed now")
    assert (line["actor"], line["role"], line["ip"]) == (operator.user, "operator", "127.0.0.1")


async def test_roles_and_networks_change_with_old_and_new_in_the_log(door: Entrance) -> None:
    """GW-OPS-004: a role works from the next request on, nobody changes his own, and nobody shuts himself out."""
    owner, person = await with_role(door, "owner"), await door.sign_in()
    grant = f"admin/roles/{person.user}"
    assert (await owner.ask("PUT", grant, {"role": "auditor", "note": "for the year"}))[0] == 200
    assert (await person.ask("GET", "admin/log"))[0] == 200
    assert (await owner.ask("PUT", grant, {"role": None}))[0] == 200
    assert (await person.ask("GET", "admin/log"))[0] == 403
    assert (await owner.ask("PUT", f"admin/roles/{owner.user}", {"role": None}))[0] == 409
    status, why, _ = await owner.ask("PUT", "admin/networks", {"networks": ["10.0.0.0/8"]})
    assert (status, why["error"]["code"]) == (409, "would_shut_you_out")
    assert (await owner.ask("PUT", "admin/networks", {"networks": ["nowhere"]}))[0] == 422
    assert (await owner.ask("PUT", "admin/networks", {"networks": ["127.0.0.0/8", "10.0.0.0/8"]}))[0] == 200
    async with door.truth.acting() as truth:
        await truth.remove("admin_networks", {"network": "127.0.0.0/8"})
    assert (await owner.ask("GET", "admin/log"))[0] == 403, "from outside of the networks even the owner is refused"
    rows = await door.rows(
        "SELECT action, old_value, new_value FROM admin_log WHERE outcome = 'done' ORDER BY id LIMIT 9"
    )
    assert [tuple(row) for row in rows] == [
        ("roles.write", "", "auditor"),
        ("roles.write", "auditor", ""),
        ("networks.write", "", "10.0.0.0/8 127.0.0.0/8"),
    ]


async def test_the_log_is_never_changed(door: Entrance) -> None:
    """GW-OPS-005: neither the service nor the schema's owner can change or remove a line of the log."""
    await with_role(door, "owner")
    async with door.truth.acting() as truth:
        line = {"role": "owner", "ip": "127.0.0.1", "action": "a", "resource": "r", "outcome": "done"}
        await truth.add("admin_log", at=1, actor="u", **line)
    for statement in ("UPDATE admin_log SET note = 'x'", "DELETE FROM admin_log", "TRUNCATE admin_log"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await door.rows(statement)


async def test_the_way_of_an_alert_is_shown(door: Entrance, broker: Broker) -> None:
    """GW-OPS-006: from the alert to what caused it, with milliseconds, as `cleartide trace` tells it."""
    support = await with_role(door, "support")
    async with broker.client() as client:
        await traced(client)
    status, found, _ = await support.ask("GET", "admin/trace/1")
    assert status == 200, found
    assert [link["type"] for link in found["chain"]] == ["RiskAlertRaised", "MarkPriceUpdated"]
    assert found["chain"][-1]["milliseconds"] == 0
    assert (await support.ask("GET", "admin/trace/77"))[0] == 404


def changed(contract: type[Message], ident: str, cause: str) -> Message:
    return EXAMPLES[contract].model_copy(update={"id": ident, "causation_id": cause, "seq": 1})


async def traced(client: Client) -> None:
    """An alert, and the price that caused it."""
    for message in (
        changed(MarkPriceUpdated, "matching-events-1", ""),
        changed(RiskAlertRaised, "risk-risk-1", "matching-events-1"),
    ):
        payload = encode(message)
        await client.jetstream().publish(message.subject, b"[" + payload + b"]" if message.packed else payload)
