"""The environment: warm starts cost nothing, failures are said plainly, the locks can be trusted."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import bootstrap
from deploy.local.settings import ROOT

INPUTS = ("requirements.lock", "requirements-dev.lock", "workspace.txt", "libs/common/pyproject.toml")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the bootstrap reads of a fresh clone."""
    for name in (*INPUTS, "deploy/local/bootstrap.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(clone: Path, wanted: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The bootstrap on a machine without uv and without a network."""
    offline = {"PATH": "/nowhere", "HOME": str(clone), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    return subprocess.run(
        [sys.executable, "-I", "deploy/local/bootstrap.py", wanted],
        cwd=clone,
        env=offline | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def stamped(clone: Path, lock: str) -> Path:
    """An environment of which the bootstrap says that it made it from this lock."""
    bare = clone / ".venv" / "bin"
    bare.mkdir(parents=True)
    (bare / "python").symlink_to(sys.executable)
    code = "import runpy, sys; b = runpy.run_path(sys.argv[1]); b['stamp'](sys.argv[2]).touch()"
    subprocess.run([sys.executable, "-c", code, str(clone / "deploy/local/bootstrap.py"), lock], check=True)
    return clone


class TestWarmStart:
    @pytest.mark.parametrize(("lock", "wanted"), [("runtime", "runtime"), ("dev", "dev"), ("dev", "runtime")])
    def test_it_does_and_says_nothing(self, clone: Path, lock: str, wanted: str) -> None:
        done = run(stamped(clone, lock), wanted)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_tests_are_not_run_in_a_runtime_environment(self, clone: Path) -> None:
        assert run(stamped(clone, "runtime"), "dev").returncode == 1, "it tried to install, without a network"

    @pytest.mark.parametrize("changed", INPUTS)
    def test_any_changed_input_counts(self, clone: Path, changed: str) -> None:
        stamped(clone, "runtime")
        with (clone / changed).open("a") as file:
            file.write("\n")
        assert run(clone, "runtime").returncode == 1


class TestFailure:
    def test_no_network_is_said_plainly(self, clone: Path) -> None:
        done = run(clone, "runtime")
        assert done.returncode == 1
        assert re.match(r"cleartide: .*\buv\b", done.stderr)
        assert "Traceback" not in done.stderr

    def test_an_unknown_lock_is_a_usage_error(self, clone: Path) -> None:
        assert run(clone, "everything").returncode == 2


class TestLocks:
    def pins(self, name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))

    @pytest.mark.parametrize("lock", [path.name for path in bootstrap.LOCKS.values()])
    def test_every_line_is_a_pin_or_a_hash(self, lock: str) -> None:
        """So no host, no path, no option and none of our own packages."""
        pin = re.compile(r"[a-z0-9][a-z0-9._-]*==[0-9][^\s;]*( ; [^;\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
        lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if not pin.fullmatch(line)] == []
        assert not any(name.startswith("cleartide") for name in self.pins(lock))

    def test_tests_run_on_what_is_shipped(self) -> None:
        runtime, dev = self.pins("requirements.lock"), self.pins("requirements-dev.lock")
        assert runtime.items() <= dev.items()
