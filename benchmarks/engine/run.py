"""`make bench ONLY=engine`: every engine on every flow in turn, medians over rounds; then hops, memory and proofs.

Ours and bourse follow the whole flows in every round. Slow peers follow the first 30,000 commands of the synthetic one,
and ours beside them the same. There are five rounds, fewer when time is up: three at least. `QUICK=1` tries
everything once and small, which measures nothing and writes no result.

Flows, and our engine's records of them, are made once and lie on disk for all the processes that are measured. What is
not timed, which is making them and the proofs, takes all processors.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.engine import flows, hop, public
from benchmarks.engine.peers import peers_python
from benchmarks.engine.reports import report_hash
from benchmarks.engine.subjects.ours import prepare
from benchmarks.report import Row, median, show, write
from services.matching.engine import COMPILED
from services.matching.engine.positions import Positions
from services.matching.engine.tests.forms import DIGEST, compare

ROOT: Final = Path(__file__).parents[2]
QUICK: Final = bool(os.environ.get("QUICK"))
ROUNDS: Final = 1 if QUICK else 5
FEWEST_ROUNDS: Final = 3
ROUNDS_SECONDS: Final = 240
"""After so much time no further round begins."""
WORK_SECONDS: Final = 45
FILLS: Final = 300_000
RANDOM_COMMANDS: Final = 20_000 if QUICK else 10_000_000
BEGAN: Final = time.monotonic()
INTERPRETED: Final = {"CLEARTIDE_ENGINE": "interpreted"}
PURE: Final = "pure Python"
KINDS: Final = {"bourse": "Rust", "limit_order_book": "C++", "liquibook": "C++"}
"""What the peers are that are not pure Python."""
PEERS: Final = {
    "bourse": ("synthetic", "recorded"),
    "limit_order_book": ("synthetic",),
    "liquibook": ("short",),
    "pyorderbook": ("short",),
    "fastlob": ("short",),
    "lightmatchingengine": ("short",),
}
"""The flows that each can follow in a reasonable time; `short` is the synthetic one's first 30,000 commands."""
COMMANDS: Final = 20_000 if QUICK else 1_000_000
PUBLIC_ORDERS: Final = 10_000 if QUICK else public.ORDERS
SHORT: Final = 2_000 if QUICK else 30_000
INTERPRETED_COMMANDS: Final = 200_000
"""Of the synthetic flow, for the interpreted form."""
UNCHECKED: Final = "tells no trades, so that what it does cannot be checked"
Rates = dict[tuple[str, str], list[float]]


async def run() -> None:
    """Measure and write `results/engine.json`."""
    if not COMPILED:
        print("the engine is interpreted here; what follows says nothing about the compiled one", flush=True)
    peers = peers_python()
    with TemporaryDirectory() as folder:
        paths = _flows(Path(folder))
        rates = _rates(paths, peers)
        rows = [*_own_rows(rates), *_peer_rows(rates), *_best_python_rows(rates)]
        rows += [*_latency_rows(paths["synthetic"]), *_memory_rows(paths["synthetic"], peers)]
        rows += [*_hop_rows(paths["synthetic"]), *_position_rows(), *_report_rows(paths), *_form_rows()]
    _tell("done")
    if QUICK:
        show(rows)
    else:
        write("engine", rows)


def _tell(what: str) -> None:
    """Progress, for who waits."""
    print(f"{time.monotonic() - BEGAN:5.0f} s  {what}", file=sys.stderr, flush=True)


def _flows(folder: Path) -> dict[str, Path]:
    """The synthetic flow has a million commands, the public ones two each, the recorded one what was recorded."""
    makers: dict[str, Callable[[], flows.Flow]] = {
        **{market: partial(public.flow, market, PUBLIC_ORDERS) for market in public.PUBLISHED},
        "synthetic": partial(flows.synthetic, COMMANDS),
        "recorded": flows.recorded,
        "short": partial(flows.synthetic, SHORT),
    }
    paths = {name: folder / name for name in ("synthetic", "recorded", *public.PUBLISHED, "short")}
    _tell("making the flows")
    with ProcessPoolExecutor() as processors:
        for done in [processors.submit(_make, make, paths[name]) for name, make in makers.items()]:
            done.result()
    return paths


def _make(make: Callable[[], flows.Flow], path: Path) -> None:
    flow = make()
    flow.name = path.name
    flow.save(path)
    prepare(flow, path.with_suffix(flows.RECORDS))


