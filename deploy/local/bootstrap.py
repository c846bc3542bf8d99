"""Make `.venv` hold exactly what a lock file says, and the compiled engines; milliseconds when it already does.

    python3 -I deploy/local/bootstrap.py runtime|dev

Runs on a bare Python of the machine: standard library only, no import from this project (and with -I, so that modules
beside this file do not hide those of the standard library). The way to the packages: uv from PATH, else uv
from the machine's pip, which also works where that Python is not ours to change or has no venv, else from a venv's pip.
"""

import fcntl
import hashlib
import importlib.util
import os
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
HOME = ROOT / ".cleartide"
TOOLS = HOME / "tools"
WORKSPACE = ROOT / "workspace.txt"
COMPILER = ROOT / "libs" / "common" / "cleartide" / "compiled.py"
ENGINES = [ROOT / "services" / service / "engine" for service in ("analytics", "ingestor", "matching", "risk")]
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
OLDEST = (3, 11)
QUIET_SECONDS = 0.5


class BootstrapError(Exception):
    """One sentence: what is missing and what to do."""


OWN = "Our own packages could not be installed"
# Behind a proxy with a certificate of its own, which only the system's store knows.
SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}


def main(arguments: Sequence[str]) -> int:
    """Bring the environment up to the wanted lock. A failure is one sentence and exit code 1."""
    wanted = arguments[0] if arguments else "runtime"
    if wanted not in LOCKS:
        print(f"usage: bootstrap.py {'|'.join(LOCKS)}", file=sys.stderr)
        return 2
    try:
        if not is_current(wanted) or not are_engines_tried():
            HOME.mkdir(mode=0o711, exist_ok=True)
            with (HOME / "bootstrap.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # two commands of `make` at once
                if not is_current(wanted):
                    install(wanted)
                if not are_engines_tried():
                    build_engines()
    except (BootstrapError, OSError) as error:
        print(f"cleartide: {error}", file=sys.stderr)
        return 1
    return 0


def stamp(lock: str) -> Path:
    """The file whose presence says: this environment was made from exactly these inputs."""
    inputs = [*LOCKS.values(), WORKSPACE, *package_files()]
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(path.read_bytes())
    digest.update(str(ROOT).encode())  # an environment that was moved points to the old place
    return ENVIRONMENT / f".cleartide-{lock}-{digest.hexdigest()[:16]}"


def package_files() -> list[Path]:
    """The pyproject.toml of each package of our own, from the `-e ./folder` lines of the workspace file."""
    lines = WORKSPACE.read_text(encoding="utf-8").splitlines()
    return [ROOT / line.split(maxsplit=1)[1].strip() / "pyproject.toml" for line in lines if line.startswith("-e ")]


def is_current(wanted: str) -> bool:
    """Whether the environment holds the wanted lock; the development lock contains the runtime one."""
    return PYTHON.exists() and any(stamp(lock).exists() for lock in {wanted, "dev"})


def are_engines_tried() -> bool:
    """Whether the engines' sources are compiled in the environment, or known not to compile here."""
    if not COMPILER.exists():
        return True
    engine = runpy.run_path(str(COMPILER))["Engine"]
    return all(engine(folder).is_tried(ENVIRONMENT) for folder in ENGINES)


def build_engines() -> None:
    """Compile the engines. They also run without, so what is in the way is one line and no failure."""
    began = time.monotonic()
    command = [str(PYTHON), "-I", str(COMPILER), *map(str, ENGINES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    said = done.stdout.splitlines() or done.stderr.splitlines()[-1:]
    if said:
        print(*said, sep="\n", flush=True)
    else:
        say("engines", began)


def install(wanted: str) -> None:
    """Find or make the environment, install the lock and our own packages, compile."""
    if sys.version_info < OLDEST and not PYTHON.exists():
        raise BootstrapError(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}.")
    if any(ENVIRONMENT.glob(".cleartide-dev-*")):
        wanted = "dev"  # a developer's environment stays one
    for old in ENVIRONMENT.glob(".cleartide-*"):
        old.unlink()
    shutil.rmtree(ENVIRONMENT / "engine", ignore_errors=True)  # compiled against the packages that were there
    began = time.monotonic()
    uv = environment_with_uv()
    say("python", began)
    began = time.monotonic()
    add_packages(uv, LOCKS[wanted])
    # Removes what the lock does not name and adds our own packages, whose build backend comes from the lock. In this
    # order nothing that a running stack imports is missing for a moment.
    sync = [*uv, "pip", "sync", "--quiet", "--python", str(PYTHON), "--no-build-isolation"]
    first_that_works([([*sync, str(LOCKS[wanted]), str(WORKSPACE)], extra) for extra in ({}, SYSTEM_CERTIFICATES)], OWN)
    say("packages", began)
    stamp(wanted).touch()


def add_packages(uv: Sequence[str], lock: Path) -> None:
    """Install what the lock names, by the first way that works; what the first one said is what the user gets to read.

    Compiled, since it saves each of a dozen processes a second, and some machines switch the caching off.
    """
    add = [
        *uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(PYTHON),
        "--no-deps",
        "--compile-bytecode",
        "-r",
        str(lock),
    ]
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    ways: list[tuple[list[str], dict[str, str]]] = [
        (add, {}),
        (add, SYSTEM_CERTIFICATES),
        # Where an index is set up for pip alone.
        ([*pip, "install", "--quiet", "--require-hashes", "--requirement", str(lock)], {}),
    ]
    first_that_works(ways, "The packages of the lock file could not be installed")


def first_that_works(ways: Sequence[tuple[list[str], dict[str, str]]], complaint: str) -> None:
    """Try command after command; when none works, what the first one said is the error."""
    failures = []
    for command, extra in ways:
        try:
            return run(command, complaint, extra)
        except BootstrapError as error:
            failures.append(error)
    raise failures[0]


def environment_with_uv() -> list[str]:
    """Make `.venv` if it is missing; returns the command that runs uv."""
    uv = find_uv()
    if not works([str(PYTHON), "-c", ""]):
        venv = [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)]
        run(venv, "The virtual environment could not be made")
    return uv


def find_uv() -> list[str]:
    """uv on PATH or where we put it before; else from pip; else from the pip of a virtual environment."""
    places = [shutil.which("uv"), str(TOOLS / "bin" / "uv")]
    for place in places:
        if place and works([place, "--version"]):
            return [place]
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip"]
    elif importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], "The virtual environment could not be made")
        pip = [str(PYTHON), "-m", "pip"]
    else:
        raise BootstrapError(
            "Neither uv nor pip nor venv is here: install one of them, on Debian and Ubuntu `apt install python3-venv`."
        )
    # Into a folder of its own: the machine's Python stays untouched, and the environment holds the lock alone.
    run([*pip, "install", "--quiet", "--target", str(TOOLS), "--upgrade", "uv"], "uv could not be installed")
    return [str(TOOLS / "bin" / "uv")]


def works(command: Sequence[str]) -> bool:
    """Whether a command can be run and succeeds."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command: Sequence[str], failure: str, extra: dict[str, str] | None = None) -> None:
    """Run a command quietly. Raises BootstrapError with `failure` and the end of what the command said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment() | (extra or {}))
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-8:]
        raise BootstrapError("\n  ".join([f"{failure}:", *said]))


def environment() -> dict[str, str]:
    """Ours, without what would send uv or pip to another environment or keep them from compiling."""
    dropped = {
        "VIRTUAL_ENV",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PIP_TARGET",
        "PIP_REQUIRE_VIRTUALENV",
    }
    return {key: value for key, value in os.environ.items() if key not in dropped}


def say(what: str, began: float) -> None:
    """One line for a step that took time a person notices."""
    seconds = time.monotonic() - began
    if seconds >= QUIET_SECONDS:
        print(f"{seconds:6.2f} s  {what:<11} ready", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
