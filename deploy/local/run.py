"""One life of the stack, from the lock to the last child's end: everything that happens around the supervisor."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local.build import Planner, plan
from deploy.local.control import ControlServer, Request
from deploy.local.errors import StackError
from deploy.local.files import make_folder
from deploy.local.logs import PumpedLog
from deploy.local.process import started_at, tail
from deploy.local.rebuilding import Rebuilding
from deploy.local.report import Report
from deploy.local.settings import ROOT, Settings
from deploy.local.state import Lock, clear_leftovers, read_state, write_state
from deploy.local.supervisor import State, Supervisor
from deploy.local.units import ProgramUnit

_OPERATION_SECONDS = 3600.0


class AlreadyRunsError(StackError):
    """Another supervisor holds this folder."""


class Run:
    """Brings the stack up, serves requests, takes it down.

    on_ready() is called once, after the closing block; planner makes the units. run() raises StackError with one
    sentence for the user; nothing is left running then.
    """

    def __init__(
        self, settings: Settings, report: Report, on_ready: Callable[[], None], planner: Planner = plan
    ) -> None:
        self._home = settings.home
        self._settings = settings
        self._report = report
        self._on_ready = on_ready
        self._planner = planner
        self._stopping = asyncio.Event()
        self._phase = "starting"
        self._seconds = 0.0
        self._address: Mapping[str, Any] = {}
        self._versions: Mapping[str, str] = {}

    async def run(self) -> None:
        """Everything, until somebody asks to stop."""
        make_folder(self._home.root)
        with Lock(self._home.lock) as lock:
            if not lock.acquire():
                raise AlreadyRunsError(f"A supervisor already runs on {self._home.root}.")
            for name in await clear_leftovers(read_state(self._home.state)):
                self._report.trouble(name, "was left over from a killed supervisor and has been ended")
            self._plan = self._planner(self._settings, self._report.log)
            self._supervisor = Supervisor(self._plan.units, self._on_change)
            self._rebuilding = Rebuilding(self._supervisor, self._operate)
            control = ControlServer(self._handle, self._home.socket, ends_with_asker=("rebuild",))
            self._address = await control.start()
            self._listen_to_signals()
            try:
                await self._live()
            finally:
                await control.stop()
                self._phase = "stopped"
                self._write()

    async def _live(self) -> None:
        stop = asyncio.create_task(self._stopping.wait())
        up = asyncio.create_task(self._supervisor.up())
        await asyncio.wait({stop, up}, return_when=asyncio.FIRST_COMPLETED)
        if not up.done():
            self._phase = "stopping"
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            return
        stop.cancel()
        await up
        self._versions = await asyncio.to_thread(self._plan.versions)
        self._phase, self._seconds = "ready", self._report.seconds()
        self._write()
        self._report.block(closing_block(self._state()))
        self._on_ready()
        await self._stopping.wait()
        await self._take_down()

    async def _take_down(self) -> None:
        self._phase, began = "stopping", time.monotonic()
        await self._rebuilding.give_up()
        await self._supervisor.down()
        self._report.step("cleartide", f"everything stopped in {time.monotonic() - began:.2f} s")

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            self._report.trouble("cleartide", "killing everything, as asked")
            self._supervisor.kill()
        else:
            self._report.step("cleartide", "stopping; once more to kill")
            self._stopping.set()

    def _on_change(self, name: str, state: State, detail: str) -> None:
        self._write()
        if state in (State.READY, State.DONE):
            self._report.step(name, str(state))
        elif state is State.RESTARTING:
            self._report.trouble(name, f"{detail.rstrip('.')}; starting it again")
        elif state is State.CRASH_LOOP:
            self._report.trouble(name, f"{detail.rstrip('.')}; given up, see `make logs SERVICE={name}`")

    async def _handle(self, request: Request) -> Mapping[str, Any]:
        """The verbs of control.py."""
        verbs: dict[str, Callable[[], Awaitable[Mapping[str, Any] | None]]] = {
            "status": self._status,
            "down": self._down,
            "start": lambda: self._supervisor.start(request["name"]),
            "stop": lambda: self._supervisor.stop(request["name"]),
            "restart": lambda: self._supervisor.restart(request["name"]),
            "rebuild": lambda: self._rebuild(request["name"]),
            "operate": lambda: self._operate(request["arguments"], "operator"),
        }
        if request["verb"] in ("start", "restart"):
            self._rebuilding.require_not(request["name"])
        return await verbs[request["verb"]]() or {"done": True}

    async def _status(self) -> Mapping[str, Any]:
        return self._state()

    async def _down(self) -> None:
        self._stopping.set()

    async def _rebuild(self, name: str) -> Mapping[str, Any]:
        """Fold a service's input again, with the service stopped meanwhile, and its standby."""
        table = self._plan.table
        if name not in table.services:
            raise StackError(f"There is no service {name!r} to rebuild: choose from {', '.join(table.services)}.")
        return await self._rebuilding.rebuild(name, table.processes(name))

    async def _operate(self, arguments: Sequence[str], name: str) -> Mapping[str, Any]:
        """Run `python -m cleartide.ops` with the administrator's credentials; returns what it printed into its log."""
        log = PumpedLog(self._home.log(name))
        log.path.unlink(missing_ok=True)
        program = self._plan.table.operation(arguments, _OPERATION_SECONDS)
        await ProgramUnit(program, log=log, folder=ROOT).start()
        return {"output": tail(log.path, 1000, 2**19)}

    def _state(self) -> dict[str, Any]:
        table = self._plan.table
        return {
            "supervisor": {"pid": os.getpid(), "mark": started_at(os.getpid())},
            "phase": self._phase,
            "seconds": round(self._seconds, 2),
            "control": dict(self._address),
            "folder": str(self._home.root),
            "ports": dict(table.ports),
            "urls": self._plan.urls(),
            "versions": dict(self._versions),
            "units": self._supervisor.status(),
        }

    def _write(self) -> None:
        write_state(self._home.state, self._state())


def closing_block(state: Mapping[str, Any]) -> str:
    """What a person needs after `up`."""
    urls, folder = state["urls"], short(Path(state["folder"]))
    return f"""
Cleartide is ready ({state["seconds"]:.1f} s).

  Dashboard     {urls["dashboard"]}
  Sign in       make sign-in, which prints a link: good once, for ten minutes, on this machine
  Risk alerts   make alerts, which is
                .venv/bin/python -m cleartide.cli --url {urls["nats_viewer"]} alerts
  Any language  subscribe to risk.alerts.> at that address; it may only read. With NATS' own client:
                nats sub 'risk.alerts.>' --server {urls["nats_viewer"]}
  Try           make demo, which lets the market crash or kills a service
  Look          make ps, make logs SERVICE=risk
  Data, logs    {folder}/data, {folder}/logs
  Stop          Ctrl-C here, or make down
"""


def short(path: Path) -> str:
    """A path as a person in the repository would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
