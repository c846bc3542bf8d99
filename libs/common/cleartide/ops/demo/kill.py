"""`cleartide demo kill`: a service dies by SIGKILL, and what its coming back was like is told from facts."""

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg

from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import READS, SERVICES, Stream
from cleartide.contracts.pools import base_of
from cleartide.ops.demo.hand import READY, DemoError
from cleartide.ops.demo.outage import Committed, Folded, balance
from cleartide.ops.place import LOOPBACK, Place, find_place

OPERATOR: Final = "operator"
LOOK_SECONDS: Final = 0.02
ANSWER_SECONDS: Final = 5.0
MOST_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 5.0
STANDBY: Final = "-standby"

Unit = Mapping[str, Any]


async def kill(arguments: argparse.Namespace) -> int:
    """Kill a service. Returns 1 where events were lost or applied twice."""
    place = find_place()
    victim = await Victim.of(place, arguments.service)
    async with place.bus(OPERATOR) as client:
        connection = await asyncpg.connect(place.admin_dsn, timeout=ANSWER_SECONDS)
        try:
            return await Outage(victim, NatsBus(client), connection).watch()
        finally:
            await connection.close()


@dataclass(frozen=True)
class Victim:
    """The process of a service that is at work, the units that may take its place, and what the service reads."""

    service: str
    unit: Unit
    units: tuple[Unit, ...]
    stream: Stream

    @classmethod
    async def of(cls, place: Place, service: str) -> "Victim":
        """Raises DemoError where there is no such service at work."""
        units = {str(unit["name"]): unit for unit in place.units}
        if not any(unit.get("state") == READY for unit in units.values()):
            raise DemoError("no system runs here: start one with `make up`")
        names = [name for name in units if base_of(name) in SERVICES]
        if service not in names:
            raise DemoError(f"there is no service {service} here: choose from {', '.join(names)}")
        mine = tuple(units[name] for name in (service, service + STANDBY) if name in units)
        for unit in mine:
            report = await progress(unit)
            if report.get("role") == "active" and report.get("ready"):
                return cls(service, unit, mine, READS[base_of(service)])
        raise DemoError(f"{service} is not at work now: `make ps` shows its state")

    def kill(self) -> int:
        """SIGKILL to the process that the supervisor started, and to no other; returns its id."""
        pid = int(self.unit["pid"])
        if _mark(pid) != self.unit["mark"]:
            raise DemoError(f"{self.unit['name']} is no longer process {pid}: try again")
        os.kill(pid, signal.SIGKILL)
        return pid


class Outage:
    """From the death of a process to the moment at which its service has caught up."""

    def __init__(self, victim: Victim, bus: NatsBus, connection: Any) -> None:
        self._victim, self._bus, self._connection = victim, bus, connection
        self._killed = 0.0

    async def watch(self) -> int:
        """Kill, wait, and tell."""
        victim, stream = self._victim, self._victim.stream
        epoch = (await self._committed()).epoch
        self._killed = time.monotonic()
        pid = victim.kill()
        last = await self._last_words(epoch)
        behind = (await self._bus.state(stream)).last_seq - last.stream_seq
        print(f"{victim.unit['name']} (process {pid}) was killed at {stream.name} {last.position}", flush=True)
        unit = await self._back()
        print(f"away          {self._seconds():.2f} s, until {unit['name']} was ready", flush=True)
        end = (await self._bus.state(stream)).last_seq
        while (await self._committed()).stream_seq < end:
            await self._pause()
        print(f"behind        {behind} messages when it began to read again; caught up after {self._seconds():.2f} s")
        found = await balance(self._bus, stream, last, await self._folded(unit, last))
        verdict, reckoned = found.lines()
        print(f"{verdict}\n              ({reckoned})")
        return 1 if found.lost or found.doubled else 0

    async def _last_words(self, epoch: int) -> Committed:
        """What the dead process has committed: a commit that was under way when it died may still come."""
        last = await self._committed()
        while (seen := await self._committed()).epoch == epoch:
            last = seen
            await self._pause()
        return last

    async def _back(self) -> Unit:
        """The unit whose process has the place now."""
        while True:
            for unit in self._victim.units:
                report = await progress(unit)
                if report.get("ready") and report.get("role") == "active":
                    return unit
            await self._pause()

    async def _folded(self, unit: Unit, last: Committed) -> Folded:
        """What the new process has counted, once there is something: at most a few seconds, where nothing comes."""
        until = time.monotonic() + IDLE_SECONDS
        while (folded := Folded.of(await _text(unit, "/metrics"))).position <= last.position:
            if time.monotonic() > until:
                break
            await self._pause()
        return folded

    async def _committed(self) -> Committed:
        return await Committed.of(self._connection, self._victim.service)

    async def _pause(self) -> None:
        if self._seconds() > MOST_SECONDS:
            service = self._victim.service
            raise DemoError(f"{service} did not come back in {MOST_SECONDS:.0f} s: `make logs SERVICE={service}`")
        await asyncio.sleep(LOOK_SECONDS)

    def _seconds(self) -> float:
        return time.monotonic() - self._killed


async def progress(unit: Unit) -> dict[str, Any]:
    """What a service says of itself; nothing where it does not answer."""
    try:
        found: dict[str, Any] = json.loads(await _text(unit, "/health/progress"))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return {}
    return found


async def _text(unit: Unit, path: str) -> str:
    timeout = aiohttp.ClientTimeout(ANSWER_SECONDS)
    url = f"http://{LOOPBACK}:{unit['port']}{path}"
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(url) as response:
        return await response.text()


def _mark(pid: int) -> str | None:
    """When the process began, as the supervisor notes it: a later one with the same id has another."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None
