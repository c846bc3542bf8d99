"""Named points of the recipe where tests stop a process, for good or for a while. In production they cost a comparison.

`CLEARTIDE_CRASH_AT=<point>:<n>` kills this process with SIGKILL the n-th time it reaches the point;
`CLEARTIDE_FREEZE_AT=<point>:<n>` freezes it there with SIGSTOP, until somebody sends SIGCONT.
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
FAULTS: Final[Mapping[str, signal.Signals]] = {
    "CLEARTIDE_CRASH_AT": signal.SIGKILL,
    "CLEARTIDE_FREEZE_AT": signal.SIGSTOP,
}
CrashPoint = Callable[[str], None]


def no_crash(_point: str) -> None:
    """The production form."""


def crash_point_from(environment: Mapping[str, str]) -> CrashPoint:
    """The fault that the environment asks for; `no_crash` when it asks for none."""
    for variable, fatal in FAULTS.items():
        if wanted := environment.get(variable, ""):
            return _fault(f"{variable}={wanted!r}", wanted, fatal)
    return no_crash


def _fault(asked: str, wanted: str, fatal: signal.Signals) -> CrashPoint:
    name, _, count = wanted.partition(":")
    if name not in CRASH_POINTS or not count.isdigit():
        raise ValueError(f"{asked}: expected <point>:<n> with a point of {CRASH_POINTS}")
    left = int(count)

    def reach(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), fatal)

    return reach
