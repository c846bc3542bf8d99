"""Runs stages and a publisher as processes and gathers their latencies, batches and processor time."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import BY_NAME
from cleartide.connect import connected, nats_broker

from benchmarks import model
from benchmarks.processors import seconds_by_group
from deploy.local.stack import EmbeddedStack

SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Measured:
    """One run. Per stage: the milliseconds from publisher to acknowledged output of each event, and events a batch.

    busy_percent: share of all processors that each group of processes had while events were published.
    """

    latencies_ms: list[list[float]]
    events_per_batch: list[float]
    busy_percent: dict[str, float]


async def measure(stack: EmbeddedStack, stages: int, rate: int, seconds: float) -> Measured:
    """Run the stages and publish at a steady rate. Raises RuntimeError when the last stage does not end."""
    model.register()
    broker = nats_broker(stack.nats.url, "", "", "bench")
    client = await connected(broker)
    bus = await model.fresh_streams(client)
    with TemporaryDirectory() as folder:
        results = [Path(folder) / f"stage{stage}.json" for stage in range(1, stages + 1)]
        processes = []
        for stage, result in enumerate(results, start=1):
            dsn = await model.prepare_schema(stack.postgres.dsn, stage)
            processes.append(_spawn("benchmarks.stage", str(stage), stack.nats.url, dsn, str(result)))
        try:
            await _started(results)
            busy = await _published(stack, [process.pid for process in processes], rate, seconds)
            await _settled(bus, stages, int(rate * seconds))
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                await asyncio.to_thread(process.wait)
            await broker.stop()
        found = [json.loads(result.read_text()) for result in results]
    return Measured([stage["latencies_ms"] for stage in found], [stage["events_per_batch"] for stage in found], busy)


async def _published(stack: EmbeddedStack, workers: list[int], rate: int, seconds: float) -> dict[str, float]:
    """Publish to the end; the processors' shares while that went on."""
    publisher = _spawn("benchmarks.publisher", stack.nats.url, str(rate), str(seconds))
    servers = {"PostgreSQL": stack.postgres.process, "NATS": stack.nats.process}
    groups = {name: [process.pid] for name, process in servers.items() if process is not None}
    groups |= {"workers": workers, "publisher": [publisher.pid]}
    await asyncio.sleep(seconds / 4)  # its start is not what is measured
    before, started = seconds_by_group(groups), time.perf_counter()
    await asyncio.sleep(seconds / 2)
    after, elapsed = seconds_by_group(groups), time.perf_counter() - started
    await asyncio.to_thread(publisher.wait)
    capacity = elapsed * (os.cpu_count() or 1)
    return {name: 100 * (after[name] - before[name]) / capacity for name in groups}


def _spawn(module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", module, *arguments])


async def _started(results: list[Path]) -> None:
    for result in results:
        while not Path(f"{result}.started").exists():  # noqa: ASYNC110 - the flag is another process's file
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def _settled(bus: NatsBus, stages: int, events: int) -> None:
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if await model.last_event(bus, BY_NAME[f"BENCH{stages}"]) >= events:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"the last stage did not publish all {events} events within {SETTLE_SECONDS:.0f} s")
