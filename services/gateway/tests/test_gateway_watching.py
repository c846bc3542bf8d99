"""Limits and answers to alerts over HTTP: the gateway says who asks, matching decides, the caller is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cleartide.bus.confirm import confirm
from cleartide.contracts import Message, RiskLimitsSet, TransferRejected
from cleartide.contracts.codec import encode
from nats.aio.msg import Msg

from deploy.local.valkey import ValkeyServer
from services.gateway.tests.entrance import Entrance, entrance
from tests.support.servers import Broker, Database

LIMITS = {"max_position": "250000.5", "max_leverage": 7}
NONE: dict[str, Any] = {"max_daily_loss_quanta": None, "max_drawdown_quanta": None, "max_value_at_risk_quanta": None}


@asynccontextmanager
async def deciding(door: Entrance, broker: Broker) -> AsyncIterator[list[dict[str, Any]]]:
    """Somebody in matching's place, who takes limits and refuses answers; yields the commands that came."""
    heard: list[dict[str, Any]] = []
    async with broker.client("operator") as operator, broker.client("matching") as matching:

        async def decide(message: Msg) -> None:
            command = json.loads(message.data)
            heard.append(command)
            await matching.publish("trading.main", b"[" + encode(_answer(command, len(heard))) + b"]")

        await operator.subscribe("transfers.>", cb=decide)
        await confirm(operator)
        yield heard


def _answer(command: dict[str, Any], seq: int) -> Message:
    head: dict[str, Any] = {"id": f"matching-{seq}", "seq": seq, "occurred_at": 1, "source": "matching"}
    head |= {"causation_id": command["id"], "account": command["account"]}
    if command["type"] == "SetRiskLimits":
        return RiskLimitsSet(max_position_quanta=250_000_500_000, max_leverage=7, **NONE, **head)
    return TransferRejected(reason="unknown_alert", **head)


async def test_limits_and_answers_are_commands_of_the_one_who_asks(
    database: Database, broker: Broker, valkey: ValkeyServer
) -> None:
    """GW-WATCH-001: the owner sets limits and is told what they are; a refusal comes with matching's reason."""
    async with entrance(database, broker, redis_url=valkey.url) as door, deciding(door, broker) as heard:
        ann = await door.sign_in()
        status, body, _ = await ann.ask("PUT", f"accounts/{ann.user}/limits", LIMITS)
        assert (status, body["events"][0]["type"]) == (202, "RiskLimitsSet"), body
        said = {"answer": "acknowledge", "note": "seen"}
        status, body, _ = await ann.ask("POST", f"accounts/{ann.user}/alerts/3/answers", said)
        assert (status, body["error"]["code"]) == (422, "unknown_alert")
    limits, answer = heard
    who = {"type": "SetRiskLimits", "account": ann.user, "actor": ann.user, "source": "gateway"}
    expected = {**who, **LIMITS, "max_drawdown": None}
    assert {name: limits[name] for name in expected} == expected
    expected = {"type": "AnswerAlert", "alert": 3, "answer": "acknowledge", "note": "seen", "actor": ann.user}
    assert {name: answer[name] for name in expected} == expected


@pytest.mark.parametrize("body", [{"max_leverage": 0}, {"max_position": "-1"}, {"max_position": 5}, {"sort": "x"}])
async def test_what_cannot_be_is_refused_before_it_is_sent(
    database: Database, broker: Broker, valkey: ValkeyServer, body: dict[str, Any]
) -> None:
    """GW-WATCH-002: a wrong limit or answer, a stranger, or another's account reach no stream."""
    async with entrance(database, broker, redis_url=valkey.url) as door, deciding(door, broker) as heard:
        ann, ben = await asyncio.gather(door.sign_in(), door.sign_in())
        limits = f"accounts/{ann.user}/limits"
        assert (await ann.ask("PUT", limits, body))[0] == 422
        assert (await door.ask("PUT", limits, LIMITS))[0] == 401
        assert (await ben.ask("PUT", limits, LIMITS))[0] == 403
        answers = f"accounts/{ann.user}/alerts"
        assert (await ann.ask("POST", f"{answers}/0/answers", {"answer": "resolve"}))[0] == 422
        assert (await ann.ask("POST", f"{answers}/1/answers", {"answer": "forget"}))[0] == 422
        assert (await ben.ask("GET", answers))[0] == 403
    assert heard == []


async def test_alerts_are_read_with_their_answers(database: Database, broker: Broker, valkey: ValkeyServer) -> None:
    """GW-WATCH-003: an account's alerts come from risk, on from a sequence, with what was answered."""
    asked: list[dict[str, Any]] = []
    async with entrance(database, broker, redis_url=valkey.url) as door, broker.client("risk") as risk:

        async def answer(message: Msg) -> None:
            asked.append(json.loads(message.data))
            await message.respond(b'{"ok": true, "data": {"as_of_seq": 1, "alerts": []}}')

        await risk.subscribe("query.risk.alerts", cb=answer)
        await confirm(risk)
        ann = await door.sign_in()
        status, body, _ = await ann.ask("GET", f"accounts/{ann.user}/alerts?after=7&limit=3")
    assert (status, body["alerts"]) == (200, [])
    assert asked == [{"account": ann.user, "after": 7, "limit": 3}]
