"""`make bench ONLY=risk_scale`: one population and one walk of prices, told to the wheel and to every scan.

In full (1,000,000 accounts, 150,000 ticks, 500,000 fills, both shapes) it takes some twenty minutes and 4 GB, most of
it the peers'. ACCOUNTS, TICKS and FILLS make it smaller: `ACCOUNTS=20000 TICKS=3000 FILLS=5000` takes a minute. The
differences to judging every holder at every tick must be 0 at any size.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.engine.peers import ROOT, peers_python
from benchmarks.report import Row, write
from benchmarks.risk_scale.data import ACCOUNTS, population
from benchmarks.risk_scale.service import service_rows
from benchmarks.risk_scale.sql import sql_seconds
from services.risk.engine import COMPILED

SHAPES: Final = ("uniform", "zipf")
SAMPLE: Final = int(os.environ.get("SAMPLE", "5"))
AIMS: Final = {
    ("calm", "scan"): ">= 100",
    ("crash", "scan"): ">= 3",
    ("calm", "duckdb"): ">= 10000",
    ("calm", "polars"): ">= 10000",
}
NAMES: Final = {
    "scan": "numba, incremental, the holders of the market",
    "numpy": "numpy, incremental, the holders of the market",
    "duckdb": "DuckDB, the holders, set-based, one thread",
    "polars": "polars, the holders, set-based",
    "postgres": "PostgreSQL, the holders, set-based",
}
SLOW: Final = "the wheel runs interpreted here"


async def run() -> None:
    """Measure and write `results/risk_scale.json`."""
    peers, rows, started = peers_python(), list[Row](), time.monotonic()
    for shape in SHAPES:
        with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
            folder = Path(name)
            data = population(7, shape)
            data.save(folder)
            print(shape, len(data.keep), "accounts", len(data.owner), "positions", flush=True)
            found = work(sys.executable, ["-m", "benchmarks.risk_scale.wheel", str(folder)])
            rows += _own_rows(shape, found)
            theirs: dict[str, Any] = {}
            if peers is not None:
                scans = Path(__file__).with_name("scans.py")
                theirs = work(peers, [str(scans), str(folder), str(SAMPLE)])
                rows += proof_rows(f"risk_scale.{shape}", found, theirs)
            if shape == SHAPES[0]:
                theirs.setdefault("calm", {})["postgres"] = await sql_seconds(data)
            rows += _peer_rows(shape, found, theirs)
    rows += service_rows()
    rows.append(Row("risk_scale.seconds", time.monotonic() - started, "s for all of this"))
    write("risk_scale", rows)


def work(python: str, arguments: list[str]) -> dict[str, Any]:
    """What a process of its own prints as JSON; its complaints go where ours go. Raises RuntimeError when it fails."""
    started = time.monotonic()
    done = subprocess.run([python, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    name = Path(arguments[1 if arguments[0] == "-m" else 0]).name
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}")
    print(name, round(time.monotonic() - started), "s", flush=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _own_rows(shape: str, found: dict[str, Any]) -> list[Row]:
    name, note = f"risk_scale.{shape}", "" if COMPILED else SLOW
    waits = found["fill"]["ns"] - found["fill"]["hot_ns"]
    why = f"of it {waits:.0f} ns wait for memory: an account, its positions and their neighbours lie apart"
    rows = [
        Row(f"{name}.accounts", ACCOUNTS, "accounts"),
        Row(f"{name}.build", found["build_seconds"] / ACCOUNTS * 1e6, "us per account, its positions included"),
        Row(f"{name}.memory", found["row_bytes_per_account"], "bytes per account, its positions included"),
        Row(
            f"{name}.fill",
            found["fill"]["ns"],
            "ns per fill, 250 at a time",
            aim="<= 1000",
            note=note or why,
        ),
        Row(f"{name}.fill.hot", found["fill"]["hot_ns"], "ns per fill, the same few accounts", note=note),
    ]
    for phase in ("calm", "crash", "rebound", "after_fills"):
        told = found[phase]
        rows += [
            Row(f"{name}.{phase}.tick", told["us"], "us of processor per tick", note=note),
            Row(f"{name}.{phase}.tick.p50", told["p50_us"], "us"),
            Row(f"{name}.{phase}.tick.p99", told["p99_us"], "us"),
            Row(f"{name}.{phase}.events", told["events"], "level changes per tick"),
            Row(f"{name}.{phase}.looks", told["looks"], "accounts evaluated per tick"),
        ]
    rows += [
        Row(f"{name}.gap.{gap['size']:.0%}", gap["ms"], f"ms, {gap['events']} level changes") for gap in found["gaps"]
    ]
    return rows


def proof_rows(name: str, found: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    """0 where the wheel said exactly what judging every holder at every tick says."""
    return [
        Row(f"{name}.differences.{what}", int(found[key] != theirs[key]), what, aim="0")
        for what, key in (("events", "digest"), ("levels", "levels"))
    ]


def _peer_rows(shape: str, found: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    rows = []
    for phase in ("calm", "crash", "rebound", "after_fills"):
        for peer, seconds in theirs.get(phase, {}).items():
            ratio = seconds * 1e6 / found[phase]["us"]
            name = f"risk_scale.{shape}.{phase}.{peer}"
            rows.append(Row(name, seconds * 1e6, "us per tick", NAMES[peer], ratio, AIMS.get((phase, peer), "")))
    return rows
