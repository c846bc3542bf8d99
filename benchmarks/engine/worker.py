"""One engine on one flow in a process of its own: `python -m benchmarks.engine.worker ENGINE MEASURE FLOW [COMMANDS]`.

MEASURE is rate, check (the same, and whether the trades are right), latency or memory. Prints one JSON object. Standard
library only, so that it runs in the peers' environment too. The loop under the clock does nothing but call: what is
called with what is prepared outside the clock, a portion at a time. Time is the thread's processor time, with the
collector off.
"""

import gc
import importlib
import json
import resource
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.engine.flows import Flow, trade_digest

PORTION: Final = 100_000
Call = tuple[Callable[..., Any], tuple[Any, ...]]


class Subject(Protocol):
    """An engine under measurement; `per_call` commands are carried out by one item of `calls`."""

    per_call: int

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """For each command, or frame of commands, the calls that carry it out."""

    def trades(self) -> "array[int] | None":
        """(number of the resting order, price, lots) of every trade, if the engine tells."""


def main() -> None:
    """Measure as asked."""
    engine, measure, path, *rest = sys.argv[1:]
    flow = Flow.load(Path(path))
    limit = int(rest[0]) if rest else len(flow)
    name, *arguments = engine.split(":")
    make = importlib.import_module(f"benchmarks.engine.subjects.{name}").Engine
    before = _resident()
    subject: Subject = make(*map(int, arguments))
    gc.disable()
    measures: dict[str, Callable[[Subject, Flow, int], dict[str, Any]]]
    measures = {"rate": rate, "check": rate, "latency": latency, "memory": partial(memory, before)}
    result = measures[measure](subject, flow, limit)
    traded = subject.trades() if measure == "check" else None
    if traded is not None:
        result |= {"fills": len(traded) // 3, "right": trade_digest(traded) == flow.digest}
    print(json.dumps(result))


def portions(subject: Subject, flow: Flow, limit: int) -> Iterator[tuple[int, list[Call]]]:
    """(commands, their calls): first those that fill the book, then a portion at a time."""
    each = subject.per_call
    calls = islice(subject.calls(flow), limit // each)
    size = -(-flow.warm // each) or PORTION
    while part := list(islice(calls, size)):
        yield len(part) * each, [call for item in part for call in item]
        size = max(1, PORTION // each)


def rate(subject: Subject, flow: Flow, limit: int) -> dict[str, Any]:
    """Commands per second of processor time, the first ones that fill the book left out."""
    seconds, done, counted = 0.0, 0, 0
    for commands, calls in portions(subject, flow, limit):
        began = time.thread_time()
        for call, arguments in calls:
            call(*arguments)
        spent = time.thread_time() - began
        done += commands
        if done > flow.warm:
            seconds, counted = seconds + spent, counted + commands
    return {"rate": counted / seconds, "commands": counted}


def latency(subject: Subject, flow: Flow, limit: int) -> dict[str, Any]:
    """Percentiles of one command's wall time in nanoseconds, and what reading the clock twice costs in them."""
    clock, taken, done = time.perf_counter_ns, array("q"), 0
    for commands, calls in portions(subject, flow, limit):
        done += commands
        if done <= flow.warm:
            for call, arguments in calls:
                call(*arguments)
            continue
        for call, arguments in calls:
            began = clock()
            call(*arguments)
            taken.append(clock() - began)
    empty = sorted(-clock() + clock() for _ in range(10_000))
    ordered = sorted(taken)
    shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    return {"clock": empty[len(empty) // 2]} | {name: ordered[int(len(ordered) * at)] for name, at in shares.items()}


def memory(before: int, subject: Subject, flow: Flow, limit: int) -> dict[str, Any]:
    """Resident bytes more than before the engine was made, for each resting order of the book's filling."""
    filling = min(limit, flow.warm)
    for _, calls in portions(subject, flow, filling):
        for call, arguments in calls:
            call(*arguments)
        del calls
    gc.collect()
    return {"bytes": (_resident() - before) / filling, "orders": filling}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
