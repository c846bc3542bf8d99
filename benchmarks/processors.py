"""Processor time by group of processes: what a latency was spent on, beside the latency."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def seconds_by_group(groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Processor seconds, user and system, that each group's processes and all that they started have had."""
    children, ticks = _table()
    return {
        group: sum(_ticks(pid, children, ticks) for pid in pids) / TICKS_PER_SECOND for group, pids in groups.items()
    }


def _ticks(pid: int, children: Mapping[int, list[int]], ticks: Mapping[int, int]) -> int:
    return ticks.get(pid, 0) + sum(_ticks(child, children, ticks) for child in children.get(pid, ()))


def _table() -> tuple[dict[int, list[int]], dict[int, int]]:
    """(children by parent, clock ticks by process) of every process of this machine."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):  # it ended between the listing and the look
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            pid = int(folder.name)
            children.setdefault(int(fields[1]), []).append(pid)
            ticks[pid] = sum(int(field) for field in fields[11:15])  # its own, and of children that have ended
    return children, ticks
