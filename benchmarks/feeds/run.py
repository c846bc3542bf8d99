"""`make bench ONLY=feeds`: decoding beside cryptofeed and ccxt.pro, recovery from losses, memory of many symbols."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.engine.peers import peers_python
from benchmarks.feeds.loopback import loopback_rows
from benchmarks.feeds.recovery import recovery_rows
from benchmarks.feeds.weight import weight_rows
from benchmarks.report import Row, median, write
from deploy.local.venues import RECORDING

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = ROOT / "requirements-feeds.lock"
ROUNDS: Final = 5
FRAMES: Final = 40_000
AIMS: Final = {"ccxt": ">= 8", "cryptofeed": ">= 2.5"}


async def run() -> None:
    """Measure and write `results/feeds.json`."""
    peers = peers_python(LOCK)
    rows = [*_decode_rows(peers), *await loopback_rows(peers), *await recovery_rows(), *await weight_rows()]
    write("feeds", rows)


def _decode_rows(peers: str | None) -> list[Row]:
    """Frames per second of parsing and keeping a book; within a round everybody has their turn."""
    turns = [("ours", sys.executable), *((name, peers) for name in AIMS if peers is not None)]
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in turns}
    for _ in range(ROUNDS):
        for name, python in turns:
            rounds[name].append(_work(python, name))
    for name, found in rounds.items():
        for place, (theirs, mine) in enumerate(zip(found[0]["book"], rounds["ours"][0]["book"], strict=True)):
            if theirs != mine:
                raise RuntimeError(f"{name} does not end on our book: {('bids', 'asks', 'update')[place]} differ")
    micros = {name: median([each["micros"] for each in found]) for name, found in rounds.items()}
    rows = []
    for name, found in rounds.items():
        rows.append(Row(f"feeds.decode.{name}", round(1e6 / micros[name]), "frames/s"))
        rows.append(Row(f"feeds.memory.{name}", median([each["megabytes"] for each in found]), "MB"))
    for name in AIMS:
        if name in micros:
            ratio = micros[name] / micros["ours"]
            rows.append(
                Row(f"feeds.decode.over_{name}", round(1e6 / micros["ours"]), "frames/s", name, ratio, AIMS[name])
            )
    return rows


def _work(python: str, name: str) -> dict[str, Any]:
    command = [python, "-m", "benchmarks.feeds.worker", name, str(RECORDING), str(FRAMES)]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "libs" / "common")))
    variables = os.environ | {"PYTHONPATH": paths}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
