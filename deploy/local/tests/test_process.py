"""Children: they die with their parent, obey, and their output is kept within bounds."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.logs import PumpedLog, follow
from deploy.local.process import FileLog, Process, tail
from deploy.local.secrets import load_or_create
from deploy.local.settings import ROOT
from deploy.local.state import clear_leftovers
from deploy.local.tests.support import eventually, gone, python

PARENT = """
import sys, time
from pathlib import Path
from deploy.local.process import FileLog, Process
child = Process([sys.executable, "-c", "import time; time.sleep(600)"], log=FileLog(Path(sys.argv[1])))
print(child.pid, flush=True)
time.sleep(600)
"""


class TestDeath:
    @pytest.mark.skipif(sys.platform != "linux", reason="the signal at a parent's death is Linux's")
    async def test_a_child_dies_with_its_parent(self, tmp_path: Path) -> None:
        command = python(PARENT, str(tmp_path / "log"))
        parent = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
        assert parent.stdout is not None
        child = int(await parent.stdout.readline())
        assert not gone(child)
        parent.kill()
        await eventually(lambda: gone(child), 2)
        await parent.wait()

    async def test_the_exit_code_is_known_at_once(self, tmp_path: Path) -> None:
        child = Process(python("raise SystemExit(5)"), log=FileLog(tmp_path / "log"))
        assert await asyncio.wait_for(child.wait(), 30) == 5
        assert await child.wait() == 5, "asking twice is allowed"

    async def test_a_child_that_will_not_stop_is_killed(self, tmp_path: Path) -> None:
        code = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
        )
        child = Process(python(code), log=FileLog(tmp_path / "log"))
        await eventually(lambda: tail(tmp_path / "log") == ["1"])
        assert await child.stop(grace=0.1) == -signal.SIGKILL

    async def test_a_missing_program_says_so(self, tmp_path: Path) -> None:
        child = Process(["/nowhere/program"], log=FileLog(tmp_path / "log"))
        assert await child.wait() == 126
        assert tail(tmp_path / "log") == ["/nowhere/program: No such file or directory"]

    async def test_leftovers_of_a_killed_supervisor_are_ended_but_nobody_else(self, tmp_path: Path) -> None:
        left, other = (Process(python("import time; time.sleep(600)"), log=FileLog(tmp_path / n)) for n in "ab")
        units = [
            {"name": "left", "pid": left.pid, "mark": left.mark},
            {"name": "other", "pid": other.pid, "mark": "the mark of an earlier process with that id"},
        ]
        assert await clear_leftovers({"units": units}, patience=0.1) == ["left"]
        assert await left.wait() == -signal.SIGKILL
        assert not gone(other.pid)
        await other.stop()


class TestLogs:
    async def test_lines_arrive_whole_and_the_file_stays_small(self, tmp_path: Path) -> None:
        heard: list[str] = []
        log = PumpedLog(tmp_path / "log", heard.append, cap=10_000)
        child = Process(python("for n in range(2000): print(n, 'x' * 20)"), log=log)
        await child.wait()
        await eventually(lambda: len(heard) == 2000)
        assert heard[1234] == f"1234 {'x' * 20}"
        assert sum(path.stat().st_size for path in tmp_path.glob("log*")) <= 20_000
        assert tail(log.path)[-1] == heard[-1]

    async def test_no_line_is_cut_where_the_file_is(self, tmp_path: Path) -> None:
        heard: list[str] = []
        log = PumpedLog(tmp_path / "log", heard.append, cap=200)
        write = "os.write(1, b'%02d xxxxx' % n); time.sleep(.002); os.write(1, b'yyyyy\\n')"
        halves = f"import os, time\nfor n in range(40): {write}"
        child = Process(python(halves), log=log)
        await child.wait()
        whole = [f"{n:02d} xxxxxyyyyy" for n in range(40)]
        await eventually(lambda: heard == whole)
        kept = tail(log.path.with_name("log.1")) + tail(log.path)
        assert kept == whole[-len(kept) :]

    async def test_an_end_without_newline_is_kept(self, tmp_path: Path) -> None:
        heard: list[str] = []
        log = PumpedLog(tmp_path / "log", heard.append, cap=200)
        child = Process(python("import sys; print('x' * 150); sys.stdout.write('last words')"), log=log)
        await child.wait()
        await eventually(lambda: "last words" in heard)
        assert tail(log.path)[-1] == "last words"

    async def test_following_shows_the_end_and_what_is_added(self, tmp_path: Path) -> None:
        path = tmp_path / "risk.log"
        path.write_text("old\nrecent\n")
        shown: list[str] = []
        following = asyncio.create_task(
            follow({"risk": path}, lambda name, line: shown.append(f"{name} {line}"), lines=1, forever=True)
        )
        await eventually(lambda: shown == ["risk recent"])
        with path.open("a") as file:
            file.write("new\nunfinished")
        await eventually(lambda: shown == ["risk recent", "risk new"])
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


class TestSecrets:
    def test_made_once_private_and_completed(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets.json"
        first = load_or_create(path, ["risk"], ["viewer"])
        assert path.stat().st_mode & 0o777 == 0o600
        second = load_or_create(path, ["risk", "funding"], ["viewer"])
        assert second.postgres_roles["risk"] == first.postgres_roles["risk"]
        assert second.postgres_admin == first.postgres_admin
        assert len(second.postgres_roles["funding"]) >= 32
        assert len({*second.postgres_roles.values(), *second.nats_users.values(), second.valkey}) == 4
        assert list(tmp_path.iterdir()) == [path]
