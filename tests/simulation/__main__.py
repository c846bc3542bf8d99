"""Run seeds by hand: `python -m tests.simulation 4711` or `1-5000`; `standbys` behind it adds them to every service."""

import sys
import time
import traceback

from tests.simulation.check import digest
from tests.simulation.runs import checked_seed, seeds_of


def main(arguments: list[str]) -> int:
    """Run each seed; print the ones that fail, and one line at the end."""
    seeds, failed, started = seeds_of((arguments or ["1"])[0]), 0, time.monotonic()
    standbys = "standbys" in arguments[1:]
    for seed in seeds:
        try:
            world = checked_seed(seed, standbys=standbys)
        except Exception:
            failed += 1
            print(f"seed {seed} failed")
            traceback.print_exc()
        else:
            if len(seeds) == 1:
                print(f"seed {seed}: {dict(sorted(world.events.items()))} {digest(world)}")
    print(f"{len(seeds)} seeds, {failed} failed, {time.monotonic() - started:.1f} s")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
