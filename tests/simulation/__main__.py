"""Many seeds at once, or one again: `python -m tests.simulation --first 17 --count 1`."""

import argparse
import time
from collections import Counter

import structlog

from tests.simulation.run import simulate


def main() -> None:
    """Prints what happened to the histories; ends with an AssertionError naming the seed that broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=1_000)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    started = time.perf_counter()
    faults: Counter[str] = Counter()
    for seed in range(arguments.first, arguments.first + arguments.count):
        history = simulate(seed)
        faults.update(history.faults)
    seconds = time.perf_counter() - started
    print(f"{arguments.count} seeds in {seconds:.1f} s: every history equals its undisturbed fold")
    if arguments.count == 1:
        print(f"seed {arguments.first}: digest {history.digest}, {history.events} events")
    for fault, times in sorted(faults.items()):
        print(f"{times:8,} {fault}")


if __name__ == "__main__":
    main()
