"""What the stack says on the terminal: steps, events, log lines; for people in colour, for programs as JSON."""

import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import IO, Final

_COLOURS: Final = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_RED, _DIM = 31, 2
_NAME_WIDTH: Final = 11
_LOUD: Final = ("[warning", "[error", "[critical", '"warning"', '"error"', '"critical"', "Traceback", "Error:")


class Report:
    """Writes to a stream. json: one object per line. logs: show every line of the children, not just warnings."""

    def __init__(self, *, as_json: bool = False, all_logs: bool = False, stream: IO[str] | None = None) -> None:
        self._json = as_json
        self._all_logs = all_logs
        self._stream = stream or sys.stdout
        self._coloured = not as_json and self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._colours: dict[str, int] = {}
        self._began = time.monotonic()

    def seconds(self) -> float:
        """Since this report began."""
        return time.monotonic() - self._began

    def plain(self) -> None:
        """No colours from now on: the output goes into a file."""
        self._coloured = False

    def step(self, name: str, text: str) -> None:
        """One thing is done; with the seconds since the beginning."""
        self._emit("step", name, text, f"{self.seconds():6.2f} s  {self._prefix(name)} {text}")

    def trouble(self, name: str, text: str) -> None:
        """Something a person should know."""
        self._emit("trouble", name, text, f"{self.seconds():6.2f} s  {self._prefix(name)} {self._paint(text, _RED)}")

    def log(self, name: str, line: str) -> None:
        """A line of a child's output: warnings and worse, unless all were asked for."""
        if self._all_logs or any(mark in line for mark in _LOUD):
            self.line(name, line)

    def line(self, name: str, line: str) -> None:
        """A line of a child's output, without choice."""
        self._emit("log", name, line, f"{self._prefix(name)} {self._paint('|', _DIM)} {line}")

    def block(self, text: str) -> None:
        """Free text for people; programs read the state file instead."""
        if not self._json:
            self._write(text)

    def _emit(self, kind: str, name: str, text: str, human: str) -> None:
        if not self._json:
            return self._write(human)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return self._write(json.dumps({"time": now, "kind": kind, "name": name, "text": text}))

    def _prefix(self, name: str) -> str:
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return self._paint(f"{name:<{_NAME_WIDTH}}", colour)

    def _paint(self, text: str, colour: int) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._coloured else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            pass  # nobody reads any more; the logs on disk go on
