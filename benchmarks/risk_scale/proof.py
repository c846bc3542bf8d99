"""`make bench ONLY=risk_proof`: the wheel's events against judging every holder at every tick, and nothing else.

In full: 1,000,000 accounts with some 3,000,000 positions, 150,000 ticks with a 22 % crash, 500,000 fills, 10,000 ticks
more; markets equally popular and by Zipf's law. The same walk as `risk_scale`, without its clocks and its other peers,
both shapes at once; the referee (`referee.py`) says on standard error how far it is. Prints each shape as it ends.
ACCOUNTS, TICKS and FILLS make it smaller; SHAPES chooses.
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
from benchmarks.risk_scale.run import work

SHAPES: Final = os.environ.get("SHAPES", "uniform,zipf").split(",")
REFEREE: Final = str(Path(__file__).with_name("referee.py"))


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
        made = work(sys.executable, ["-m", "benchmarks.risk_scale.data", name, shape])
        ours = work(sys.executable, ["-m", "benchmarks.risk_scale.wheel", name])
        theirs = work(peers, [REFEREE, name, shape])
    rows = [Row(f"risk_proof.{shape}.{what}", made[what], what) for what in ("accounts", "positions", "ticks", "fills")]
    rows += [
        Row(f"risk_proof.{shape}.events", ours["said"], "level changes, in order"),
        Row(f"risk_proof.{shape}.recounts", theirs["recounts"], "times everybody from positions alone"),
        *_difference_rows(f"risk_proof.{shape}.differences", ours, theirs),
    ]
    for row in rows:
        print(row.id, round(row.value), row.unit, flush=True)
    return rows


def _difference_rows(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    """All 0 where the wheel said exactly what the referee says: by marks of the ticks, and by the digest of all."""
    ticks = sum(mine != other for mine, other in zip(ours["marks"], theirs["marks"], strict=True))
    events, levels = (int(ours[key] != theirs[key]) for key in ("digest", "levels"))
    return [
        Row(f"{name}.ticks", ticks, "ticks with other events", aim="0"),
        Row(f"{name}.digest", events, "digests of all events", aim="0"),
        Row(f"{name}.levels", levels, "digests of all levels in the end", aim="0"),
        Row(f"{name}.recounts", theirs["wrong"], "accounts that a recount found otherwise", aim="0"),
    ]
