"""Restart of a killed service, rebuild, memory of the idle services, cold and warm start of `make up`."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import OutboxRow
from cleartide.bus.streams import SERVICES
from cleartide.contracts import ReportTrade
from cleartide.contracts.codec import encode
from cleartide.ops.rebuild import rebuild

from benchmarks.processors import seconds_by_group
from benchmarks.report import Row, median, write
from benchmarks.rooms import room
from deploy.local.sandbox.market import MARKET
from tests.support.installation import ROOT, Installation
from tests.support.traffic import ACCOUNTS, Traffic

RESTARTS = 5
TRADES = 40_000
FOLLOWERS = ("risk", "funding", "earnings", "analytics")
STARTS = 5


async def run() -> None:
    """Measure and write `results/lifecycle.json`."""
    rows: list[Row] = []
    async with room() as installed:
        rows += await _memory(installed)
    async with room() as installed:
        rows += await _restarts(installed)
    async with room() as installed:
        rows += await _rebuilds(installed)
    rows += _starts()
    write("lifecycle", rows)


async def _memory(installed: Installation) -> list[Row]:
    await installed.start(*SERVICES)
    await asyncio.sleep(2)
    resident = {name: _resident_mb(process.process.pid) for name, process in installed.processes.items()}
    rows = [Row(f"memory.{name}", value, "MB resident, idle") for name, value in resident.items()]
    return [*rows, Row("memory.all_services", sum(resident.values()), "MB resident, idle", aim="<= 900")]


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no resident size of {pid}")


async def _restarts(installed: Installation) -> list[Row]:
    """From `kill -9`, with an immediate restart, to the first commit of the new process, commands flowing."""
    await installed.start("matching")
    seconds = []
    async with installed.client() as client:
        traffic = Traffic(client, seed=1)
        await traffic.open_market()
        for _ in range(RESTARTS):
            for _ in range(50):
                await traffic.step()
            await installed.settled(("matching",))
            before = await installed.position("matching")
            await traffic.step()
            installed.processes["matching"].kill()
            await traffic.step()
            started = time.perf_counter()
            installed.spawn("matching")
            while await installed.position("matching") <= before + 1:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            seconds.append(time.perf_counter() - started)
            await installed.processes["matching"].ready()
    return [Row("restart.matching", median(seconds), "s from restart to commit", aim="<= 1")]


async def _rebuilds(installed: Installation) -> list[Row]:
    """Outside trades, three events each: trade and two positions."""
    await installed.start("matching", *FOLLOWERS)
    async with installed.client() as client:
        await Traffic(client, seed=1).open_market()
        bus = NatsBus(client)
        for first in range(0, TRADES, 500):
            await bus.publish("engine", [_trade_row(number) for number in range(first, first + 500)])
        await installed.settled(("matching",), seconds=300)
        await installed.settled(FOLLOWERS, seconds=300)
    installed.stop_services()
    rows = []
    for service in ("matching", *FOLLOWERS):
        python, database = time.process_time(), _database_seconds(installed)
        done = await rebuild(installed.ops, service)
        python, database = time.process_time() - python, _database_seconds(installed) - database
        note = f"{done.seconds:.2f} s: processor time of Python {python:.2f} s, of PostgreSQL {database:.2f} s"
        aim = ">= 100,000" if service in ("risk", "analytics") else ""
        rate = done.position / done.seconds
        rows.append(Row(f"rebuild.{service}", rate, "input events/s, digests equal", aim=aim, note=note))
    return rows


def _database_seconds(installed: Installation) -> float:
    """Processor time that PostgreSQL has had."""
    process = installed.postgres.process
    return seconds_by_group({"PostgreSQL": [process.pid]})["PostgreSQL"] if process is not None else 0.0


def _trade_row(number: int) -> OutboxRow:
    buyer, seller = ACCOUNTS[number % len(ACCOUNTS)], ACCOUNTS[(number * 7 + 1) % len(ACCOUNTS)]
    trade = ReportTrade(
        id=f"bench-{number}",
        occurred_at=time.time_ns() // 1000,
        source="engine",
        market=MARKET,
        trade_id=f"bench-{number}",
        price=f"{61_800 + number % 10}.0",
        size="0.001",
        buyer=buyer,
        seller=seller if seller != buyer else None,
        executed_at=time.time_ns() // 1000,
    )
    return OutboxRow("COMMANDS", number, number, trade.subject, encode(trade), "")


def _starts() -> list[Row]:
    """`make up DETACH=1` in a fresh clone with an empty home, then again with everything in place."""
    with tempfile.TemporaryDirectory(prefix="cleartide-start-") as name:
        clone, home = Path(name) / "cleartide", Path(name) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL", "UV_CACHE"))}
        environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
        environment.pop("PYTHONPATH", None)
        first = _up_and_down(clone, environment, wait_for_liquidation=True)
        warm = [_up_and_down(clone, environment) for _ in range(STARTS)]
        shutil.rmtree(clone)
    return [
        Row("start.cold", first.seconds, "s, fresh clone, packages installed", aim="<= 60"),
        Row("start.warm", median([one.seconds for one in warm]), "s to ready", aim="<= 6", note=_work_of(warm)),
        Row("start.first_liquidation", first.liquidated, "s from ready to the first liquidation's alert", aim="<= 30"),
    ]


@dataclass(frozen=True)
class Start:
    """One `make up`: seconds to ready, processor seconds of the whole tree until then, seconds to the liquidation."""

    seconds: float
    work: float
    liquidated: float


def _work_of(starts: list[Start]) -> str:
    work = median([one.work for one in starts])
    return f"{work:.1f} s of processor time on {os.cpu_count()} cores: eight services import, three servers start"


def _up_and_down(clone: Path, environment: dict[str, str], *, wait_for_liquidation: bool = False) -> Start:
    """Up, perhaps until the gateway shows a liquidation beside an alert, and down."""
    started = time.perf_counter()
    subprocess.run(["make", "up", "DETACH=1"], cwd=clone, env=environment, check=True, capture_output=True)
    ready = time.perf_counter()
    try:
        state = json.loads((clone / ".cleartide" / "state.json").read_text())
        work = seconds_by_group({"all": [state["supervisor"]["pid"]]})["all"]
        port = state["ports"]["gateway"]
        while wait_for_liquidation and not (
            _ask(port, "liquidations")["liquidations"] and _ask(port, "alerts")["alerts"]
        ):
            time.sleep(0.1)
        return Start(ready - started, work, time.perf_counter() - ready)
    finally:
        subprocess.run(["make", "down"], cwd=clone, env=environment, check=True, capture_output=True)


def _ask(port: int, what: str) -> Any:
    with urlopen(f"http://127.0.0.1:{port}/api/v1/{what}?limit=1", timeout=10) as answer:
        return json.load(answer)
