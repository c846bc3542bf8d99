"""Webhooks and notifications over real HTTP: what their owner may do, and that a second tenant finds nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.gateway.tests.entrance import Entrance, entrance
from tests.support.servers import Broker, Database


@pytest.fixture
async def door(database: Database, broker: Broker) -> AsyncIterator[Entrance]:
    async with entrance(database, broker, webhook_networks=("127.0.0.0/8",)) as found:
        yield found


HOOK = {"url": "http://127.0.0.1:9/hook", "kinds": ["order.filled", "risk.alert"]}


async def test_an_owner_manages_his_webhooks_and_another_finds_nothing(door: Entrance) -> None:
    """GW-HOOK-040: every route of webhooks, by its owner, by another, and by nobody."""
    ann, ben = await door.sign_in(), await door.sign_in()
    status, made, _ = await ann.ask("POST", "me/webhooks", HOOK)
    assert (status, made["state"], made["secret"][:6]) == (201, "active", "whsec_")
    path = f"me/webhooks/{made['id']}"
    calls: list[tuple[str, str, Any, int]] = [
        ("GET", path, None, 200),
        ("PATCH", path, {"state": "disabled"}, 200),
        ("PATCH", path, {"state": "active", "kinds": ["order.placed"]}, 200),
        ("POST", f"{path}/ping", None, 202),
        ("GET", f"{path}/deliveries?state=pending", None, 200),
        ("POST", f"{path}/replay", {}, 202),
        ("POST", f"{path}/rotate", None, 200),
        ("DELETE", path, None, 200),
    ]
    for method, where, body, expected in calls:
        assert (await door.ask(method, where, body))[0] == 401, where
        assert (await ben.ask(method, where, body))[0] == 404, where
        status, answer, _ = await ann.ask(method, where, body)
        assert status == expected, (where, answer)
        if where.startswith(f"{path}/deliveries"):
            assert [row["kind"] for row in answer["deliveries"]] == ["system.maintenance"]
    assert (await ann.ask("GET", "me/webhooks"))[1] == {"webhooks": []}


async def test_urls_and_kinds_that_will_not_do_are_refused(door: Entrance) -> None:
    """GW-HOOK-041: an address inside, another scheme, an unknown kind, a field too many: 422 with the reason."""
    ann = await door.sign_in()
    wrongs: list[dict[str, Any]] = [
        {"url": "https://10.0.0.1/"},
        {"url": "ftp://127.0.0.1/x"},
        {"kinds": ["order.lost"]},
        {"kinds": []},
        {"secret": "mine"},
    ]
    for wrong in wrongs:
        status, answer, _ = await ann.ask("POST", "me/webhooks", {**HOOK, **wrong})
        assert status == 422, (wrong, answer)


async def test_inbox_profile_and_price_alerts_are_their_owners(door: Entrance) -> None:
    """GW-NOTE-030: what is kept comes back to its owner, and to nobody else."""
    ann, ben = await door.sign_in(), await door.sign_in()
    profile = {
        "addresses": {"email": "ann@mail.example"},
        "choices": {"risk": {"channels": ["in_app", "email"], "least": "high"}},
        "quiet_hours": {"begin": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"},
    }
    status, kept, _ = await ann.ask("PUT", "me/notifications/profile", profile)
    assert (status, kept["quiet_hours"]) == (200, profile["quiet_hours"])
    assert (await ann.ask("GET", "me/notifications/profile"))[1] == kept
    assert (await ben.ask("GET", "me/notifications/profile"))[1]["addresses"]["email"] == ""
    wanted = {"market": "BTC-PERP", "direction": "above", "price": "70000"}
    status, made, _ = await ann.ask("POST", "me/price-alerts", wanted)
    assert status == 201, made
    assert (await ben.ask("DELETE", f"me/price-alerts/{made['id']}"))[0] == 404
    assert (await ben.ask("POST", "me/price-alerts", {**wanted, "account": ann.user}))[0] == 403
    assert (await ann.ask("DELETE", f"me/price-alerts/{made['id']}"))[0] == 200
    assert (await ann.ask("GET", "me/notifications"))[1] == {"notifications": [], "unread": 0, "next": None}
    assert (await ann.ask("POST", "me/notifications/read", {"ids": None}))[1] == {"read": 0}
    assert (await door.ask("GET", "me/notifications"))[0] == 401
