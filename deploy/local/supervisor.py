"""The supervisor: starts a graph of units when what they need is ready, keeps them running, stops them in order."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deploy.local.errors import PortTakenError, StackError
from deploy.local.units import ServerUnit, Unit

_STOP_GRACE_SECONDS = 5.0
# A run shorter than this after becoming ready, or one that never became ready, counts as a failed start.
_STABLE_SECONDS = 1.0


class State(StrEnum):
    """Where a unit is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    CRASH_LOOP = "crash loop"


@dataclass(frozen=True)
class Backoff:
    """Pauses before restarts, in seconds: `first`, doubled each time up to `cap`; after `budget` failed starts within
    `window` seconds the unit is left alone, since a crash loop mends nothing and hides its cause."""

    first: float = 0.05
    cap: float = 5.0
    budget: int = 6
    window: float = 60.0

    def pause(self, failures: Sequence[float], now: float) -> float | None:
        """The pause after failed starts at these times, the last one just now; None when the budget is spent."""
        recent = sum(1 for moment in failures if now - moment <= self.window)
        if recent >= self.budget:
            return None
        return min(self.cap, self.first * 2.0 ** max(0, recent - 1))


@dataclass
class Kept:
    """A unit and what the supervisor knows of it."""

    unit: Unit
    state: State = State.WAITING
    restarts: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ready_since: float | None = None
    failures: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    keeper: asyncio.Task[None] | None = None

    def describe(self) -> dict[str, Any]:
        """For `ps` and the state file."""
        process = self.unit.process
        alive = process is not None and process.exit_code is None
        return {
            "name": self.unit.name,
            "state": str(self.state),
            "pid": process.pid if process is not None and alive else None,
            "mark": process.mark if process is not None and alive else None,
            "port": self.unit.port,
            "restarts": self.restarts,
            "seconds": round(time.monotonic() - process.started, 1) if process is not None and alive else None,
        }


Listener = Callable[[str, State, str], None]


