"""Run the sandbox population against a system: `python -m deploy.local.sandbox`."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from cleartide.client import Client, PublishError
from cleartide.connect import connected, nats_broker
from cleartide.contracts import CancelInstruction, Instruction, PlaceInstruction
from cleartide.money import Grid, quanta_to_text
from cleartide.telemetry.logs import configure_logs
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from deploy.local.sandbox.market import MARKET, SPEC
from deploy.local.sandbox.opening import open_market
from deploy.local.sandbox.population import LEVERAGED, MAKERS, MANAGER, STRATEGY, STRATEGY_LOTS, Population, Quote
from deploy.local.sandbox.trader import trader_url
from deploy.local.sandbox.vaults import OFFERS, Indexer, step_of_block

log = structlog.get_logger()

QUOTE_SECONDS: Final = 2.0
TAKE_SECONDS: Final = 0.5
REOPEN_SECONDS: Final = 4.0
QUERY_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 10.0


@dataclass
class Watch:
    """What the population sees of the market: the mark price, and of those that are watched who holds no position.

    matches: whether orders trade; in a pause only those are taken that wait for its end.
    """

    mark_ticks: int = 0
    matches: bool = True
    priced: asyncio.Event = field(default_factory=asyncio.Event)
    flat: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(LEVERAGED, True))

    def take(self, event: dict[str, Any]) -> None:
        """One trading event."""
        if event.get("market") != MARKET:
            return
        if event["type"] == "MarkPriceUpdated":
            self.mark_ticks = event["mark_ticks"]
            self.priced.set()
        elif event["type"] == "MarketStateChanged":
            self.matches = event["state"] == "trading"
        elif event["type"] == "PositionChanged" and event["account"] in self.flat:
            self.flat[event["account"]] = event["lots"] == 0


class Sandbox:
    """The population at work."""

    def __init__(self, trader: Client, operator: NatsClient) -> None:
        self._trader, self._operator = trader, operator
        self._watch = Watch()
        self._grid = Grid.of(SPEC.tick_size, SPEC.lot_size)
        self._run = format(time.time_ns() // 1_000_000, "x")
        self._population = Population(seed=7, run=self._run)
        self._resting: list[Quote] = []
        self._deposits = 0

    async def prepare(self) -> None:
        """Clear away the quotes of earlier runs, see what else they left, and wait for the first mark price."""
        await open_market(self._operator, self._trader)
        for maker in MAKERS:
            await self._trader.cancel_all(account=maker, market=MARKET)
        await self._operator.subscribe("trading.>", cb=self._on_events)
        if (await self._query("query.matching.own_vaults", {}))["vaults"]:
            self._watch.flat[STRATEGY] = True
        for account in self._watch.flat:
            found = await self._query("query.matching.account", {"account": account})
            self._watch.flat[account] = not (found or {}).get("positions")
        await self._watch.priced.wait()
        log.info("sandbox_trading", mark=self._grid.price_text(self._watch.mark_ticks))

    async def indexer(self) -> Indexer:
        """An indexer that tells again what an earlier run has told, and goes on from there."""
        asked = {"vault": OFFERS[0].name, "kind": "FeeConfigUpdated", "limit": 1}
        opened = (await self._query("query.vaults.notes", asked))["notes"]
        return Indexer(self._trader, step_of_block(opened[0]["block_time"]) if opened else None)

    async def _on_events(self, message: Msg) -> None:
        for event in json.loads(message.data):
            self._watch.take(event)

    async def _query(self, subject: str, params: dict[str, Any]) -> Any:
        while True:
            with contextlib.suppress(NatsError, OSError):
                reply = json.loads(
                    # lint: allow one-publish: every caller asks a read model
                    (await self._operator.request(subject, json.dumps(params).encode(), QUERY_SECONDS)).data
                )
                if reply["ok"] or reply["error"]["code"] == "not_found":
                    return reply.get("data")
            await asyncio.sleep(0.1)

    async def _deposit(self, account: str, amount: str) -> None:
        self._deposits += 1
        await self._trader.deposit(account=account, amount=amount, transfer_id=f"{self._run}-{self._deposits}")

    async def quote(self) -> None:
        """Replace every maker's ladder, each by one batch: the old orders go and the new ones come together."""
        fresh = self._population.quotes(self._watch.mark_ticks)
        for maker in MAKERS:
            batch = [*self._cancels(maker), *self._ladder(fresh, maker)]
            await self._trader.submit_orders(account=maker, market=MARKET, instructions=batch)
        self._resting = fresh

    def _cancels(self, maker: str) -> Iterator[Instruction]:
        for order in self._resting:
            if order.account == maker:
                yield CancelInstruction(action="cancel", client_order_id=order.client_order_id)

    def _ladder(self, quotes: Sequence[Quote], maker: str) -> Iterator[Instruction]:
        for order in quotes:
            if order.account == maker:
                yield PlaceInstruction(
                    action="place",
                    client_order_id=order.client_order_id,
                    side=order.side,
                    order_type="limit",
                    size=self._grid.size_text(order.size_lots),
                    price=self._grid.price_text(order.price_ticks),
                    post_only=not self._watch.matches,
                )

    async def take(self) -> None:
        """A few market orders."""
        for take in self._population.takes():
            await self._trader.place_order(
                account=take.account,
                market=MARKET,
                side=take.side,
                size=self._grid.size_text(take.size_lots),
                order_type="market",
                time_in_force="ioc",
            )

    async def reopen(self) -> None:
        """Open leveraged positions, reported as trades of another engine, for accounts that hold none."""
        for account in [name for name in LEVERAGED if self._watch.flat[name]]:
            opening = self._population.opening(account, self._watch.mark_ticks, self._grid.quanta_per_lot_tick)
            await self._deposit(account, quanta_to_text(opening.deposit_quanta))
            buys = opening.side == "buy"
            await self._trader.publish_trade(
                market=MARKET,
                trade_id=f"{self._run}-{account}-{self._deposits}",
                price=self._grid.price_text(opening.price_ticks),
                size=self._grid.size_text(opening.size_lots),
                buyer=account if buys else None,
                seller=None if buys else account,
            )
            self._watch.flat[account] = False

    async def invest(self) -> None:
        """The vault's manager holds its strategy long; what he had may have been liquidated, or not filled."""
        if self._watch.flat.get(STRATEGY):
            await self._trader.place_order(
                account=STRATEGY,
                actor=MANAGER,
                market=MARKET,
                side="buy",
                size=self._grid.size_text(STRATEGY_LOTS),
                order_type="market",
                time_in_force="ioc",
            )


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
            preparing = asyncio.create_task(sandbox.prepare())
            stopped = asyncio.create_task(stopping.wait())
            await asyncio.wait((preparing, stopped), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if stopping.is_set():
                preparing.cancel()
                return
            await preparing
            indexer = await sandbox.indexer()
            await asyncio.gather(
                _every(QUOTE_SECONDS, stopping, sandbox.quote),
                _every(TAKE_SECONDS, stopping, sandbox.take),
                _every(REOPEN_SECONDS, stopping, sandbox.reopen),
                _every(REOPEN_SECONDS, stopping, sandbox.invest),
                _every(LOOK_SECONDS, stopping, indexer.tell),
            )
    finally:
        await broker.stop()


if __name__ == "__main__":
    configure_logs("sandbox", os.environ.get("CLEARTIDE_LOG_LEVEL", "info"))
    asyncio.run(run())
    sys.exit(0)
