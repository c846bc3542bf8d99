"""What the supervisor supervises: a server, a program that serves, or a task that runs once."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from signal import SIGKILL, SIGTERM

from deploy.local import ports
from deploy.local.errors import StackError
from deploy.local.probe import is_ready
from deploy.local.process import Log, Process, tail
from deploy.local.server import Server

_POLL_SECONDS = 0.02
_PROBE_SECONDS = 2.0
# What a child wrote just before it ended is still in the pipe when we learn that it ended.
_LAST_WORDS_SECONDS = 0.05


class Rank(IntEnum):
    """Order of stopping: who needs something stops before it."""

    PROGRAM = 0
    VENUE = 1
    BROKER = 2
    DATABASE = 3


@dataclass(frozen=True)
class Program:
    """One row of the process table.

    after: names that must be ready first. ready_port: it is ready when it accepts connections there and, with a
    `ready_path`, answers a GET of it with 200; without a port, as soon as it runs. listens: the ports that it opens, by
    the settings that change them. once: it must end with exit code 0 before others go on. essential: the stack is not
    up without it. deadline: seconds to become ready (for `once`: to end).
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    ready_port: int | None = None
    ready_path: str | None = None
    listens: Mapping[str, int] = field(default_factory=dict)
    once: bool = False
    essential: bool = True
    rank: Rank = Rank.PROGRAM
    deadline: float = 60.0


class Unit(ABC):
    """A node of the start-up graph."""

    name: str
    after: tuple[str, ...] = ()
    rank: Rank = Rank.PROGRAM
    once: bool = False
    essential: bool = True

    @property
    @abstractmethod
    def process(self) -> Process | None:
        """The running child, or the last one."""

    @property
    @abstractmethod
    def port(self) -> int | None:
        """The port it answers on, if any."""

    @abstractmethod
    async def start(self) -> None:
        """Return when it is ready. Raises StackError, with nothing left running."""

    @abstractmethod
    async def stop(self, grace: float) -> None:
        """Orderly end; killed after `grace` seconds."""


class ServerUnit(Unit):
    """An embedded server in the graph."""

    def __init__(self, server: Server, rank: Rank) -> None:
        self.server = server
        self.name = server.name
        self.rank = rank

    @property
    def process(self) -> Process | None:
        """The server's child."""
        return self.server.process

    @property
    def port(self) -> int | None:
        """The server's port."""
        return self.server.port

    async def start(self) -> None:
        """Start the server."""
        await self.server.start()

    async def stop(self, grace: float) -> None:
        """Stop the server."""
        await self.server.stop(grace=grace)


class ProgramUnit(Unit):
    """A program of the process table in the graph."""

    def __init__(self, program: Program, *, log: Log, folder: Path) -> None:
        self.name, self.after = program.name, program.after
        self.once, self.essential, self.rank = program.once, program.essential, program.rank
        self._program = program
        self._log = log
        self._folder = folder
        self._process: Process | None = None

    @property
    def process(self) -> Process | None:
        """The running child, or the last one."""
        return self._process

    @property
    def port(self) -> int | None:
        """The port of its readiness page."""
        return self._program.ready_port

    async def start(self) -> None:
        """Start it and wait until it is ready, or, for a task, until it has ended well."""
        for variable, port in self._program.listens.items():
            if not ports.is_free(port):
                raise ports.taken(port, variable)  # else whoever has it would answer in its name
        self._process = Process(
            self._program.argv, log=self._log, env=self._program.env, cwd=self._folder, death_signal=SIGKILL
        )
        try:
            await (self._finished(self._process) if self.once else self._ready(self._process))
        except BaseException:
            self._process.kill_session()
            await self._process.wait()
            raise

    async def stop(self, grace: float) -> None:
        """TERM, then KILL."""
        if self._process is not None:
            await self._process.stop(SIGTERM, grace=grace)

    async def _finished(self, process: Process) -> None:
        try:
            async with asyncio.timeout(self._program.deadline):
                code = await process.wait()
        except TimeoutError:
            raise self._late("did not finish") from None
        if code != 0:
            raise await self._ended(code)

    async def _ready(self, process: Process) -> None:
        port, until = self._program.ready_port, time.monotonic() + self._program.deadline
        while port is not None:
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    if await is_ready(port, self._program.ready_path):
                        return
            except (OSError, TimeoutError):
                pass
            if (code := process.exit_code) is not None:
                raise await self._ended(code)
            if time.monotonic() > until:
                raise self._late("was not ready")
            await asyncio.sleep(_POLL_SECONDS)

    def _late(self, what: str) -> StackError:
        return StackError(f"{self.name} {what} within {self._program.deadline:g} s; its log is {self._log.path}.")

    async def _ended(self, code: int) -> StackError:
        await asyncio.sleep(_LAST_WORDS_SECONDS)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        reason = next((line.strip() for line in reversed(tail(self._log.path)) if line.strip()), "no output")
        return StackError(f"{self.name} {how}: {reason} (log: {self._log.path}).")