class Supervisor:
    """Runs units. `on_change(name, state, detail)` is called at each change of state.

    up() raises StackError if a unit that is essential cannot be started; nothing is left running then.
    """

    def __init__(self, units: Iterable[Unit], on_change: Listener, backoff: Backoff | None = None) -> None:
        self._kept = {unit.name: Kept(unit) for unit in units}
        self._on_change = on_change
        self._backoff = backoff or Backoff()
        self._fatal: asyncio.Future[StackError] | None = None
        for kept in self._kept.values():
            unknown = set(kept.unit.after) - set(self._kept)
            if unknown:
                raise ValueError(f"{kept.unit.name} waits for {sorted(unknown)}, which nobody starts")

    def status(self) -> list[dict[str, Any]]:
        """One entry per unit, in the order of the table."""
        return [kept.describe() for kept in self._kept.values()]

    async def up(self) -> None:
        """Start everything; return when every essential unit is ready."""
        self._fatal = asyncio.get_running_loop().create_future()
        for kept in self._kept.values():
            self._keep(kept)
        ready = asyncio.create_task(self._all_ready())
        outcomes: set[asyncio.Future[Any]] = {ready, self._fatal}
        try:
            await asyncio.wait(outcomes, return_when=asyncio.FIRST_COMPLETED)
            if self._fatal.done():
                raise self._fatal.result()
        except BaseException:
            ready.cancel()
            await self.down()
            raise
        finally:
            self._fatal = None

    async def down(self, grace: float = _STOP_GRACE_SECONDS) -> None:
        """Stop everything in order of rank: programs, brokers, database."""
        await self._release(self._kept.values())
        for rank in sorted({kept.unit.rank for kept in self._kept.values()}):
            await asyncio.gather(*(self._stop(kept, grace) for kept in self._kept.values() if kept.unit.rank == rank))

    def kill(self) -> None:
        """SIGKILL to every child, at once."""
        for kept in self._kept.values():
            if kept.unit.process is not None:
                kept.unit.process.kill_session()

    async def start(self, name: str) -> None:
        """Start a stopped unit (or one given up on) and wait until it is ready. Raises StackError."""
        kept = self._find(name)
        if kept.keeper is None or kept.keeper.done():
            kept.failures.clear()
            self._keep(kept)
        waiter = asyncio.ensure_future(kept.ready.wait())
        keeper = kept.keeper
        assert keeper is not None
        await asyncio.wait({waiter, keeper}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if not kept.ready.is_set():
            raise StackError(f"{name} could not be started; see `make logs SERVICE={name}`.")

    async def stop(self, name: str) -> None:
        """Stop one unit and leave it stopped."""
        kept = self._find(name)
        await self._release([kept])
        await self._stop(kept, _STOP_GRACE_SECONDS)

    async def restart(self, name: str) -> None:
        """Stop one unit and start it again."""
        await self.stop(name)
        await self.start(name)

    async def _all_ready(self) -> None:
        for kept in self._kept.values():
            if kept.unit.essential:
                await kept.ready.wait()

    def _find(self, name: str) -> Kept:
        try:
            return self._kept[name]
        except KeyError:
            raise StackError(f"There is no {name!r} here: choose from {', '.join(self._kept)}.") from None

    def _keep(self, kept: Kept) -> None:
        kept.keeper = asyncio.create_task(self._keeper(kept), name=kept.unit.name)

    async def _release(self, several: Iterable[Kept]) -> None:
        """Stop watching these units, so that their end is not taken for a crash."""
        keepers = [kept.keeper for kept in several if kept.keeper is not None]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    async def _stop(self, kept: Kept, grace: float) -> None:
        process = kept.unit.process
        if process is not None and process.exit_code is None:
            await kept.unit.stop(grace)
        if not kept.unit.once:  # what a finished task has done stays done
            kept.ready.clear()
            self._enter(kept, State.STOPPED)

    async def _keeper(self, kept: Kept) -> None:
        """The life of one unit: wait, start, watch, pause, start again."""
        self._enter(kept, State.WAITING)
        for name in kept.unit.after:
            await self._kept[name].ready.wait()
        while True:
            detail = await self._run(kept)
            if detail is None:
                return
            pause = self._backoff.pause(kept.failures, time.monotonic())
            if pause is None:
                self._enter(kept, State.CRASH_LOOP, detail)
                self._ends_the_start(kept, StackError(detail))
                return
            kept.restarts += 1
            self._enter(kept, State.RESTARTING, detail)
            await asyncio.sleep(pause)

    async def _run(self, kept: Kept) -> str | None:
        """One start and the run after it. Returns why it ended, or None if that is in order."""
        self._enter(kept, State.STARTING)
        try:
            await kept.unit.start()
        except StackError as error:
            kept.failures.append(time.monotonic())
            # A program may fail because another is late; what servers and tasks say of their start is final, and no
            # port becomes free by waiting.
            final = isinstance(kept.unit, ServerUnit) or kept.unit.once or isinstance(error, PortTakenError)
            return None if final and self._ends_the_start(kept, error) else str(error)
        since = time.monotonic()
        kept.ready_since = since
        kept.ready.set()
        if kept.unit.once:
            self._enter(kept, State.DONE)
            return None
        self._enter(kept, State.READY)
        process = kept.unit.process
        assert process is not None
        code = await process.wait()
        kept.ready.clear()
        if time.monotonic() - since < _STABLE_SECONDS:
            kept.failures.append(time.monotonic())
        else:
            kept.failures.clear()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def _ends_the_start(self, kept: Kept, error: StackError) -> bool:
        """During start-up the first hopeless unit ends it; later the rest goes on without that unit."""
        if self._fatal is None or not kept.unit.essential:
            return False
        if not self._fatal.done():
            self._fatal.set_result(error)
        return True

    def _enter(self, kept: Kept, state: State, detail: str = "") -> None:
        kept.state = state
        self._on_change(kept.unit.name, state, detail)
