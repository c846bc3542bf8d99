"""`make bench ONLY=risk_proof`: the wheel's events against judging every holder at every tick, and nothing else.

In full: 1,000,000 accounts with some 3,000,000 positions, 150,000 ticks with a 22 % crash, 500,000 fills, 10,000 ticks
more; markets equally popular and by Zipf's law. The same walk as `risk_scale`, without its clocks and its other peers,
both shapes at once. Prints each shape as it ends. ACCOUNTS, TICKS and FILLS make it smaller; SHAPES chooses.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.engine.peers import peers_python
from benchmarks.report import Row, write
from benchmarks.risk_scale.data import population
from benchmarks.risk_scale.run import proof_rows, work

SHAPES: Final = os.environ.get("SHAPES", "uniform,zipf").split(",")
SCANS: Final = str(Path(__file__).with_name("scans.py"))


async def run() -> None:
    """Compare and write `results/risk_proof.json`. SystemExit: without numba nothing can be compared."""
    peers = peers_python()
    if peers is None:
        raise SystemExit("risk_proof: the peers' environment cannot be made")
    started = time.monotonic()
    found = await asyncio.gather(*(asyncio.to_thread(compared, shape, peers) for shape in SHAPES))
    rows = [row for part in found for row in part]
    write("risk_proof", [*rows, Row("risk_proof.seconds", time.monotonic() - started, "s for all of this")])


def compared(shape: str, peers: str) -> list[Row]:
    """One shape; the lines are printed at once."""
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
        data = population(7, shape)
        data.save(Path(name))
        accounts, positions, ticks = len(data.keep), len(data.owner), len(data.tick_price)
        fills = len(data.fill) // 4
        del data
        ours: dict[str, Any] = work(sys.executable, ["-m", "benchmarks.risk_scale.wheel", name])
        theirs: dict[str, Any] = work(peers, [SCANS, name, "0"])
    rows = [
        Row(f"risk_proof.{shape}.accounts", accounts, "accounts"),
        Row(f"risk_proof.{shape}.positions", positions, "positions"),
        Row(f"risk_proof.{shape}.ticks", ticks, "ticks"),
        Row(f"risk_proof.{shape}.fills", fills, "fills"),
        Row(f"risk_proof.{shape}.events", ours["said"], "level changes, in order"),
        *proof_rows(f"risk_proof.{shape}", ours, theirs),
    ]
    for row in rows:
        print(row.id, round(row.value), row.unit, flush=True)
    return rows
