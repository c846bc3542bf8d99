"""Service processes, forked from one that has imported the services: an interpreter's start costs more than most tests.

What runs is the service's own `__main__`, in a process of its own with its own environment and log.
"""

import os
import random
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import connection, get_context
from pathlib import Path
from typing import Final

from cleartide.bus.streams import SERVICES

_APPS: Final = [f"services.{service}.app" for service in SERVICES]
_forks: Final = get_context("forkserver")
_forks.set_forkserver_preload([*_APPS, __name__, "tests.support.standing"])


class Forked:
    """One process of a service; it answers as `subprocess.Popen` does."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self._process = _forks.Process(target=_run, args=(module, dict(environment), str(log)))
        self._process.start()
        self._looking = threading.Lock()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, the negative signal that ended it, or None while it runs."""
        with self._looking:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        if not connection.wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with suppress(ProcessLookupError):  # it may end between the look and the signal
            if self.poll() is None:
                os.kill(self.pid, number)


def _run(module: str, environment: dict[str, str], log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    for wiring in _APPS:  # which reads the settings as it is imported
        sys.modules.pop(wiring, None)
    runpy.run_module(module, run_name="__main__")
