"""Run the sandbox population against a system: `python -m deploy.local.sandbox`."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from typing import Any, Final, TypeVar

import structlog
from cleartide.client import Client, PublishError
from cleartide.connect import connected, nats_broker
from cleartide.telemetry.logs import configure_logs
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from deploy.local.markets import MARKETS
from deploy.local.sandbox.desk import Desk
from deploy.local.sandbox.opening import open_markets
from deploy.local.sandbox.trader import trader_url
from deploy.local.sandbox.vaults import OFFERS, Indexer, step_of_block

T = TypeVar("T")
log = structlog.get_logger()

QUOTE_SECONDS: Final = 2.0
REOPEN_SECONDS: Final = 4.0
QUERY_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 10.0


class Sandbox:
    """The populations of all markets, and the indexer of the vaults."""

    def __init__(self, trader: Client, operator: NatsClient) -> None:
        self._trader, self._operator = trader, operator
        self._desks = {market.name: Desk(market, trader, self._ask) for market in MARKETS}

    async def open(self) -> None:
        """Open what is not open, and listen."""
        await open_markets(self._operator, self._trader)
        await self._operator.subscribe("trading.>", cb=self._on_events)

    async def work(self, stopping: asyncio.Event) -> None:
        """Each market's population by itself: none waits for another's first price."""
        trading = (_trade(desk, stopping) for desk in self._desks.values())
        await asyncio.gather(self._index(stopping), *trading)

    async def _index(self, stopping: asyncio.Event) -> None:
        if (indexer := await _unless(stopping, self._indexer())) is not None:
            await _every(LOOK_SECONDS, stopping, indexer.tell)

    async def _indexer(self) -> Indexer:
        """An indexer that tells again what an earlier run has told, and goes on from there."""
        asked = {"vault": OFFERS[0].name, "kind": "FeeConfigUpdated", "limit": 1}
        opened = (await self._ask("query.vaults.notes", asked))["notes"]
        return Indexer(self._trader, step_of_block(opened[0]["block_time"]) if opened else None)

    async def _on_events(self, message: Msg) -> None:
        for event in json.loads(message.data):
            if (desk := self._desks.get(event.get("market"))) is not None:
                desk.watch.take(event)

    async def _ask(self, subject: str, params: Mapping[str, Any]) -> Any:
        while True:
            with contextlib.suppress(NatsError, OSError):
                reply = json.loads(
                    # lint: allow one-publish: every caller asks a read model
                    (await self._operator.request(subject, json.dumps(params).encode(), QUERY_SECONDS)).data
                )
                if reply["ok"] or reply["error"]["code"] == "not_found":
                    return reply.get("data")
            await asyncio.sleep(0.1)


async def _trade(desk: Desk, stopping: asyncio.Event) -> None:
    await _unless(stopping, desk.prepare())
    await asyncio.gather(
        _every(QUOTE_SECONDS, stopping, desk.quote),
        _every(desk.market.take_seconds, stopping, desk.take),
        _every(REOPEN_SECONDS, stopping, desk.reopen),
        _every(REOPEN_SECONDS, stopping, desk.invest),
    )


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work comes to; None when it was stopped before."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not stopping.is_set():
        return await working
    working.cancel()
    return None


async def _every(seconds: float, stopping: asyncio.Event, act: Any) -> None:
    while not stopping.is_set():
        try:
            await act()
        except PublishError as error:
            log.warning("sandbox_publish_failed", error=str(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stopping.wait()


async def run() -> None:
    """Trade until SIGTERM."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    environment = os.environ
    user, password = environment["CLEARTIDE_NATS_ADMIN_USER"], environment["CLEARTIDE_NATS_ADMIN_PASSWORD"]
    broker = nats_broker(environment["CLEARTIDE_NATS_URL"], user, password, "cleartide-sandbox")
    try:
        async with Client.connect(trader_url(environment), source="sandbox") as trader:
            sandbox = Sandbox(trader, await connected(broker))
            await sandbox.open()
            await sandbox.work(stopping)
    finally:
        await broker.stop()


if __name__ == "__main__":
    configure_logs("sandbox", os.environ.get("CLEARTIDE_LOG_LEVEL", "info"))
    asyncio.run(run())
    sys.exit(0)
