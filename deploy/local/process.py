"""Child processes: own session, signal at the parent's death, output to a log."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Protocol

_WRAPPER = Path(__file__).with_name("child.py")
_POLL_SECONDS = 0.02
_KILL_SECONDS = 5.0


class Log(Protocol):
    """Where a child's output goes."""

    path: Path

    def open(self) -> int:
        """A file descriptor for the child's standard output and error; the caller closes its copy."""


class FileLog:
    """Output appended to a file by the child itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> int:
        """Open the file for appending, made with its folder if need be."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def wrapped(argv: Sequence[str], death_signal: Signals, identity: str) -> list[str]:
    """The command line that runs `argv` through the wrapper of child.py."""
    return [sys.executable, "-I", "-S", str(_WRAPPER), str(os.getpid()), str(int(death_signal)), identity, *argv]


def tail(path: Path, lines: int = 40, block: int = 16_384) -> list[str]:
    """The last lines of a log; nothing if there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - block))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def started_at(pid: int) -> str | None:
    """A mark that tells a process from a later one with the same id; None if there is no such process."""
    if not Path("/proc/self/stat").exists():
        listing = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(listing, capture_output=True, text=True, check=False).stdout.strip() or None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ended = fields[0] in ("Z", "X")
    return None if ended else fields[19]


class Process:
    """One running child. Independent of the event loop that started it."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Log,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        death_signal: Signals = SIGKILL,
        identity: str = "same",
    ) -> None:
        self.argv = tuple(argv)
        output = log.open()
        try:
            self._popen = subprocess.Popen(
                wrapped(argv, death_signal, identity),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
            )
        finally:
            os.close(output)
        self.started = time.monotonic()
        self.mark = started_at(self.pid)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        return self._popen.poll()

    def signal(self, number: Signals) -> None:
        """Send a signal to the child; nothing happens if it is gone."""
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def kill_session(self) -> None:
        """SIGKILL to the child and to whatever it started in its session."""
        if self._popen.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, SIGKILL)

    async def wait(self) -> int:
        """Exit code, as soon as there is one."""
        try:
            watched = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # not Linux, an old kernel, or gone and reaped already
            return await self._poll()
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(watched, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(watched)
            os.close(watched)
        return await self._poll()

    async def _poll(self) -> int:
        while self._popen.poll() is None:  # noqa: ASYNC110 - the kernel is asked; nobody would set an event
            await asyncio.sleep(_POLL_SECONDS)
        return self._popen.returncode

    async def stop(self, number: Signals = SIGTERM, *, grace: float = 10.0) -> int:
        """Ask the child to end with a signal; after `grace` seconds kill it. Returns its exit code."""
        self.signal(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                return await self.wait()
        self.kill_session()
        async with asyncio.timeout(_KILL_SECONDS):
            return await self.wait()
