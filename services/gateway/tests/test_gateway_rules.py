"""Alert rules over HTTP, on matching and risk as they are: set, watched, told with their alerts, removed, logged."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.pools import PooledUpstream
from services.gateway.tests.entrance import EvmWallet, Installed, Person, serving
from services.gateway.tests.support import answering
from services.gateway.tests.test_gateway_operations import with_role
from services.gateway.tests.trading import MARKET, Floor
from tests.support.installation import Installation
from tests.support.servers import Broker
from tests.support.traffic import START_TICKS, Traffic

RULE = "admin/rules/dear"
DEAR: dict[str, Any] = {"each": "market", "level": "critical", "when": "mark_price > 0", "markets": [MARKET]}
RICH: dict[str, Any] = {"each": "account", "level": "watch", "when": "equity > 100_000"}


@pytest.fixture
async def floor(installed: Installation) -> AsyncIterator[Floor]:
    """Matching puts rules in order, risk watches by them."""
    await installed.start("matching", "risk")
    async with installed.client() as operator, serving(Installed(installed), installed) as door:
        traffic = Traffic(operator, accounts=())
        await traffic.open_market()
        yield Floor(installed, door, traffic)


async def told(person: Person, position: int, path: str = "admin/rules") -> Any:
    """What a read knows once risk has come to a command."""
    status, found, _ = await person.ask("GET", path, Cleartide_After=str(position))
    assert status == 200, found
    return found


async def test_a_rule_is_set_watched_replaced_and_removed(floor: Floor) -> None:
    """GW-RULE-001: a rule counts from its place in the sequence on, is listed with its last alert, and is logged."""
    operator = await with_role(floor.door, "operator")
    body = {"rule": DEAR, "note": "tonight"}
    status, first, _ = await operator.ask("PUT", RULE, body, Idempotency_Key="once")
    assert (status, [event["type"] for event in first["events"]]) == (202, ["AlertRuleSet", "VenueChanged"]), first
    assert (await operator.ask("PUT", RULE, body, Idempotency_Key="once"))[1] == first, "given twice it is one"
    [rule] = (await told(operator, first["position"]))["rules"]
    assert {name: rule[name] for name in DEAR} == DEAR
    position = await floor.traffic.price(START_TICKS + 1)
    rule = await told(operator, position, RULE)
    assert (rule["holding"], rule["last"]["level"], rule["last"]["market"]) == (1, "critical", MARKET)
    _, alerts, _ = await operator.ask("GET", "admin/alerts")
    [alert] = alerts["alerts"]
    assert (alert["seq"], alert["rule"], alert["account"]) == (rule["last"]["seq"], "dear", rule["last"]["account"])
    status, second, _ = await operator.ask("PUT", RULE, {"rule": RICH})
    assert (await told(operator, second["position"], RULE))["last"]["level"] == "resolved"
    status, third, _ = await operator.ask("DELETE", f"{RULE}?note=enough")
    assert status == 202
    assert (await told(operator, third["position"]))["rules"] == []
    status, why, _ = await operator.ask("GET", RULE)
    assert (status, why["error"]["code"]) == (404, "unknown_rule")
    lines = await floor.door.rows(
        "SELECT action, resource, old_value, new_value, note FROM admin_log ORDER BY id LIMIT 9"
    )
    log = [(action, resource, _when(old), _when(new), note) for action, resource, old, new, note in lines]
    assert log == [
        ("rules.set", "dear", None, "mark_price > 0", "tonight"),
        ("rules.set", "dear", "mark_price > 0", "equity > 100_000", ""),
        ("rules.remove", "dear", "equity > 100_000", None, "enough"),
    ]


def _when(rule: str) -> Any:
    return json.loads(rule)["when"] if rule else None


async def test_a_rule_that_makes_no_sense_is_told_with_its_place(floor: Floor) -> None:
    """GW-RULE-002: what cannot be read is 422 with field and column, what matching refuses with its reason; no line."""
    operator = await with_role(floor.door, "operator")
    status, why, _ = await operator.ask("PUT", RULE, {"rule": {**DEAR, "when": "mark_price > equity"}})
    assert (status, why["error"]["code"]) == (422, "bad_rule")
    assert (why["error"]["detail"]["field"], why["error"]["detail"]["column"]) == ("when", 14)
    for wrong, code in (
        ({**DEAR, "until": "mark_price <"}, "bad_rule"),
        ({**DEAR, "each": "account", "when": "equity > 1"}, "bad_rule"),
        ({**DEAR, "markets": ["NONE-PERP"]}, "unknown_market"),
        ({**DEAR, "level": "resolved"}, "invalid_parameter"),
        ({**DEAR, "when": ""}, "invalid_parameter"),
        ({**DEAR, "name": "else"}, "invalid_parameter"),
    ):
        status, why, _ = await operator.ask("PUT", RULE, {"rule": wrong})
        assert (status, why["error"]["code"]) == (422, code), wrong
    assert (await operator.ask("PUT", "admin/rules/No", {"rule": DEAR}))[0] == 422
    status, why, _ = await operator.ask("DELETE", RULE)
    assert (status, why["error"]["code"]) == (422, "unknown_rule")
    assert await floor.door.rows("SELECT id FROM admin_log LIMIT 1") == []


async def test_who_may_read_rules_and_who_may_change_them(floor: Floor) -> None:
    """GW-RULE-003: every role reads rules, owners and operators change them; who sees the venue reads them."""
    door, wallet = floor.door, EvmWallet(5)
    person = await door.sign_in(wallet)
    reads = ("admin/rules", "admin/rule-figures", RULE)
    reading = "risk/rules"
    for path in (*reads, reading):
        assert (await door.ask("GET", path))[0] == 401, path
        assert (await person.ask("GET", path))[0] == 403, path
    for role in ("support", "auditor"):
        reader = await with_role(door, role)
        assert (await reader.ask("PUT", RULE, {"rule": DEAR}))[0] == 403
        assert (await reader.ask("DELETE", RULE))[0] == 403
        assert [(await reader.ask("GET", path))[0] for path in reads] == [200, 200, 404]
    assert (await person.ask("PUT", RULE, {"rule": {**DEAR, "when": "?"}}))[0] == 403, "who may not, is told only that"
    async with door.truth.acting() as truth:
        await truth.change("users", {"id": person.user}, scopes=["venue:read"])
    assert (await (await door.sign_in(wallet)).ask("GET", reading))[1]["rules"] == []
    assert (await (await with_role(door, "owner")).ask("PUT", RULE, {"rule": DEAR}))[0] == 202


async def test_pools_watch_by_the_same_rules(broker: Broker) -> None:
    """GW-RULE-004: of several pools a rule's alerts are counted together, and its last is the newest of all."""
    last = {"account": "a", "market": None, "level": "watch"}
    told = {
        "risk": [{"name": "b", "holding": 2, "last": {**last, "seq": 4, "raised_at": 7}}],
        "risk_2": [
            {"name": "a", "holding": 0, "last": None},
            {"name": "b", "holding": 3, "last": {**last, "seq": 1, "raised_at": 9}},
        ],
    }
    async with broker.client() as services, broker.client("gateway") as client:
        for pool, rules in told.items():
            data = {"as_of_seq": 9, "rules": rules}
            await answering(services, f"query.{pool}.alert_rules", {"ok": True, "data": data})
        answer = await PooledUpstream(client, EdgeMetrics(CollectorRegistry()), 5.0, 2).ask("risk", "alert_rules")
    assert answer == {
        "as_of_seq": 9,
        "rules": [
            {"name": "a", "holding": 0, "last": None},
            {"name": "b", "holding": 5, "last": {**last, "seq": 3, "raised_at": 9}},
        ],
    }
