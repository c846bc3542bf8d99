"""Latency of four durable hops in a row, four processes, at 10,000 events/s, every fsync on."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.model import STAGES
from benchmarks.pipeline import Measured, measure
from benchmarks.report import Row, disk_sync_rows, median, percentile, write
from deploy.local.stack import EmbeddedStack

ROUNDS = 5
SECONDS = 4.0
RATES = (1_000, 10_000)
AIMS = {10_000: "<= 60"}


async def run() -> None:
    """Measure and write `results/chain.json`."""
    rows = disk_sync_rows()
    with TemporaryDirectory() as folder:
        async with EmbeddedStack(Path(folder), durable=True) as stack:
            for rate in RATES:
                rounds = [await _round(stack, rate) for _ in range(ROUNDS)]
                rows += _rows(rate, rounds)
    write("chain", rows)


async def _round(stack: EmbeddedStack, rate: int) -> Measured:
    found = await measure(stack, STAGES, rate, SECONDS)
    last = found.latencies_ms[-1]
    busy = {name: round(share) for name, share in found.busy_percent.items()}
    print(rate, round(percentile(last, 0.5), 1), round(percentile(last, 0.99), 1), busy, flush=True)
    return found


def _rows(rate: int, rounds: list[Measured]) -> list[Row]:
    """Latency after each hop, and beside it the profile: who had the processors, and how large batches were."""
    rows = []
    busy = median([sum(found.busy_percent.values()) for found in rounds])
    note = f"the {os.cpu_count()} processors are {busy:.0f} % busy; whose time it is stands below"
    for hop in range(STAGES):
        name = f"chain.{rate}" if hop == STAGES - 1 else f"chain.{rate}.hop{hop + 1}"
        p50, p99 = (median([percentile(found.latencies_ms[hop], share) for found in rounds]) for share in (0.5, 0.99))
        rows.append(Row(f"{name}.p50", p50, "ms"))
        last = hop == STAGES - 1
        rows.append(Row(f"{name}.p99", p99, "ms", aim=AIMS.get(rate, "") if last else "", note=note if last else ""))
    for group in rounds[0].busy_percent:
        share = median([found.busy_percent[group] for found in rounds])
        rows.append(Row(f"chain.{rate}.busy.{group}", share, "% of all processors while events were published"))
    events = median([found.events_per_batch[-1] for found in rounds])
    return [*rows, Row(f"chain.{rate}.events_per_batch", events, "events, last hop")]
