"""What the three embedded servers have in common: start until ready, stop, be killed, start again on the same port."""

import asyncio
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from signal import SIGTERM, Signals
from typing import ClassVar

from deploy.local import ports
from deploy.local.errors import PortTakenError, StackError
from deploy.local.files import make_folder
from deploy.local.process import FileLog, Log, Process, tail

_POLL_SECONDS = 0.01
_START_ATTEMPTS = 5
_PROBE_SECONDS = 2.0
# What the program wrote just before it ended may still be on its way into the log.
_LAST_WORDS_SECONDS = 0.05


def find_program(variable: str, *places: Path) -> Path:
    """The program to run: what an environment variable names, else the first of the places that exists.

    Raises StackError, naming the variable and the remedy.
    """
    override = os.environ.get(variable)
    if override:
        if not Path(override).exists():
            raise StackError(f"{variable} names {override}, which does not exist: correct or unset it.")
        return Path(override)
    for place in places:
        if place.exists():
            return place
    raise StackError(
        f"{places[0].name} is not installed: run `make up` once with a network, or set {variable} to one you have."
    )


class Server(ABC):
    """One embedded server with its folder, its port and its log.

    port: None takes a free one at the first start and keeps it, so that clients find a restarted server again.
    durable: False gives up safety at power loss for speed; for tests only.
    Errors: start() raises StackError with one sentence for the user.
    """

    name: ClassVar[str]
    port_variable: ClassVar[str]
    stop_signal: ClassVar[Signals] = SIGTERM
    death_signal: ClassVar[Signals] = SIGTERM

    def __init__(self, folder: Path, *, port: int | None = None, log: Log | None = None, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.durable = durable
        self.log: Log = log or FileLog(self.folder / f"{self.name}.log")
        self._fixed_port = port
        self._port: int | None = port
        self._process: Process | None = None

    @property
    def port(self) -> int:
        """The port served; known from the first start on."""
        if self._port is None:
            raise StackError(f"{self.name} has no port before its first start.")
        return self._port

    @property
    def process(self) -> Process | None:
        """The running child, or the last one."""
        return self._process

    @property
    def running(self) -> bool:
        """Whether the child is alive."""
        return self._process is not None and self._process.exit_code is None

    async def start(self, *, deadline: float = 30.0) -> None:
        """Start and return when the server answers. Safe to call on a running server."""
        if self.running:
            return
        make_folder(self.folder)
        await self.prepare()
        if self._port is not None:
            await self._launch(deadline)
            return
        for attempt in range(_START_ATTEMPTS):
            self._port = ports.free_port()
            try:
                await self._launch(deadline)
                return
            except PortTakenError:
                # Another program took the port between our look and the server's start.
                if attempt == _START_ATTEMPTS - 1:
                    raise

    async def stop(self, *, grace: float = 10.0) -> None:
        """Orderly end; killed after `grace` seconds."""
        if self._process is not None:
            await self._process.stop(self.stop_signal, grace=grace)

    async def kill(self) -> None:
        """SIGKILL: what a crash looks like."""
        if self._process is not None:
            self._process.kill_session()
            await self._process.wait()

    async def restart(self) -> None:
        """Stop in order and start on the same port with the same data."""
        await self.stop()
        await self.start()

    @abstractmethod
    async def prepare(self) -> None:
        """Make what exist before the program starts."""

    @abstractmethod
    def argv(self) -> list[str]:
        """The command line."""

    @abstractmethod
    async def probe(self) -> None:
        """Return if the server answers as it should; raise OSError or TimeoutError if it does not yet."""

    def identity(self) -> str:
        """As whom the program runs; see child.py."""
        return "same"

    def environment(self) -> Mapping[str, str]:
        """The program's environment: nothing of ours but the basics."""
        return {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")}

    async def _launch(self, deadline: float) -> None:
        if not ports.is_free(self.port):
            raise ports.taken(self.port, self.port_variable)
        self._process = Process(
            self.argv(),
            log=self.log,
            env=self.environment(),
            cwd=self.folder,
            death_signal=self.death_signal,
            identity=self.identity(),
        )
        try:
            await self._answer(self._process, time.monotonic() + deadline)
        except BaseException:
            self._process.kill_session()
            await self._process.wait()
            raise

    async def _answer(self, process: Process, until: float) -> None:
        while True:
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    return await self.probe()
            except (OSError, TimeoutError):
                if process.exit_code is not None:
                    await asyncio.sleep(_LAST_WORDS_SECONDS)
                    raise self.failure() from None
                if time.monotonic() > until:
                    raise StackError(f"{self.name} did not answer in time; its log is {self.log.path}.") from None
                await asyncio.sleep(_POLL_SECONDS)

    def failure(self) -> StackError:
        """The sentence for a program that ended instead of starting, from the end of its log."""
        lines = tail(self.log.path)
        if any("already in use" in line.lower() for line in lines[-10:]):
            return ports.taken(self.port, self.port_variable)
        reason = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        return StackError(f"{self.name} could not start: {reason.strip()} (log: {self.log.path}).")
