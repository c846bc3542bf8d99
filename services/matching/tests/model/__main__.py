"""python -m services.matching.tests.model --steps 1000000 --seed 7"""

import argparse
import time

from services.matching.tests.model.run import LIFE, volume


def main() -> None:
    """Compare the exchange with the model over many random steps, and tell how fast and what happened."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    started = time.process_time()

    def progress(done: int) -> None:
        if done % (100 * LIFE) == 0:
            print(f"{done} steps, {done / (time.process_time() - started):.0f} a second", flush=True)

    outcomes = volume(chosen.seed, chosen.steps, progress)
    for name, times in sorted(outcomes.items()):
        if name:
            print(f"{times:>9} {name}")
    took = time.process_time() - started
    print(f"{chosen.steps} steps of seed {chosen.seed}: no difference; {chosen.steps / took:.0f} a second")


if __name__ == "__main__":
    main()
