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


async def run() -> None:
    """Measure and write `results/chain.json`."""
    rows = disk_sync_rows()
    with TemporaryDirectory() as folder:
        async with EmbeddedStack(Path(folder), durable=True) as stack:
            for rate in RATES:
                rounds = []
                for _ in range(ROUNDS):
                    values = (await latencies(stack, STAGES, rate, SECONDS))[-1]
                    rounds.append((percentile(values, 0.5), percentile(values, 0.99)))
                    print(rate, [round(value, 2) for value in rounds[-1]], flush=True)
                aim = "<= 60" if rate == 10_000 else ""
                rows.append(Row(f"chain.{rate}.p50", median([p50 for p50, _ in rounds]), "ms"))
                rows.append(Row(f"chain.{rate}.p99", median([p99 for _, p99 in rounds]), "ms", aim=aim))
    write("chain", rows)
