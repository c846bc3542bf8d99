"""Small things the tests share."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.ports import free_port
from deploy.local.process import FileLog, started_at, wrapped
from deploy.local.settings import DEFAULT_PORTS, ROOT
from deploy.local.units import Program, ProgramUnit

WEB = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


def python(code: str, *arguments: str) -> tuple[str, ...]:
    """A command line that runs a piece of Python."""
    return (sys.executable, "-c", code, *arguments)


def web(name: str, *, after: tuple[str, ...] = ()) -> Program:
    """A program that answers /health/ready."""
    port = free_port()
    return Program(
        name, python(WEB, str(port)), env=environment(), after=after, ready_port=port, ready_path="/health/ready"
    )


def unit(program: Program, folder: Path) -> ProgramUnit:
    """A program in the graph, logging into a folder."""
    return ProgramUnit(program, log=FileLog(folder / f"{program.name}.log"), folder=folder)


def environment(home: Path | None = None) -> dict[str, str]:
    """Ours, with every port of the stack pinned to a free one, and the stack's folder."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("CLEARTIDE_")}
    if home is None:
        return ours
    chosen: set[int] = set()
    while len(chosen) < len(DEFAULT_PORTS):
        chosen.add(free_port(frozenset(chosen)))
    pinned = {f"CLEARTIDE_PORT_{name.upper()}": str(port) for name, port in zip(DEFAULT_PORTS, chosen, strict=True)}
    return {**ours, **pinned, "CLEARTIDE_HOME": str(home)}


def run_as(identity: str, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a piece of Python in this repository as somebody else; see child.py for identities."""
    command = wrapped(python(code, *arguments), signal.SIGKILL, identity)
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


async def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something holds; fail if it does not."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    return started_at(pid) is None


def listening(ports: Mapping[str, int]) -> set[str]:
    """Names of the ports on which somebody listens."""
    from deploy.local.ports import is_free

    return {name for name, port in ports.items() if not is_free(port)}
