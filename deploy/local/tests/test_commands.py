"""`make up` and its sisters, as processes, on real servers and one small program."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.settings import ROOT
from deploy.local.tests.support import environment, eventually, gone, listening

COMMAND = (sys.executable, "-m", "deploy.local.tests.small")


class Stack:
    """The command line on one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = environment(home)
        self.ports = {
            key.removeprefix("CLEARTIDE_PORT_").lower(): int(value)
            for key, value in self.environment.items()
            if key.startswith("CLEARTIDE_PORT_")
        }
        self.foreground: subprocess.Popen[str] | None = None

    def up(self, *options: str) -> "subprocess.Popen[str]":
        """`make up` in the foreground, as another process; returns when it is ready."""
        self.foreground = subprocess.Popen(
            [*COMMAND, "up", *options],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until = time.monotonic() + 60
        # The file of a supervisor that was killed still says that it is ready.
        while not self._is_ready(self.foreground.pid):
            assert self.foreground.poll() is None, self.foreground.communicate()[0]
            assert time.monotonic() < until, "not ready in time"
            time.sleep(0.02)
        return self.foreground

    def _is_ready(self, pid: int) -> bool:
        state = self.state()
        return state.get("phase") == "ready" and state["supervisor"]["pid"] == pid

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ask(self, *arguments: str) -> "subprocess.Popen[str]":
        """Another command, without waiting; Ctrl-C reaches it even where the tests have no terminal."""
        command = ["env", "--default-signal=INT", *COMMAND, *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=subprocess.PIPE, text=True)

    def state(self) -> dict[str, Any]:
        """The state file."""
        path = self.home / "state.json"
        state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return state

    def pids(self) -> dict[str, int]:
        """Children by name."""
        return {unit["name"]: unit["pid"] for unit in self.state()["units"] if unit["pid"]}

    def end(self) -> str:
        """Stop what a test left; returns what the foreground said."""
        if self.foreground is None:
            return ""
        if self.foreground.poll() is None:
            self.foreground.send_signal(signal.SIGINT)
        return self.foreground.communicate(timeout=100)[0]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "home")
    yield stack
    stack.end()


class TestUp:
    def test_one_life(self, stack: Stack) -> None:
        """Up, a second up, the other commands, Ctrl-C; then data and passwords are still there."""
        running = stack.up()
        state = stack.state()
        assert set(state["versions"]) == {"postgres", "nats", "valkey"}
        assert state["ports"] == stack.ports
        assert listening(stack.ports) == {"gateway", "nats", "nats_monitor", "postgres", "valkey"}

        again = stack.run("up")
        assert again.returncode == 0
        assert f"already runs (supervisor pid {running.pid})" in again.stdout
        assert stack.state()["supervisor"]["pid"] == running.pid

        listed = stack.run("ps").stdout.splitlines()
        assert [line.split()[:2] for line in listed[1:]] == [
            ["postgres", "ready"],
            ["nats", "ready"],
            ["valkey", "ready"],
            ["web", "ready"],
        ]
        before = stack.pids()
        assert stack.run("restart", "web").returncode == 0
        assert stack.pids()["web"] != before["web"]
        assert stack.run("url", "nats_viewer").stdout.startswith("nats://viewer:")
        assert "PostgreSQL 18" in stack.run("logs", "postgres", "--no-follow").stdout
        unknown = stack.run("restart", "wep")
        assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)

        passwords = (stack.home / "secrets.json").read_text()
        said = stack.end()
        assert running.returncode == 0
        assert f"http://127.0.0.1:{stack.ports['gateway']}/" in said
        assert "everything stopped" in said
        assert listening(stack.ports) == set()
        assert (stack.home / "secrets.json").read_text() == passwords
        assert all(gone(pid) for pid in before.values())

    def test_down_stops_it_and_is_harmless_when_nothing_runs(self, stack: Stack) -> None:
        running = stack.up()
        assert stack.run("down").returncode == 0
        assert running.wait(30) == 0
        nothing = stack.run("down")
        assert (nothing.returncode, nothing.stdout) == (0, "Nothing runs.\n")

    async def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_up_finds_the_data(self, stack: Stack) -> None:
        running = stack.up()
        pids = stack.pids()
        assert set(pids) == {"postgres", "nats", "valkey", "web"}
        running.kill()
        await eventually(lambda: all(gone(pid) for pid in pids.values()), 3)
        running.communicate()
        assert stack.up().pid != running.pid
        assert stack.state()["ports"] == stack.ports

    def test_lines_for_programs(self, stack: Stack) -> None:
        stack.up("--json")
        lines = [json.loads(line) for line in stack.end().splitlines()]
        assert {"web", "postgres"} <= {line["name"] for line in lines if line["text"] == "ready"}


