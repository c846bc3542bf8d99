"""A core of its own for a process whose delays are measured, before everybody else where the system allows it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

PRIORITY: Final = 10


@contextmanager
def first_on(core: int) -> Iterator[None]:
    """Within the block this process runs on that core alone, ahead of what is not measured."""
    cores, policy, parameters = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
    if len(cores) > 1:
        os.sched_setaffinity(0, {sorted(cores)[core]})
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
        os.sched_setaffinity(0, cores)
