"""Risk's accounts shared by two processes, each with a schema, a lease and rights of its own, behind one gateway."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from cleartide.contracts import LiquidateAccount, Message, RiskAlertRaised
from cleartide.contracts.codec import encode
from cleartide.ops.rebuild import rebuild
from cleartide.ops.restore import restore
from cleartide.ops.set_aside import RebuildError
from cleartide.ops.setup import setup
from nats.aio.client import Client

from deploy.local.ports import free_port
from services.risk.tests.scenario import Scenario
from services.risk.tests.support import Venue
from services.risk.tests.test_risk_pools import by_account
from services.risk.views import levels_view
from tests.support.installation import Installation

POOLS = ("risk", "risk_2")
STEPS = 300
AT_ONCE = 25


def played() -> tuple[Venue, list[Message]]:
    """A venue that one service watches, and all that the service said."""
    scenario = Scenario(23, markets=4, accounts=24, most_positions=3)
    for _ in range(STEPS):
        scenario.step()
    return scenario.venue, scenario.venue.effects.emitted


async def tell(client: Client, events: Sequence[Message]) -> None:
    """As matching does."""
    for first in range(0, len(events), AT_ONCE):
        await client.jetstream().publish(
            "trading.main", b"[" + b",".join(map(encode, events[first : first + AT_ONCE])) + b"]"
        )


async def said(installed: Installation) -> list[Message]:
    """What is in the gateway's feed, and what the pools' outboxes hold for matching."""
    feed = await installed.fetch("gateway", "SELECT payload FROM alert_feed ORDER BY seq")
    payloads: list[bytes] = [row[0].encode() for row in feed]
    for pool in POOLS:
        asked = await installed.fetch(pool, "SELECT payload FROM outbox WHERE channel = 'COMMANDS' ORDER BY first_seq")
        payloads += [row[0] for row in asked]
    kinds: dict[str, type[Message]] = {"RiskAlertRaised": RiskAlertRaised, "LiquidateAccount": LiquidateAccount}
    return [kinds[json.loads(payload)["type"]].model_validate_json(payload) for payload in payloads]


async def answer(url: str, path: str) -> Any:
    """One question over HTTP."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/api/v1{path}") as response:
        assert response.status == 200, await response.text()
        return await response.json()


@pytest.mark.timeout(120)
async def test_two_pools_with_a_kill_say_what_one_says(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RISK-POOL-007: two pools and a standby, one killed in the midst: together, in one feed, the alerts and requests
    of one service; questions about the venue add up; each schema equals its rebuild; the feed outlives the bus.
    Slow: seven processes start.
    """
    monkeypatch.setenv("CLEARTIDE_RISK_POOLS", "2")
    alone, expected = played()
    installed.risk_pools, port = 2, free_port()
    installed.write_secrets()
    await setup(installed.ops)
    await installed.start(*POOLS, "gateway", environment={"CLEARTIDE_GATEWAY_PORT": str(port)})
    standby = installed.spawn("risk_2", beside=True)
    half = len(alone.heard) // 2
    async with installed.client("matching") as matching:
        await tell(matching, alone.heard[:half])
        await standby.becomes("standby")
        installed.processes["risk_2"].kill()
        await tell(matching, alone.heard[half:])
        await installed.settled((*POOLS, "gateway"))
    told = by_account(await said(installed))
    assert _without_causes(told) == _without_causes(by_account(expected))
    await _questions(f"http://127.0.0.1:{port}", alone)
    installed.stop_services()
    for pool in POOLS:
        await rebuild(installed.ops, pool)
    monkeypatch.setenv("CLEARTIDE_RISK_POOLS", "3")
    with pytest.raises(RebuildError, match="pool: was"):
        await rebuild(installed.ops, "risk")
    await _new_bus(installed, await said(installed))


async def _new_bus(installed: Installation, before: list[Message]) -> None:
    """RISK is made anew from both outboxes; the gateway reads it from its start and knows what it has."""
    await installed.nats.stop()
    for store in installed.nats.folder.rglob("jetstream"):
        await asyncio.to_thread(shutil.rmtree, store)
    await installed.nats.start()
    made = await restore(installed.ops)
    assert made["RISK"] == sum(isinstance(message, RiskAlertRaised) for message in before)
    await installed.start("gateway")
    await installed.settled(("gateway",))
    assert await said(installed) == before
    installed.stop_services()


def _without_causes(told: dict[str, list[dict[str, object]]]) -> dict[str, list[str]]:
    """Correlation is the runner's to fill in; alerts and requests of one account are each in order."""
    return {
        account: [
            json.dumps({key: value for key, value in body.items() if key not in RUNNERS}, sort_keys=True)
            for body in sorted(bodies, key=lambda body: str(body["type"]))
        ]
        for account, bodies in told.items()
    }


RUNNERS = ("causation_id", "correlation_id")


async def _questions(url: str, alone: Venue) -> None:
    """The venue's figures are sums over the pools; an account is answered by its own."""
    state = alone.state
    summary = await answer(url, "/risk")
    holders = [account for account in state.accounts.values() if account.positions]
    counts: dict[int, int] = {}
    for account in state.accounts.values():
        counts[account.level] = counts.get(account.level, 0) + 1
    assert summary["levels"] == levels_view(counts)
    assert (summary["total"], summary["considered"]) == (len(holders), len(holders))
    assert sum(column["accounts"] for column in summary["histogram"]) == len(holders)
    for name in sorted(state.accounts)[:6]:
        assert (await answer(url, f"/accounts/{name}/tail"))["account"] == name
    market = sorted(state.markets)[0]
    exposure = next(row for row in (await answer(url, "/risk/exposure"))["markets"] if row["market"] == market)
    assert exposure["holders"] == len(state.markets[market].holders)
    steps = (await answer(url, f"/risk/liquidation-map?market={market}"))["steps"]
    assert len(steps) == 101
    assert len((await answer(url, "/risk/stress"))["scenarios"]) > 9
    assert len((await answer(url, "/positions"))["positions"]) > len(holders) // 2
