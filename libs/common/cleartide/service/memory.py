"""The garbage collector, told what a fold is: a large state that stays, and batches that come and go.

Counting references frees nearly everything here. What is left to the collector is to look, again and again, at all that
lives: a fifth of a sequencer's processor time, and pauses that grow with the state.
"""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 20_000
"""More than a batch has at once, so that most of its objects are gone before anybody looks for them."""
GENERATIONS: Final = (10, 100)


def expect_batches() -> None:
    """Look at the young only once a batch's worth of them has stayed."""
    gc.set_threshold(YOUNG_OBJECTS, *GENERATIONS)


def keep_state() -> None:
    """What has just been loaded stays for as long as the process: it is never looked at again."""
    gc.collect()
    gc.freeze()
