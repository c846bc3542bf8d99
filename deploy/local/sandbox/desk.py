"""The population of one market at work: what it sees of the market, and what it sends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from cleartide.client import Client
from cleartide.contracts import CancelInstruction, Instruction, PlaceInstruction
from cleartide.money import Grid, quanta_to_text

from deploy.local.markets import MARKETS, Market
from deploy.local.sandbox.population import MANAGER, STRATEGY, STRATEGY_LOTS, Population, Quote, leveraged, makers

log = structlog.get_logger()

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""A question to a read model: subject and parameters; answered with its data, None where there is no such thing."""


@dataclass
class Watch:
    """What the population sees of the market: the mark price, and of those that are watched who holds no position."""

    flat: dict[str, bool]
    mark_ticks: int = 0
    priced: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: Mapping[str, Any]) -> None:
        """One trading event of this market."""
        if event["type"] == "MarkPriceUpdated":
            self.mark_ticks = event["mark_ticks"]
            self.priced.set()
        elif event["type"] == "PositionChanged" and event["account"] in self.flat:
            self.flat[event["account"]] = event["lots"] == 0


class Desk:
    """One market's population."""

    def __init__(self, market: Market, trader: Client, ask: Ask) -> None:
        self.market = market
        self._trader, self._ask = trader, ask
        self.watch = Watch(dict.fromkeys(leveraged(market), True))
        self._grid = Grid.of(market.tick_size, market.lot_size)
        self._run = f"{time.time_ns() // 1_000_000:x}-{market.base.lower()}"
        self._population = Population(market, seed=f"sandbox {market.base}", run=self._run)
        self._resting: list[Quote] = []
        self._deposits = 0

    async def prepare(self) -> None:
        """Clear away the quotes of earlier runs, see what else they left, and wait for the first mark price."""
        for maker in makers(self.market):
            await self._trader.cancel_all(account=maker, market=self.market.name)
        flat = self.watch.flat
        if self.market is MARKETS[0] and (await self._ask("query.matching.own_vaults", {}))["vaults"]:
            flat[STRATEGY] = True
        for account in flat:
            found = await self._ask("query.matching.account", {"account": account}) or {}
            flat[account] = not found.get("positions")
        await self.watch.priced.wait()
        log.info("sandbox_trading", market=self.market.name, mark=self._grid.price_text(self.watch.mark_ticks))

    async def quote(self) -> None:
        """Replace every maker's ladder, each by one batch: the old orders go and the new ones come together.

        Post-only: a maker who is first at a new price must not trade with the other one, who is still at the old.
        """
        fresh = self._population.quotes(self.watch.mark_ticks)
        for maker in makers(self.market):
            batch = [*self._cancels(maker), *self._ladder(fresh, maker)]
            await self._trader.submit_orders(account=maker, market=self.market.name, instructions=batch)
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
                    post_only=True,
                )

    async def take(self) -> None:
        """A few market orders."""
        for take in self._population.takes():
            await self._trader.place_order(
                account=take.account,
                market=self.market.name,
                side=take.side,
                size=self._grid.size_text(take.size_lots),
                order_type="market",
                time_in_force="ioc",
            )

    async def reopen(self) -> None:
        """Open leveraged positions, reported as trades of another engine, for accounts that hold none."""
        for account in [name for name in leveraged(self.market) if self.watch.flat[name]]:
            opening = self._population.opening(account, self.watch.mark_ticks, self._grid.quanta_per_lot_tick)
            self._deposits += 1
            transfer = f"{self._run}-{self._deposits}"
            amount = quanta_to_text(opening.deposit_quanta)
            await self._trader.deposit(account=account, amount=amount, transfer_id=transfer)
            buys = opening.side == "buy"
            await self._trader.publish_trade(
                market=self.market.name,
                trade_id=f"{self._run}-{account}-{self._deposits}",
                price=self._grid.price_text(opening.price_ticks),
                size=self._grid.size_text(opening.size_lots),
                buyer=account if buys else None,
                seller=None if buys else account,
            )
            self.watch.flat[account] = False

    async def invest(self) -> None:
        """The vault's manager holds its strategy long; what he had may have been liquidated, or not filled."""
        if self.watch.flat.get(STRATEGY):
            await self._trader.place_order(
                account=STRATEGY,
                actor=MANAGER,
                market=self.market.name,
                side="buy",
                size=self._grid.size_text(STRATEGY_LOTS),
                order_type="market",
                time_in_force="ioc",
            )
