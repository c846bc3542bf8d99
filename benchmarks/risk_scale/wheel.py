"""Our side, in a process of its own: `python -m benchmarks.risk_scale.wheel <folder>` prints what it measured."""

import gc
import hashlib
import json
import resource
import sys
import time
import zlib
from array import array
from pathlib import Path
from typing import Any

from benchmarks.report import percentile
from benchmarks.risk_scale.data import ENTER_PPM, FRACTION_PPB, INITIAL_PPB, LEAVE_PPM
from services.risk.engine import COMPILED
from services.risk.engine.wheel import Wheel

Events = list[tuple[list[int], list[int]]]
GAPS = (0.01, 0.05, 0.2)
HOT, HOT_ROUNDS = 64, 300
BATCH = 250


def column(folder: Path, name: str) -> "array[int]":
    """One file."""
    values = array("q")
    values.frombytes((folder / name).read_bytes())
    return values


def main(folder: Path) -> dict[str, Any]:
    """Build, walk, fill, walk again; then gaps."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    wheel, rows = build(folder)
    found: dict[str, Any] = {
        "compiled": COMPILED,
        "build_seconds": time.process_time() - started,
        "bytes_per_account": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / len(rows),
        "row_bytes_per_account": (wheel.used * 8 + len(wheel.heads) * 8) / len(rows),
    }
    gc.disable()
    said, marks = hashlib.sha256(), list[int]()
    walk = list(zip(column(folder, "tick_market"), column(folder, "tick_price"), strict=True))
    for name, first, end in json.loads((folder / "phases").read_text()):
        if name == "after_fills":
            found["fill"] = fill(wheel, rows, column(folder, "keep"), column(folder, "fill"))
        found[name] = phase(wheel, walk[first:end], said, marks)
    found["digest"], found["marks"] = said.hexdigest(), marks
    found["said"] = sum(part["count"] for part in found.values() if isinstance(part, dict) and "count" in part)
    found["levels"] = hashlib.sha256(array("q", map(wheel.level, rows)).tobytes()).hexdigest()
    gc.enable()
    found["gaps"] = [gap(wheel, number, size) for number, size in enumerate(GAPS)]
    return found


def build(folder: Path) -> tuple[Wheel, list[int]]:
    """Everybody at the first prices, at the level that they have there."""
    wheel = Wheel(list(ENTER_PPM), list(LEAVE_PPM))
    for ticks in column(folder, "price"):
        number = wheel.market()
        wheel.set_margin(number, [(-1, INITIAL_PPB, FRACTION_PPB)])
        wheel.move(number, ticks)
    keep = column(folder, "keep")
    rows = [wheel.account(number) for number in range(len(keep))]
    last: list[tuple[int, int]] = [(0, 0)] * len(keep)
    for owner, market, slope in zip(*(column(folder, name) for name in ("owner", "market", "slope")), strict=True):
        wheel.hold(rows[owner], market, slope)
        last[owner] = market, slope
    for row, amount, (market, slope) in zip(rows, keep, last, strict=True):
        wheel.update(row, market, slope, amount)
    return wheel, rows


def phase(wheel: Wheel, walk: list[tuple[int, int]], said: Any, marks: list[int]) -> dict[str, float]:
    """Processor seconds of the ticks, and how long single ones took; their events enter the digest and the marks."""
    move, level, events, took, looks = wheel.move, wheel.level, Events(), [], wheel.looks
    now = time.perf_counter_ns
    started = time.process_time()
    for market, ticks in walk:
        begun = now()
        move(market, ticks)
        out = wheel.out
        events.append((out, [level(row) for row in out]) if out else ([], []))
        took.append(now() - begun)
    seconds = time.process_time() - started
    for out, levels in events:
        text = repr(sorted(zip(map(wheel.name, out), levels, strict=True))).encode()
        said.update(text)
        marks.append(zlib.crc32(text))
    count = sum(len(out) for out, _ in events)
    return {
        "us": seconds / max(1, len(walk)) * 1e6,
        "p50_us": percentile(took, 0.5) / 1e3,
        "p99_us": percentile(took, 0.99) / 1e3,
        "events": count / max(1, len(walk)),
        "count": count,
        "looks": (wheel.looks - looks) / len(walk),
    }


def fill(wheel: Wheel, rows: list[int], keep: "array[int]", fills: "array[int]") -> dict[str, float]:
    """Each fill judged at its place, in batches as they come from the bus.

    `hot_ns`: the same for a few accounts again and again, which the caches hold.
    """
    told = []
    for account, market, slope, change in zip(fills[::4], fills[1::4], fills[2::4], fills[3::4], strict=True):
        keep[account] += change
        told.append((rows[account], market, slope, keep[account]))
    started = time.process_time()
    for at in range(0, len(told), BATCH):
        batch = told[at : at + BATCH]
        wheel.expect([row for row, _, _, _ in batch])
        for row, market, slope, amount in batch:
            wheel.update(row, market, slope, amount)
    seconds = time.process_time() - started
    hot = [*{fill[0]: fill for fill in told}.values()][:HOT]
    started = time.process_time()
    for _ in range(HOT_ROUNDS):
        for row, market, slope, amount in hot:
            wheel.update(row, market, slope, amount)
    hot_seconds = time.process_time() - started
    return {
        "ns": seconds / max(1, len(told)) * 1e9,
        "hot_ns": hot_seconds / max(1, len(hot) * HOT_ROUNDS) * 1e9,
    }


def gap(wheel: Wheel, market: int, size: float) -> dict[str, float]:
    """One market falls by so much in one tick."""
    price = int(wheel.price[market])
    started = time.process_time()
    wheel.move(market, round(price * (1 - size)))
    return {"size": size, "ms": (time.process_time() - started) * 1e3, "events": len(wheel.out)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