class TestRebuild:
    """The operation of the small table goes on until it is told, or killed."""

    async def under_way(self, stack: Stack) -> "subprocess.Popen[str]":
        """`make rebuild` of the one service, in its midst."""
        asking = stack.ask("rebuild", "web")
        await eventually((stack.home / "rebuild").exists)
        assert "web" not in stack.pids()
        return asking

    async def test_ctrl_c_puts_back_what_was_and_starts_the_service_again(self, stack: Stack) -> None:
        """DEP-REBUILD-001: whoever gives a rebuild up has the service back; one that goes on is let alone."""
        stack.up()
        asking = await self.under_way(stack)
        for verb in ("start", "restart", "rebuild"):
            assert "web is being rebuilt" in stack.run(verb, "web").stderr
        asking.send_signal(signal.SIGINT)
        assert "web: given up" in asking.communicate(timeout=60)[1]
        await eventually(lambda: "web" in stack.pids())
        assert (stack.home / "migrate").exists()
        assert stack.run("restart", "web").returncode == 0

    async def test_a_rebuild_that_is_killed_leaves_the_service_running(self, stack: Stack) -> None:
        """DEP-REBUILD-002: and one that is done says so."""
        stack.up()
        asking = await self.under_way(stack)
        [rebuild] = [path for path in Path("/proc").glob("[0-9]*") if self.is_rebuild(path, stack)]
        os.kill(int(rebuild.name), signal.SIGKILL)
        assert "signal 9" in asking.communicate(timeout=60)[1]
        assert "web" in stack.pids()
        assert (stack.home / "migrate").exists()
        (stack.home / "rebuild").unlink()

        asking = await self.under_way(stack)
        (stack.home / "rebuild").unlink()
        assert (asking.communicate(timeout=60)[1], asking.returncode) == ("", 0)
        assert "web" in stack.pids()

    async def test_down_in_the_midst_of_a_rebuild_leaves_nothing(self, stack: Stack) -> None:
        """DEP-REBUILD-003."""
        stack.up()
        asking = await self.under_way(stack)
        assert stack.run("down").returncode == 0
        assert "cleartide: " in asking.communicate(timeout=60)[1]
        assert listening(stack.ports) == set()
        assert not [path for path in Path("/proc").glob("[0-9]*") if self.is_rebuild(path, stack)]

    def test_only_a_service_is_rebuilt(self, stack: Stack) -> None:
        """DEP-REBUILD-004: and nothing is stopped for the asking."""
        stack.up()
        before = stack.pids()
        asked = stack.run("rebuild", "postgres")
        assert (asked.returncode, "choose from web" in asked.stderr) == (1, True)
        assert stack.pids() == before

    def is_rebuild(self, process: Path, stack: Stack) -> bool:
        try:
            words = (process / "cmdline").read_text().split("\0")
        except OSError:
            return False
        return "rebuild" in words and str(stack.home) in words


