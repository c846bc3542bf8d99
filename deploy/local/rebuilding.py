"""`make rebuild`: a service is stopped, its input folded again, and the service started again whatever became of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from deploy.local.errors import StackError
from deploy.local.supervisor import Supervisor

Operate = Callable[[Sequence[str], str], Awaitable[Mapping[str, Any]]]
"""Runs the operator's tools with arguments and a name for the log. Raises StackError when they fail."""


class Rebuilding:
    """One rebuild at a time."""

    def __init__(self, supervisor: Supervisor, operate: Operate) -> None:
        self._supervisor = supervisor
        self._operate = operate
        self._name = ""
        self._work: asyncio.Task[Any] | None = None
        self._ending = False

    def require_not(self, name: str) -> None:
        """Raises StackError for a service that is being rebuilt: it must not run meanwhile."""
        if name == self._name:
            raise StackError(f"{name} is being rebuilt: wait for its end, or give the rebuild up with Ctrl-C.")

    async def rebuild(self, name: str, processes: Sequence[str]) -> Mapping[str, Any]:
        """processes: the service's, the standby first. A rebuild that fails, is killed or given up leaves what was."""
        if self._name:
            raise StackError(f"{self._name} is being rebuilt: wait for its end.")
        self._name, self._work = name, asyncio.current_task()
        try:
            for process in processes:
                await self._supervisor.stop(process)
            return await self._operate(["rebuild", name], "rebuild")
        except BaseException:
            with suppress(StackError):  # the next start of everything does it too
                await self._operate(["migrate", name], "rebuild-undone")
            raise
        finally:
            self._name, self._work = "", None
            for process in () if self._ending else reversed(processes):
                await self._supervisor.start(process)

    async def give_up(self) -> None:
        """Everything ends: nothing is started again."""
        self._ending = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
