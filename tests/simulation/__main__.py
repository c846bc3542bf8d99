"""Run seeds by hand: `python -m tests.simulation 4711` or `python -m tests.simulation 1-5000`."""

import sys
import time
import traceback

from tests.simulation.check import check, digest
from tests.simulation.runs import run_seed


def main(arguments: list[str]) -> int:
    """Run each seed; print the ones that fail, and one line at the end."""
    failed = 0
    first, _, last = (arguments or ["1"])[0].partition("-")
    seeds = range(int(first), int(last or first) + 1)
    started = time.monotonic()
    for seed in seeds:
        try:
            world = run_seed(seed)
            check(world)
        except Exception:
            failed += 1
            print(f"seed {seed} failed")
            traceback.print_exc()
        else:
            if len(seeds) == 1:
                print(f"seed {seed}: {world.events} {digest(world)}")
    print(f"{len(seeds)} seeds, {failed} failed, {time.monotonic() - started:.1f} s")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