class TestFiles:
    def test_what_holds_a_password_is_private(self, stack: Stack) -> None:
        stack.up()
        files = ("secrets.json", "state.json", "data/nats/nats.conf", "data/valkey/valkey.conf", "logs/postgres.log")
        for path in files:
            assert stat.S_IMODE((stack.home / path).stat().st_mode) == 0o600, path

    def test_a_long_path_with_a_space_is_no_trouble(self, tmp_path: Path) -> None:
        """Too long for a Unix socket: the control port is on loopback then."""
        stack = Stack(tmp_path / ("long " * 20) / "home")
        try:
            stack.up()
            assert "port" in stack.state()["control"]
            assert stack.run("ps").returncode == 0
        finally:
            stack.end()


class TestWhatCanBeWrong:
    """One sentence with the remedy, exit code 1, nothing left running."""

    def complaint(self, stack: Stack, *arguments: str) -> str:
        done = stack.run(*arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr + done.stdout
        assert done.stderr.startswith("cleartide: ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    def test_a_pinned_port_that_is_taken(self, stack: Stack) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", stack.ports["gateway"]))
            other.listen()
            text = self.complaint(stack, "up")
        assert f"Port {stack.ports['gateway']} is in use" in text
        assert f"pid {os.getpid()}" in text
        assert "CLEARTIDE_PORT_GATEWAY" in text

    def test_a_port_that_is_no_number(self, stack: Stack) -> None:
        stack.environment["CLEARTIDE_PORT_NATS"] = "http"
        assert "CLEARTIDE_PORT_NATS is 'http', which is no port" in self.complaint(stack, "up")

    def test_damaged_passwords(self, stack: Stack) -> None:
        stack.home.mkdir()
        (stack.home / "secrets.json").write_text("{")
        assert "secrets.json cannot be read" in self.complaint(stack, "up")

    def test_a_home_that_is_a_file(self, stack: Stack) -> None:
        stack.home.touch()
        assert "set CLEARTIDE_HOME elsewhere" in self.complaint(stack, "up")

    def test_a_foreign_data_folder(self, stack: Stack) -> None:
        (stack.home / "data/postgres/data").mkdir(parents=True)
        assert "is not a PostgreSQL data folder" in self.complaint(stack, "up")
        assert listening(stack.ports) == set()

    @pytest.mark.parametrize("command", ["ps", "restart web"])
    def test_nothing_runs(self, stack: Stack, command: str) -> None:
        assert "does not run; start it with `make up`" in self.complaint(stack, *command.split())


class TestGuest:
    def test_is_let_in_while_the_stack_is_stopped_and_told_where_it_runs(self, stack: Stack) -> None:
        """LIB-GUEST-003."""
        for name in ("risk", "Lodger", "a b"):
            refused = stack.run("guest", name)
            assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert "lodger is admitted" in stack.run("guest", "lodger").stdout
        assert stack.run("guest", "lodger").returncode == 0
        stack.up()
        told = dict(line.split("=", 1) for line in stack.run("guest", "lodger").stdout.splitlines())
        passwords = json.loads((stack.home / "secrets.json").read_text())
        assert passwords["guests"] == ["lodger"]
        assert told == {
            "CLEARTIDE_NATS_URL": f"nats://127.0.0.1:{stack.ports['nats']}",
            "CLEARTIDE_NATS_USER": "lodger",
            "CLEARTIDE_NATS_PASSWORD": passwords["nats_users"]["lodger"],
            "CLEARTIDE_POSTGRES_DSN": f"postgresql://cleartide_lodger:{passwords['postgres_roles']['lodger']}"
            f"@127.0.0.1:{stack.ports['postgres']}/cleartide",
        }
        late = stack.run("guest", "stranger")
        assert (late.returncode, late.stdout) == (1, "")
        assert "between `make down` and `make up`" in late.stderr
        stack.end()
        assert stack.run("guest", "stranger").returncode == 0
        later = json.loads((stack.home / "secrets.json").read_text())
        assert later == {**passwords, "guests": ["lodger", "stranger"]}