def _work(python: str, engine: str, measure: str, flow: Path, *limit: str, **variables: str) -> dict[str, Any]:
    """One measurement in a process of its own, of all commands or of the first ones."""
    command = [python, "-m", "benchmarks.engine.worker", engine, measure, str(flow), *limit]
    done = _ended(command, os.environ | variables)
    if done.returncode:
        raise RuntimeError(f"{engine} on {flow.name}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    if found.get("right") is False:
        raise RuntimeError(f"{engine} on {flow.name} trades something else: {found}")
    return found


class HungError(RuntimeError):
    """A measurement that does not end."""


def _ended(command: list[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=WORK_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise HungError(f"{command[3]} did not end in {WORK_SECONDS} s") from error


def _rates(paths: dict[str, Path], peers: str | None) -> Rates:
    """Commands per second of (engine, flow), a value a round. Within a round everybody has their turn.

    Trades are checked in the first round. The flows with published reports are for us: our pure Python has one turn.
    """
    own = sys.executable
    turns: list[tuple[str, str, str, str, dict[str, str]]] = []
    for flow in paths:
        turns += [("packed", own, "packed:1000", flow, {}), ("plain", own, "plain", flow, {})]
        if flow not in public.PUBLISHED:
            turns.append(("call", own, "ours", flow, {}))
    for size in (1, 10, 100):
        turns.append((f"packed_{size}", own, f"packed:{size}", "synthetic", {}))
    for name in ("synthetic", "short"):
        turns.append(("interpreted", own, "packed:1000", name, INTERPRETED))
    if peers is not None:
        turns += [(peer, peers, peer, flow, {}) for peer, their in PEERS.items() for flow in their]
    rates: Rates = {}
    began = time.monotonic()
    for number in range(ROUNDS):
        if number >= FEWEST_ROUNDS and time.monotonic() - began > ROUNDS_SECONDS:
            break
        _tell(f"round {number + 1} of {ROUNDS}")
        for name, python, engine, flow, variables in turns:
            if number and name == "plain" and flow in public.PUBLISHED:
                continue
            partly = name == "interpreted" and flow != "short"
            limit = [str(INTERPRETED_COMMANDS)] if partly else []
            checked = not number and not partly and flow not in public.PUBLISHED
            try:
                found = _work(python, engine, "check" if checked else "rate", paths[flow], *limit, **variables)
            except HungError as hung:  # fastlob's thread and its book now and then wait for each other
                if name not in PEERS:
                    raise
                _tell(f"{hung}: no turn in this round")
                continue
            rates.setdefault((name, flow), []).append(found["rate"])
    return rates


def _ratio(rates: Rates, over: tuple[str, str], under: tuple[str, str]) -> float:
    """The median over the rounds in which both had their turn."""
    return median([one / other for one, other in zip(rates[over], rates[under], strict=False)])


def _medians(values: list[float]) -> str:
    """What a figure is the median of."""
    return f"median of {len(values)} rounds"


def _own_rows(rates: Rates) -> list[Row]:
    """Ours, with our own pure Python as the bar."""
    rows = [
        Row(f"engine.{flow}.{way}", median(values) / 1e6, "M commands/s", note=_medians(values))
        for (way, flow), values in rates.items()
        if (way.startswith("packed") or way in ("call", "interpreted")) and flow != "short"
    ]
    worst = min(median(rates["packed", market]) for market in public.PUBLISHED)
    rows.append(Row("engine.worst_public.packed", worst / 1e6, "M commands/s", aim=">= 5"))
    rows += [
        Row(
            f"engine.{flow}.packed/plain", median(rates["plain", flow]) / 1e6, "M commands/s",
            "a dict of deques and a heap, no accounts, no checks: the fastest pure Python we know",
            _ratio(rates, ("packed", flow), ("plain", flow)),
        )
        for way, flow in rates
        if way == "plain" and flow != "short"
    ]  # fmt: skip
    return rows


AIMS: Final = {
    ("packed", "bourse", "synthetic"): ">= 8",
    ("packed", "bourse", "recorded"): ">= 15",
    ("call", "bourse", "synthetic"): ">= 4",
    ("call", "lightmatchingengine", "short"): ">= 100",
    ("interpreted", "pyorderbook", "short"): "> 1",
    ("interpreted", "fastlob", "short"): "> 1",
    ("interpreted", "lightmatchingengine", "short"): "> 1",
}


def _peer_rows(rates: Rates) -> list[Row]:
    """Ours over theirs on the same flow, by each of our ways in."""
    rows = []
    for peer, flow in rates:
        if peer not in PEERS:
            continue
        for way in ("packed", "call", "interpreted"):
            if (way, flow) in rates:
                value, ratio = median(rates[peer, flow]) / 1e6, _ratio(rates, (way, flow), (peer, flow))
                note = UNCHECKED if peer in ("limit_order_book", "fastlob") else ""
                note = "; ".join(filter(None, (_medians(rates[peer, flow]), note)))
                against, aim = f"{peer} ({KINDS.get(peer, PURE)})", AIMS.get((way, peer, flow), "")
                rows.append(Row(f"engine.{flow}.{way}/{peer}", value, "M commands/s", against, ratio, aim, note))
    return rows


def _best_python_rows(rates: Rates) -> list[Row]:
    """Ours over the fastest of the peers that are pure Python."""
    pure = [key for key in rates if key[0] in PEERS and key[0] not in KINDS]
    if not pure:
        return []
    best = max(pure, key=lambda key: median(rates[key]))
    return [
        Row(
            f"engine.short.{way}/best_pure_python", median(rates[best]) / 1e6, "M commands/s", f"{best[0]} ({PURE})",
            _ratio(rates, (way, "short"), best), aim, f"the synthetic flow's first {SHORT:,} commands",
        )
        for way, aim in (("packed", ""), ("call", ">= 10"), ("interpreted", "> 1"))
    ]  # fmt: skip


def _latency_rows(path: Path) -> list[Row]:
    """Of one command, called; the clock's own cost is in them."""
    _tell("latency")
    found = [_work(sys.executable, "ours", "latency", path) for _ in range(ROUNDS)]
    values = {name: median([each[name] for each in found]) / 1000 for name in found[0]}
    aims = {"p99": "<= 1"}
    return [
        Row(
            f"engine.synthetic.call.{name}",
            value,
            "us",
            aim=aims.get(name, ""),
            note="clock read twice" * (name == "clock"),
        )
        for name, value in values.items()
    ]


def _memory_rows(path: Path, peers: str | None) -> list[Row]:
    """Resident bytes per resting order of a book of 20,000."""
    _tell("memory")
    subjects = [("ours", sys.executable), ("plain", sys.executable)]
    subjects += [("bourse", peers)] if peers is not None else []
    return [
        Row(
            f"engine.memory.{name}",
            median([_work(python, name, "memory", path)["bytes"] for _ in range(3)]),
            "B per order",
            note="the empty engine, its window and 65,536 accounts are in it" * (name == "ours"),
        )
        for name, python in subjects
    ]


HOP_AIMS: Final = {"msgpack": ">= 0.9", "msgpack_batch": ">= 1.2", "packed": ">= 8"}


def _hop_rows(path: Path) -> list[Row]:
    """Bytes in, bytes out, ratios to pydantic on both ends."""
    _tell("whole hops")
    flow, names = flows.Flow.load(path), [*hop.codecs()]
    found: dict[str, list[float]] = {}
    messages = hop.contracts(flow)
    wires = {name: hop.wire(messages, name) for name in names}
    gc.collect()
    gc.disable()
    for _ in range(ROUNDS):
        for name in names:
            found.setdefault(name, []).append(hop.measure(wires[name], flow.warm, name))
        found.setdefault("packed", []).append(hop.measure_packed(flow))
    gc.enable()
    rows = []
    for name, values in found.items():
        ratio = median([one / other for one, other in zip(values, found["pydantic"], strict=True)])
        aim = HOP_AIMS.get(name, "")
        rows.append(
            Row(f"engine.hop.{name}", median(values) / 1e6, "M commands/s", "pydantic in, pydantic out", ratio, aim)
        )
    return rows


def _position_rows() -> list[Row]:
    """One side of a fill, called from Python; inside the matching loop it costs less."""
    positions, taken = Positions(1024), []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for number in range(FILLS):
            positions.fill(number & 1023, 5 if number & 3 else -9, 61_800 + (number & 63), 450_000)
        taken.append((time.thread_time() - began) / FILLS * 1e9)
    return [Row("engine.position.fill", median(taken), "ns", aim="<= 80", note="the loop around the call is in it")]


def _report_rows(paths: dict[str, Path]) -> list[Row]:
    """Whether our reports have the published hash: 1 or 0."""
    if QUICK:
        return []
    _tell("published reports")
    with ProcessPoolExecutor() as processors:
        hashes = list(processors.map(_reported, [paths[market] for market in public.PUBLISHED]))
    return [
        Row(f"engine.{market}.reports_as_published", float(found == known), "yes = 1", aim="1")
        for (market, known), found in zip(public.PUBLISHED.items(), hashes, strict=True)
    ]


def _reported(path: Path) -> str:
    return report_hash(flows.Flow.load(path))


def _form_rows() -> list[Row]:
    """Whether compiled and interpreted say the same to a long random flow: 1 or 0."""
    _tell(f"both forms over {RANDOM_COMMANDS:,} random commands")
    compiled, interpreted = compare(DIGEST, str(RANDOM_COMMANDS), "7")
    equal = compiled == interpreted
    return [Row("engine.forms_agree", float(equal), f"yes = 1, over {RANDOM_COMMANDS:,} random commands", aim="1")]
