"""The supervisor on small process tables: order of start and stop, restarts, and when it gives up."""

import asyncio
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from deploy.local.errors import PortTakenError, StackError
from deploy.local.supervisor import Backoff, State, Supervisor
from deploy.local.tests.support import environment, eventually, gone, python, unit, web
from deploy.local.units import Program, Rank, Unit

QUICK = Backoff(first=0.01, cap=0.05, budget=4, window=60)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
SLEEP = python("import time; time.sleep(600)")


class Watched:
    """A supervisor and everything it said."""

    def __init__(self, *units: Unit, backoff: Backoff = QUICK) -> None:
        self.changes: list[tuple[str, State, str]] = []
        self.supervisor = Supervisor(units, lambda *change: self.changes.append(change), backoff)

    def order(self, state: State) -> list[str]:
        """Names in the order in which they entered a state."""
        return [name for name, entered, _ in self.changes if entered is state]

    def is_ready_again(self, times: int) -> bool:
        """Whether units got ready so many times."""
        return len(self.order(State.READY)) == times

    def pid(self, name: str) -> int:
        """The running child of a unit."""
        return next(int(entry["pid"]) for entry in self.supervisor.status() if entry["name"] == name)

    def state(self, name: str) -> str:
        """Where a unit is."""
        return next(str(entry["state"]) for entry in self.supervisor.status() if entry["name"] == name)


