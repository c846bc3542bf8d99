"""A random flow through the sequencer's own rules, and the digest of everything it says and of the rows it leaves.

python -m services.matching.tests.digest STEPS [SEED]
"""

import hashlib
import sys
from random import Random
from typing import Final

from services.matching.engine import FORM
from services.matching.tests.flows import EVERYTHING, TRADERS, Step, perform
from services.matching.tests.support import Exchange

STEPS_OF_A_LIFE: Final = 300
STEPS_TO_RESTART: Final = 97


def digest(steps: int, seed: int = 1) -> str:
    """SHA-256 over lives of 300 steps; in every other one the traders are short of margin."""
    random, hashed = Random(seed), hashlib.sha256()
    for life in range(-(-steps // STEPS_OF_A_LIFE)):
        ex = Exchange()
        for trader in TRADERS:
            ex.deposit(trader, "60" if life % 2 else "100000")
        for number in range(STEPS_OF_A_LIFE):
            perform(ex, number, _step(random))
            if number % STEPS_TO_RESTART == STEPS_TO_RESTART - 1:
                ex.restart()
        ex.commit()
        for event in ex.effects.emitted:
            hashed.update(repr(event).encode())
        hashed.update(
            repr(sorted((name, sorted(map(repr, rows.values()))) for name, rows in ex.kept().items())).encode()
        )
    return hashed.hexdigest()


def _step(random: Random) -> Step:
    return Step(
        action=random.choice(EVERYTHING),
        who=random.randrange(len(TRADERS)),
        side=random.choice(("buy", "sell")),
        amount=random.randint(1, 600),
        offset=random.randint(-30, 30),
        flags=random.randint(0, 15),
        terms=random.randint(0, 47),
    )


if __name__ == "__main__":
    print(FORM, digest(*map(int, sys.argv[1:])))
