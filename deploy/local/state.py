"""What the supervisor leaves on disk: a lock while it lives, and a state file that outlives it."""

import asyncio
import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import Any, Self

from deploy.local.errors import StackError
from deploy.local.files import make_folder, write_private
from deploy.local.process import started_at

_POLL_SECONDS = 0.05


class Lock:
    """Held by at most one supervisor per folder; the kernel lets go of it when the holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock, unless somebody has it."""
        make_folder(self._path.parent)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether a supervisor lives in this folder."""
    if not path.exists():
        return False
    with Lock(path) as lock:
        return not lock.acquire()


def read_state(path: Path) -> dict[str, Any]:
    """The state file; empty if there is none or it is damaged (it can be made again, so that is no error)."""
    try:
        state = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replace the state file. Raises StackError where the folder cannot be written."""
    try:
        write_private(path, json.dumps(state, indent=2) + "\n")
    except OSError as error:
        raise StackError(f"Cannot write {path} ({error.strerror}): make room or set CLEARTIDE_HOME.") from None


async def clear_leftovers(state: dict[str, Any], patience: float = 5.0) -> list[str]:
    """Wait for children of a supervisor that was killed; after `patience` seconds kill them.

    Returns the names of those that had to be killed. Where the kernel ends them by itself (Linux) that is nobody.
    """
    left = {
        unit["name"]: unit["pid"]
        for unit in state.get("units", [])
        if unit.get("pid") and unit.get("mark") and started_at(unit["pid"]) == unit["mark"]
    }
    until = time.monotonic() + patience
    while left and time.monotonic() < until:
        await asyncio.sleep(_POLL_SECONDS)
        left = {name: pid for name, pid in left.items() if started_at(pid) is not None}
    for pid in left.values():
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
    return list(left)
