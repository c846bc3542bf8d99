"""Latency of four durable hops in a row, four processes, at 10,000 events/s, every fsync on."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.model import STAGES
from benchmarks.pipeline import latencies
from benchmarks.report import Row, disk_sync_rows, median, percentile, write
from deploy.local.stack import EmbeddedStack

ROUNDS = 5
SECONDS = 4.0
RATES = (1_000, 10_000)
BUSY = "start and rest of each round included; four workers, broker, database, publisher and reader share the machine"


async def run() -> None:
    """Measure and write `results/chain.json`."""
    rows = disk_sync_rows()
    with TemporaryDirectory() as folder:
        async with EmbeddedStack(Path(folder), durable=True) as stack:
            for rate in RATES:
                rounds = []
                before = _processor_ticks()
                for _ in range(ROUNDS):
                    values = (await latencies(stack, STAGES, rate, SECONDS))[-1]
                    rounds.append((percentile(values, 0.5), percentile(values, 0.99)))
                    print(rate, [round(value, 2) for value in rounds[-1]], flush=True)
                aim = "<= 60" if rate == 10_000 else ""
                rows.append(Row(f"chain.{rate}.p50", median([p50 for p50, _ in rounds]), "ms"))
                rows.append(Row(f"chain.{rate}.p99", median([p99 for _, p99 in rounds]), "ms", aim=aim))
                rows.append(Row(f"chain.{rate}.busy", _busy_percent(before), "% of the processors", note=BUSY))
    write("chain", rows)


def _processor_ticks() -> tuple[int, int]:
    """Of all processors since boot: (idle or waiting for a disk, all)."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _busy_percent(before: tuple[int, int]) -> float:
    idle, total = (now - then for now, then in zip(_processor_ticks(), before, strict=True))
    return 100 * (1 - idle / total)
