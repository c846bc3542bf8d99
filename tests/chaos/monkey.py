"""Kills services, NATS and Postgres with `kill -9` while commands flow, restarts them, and audits the books."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.support.audit import audit
from tests.support.installation import Installation
from tests.support.traffic import Traffic

SERVICES: Final = ("matching", "risk", "funding", "earnings", "analytics", "gateway")
PAUSE_SECONDS: Final = (0.15, 0.9)


@dataclass
class Monkey:
    """One run. The same seed chooses the same victims in the same order; when they die is up to the machine."""

    installed: Installation
    kills: int
    seed: int
    commands: int = 0
    victims: "Counter[str]" = field(default_factory=Counter)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> dict[str, int]:
        """Returns the audit's counts; raises AssertionError when anything is lost, doubled or out of balance."""
        random = Random(self.seed)
        await self.installed.start(*SERVICES)
        async with self.installed.client() as client:
            traffic = Traffic(client, seed=self.seed)
            await traffic.open_market()
            flowing = asyncio.create_task(self._flow(traffic))
            for _ in range(self.kills):
                await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
                await self._kill(random.choice((*SERVICES, "matching", "nats", "postgres")))
            self._ended.set()
            await flowing
            await traffic.deposit("acct-00", "1")
            await self.installed.settled(SERVICES, seconds=90)
            trade_ids: Sequence[str] = await self._known(traffic)
        self.installed.stop_services()
        return await audit(self.installed, SERVICES, trade_ids)

    async def _flow(self, traffic: Traffic) -> None:
        while not self._ended.is_set():
            await traffic.step()
            self.commands += 1
            await asyncio.sleep(0.002)

    async def _kill(self, victim: str) -> None:
        self.victims[victim] += 1
        if victim == "nats":
            await self.installed.nats.kill()
            await self.installed.nats.start()
        elif victim == "postgres":
            await self.installed.postgres.kill()
            await self.installed.postgres.start()
        else:
            await asyncio.to_thread(self.installed.processes[victim].kill)
            self.installed.spawn(victim)

    async def _known(self, traffic: Traffic) -> Sequence[str]:
        """Acknowledged trades, and the one that was on its way when the flow ended, if it was stored."""
        rows = await self.installed.fetch(
            "matching", "SELECT outside_trade_id FROM trades WHERE outside_trade_id <> ''"
        )
        applied = {row[0] for row in rows}
        return [*traffic.trade_ids, *(applied & set(traffic.sending))]
