"""Rows of a result file and how they are written."""

import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
SYNCS = 300


@dataclass(frozen=True)
class Row:
    """One figure. `ratio` is value / against's value in the same run; `aim` says what was hoped for; `note` why not."""

    id: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    aim: str = ""
    note: str = ""


def median(values: Sequence[float]) -> float:
    """Median of several runs."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def disk_sync_rows() -> list[Row]:
    """What one small write and its fdatasync cost on this disk at this moment: the floor under every durable hop."""
    seconds = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(SYNCS):
            file.write(b"x" * 512)
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - started)
    return [
        Row("disk.fdatasync.p50", percentile(seconds, 0.5) * 1000, "ms"),
        Row("disk.fdatasync.p99", percentile(seconds, 0.99) * 1000, "ms"),
    ]


def write(benchmark: str, rows: Sequence[Row]) -> Path:
    """Write `results/<benchmark>.json` and print the rows."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    report = {
        "benchmark": benchmark,
        "machine": {
            "cores": os.cpu_count(),
            "processor": processor(),
            "system": platform.platform(terse=True),
            "python": platform.python_version(),
            "load_at_end": [round(load, 2) for load in os.getloadavg()],
        },
        "commit": commit.stdout.strip(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": [asdict(row) for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{benchmark}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    show(rows)
    return path


def show(rows: Sequence[Row]) -> None:
    """Print rows, one a line."""
    for row in rows:
        ratio = f"  {row.ratio:.2f}x {row.against}" if row.ratio is not None else ""
        aim = f"  (aim {row.aim})" if row.aim else ""
        print(f"{row.id:44} {row.value:>14,.2f} {row.unit}{ratio}{aim}")


def processor() -> str:
    """The machine's processor, by its maker's name for it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()
