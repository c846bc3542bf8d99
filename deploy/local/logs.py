"""Logs of the children: each into its own file of bounded size, and line by line to whoever listens."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from deploy.local.process import tail

_CAP_BYTES = 10 * 2**20
_READ_BYTES = 65_536
_FOLLOW_SECONDS = 0.2


class PumpedLog:
    """A log whose child writes into a pipe: we cut the file when it grows too long and pass on every line.

    The file keeps at most two times `cap` bytes: the current part, and the one before it with `.1` at the end.
    It holds whole lines; only a line longer than half of `cap` comes in pieces.
    """

    def __init__(self, path: Path, listener: Callable[[str], None] | None = None, cap: int = _CAP_BYTES) -> None:
        self.path = path
        self._listener = listener
        self._cap = cap
        self._file: BinaryIO | None = None

    def open(self) -> int:
        """A pipe's writing end for the next child; its reading end is ours until the child ends."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        loop = asyncio.get_running_loop()
        loop.add_reader(reading, self._pump, loop, reading, bytearray())
        return writing

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _pump(self, loop: asyncio.AbstractEventLoop, reading: int, partial: bytearray) -> None:
        piece = min(_READ_BYTES, self._cap // 2)
        try:
            data = os.read(reading, piece)
        except BlockingIOError:
            return
        partial += data
        whole = partial.rfind(b"\n") + 1
        if not data or (not whole and len(partial) >= piece):
            whole = len(partial)
        if whole:
            self._store(bytes(partial[:whole]))
            del partial[:whole]
        if not data:
            loop.remove_reader(reading)
            os.close(reading)
            self.close()

    def _store(self, data: bytes) -> None:
        if self._file is not None and self._file.tell() + len(data) > self._cap:
            self.close()
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)
        self._file.write(data)
        if self._listener is not None:
            for line in data.removesuffix(b"\n").split(b"\n"):
                self._listener(line.decode(errors="replace"))


async def follow(paths: dict[str, Path], show: Callable[[str, str], None], *, lines: int, forever: bool) -> None:
    """Show the last lines of each log and, if wanted, what is added from then on."""
    offsets: dict[str, int] = {}
    for name, path in paths.items():
        offsets[name] = path.stat().st_size if path.exists() else 0
        for line in tail(path, lines):
            show(name, line)
    while forever:
        await asyncio.sleep(_FOLLOW_SECONDS)
        for name, path in paths.items():
            offsets[name] = _show_added(name, path, offsets[name], show)


def _show_added(name: str, path: Path, offset: int, show: Callable[[str, str], None]) -> int:
    """Show whole lines after the offset; returns the offset behind them. A cut file is read from its start."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(offset if size >= offset else 0)
            start = file.tell()
            data = file.read()
    except FileNotFoundError:
        return 0
    whole = data.rfind(b"\n") + 1
    for line in data[:whole].decode(errors="replace").splitlines():
        show(name, line)
    return start + whole
