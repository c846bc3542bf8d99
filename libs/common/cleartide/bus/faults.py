"""Named crash points in the recipe. In production they cost one comparison; tests kill the process there.

`CLEARTIDE_CRASH_AT=<point>:<n>` kills this process with SIGKILL the n-th time it reaches the point.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

CRASH_POINTS: Final = (
    "before_decode",
    "after_decode",
    "before_fold",
    "after_fold",
    "before_commit",
    "after_commit",
    "before_publish",
    "after_publish",
    "before_ack",
    "after_ack",
)
CrashPoint = Callable[[str], None]


def no_crash(_point: str) -> None:
    """The production form."""


def crash_point_from(environment: Mapping[str, str]) -> CrashPoint:
    """The crash point that the environment asks for; `no_crash` when it asks for none."""
    wanted = environment.get("CLEARTIDE_CRASH_AT", "")
    if not wanted:
        return no_crash
    name, _, count = wanted.partition(":")
    if name not in CRASH_POINTS or not count.isdigit():
        raise ValueError(f"CLEARTIDE_CRASH_AT={wanted!r}: expected <point>:<n> with a point of {CRASH_POINTS}")
    left = int(count)

    def reach(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return reach
