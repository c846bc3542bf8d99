"""Runs stages and a publisher as processes and gathers their latencies."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import BY_NAME
from cleartide.connect import connected, nats_broker

from benchmarks import model
from deploy.local.stack import EmbeddedStack

SETTLE_SECONDS = 60.0


async def latencies(stack: EmbeddedStack, stages: int, rate: int, seconds: float) -> list[list[float]]:
    """Per stage, the milliseconds from publisher to acknowledged output, one value per event."""
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
            publisher = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.publisher", stack.nats.url, str(rate), str(seconds)
            )
            await publisher.wait()
            await _settled(bus, stages, int(rate * seconds))
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                await asyncio.to_thread(process.wait)
            await broker.stop()
        return [json.loads(result.read_text()) for result in results]


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
