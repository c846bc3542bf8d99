"""Compiles the engine with mypyc: `python -I services/matching/engine/build.py`, run by the environment that uses it.

A build lies in the environment under the digest of the sources that it was made from, so other sources never meet it.
Where none is possible the engine runs interpreted; the reason is kept in the build's place, so that it is tried once.
Standard library only, but for what compiles: the bootstrap runs this file, and asks it before anything is installed.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[2]
PACKAGE: Final = "services/matching/engine"
MODULES: Final = ("records", "book", "positions", "core")
GROUP: Final = "cleartide_engine"
LIBRARY: Final = f"{GROUP}__mypyc"
FAILURE: Final = "failure.txt"
DIGITS: Final = 16
LONGEST_SECONDS: Final = 120
# Other modules' types are known from stubs alone; what this package imports elsewhere is no part of the build.
OPTIONS: Final = ("--config-file=", "--follow-imports=skip", "--ignore-missing-imports")
# Calls within the library need not ask whether another library replaces them: a quarter faster.
FLAGS: Final = "-fno-semantic-interposition"


def place(prefix: Path = Path(sys.prefix)) -> Path:
    """Where the build of these sources belongs in the environment at `prefix`."""
    digest = hashlib.sha256()
    for module in MODULES:
        digest.update((HERE / f"{module}.py").read_bytes())
    return prefix / "engine" / digest.hexdigest()[:DIGITS]


def package() -> Path:
    """The folder of the compiled modules."""
    return place() / PACKAGE


def load() -> bool:
    """Load the library behind the compiled modules; False when there is none, or none that runs here."""
    file = place() / f"{LIBRARY}{EXTENSION_SUFFIXES[0]}"
    spec = importlib.util.spec_from_file_location(LIBRARY, file) if file.exists() else None
    if spec is None or spec.loader is None:
        return False
    try:
        library = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(library)
    except ImportError:
        return False
    sys.modules[LIBRARY] = library
    return True


def is_tried(prefix: Path) -> bool:
    """Whether the environment has a build of these sources, or the reason why it has none."""
    return place(prefix).exists()


def build(prefix: Path = Path(sys.prefix)) -> str:
    """Build, unless these sources were tried before; returns what was in the way, empty when there is a build."""
    target = place(prefix)
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            if reason := _compile(made):
                (made / FAILURE).write_text(reason)
            with contextlib.suppress(OSError):  # another process was first
                made.rename(target)
        for old in target.parent.glob("[0-9a-f]" * DIGITS):
            if old != target:
                shutil.rmtree(old, ignore_errors=True)
    return failure(prefix)


def failure(prefix: Path = Path(sys.prefix)) -> str:
    """Why these sources were not compiled in the environment; empty when they were, or were not tried."""
    file = place(prefix) / FAILURE
    return file.read_text() if file.exists() else ""


def _compile(made: Path) -> str:
    """Put the compiled modules into a folder, in a process of its own; returns what was in the way."""
    if not any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang")):
        return "there is no C compiler"
    command = [sys.executable, "-I", __file__, str(made)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return f"it did not compile within {LONGEST_SECONDS} s"
    said = (done.stdout + done.stderr).strip().splitlines() or ["the compiler failed"]
    return "" if done.returncode == 0 else next((line for line in said if "error:" in line), said[-1])


def _run_mypyc(made: Path) -> None:
    from mypyc.build import mypycify
    from setuptools import setup

    os.environ["CFLAGS"] = f"{os.environ.get('CFLAGS', '')} {FLAGS}"
    work = made.parent / "work"
    sources = [f"{PACKAGE}/{module}.py" for module in MODULES]
    extensions = mypycify(
        [*OPTIONS, f"--cache-dir={work / 'cache'}", *sources],
        opt_level="3",
        debug_level="0",
        target_dir=str(work / "c"),
        group_name=GROUP,
    )
    arguments = ["--quiet", "build_ext", "--build-lib", str(made), "--build-temp", str(work)]
    setup(name=GROUP, packages=[], ext_modules=extensions, script_args=arguments)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _run_mypyc(Path(sys.argv[1]))
    elif reason := build():
        print(f"The matching engine runs interpreted, at a tenth of its speed: {reason}")  # noqa: T201
