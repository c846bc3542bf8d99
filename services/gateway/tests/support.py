"""The edge on real servers, inside the test's own loop; and what risk and matching would say to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
from cleartide.bus.confirm import confirm
from cleartide.contracts import AlertInput, AlertLevel, MarkPriceUpdated, Message, RiskAlertRaised, TradeExecuted
from cleartide.contracts.codec import encode
from cleartide.store.truth import TruthStore
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from services.gateway.edge.server import Resources, listening_socket, run_edge
from services.gateway.settings import GatewaySettings
from tests.support.installation import Installation

START = 1_790_000_000_000_000
MARKET = {
    "market": "BTC-PERP",
    "base": "BTC",
    "quote": "USDC",
    "tick_size": "0.1",
    "lot_size": "0.001",
    "taker_fee_ppb": 450_000,
    "maker_fee_ppb": -50_000,
    "brackets": [{"upper_notional": None, "initial_margin_ppb": 10_000_000, "maintenance_fraction_ppb": 500_000_000}],
    "mark": "97000.1",
    "index": "97000.0",
    "last": None,
    "index_stale": False,
    "priced_at": START,
    "best_bid": None,
    "best_ask": None,
    "open_interest": "1.500",
    "funding_rate_ppb": 12_500,
}


def alert(seq: int, account: str = "a1", level: AlertLevel = "watch", *, positions: int = 1) -> RiskAlertRaised:
    """An alert as risk would raise it."""
    held = AlertInput(
        market="BTC-PERP",
        lots=-1500,
        mark_ticks=970_001,
        value="-145500.150000",
        quote="145609.900726",
        maintenance_margin="1455.001500",
    )
    return RiskAlertRaised(
        id=f"risk-RISK-{seq}",
        seq=seq,
        occurred_at=START + seq,
        source="risk",
        account=account,
        account_seq=seq,
        level=level,
        previous_level=None,
        health_factor="1.449999",
        equity="2109.750726",
        maintenance_margin="1455.001500",
        cash="2000.000000",
        unsettled_funding="0.000000",
        inputs=(held,) * positions,
        cause_id=f"matching-{seq}",
    )


def mark_price(seq: int, ticks: int, market: str = "BTC-PERP") -> MarkPriceUpdated:
    """A mark price as matching would say it."""
    return MarkPriceUpdated(
        id=f"matching-{seq}",
        seq=seq,
        occurred_at=START + seq,
        source="matching",
        market=market,
        mark_ticks=ticks,
        index_ticks=ticks - 3,
        index_stale=False,
        best_bid_ticks=ticks - 1,
        best_ask_ticks=ticks + 1,
        last_ticks=None,
        open_interest_lots=12_345,
    )


def trade(seq: int, ticks: int, lots: int) -> TradeExecuted:
    """A trade as matching would say it."""
    return TradeExecuted(
        id=f"matching-{seq}",
        seq=seq,
        occurred_at=START + seq,
        source="matching",
        market="BTC-PERP",
        trade_id=seq,
        price_ticks=ticks,
        size_lots=lots,
        quote_quanta=ticks * lots * 100,
        buyer="a1",
        seller="a2",
        buy_order_id=1,
        sell_order_id=2,
        taker_side="buy",
        origin="book",
    )


async def publish_alerts(client: Client, *alerts: RiskAlertRaised) -> None:
    """Into the RISK stream, acknowledged."""
    jetstream = client.jetstream()
    for one in alerts:
        await jetstream.publish(one.subject, encode(one))


async def publish_events(client: Client, *events: Message) -> None:
    """Into the EVENTS stream as one message."""
    await client.jetstream().publish("trading.main", b"[" + b",".join(map(encode, events)) + b"]")


async def answering(client: Client, subject: str, reply: Any, *, after: float = 0.0) -> list[dict[str, Any]]:
    """Answer a query with a fixed reply; returns the list in which the questions are noted."""
    asked: list[dict[str, Any]] = []

    async def answer(message: Msg) -> None:
        asked.append(json.loads(message.data))
        await asyncio.sleep(after)
        await message.respond(reply if isinstance(reply, bytes) else json.dumps(reply).encode())

    await client.subscribe(subject, cb=answer)
    await confirm(client)
    return asked


async def replying(client: Client, subject: str, reply: Callable[[dict[str, Any]], Any]) -> None:
    """Answer a query with data that depend on the question."""

    async def answer(message: Msg) -> None:
        await message.respond(json.dumps({"ok": True, "data": reply(json.loads(message.data))}).encode())

    await client.subscribe(subject, cb=answer)
    await confirm(client)


@dataclass
class RunningEdge:
    """The edge while it serves."""

    url: str
    http: aiohttp.ClientSession
    registry: CollectorRegistry
    task: "asyncio.Task[None]"

    async def get(self, path: str, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON body and headers of a GET."""
        async with self.http.get(f"{self.url}{path}", headers=headers) as response:
            return response.status, await response.json(), response.headers

    def count(self, name: str, **labels: str) -> float:
        """A counter of the gateway."""
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def running_edge(
    installed: Installation, *, redis_url: str | None = None, dsn: str = "", **settings: Any
) -> AsyncIterator[RunningEdge]:
    """The edge as the `gateway` user of an installation, with that user's rights and no more."""
    redis = Redis.from_url(redis_url) if redis_url else None
    registry, stopping = CollectorRegistry(), asyncio.Event()
    database = dsn or installed.service_dsn("gateway")
    pool = await asyncpg.create_pool(database, min_size=0, max_size=4, timeout=30)
    listener = listening_socket("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        installed.client("gateway") as nats,
        aiohttp.ClientSession() as http,
        TruthStore.open(database, "gateway", connections=8) as truth,
    ):
        resources = Resources(nats, pool, redis, registry, truth)
        task = asyncio.create_task(
            run_edge(resources, GatewaySettings(**{"gateway_access": "demo", **settings}), listener, stopping)
        )
        try:
            yield RunningEdge(url, http, registry, task)
        finally:
            stopping.set()
            await task
            with suppress(TimeoutError):
                await asyncio.wait_for(pool.close(), 5)
            if redis is not None:
                await redis.aclose()
