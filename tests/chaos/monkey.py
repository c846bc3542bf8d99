"""Kills services, NATS and Postgres with `kill -9` under traffic, restarts them, and audits the books."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.support.audit import audit
from tests.support.clients import Clients
from tests.support.indexer import Indexer
from tests.support.installation import Installation, ServiceProcess
from tests.support.investors import Investors
from tests.support.traffic import FedTraffic, Traffic

SERVICES: Final = ("ingestor", "matching", "risk", "funding", "earnings", "analytics", "vaults", "product", "gateway")
EVERYTHING: Final = (*SERVICES, "matching", "nats", "postgres")
PAUSE_SECONDS: Final = (0.15, 0.9)
FREEZES: Final = 0.3
COMMANDS_PER_CHAIN_EVENT: Final = 4
COMMANDS_PER_USE: Final = 6
COMMANDS_PER_WISH: Final = 3
READY_SECONDS: Final = 120.0
FENCED: Final = 75
STANDBY: Final = "standby"


@dataclass
class Monkey:
    """One run. The same seed chooses the same victims in the same order; when they die is up to the machine.

    prey: what is chosen from. standbys: services that run twice; of those whoever is active is killed or frozen, once
    the other one is warm, and comes back as the standby.
    """

    installed: Installation
    kills: int
    seed: int
    prey: Sequence[str] = EVERYTHING
    standbys: Sequence[str] = ()
    services: Sequence[str] = SERVICES
    commands: int = 0
    victims: "Counter[str]" = field(default_factory=Counter)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> dict[str, int]:
        """Returns the audit's counts; raises AssertionError when anything is lost, doubled or out of balance."""
        random = Random(self.seed)
        await self.installed.start(*self.services)
        for service in self.standbys:
            self.installed.spawn(service, beside=True)
        async with self.installed.client() as client:
            kind = FedTraffic if "ingestor" in self.services else Traffic
            traffic = kind(client, seed=self.seed)
            await traffic.open_market()
            beside = (
                Indexer(client, seed=self.seed),
                Clients(client, seed=self.seed),
                Investors(client, seed=self.seed),
            )
            flowing = asyncio.create_task(self._flow(traffic, *beside))
            for _ in range(self.kills):
                await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
                await self._kill(random.choice(self.prey), random)
            self._ended.set()
            await flowing
            await traffic.deposit("acct-00", "1")
            await self.installed.settled(self.services, seconds=90)
            trade_ids: Sequence[str] = await self._known(traffic)
        self.installed.stop_services()
        return await audit(self.installed, self.services, trade_ids)

    async def _flow(self, traffic: Traffic, indexer: Indexer, clients: Clients, investors: Investors) -> None:
        while not self._ended.is_set():
            await traffic.step()
            self.commands += 1
            if self.commands % COMMANDS_PER_CHAIN_EVENT == 0:
                await indexer.step()
            if self.commands % COMMANDS_PER_WISH == 0:
                await investors.step()
            if self.commands % COMMANDS_PER_USE == 0:
                await clients.step()
            await asyncio.sleep(0.002)

    async def _kill(self, victim: str, random: Random) -> None:
        self.victims[victim] += 1
        if victim == "nats":
            await self.installed.nats.kill()
            await self.installed.nats.start()
        elif victim == "postgres":
            await self.installed.postgres.kill()
            await self.installed.postgres.start()
        elif victim in self.standbys:
            await self._overtake(victim, frozen=random.random() < FREEZES)
        else:
            await asyncio.to_thread(self.installed.processes[victim].kill)
            self.installed.spawn(victim)

    async def _overtake(self, service: str, *, frozen: bool) -> None:
        """The active process goes, for good or for a while, and the standby takes its place."""
        active, standby = await self._pair(service)
        if frozen:
            self.victims[f"{service} frozen"] += 1
            active.freeze()
            await standby.becomes("active")
            active.thaw()
            assert await asyncio.to_thread(active.process.wait, 30) == FENCED, "an overtaken process goes on"
        else:
            active.kill()
            await standby.becomes("active")
        del self.installed.processes[active.name]
        self.installed.spawn(service, beside=True)

    async def _pair(self, service: str) -> tuple[ServiceProcess, ServiceProcess]:
        """Whoever is active, and the standby once it is warm."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            found = [one for name, one in self.installed.processes.items() if name.partition("-")[0] == service]
            reports = [await asyncio.to_thread(one.progress) for one in found]
            roles = {report.get("role"): one for one, report in zip(found, reports, strict=True) if report.get("ready")}
            if len(roles) == len(found) == 2 and any(report["warm"] for report in reports if report["role"] == STANDBY):
                return roles["active"], roles[STANDBY]
            await asyncio.sleep(0.02)
        raise AssertionError(f"{service} has no active process with a warm standby: {reports}")

    async def _known(self, traffic: Traffic) -> Sequence[str]:
        """Acknowledged trades, and the one that was on its way when the flow ended, if it was stored."""
        rows = await self.installed.fetch(
            "matching", "SELECT outside_trade_id FROM trades WHERE outside_trade_id <> ''"
        )
        applied = {row[0] for row in rows}
        return [*traffic.trade_ids, *(applied & set(traffic.sending))]
