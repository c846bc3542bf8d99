"""Risk in several pools: a list of the venue's is of all of them, from page to page without loss or repeat."""

import json
from typing import Any

import pytest
from cleartide.bus.confirm import confirm
from cleartide.contracts.types import JSON_SAFE
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.paging import paged
from services.gateway.edge.pools import PooledUpstream
from services.gateway.tests.support import answering
from tests.support.servers import Broker

Alerts = list[dict[str, Any]]
CAUSES = {
    "risk": (3, 3, 5, 9, 9, 9, 9, 12),
    "risk_2": (),
    "risk_3": (1, 3, 9, 9, 10, 11, 12, 12, 14, 15, 15),
}
"""Per pool the trading event that each of its alerts was raised at, in order: one event may concern many accounts."""


async def _serve(client: Client, pool: str) -> None:
    alerts = [{"seq": seq, "cause_seq": cause} for seq, cause in enumerate(CAUSES[pool], start=1)]

    async def newest(message: Msg) -> None:
        asked = json.loads(message.data)
        before, caused = asked.get("before", JSON_SAFE), asked.get("caused_before", JSON_SAFE)
        found = [one for one in reversed(alerts) if one["seq"] < before and one["cause_seq"] < caused]
        data = {"as_of_seq": 20, "alerts": found[: asked["limit"]]}
        await message.respond(json.dumps({"ok": True, "data": data}).encode())

    await client.subscribe(f"query.{pool}.alerts", cb=newest)
    await confirm(client)


async def _pages(upstream: PooledUpstream, limit: int) -> list[Alerts]:
    pages: list[Alerts] = []
    before: int | None = None
    while True:
        found = paged(await upstream.ask("risk", "alerts", limit=limit, before=before), "alerts", "seq", limit)
        assert found["as_of_seq"] == 20
        pages.append(found["alerts"])
        before = found["next"]
        if before is None:
            return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_alerts_of_the_venue_are_those_of_all_pools(broker: Broker, limit: int) -> None:
    """GW-POOL-001: the venue's alerts are every pool's, newest first, page by page without loss or repeat."""
    async with broker.client() as services, broker.client("gateway") as client:
        for pool in CAUSES:
            await _serve(services, pool)
        upstream = PooledUpstream(client, EdgeMetrics(CollectorRegistry()), 5.0, len(CAUSES))
        pages = await _pages(upstream, limit)
        top = await upstream.ask("risk", "alerts", limit=limit, before=JSON_SAFE)
        below = await upstream.ask("risk", "alerts", limit=limit, before=0)
    told = [alert for page in pages for alert in page]
    causes = [alert["cause_seq"] for alert in told]
    assert causes == sorted((cause for own in CAUSES.values() for cause in own), reverse=True)
    assert len({alert["seq"] for alert in told}) == len(told), "no two have one number"
    assert all(len(page) == limit for page in pages[:-1])
    assert top["alerts"] == pages[0], "before one that is not there yet is from the newest on"
    assert below["alerts"] == []


async def test_a_pool_that_has_seen_nothing_is_asked_with_the_others(broker: Broker) -> None:
    """GW-POOL-002: what is told of all pools is as of none while one of them has seen no event."""
    told = {"total": 1, "considered": 1, "levels": {"healthy": 1}, "liquidating": 0, "histogram": []}
    async with broker.client() as services, broker.client("gateway") as client:
        for pool, as_of in (("risk", 7), ("risk_2", None)):
            await answering(services, f"query.{pool}.summary", {"ok": True, "data": {**told, "as_of_seq": as_of}})
        upstream = PooledUpstream(client, EdgeMetrics(CollectorRegistry()), 5.0, 2)
        answer = await upstream.ask("risk", "summary")
    assert (answer["as_of_seq"], answer["total"], answer["levels"]) == (None, 2, {"healthy": 2})
