"""Latency of one durable hop at steady rates: publisher's clock to acknowledged output, every fsync on."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.pipeline import measure
from benchmarks.report import Row, disk_sync_rows, median, percentile, write
from deploy.local.stack import EmbeddedStack

ROUNDS = 5
SECONDS = 4.0
RATES = (500, 2_000, 5_000)


async def run() -> None:
    """Measure and write `results/hop_latency.json`."""
    found: dict[int, list[tuple[float, float]]] = {rate: [] for rate in RATES}
    with TemporaryDirectory() as folder:
        async with EmbeddedStack(Path(folder), durable=True) as stack:
            for _ in range(ROUNDS):
                for rate in RATES:
                    (values,) = (await measure(stack, 1, rate, SECONDS)).latencies_ms
                    found[rate].append((percentile(values, 0.5), percentile(values, 0.99)))
                    print(rate, [round(value, 2) for value in found[rate][-1]], flush=True)
    rows = disk_sync_rows()
    for rate in RATES:
        aim = "<= 25" if rate == 5_000 else ""
        rows.append(Row(f"hop_latency.{rate}.p50", median([p50 for p50, _ in found[rate]]), "ms"))
        rows.append(Row(f"hop_latency.{rate}.p99", median([p99 for _, p99 in found[rate]]), "ms", aim=aim))
    write("hop_latency", rows)