class TestStart:
    async def test_each_unit_waits_for_what_it_needs(self, tmp_path: Path) -> None:
        first = web("first")
        task = Program("task", python("print('made')"), env=environment(), after=("first",), once=True)
        last = web("last", after=("task",))
        watched = Watched(*(unit(program, tmp_path) for program in (last, task, first)))
        await watched.supervisor.up()
        started = watched.order(State.STARTING)
        await watched.supervisor.down()
        assert started == ["first", "task", "last"]
        assert (tmp_path / "task.log").read_text() == "made\n"

    async def test_units_that_need_nothing_start_together(self, tmp_path: Path) -> None:
        meeting = tmp_path / "meeting"
        meeting.mkdir()
        come = "import pathlib, sys, time; me = pathlib.Path(sys.argv[1]); me.touch()\n"
        wait = "while len(list(me.parent.iterdir())) < 4: time.sleep(0.01)"
        met = [Program(f"met{n}", python(come + wait, str(meeting / str(n))), once=True) for n in range(4)]
        watched = Watched(*(unit(program, tmp_path) for program in met))
        async with asyncio.timeout(60):
            await watched.supervisor.up()

    async def test_a_failed_task_ends_the_start_with_its_last_words_and_stops_the_rest(self, tmp_path: Path) -> None:
        task = Program("setup", python("import sys; sys.exit('the database is on fire')"), after=("web",), once=True)
        watched = Watched(unit(web("web"), tmp_path), unit(task, tmp_path))
        with pytest.raises(StackError, match=r"setup ended with exit code 1: the database is on fire \(log: .*setup"):
            await watched.supervisor.up()
        assert watched.state("web") == "stopped"

    async def test_a_unit_that_never_gets_ready_is_given_up_on(self, tmp_path: Path) -> None:
        mute = Program("mute", SLEEP, ready_port=web("unused").ready_port, deadline=0.1)
        watched = Watched(unit(mute, tmp_path))
        with pytest.raises(StackError, match=r"mute was not ready within 0\.1 s; its log is"):
            await watched.supervisor.up()

    async def test_a_crash_loop_ends_the_start(self, tmp_path: Path) -> None:
        watched = Watched(unit(Program("broken", python("raise SystemExit(7)"), ready_port=1), tmp_path))
        with pytest.raises(StackError, match="broken ended with exit code 7"):
            await watched.supervisor.up()
        assert watched.order(State.RESTARTING) == ["broken"] * 3

    async def test_a_taken_port_ends_the_start_and_whoever_has_it_is_not_taken_for_the_program(
        self, tmp_path: Path
    ) -> None:
        """Two installations that chose the same ports: the second names the port, who has it, and the setting."""
        first = web("first")
        port = first.ready_port
        assert port is not None
        running = Watched(unit(first, tmp_path))
        watched = Watched(unit(replace(first, name="late", listens={"CLEARTIDE_PORT_WEB": port}), tmp_path))
        await running.supervisor.up()
        said = rf"Port {port} is in use by .*pid {running.pid('first')}.*set CLEARTIDE_PORT_WEB to another port"
        with pytest.raises(PortTakenError, match=said):
            await watched.supervisor.up()
        assert watched.order(State.RESTARTING) == []
        assert running.state("first") == "ready"
        await running.supervisor.down()

    async def test_what_is_not_essential_may_fail(self, tmp_path: Path) -> None:
        extra = Program("extra", python("raise SystemExit(1)"), after=("web",), essential=False)
        watched = Watched(unit(web("web"), tmp_path), unit(extra, tmp_path))
        await watched.supervisor.up()
        await eventually(lambda: watched.state("extra") == "crash loop")
        assert watched.state("web") == "ready"
        await watched.supervisor.down()

    def test_a_table_that_waits_for_nobody_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="nobody starts"):
            Watched(unit(Program("late", SLEEP, after=("nothing",)), tmp_path))

    async def test_a_cancelled_start_leaves_nothing(self, tmp_path: Path) -> None:
        mute = Program("mute", SLEEP, ready_port=web("unused").ready_port)
        watched = Watched(unit(mute, tmp_path))
        starting = asyncio.create_task(watched.supervisor.up())
        await eventually(lambda: watched.state("mute") == "starting" and watched.supervisor.status()[0]["pid"])
        pid = watched.pid("mute")
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert gone(pid)

    @pytest.mark.parametrize("turns", range(4))
    async def test_a_start_cancelled_as_a_probe_ends_leaves_nothing(
        self, turns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many turns of the loop lie between the probe's end and the cancellation."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        monkeypatch.setattr("deploy.local.units.is_ready", lambda *_: asyncio.shield(answer))
        mute = unit(Program("mute", SLEEP, ready_port=1), tmp_path)
        starting = asyncio.create_task(mute.start())
        await eventually(lambda: mute.process is not None)
        assert mute.process is not None
        answer.set_exception(ConnectionRefusedError())
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert gone(mute.process.pid)


class TestRestart:
    async def test_a_killed_service_is_back_however_often(self, tmp_path: Path) -> None:
        """More kills than the budget of failed starts: a service that was ready did not fail to start."""
        watched = Watched(unit(web("web"), tmp_path), backoff=Backoff(first=0.01, budget=2))
        await watched.supervisor.up()
        for kills in range(1, 4):
            await asyncio.sleep(1.05)
            os.kill(watched.pid("web"), signal.SIGKILL)
            await eventually(partial(watched.is_ready_again, kills + 1))
        assert ("web", State.RESTARTING, "signal 9") in watched.changes
        assert watched.supervisor.status()[0]["restarts"] == 3
        await watched.supervisor.down()

    async def test_a_unit_in_a_crash_loop_is_left_alone_until_it_is_started_by_hand(self, tmp_path: Path) -> None:
        flag = tmp_path / "healthy"
        flag.touch()
        code = "import os, sys, time; time.sleep(0.2) if os.path.exists(sys.argv[1]) else sys.exit(3); time.sleep(600)"
        watched = Watched(unit(Program("moody", python(code, str(flag))), tmp_path))
        await watched.supervisor.up()
        flag.unlink()
        os.kill(watched.pid("moody"), signal.SIGKILL)
        await eventually(lambda: watched.state("moody") == "crash loop")
        flag.touch()
        await watched.supervisor.start("moody")
        assert watched.state("moody") == "ready"
        await watched.supervisor.down()

    def test_pauses_double_up_to_a_cap_and_end(self) -> None:
        backoff = Backoff(first=0.05, cap=0.5, budget=6, window=60)
        pauses = [backoff.pause([100.0 + n for n in range(failures)], 106.0) for failures in range(7)]
        assert pauses == [0.05, 0.05, 0.1, 0.2, 0.4, 0.5, None]

    def test_old_failures_are_forgotten(self) -> None:
        assert Backoff(first=0.05, budget=2, window=60).pause([0.0, 1.0, 100.0], 100.0) == 0.05


class TestStop:
    async def test_programs_then_brokers_then_the_database(self, tmp_path: Path) -> None:
        units = [unit(web(name), tmp_path) for name in ("database", "broker", "service")]
        units[0].rank, units[1].rank = Rank.DATABASE, Rank.BROKER
        watched = Watched(*units)
        await watched.supervisor.up()
        await watched.supervisor.down()
        assert watched.order(State.STOPPED) == ["service", "broker", "database"]

    async def test_a_stubborn_child_is_killed(self, tmp_path: Path) -> None:
        watched = Watched(unit(Program("stubborn", python(DEAF)), tmp_path))
        await watched.supervisor.up()
        pid = watched.pid("stubborn")
        await eventually(lambda: (tmp_path / "stubborn.log").read_text() == "deaf\n")
        await watched.supervisor.down(grace=0.2)
        assert gone(pid)

    async def test_a_unit_stopped_by_hand_stays_stopped_and_starts_again(self, tmp_path: Path) -> None:
        watched = Watched(unit(web("web"), tmp_path), unit(web("other"), tmp_path))
        await watched.supervisor.up()
        other = watched.pid("other")
        await watched.supervisor.stop("web")
        await asyncio.sleep(0.2)
        assert watched.state("web") == "stopped"
        await watched.supervisor.restart("web")
        assert watched.state("web") == "ready"
        assert watched.pid("other") == other
        await watched.supervisor.down()

    async def test_an_unknown_name_is_answered_with_the_known_ones(self, tmp_path: Path) -> None:
        watched = Watched(unit(web("web"), tmp_path))
        with pytest.raises(StackError, match="no 'risc' here: choose from web"):
            await watched.supervisor.stop("risc")

    async def test_a_service_can_be_restarted_after_its_task_is_done(self, tmp_path: Path) -> None:
        task = Program("task", python(""), once=True)
        watched = Watched(unit(task, tmp_path), unit(web("web", after=("task",)), tmp_path))
        await watched.supervisor.up()
        await watched.supervisor.restart("web")
        assert watched.state("web") == "ready"
        await watched.supervisor.down()
