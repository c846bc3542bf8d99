"""Engines: packages of packed integers, `services/<service>/engine`, compiled where there is a C compiler.

An engine of machine words alone is compiled by Cython, from what `unboxed.py` makes of it; one that also handles
Python's objects by mypyc.

`python -I libs/common/cleartide/compiled.py services/matching/engine ...` compiles, in the environment that uses it. A
build lies there under the digest of the sources that it was made from, so other sources never meet it. Where none is
possible an engine runs interpreted, the same bit for bit, and the reason is kept, so that it is tried once.
`CLEARTIDE_ENGINE=interpreted` asks for that form, `checked` for a compiled one that raises where an index leaves its
array, which tests have built. Standard library only, but for what compiles: the bootstrap runs this
file, and asks it before anything is installed.
"""

import contextlib
import hashlib
import importlib.util
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

FAILURE: Final = "failure.txt"
DIGITS: Final = 16
LONGEST_SECONDS: Final = 600
# Other modules' types are known from stubs alone; what an engine imports elsewhere is no part of its build.
OPTIONS: Final = ("--config-file=", "--follow-imports=skip", "--ignore-missing-imports")
# Calls within the library need not ask whether another library replaces them: a quarter faster.
FLAGS: Final = "-fno-semantic-interposition"
# Words wrap in C too. A command is carried out by small methods, which gcc is to make one function of: 1.25 times.
INLINE: Final = (
    "-finline-limit=3000 --param inline-unit-growth=400 --param large-function-growth=3000"
    " --param large-stack-frame-growth=3000"
)
WORD_FLAGS: Final = f"{FLAGS} {INLINE} -O3 -fwrapv -g0"
CHECKED_FLAGS: Final = "-O1 -fwrapv -g0"
"""Of a build that is for tests: it is there in a fifth of the time."""
UNBOXED: Final = frozenset({"matching"})
"""The services whose engines have only words."""
UNBOXER: Final = Path(__file__).with_name("unboxed.py")
FORM: Final = os.environ.get("CLEARTIDE_ENGINE", "")
CHECKED: Final = "checked"


class Engine:
    """One engine: the modules of a folder `services/<service>/engine`, but for its `__init__`."""

    def __init__(self, folder: Path, *, checked: bool = FORM == CHECKED) -> None:
        self.folder: Final = folder.resolve()
        self.service: Final = self.folder.parent.name
        self.is_unboxed: Final = self.service in UNBOXED
        self.checked: Final = checked and self.is_unboxed
        self.library: Final = f"cleartide_{self.service}_engine" + ("" if self.is_unboxed else "__mypyc")

    @property
    def form(self) -> str:
        """What a build of this is called."""
        return CHECKED if self.checked else "compiled"

    @property
    def word_flags(self) -> str:
        """What gcc is told for an engine of words alone."""
        return CHECKED_FLAGS if self.checked else WORD_FLAGS

    @property
    def modules(self) -> list[Path]:
        """The sources, in a fixed order."""
        return sorted(path for path in self.folder.glob("*.py") if path.name != "__init__.py")

    def place(self, prefix: Path = Path(sys.prefix)) -> Path:
        """Where the build of these sources belongs in the environment at `prefix`."""
        digest = hashlib.sha256(self.word_flags.encode() if self.is_unboxed else b"")
        for module in [*self.modules, UNBOXER] if self.is_unboxed else self.modules:
            digest.update(module.name.encode() + module.read_bytes())
        form = f"{self.service}-{CHECKED}" if self.checked else self.service
        return prefix / "engine" / form / digest.hexdigest()[:DIGITS]

    def use(self, path: list[str]) -> str:
        """Let the compiled modules be found before the sources; returns what is in the way, empty when nothing is."""
        if FORM == "interpreted":
            return "CLEARTIDE_ENGINE asks for it"
        if not self.load():
            return self.failure() or "there is no build of these sources that loads here"
        path.insert(0, str(self.place() / "services" / self.service / "engine"))
        return ""

    def load(self) -> bool:
        """Load the library behind the compiled modules; False when there is none, or none that runs here."""
        file = self.place() / f"{self.library}{EXTENSION_SUFFIXES[0]}"
        spec = importlib.util.spec_from_file_location(self.library, file) if file.exists() else None
        if spec is None or spec.loader is None:
            return False
        try:
            library = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(library)
        except ImportError:
            return False
        sys.modules[self.library] = library
        return True

    def is_tried(self, prefix: Path) -> bool:
        """Whether the environment has a build of these sources, or the reason why it has none."""
        return self.place(prefix).exists()

    def build(self, prefix: Path = Path(sys.prefix)) -> str:
        """Build, unless these sources were tried before; returns what was in the way, empty when there is a build."""
        target = self.place(prefix)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                made = Path(scratch) / "made"
                made.mkdir()
                if reason := self._compile(made):
                    shutil.rmtree(made)  # what a compiler that was cut short has left is no build
                    made.mkdir()
                    (made / FAILURE).write_text(reason)
                with contextlib.suppress(OSError):  # another process was first
                    made.rename(target)
            for old in target.parent.glob("[0-9a-f]" * DIGITS):
                if old != target:
                    shutil.rmtree(old, ignore_errors=True)
        return self.failure(prefix)

    def failure(self, prefix: Path = Path(sys.prefix)) -> str:
        """Why these sources were not compiled in the environment; empty when they were, or were not tried."""
        file = self.place(prefix) / FAILURE
        return file.read_text() if file.exists() else ""

    def _compile(self, made: Path) -> str:
        """Put the compiled modules into a folder, in a process of its own; returns what was in the way."""
        if not any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang")):
            return "there is no C compiler"
        command = [sys.executable, "-I", __file__, "--into", str(made), str(self.folder)]
        root, form = self.folder.parents[2], os.environ | {"CLEARTIDE_ENGINE": self.form}
        try:
            done = subprocess.run(
                command, cwd=root, env=form, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
            )
        except subprocess.TimeoutExpired:
            return f"it did not compile within {LONGEST_SECONDS} s"
        said = (done.stdout + done.stderr).strip().splitlines() or ["the compiler failed"]
        return "" if done.returncode == 0 else next((line for line in said if "error:" in line), said[-1])

    def run_cython(self, made: Path) -> None:
        """Compile in this process: one library, and modules that have its classes and their own constants."""
        from Cython.Build import cythonize
        from setuptools import Extension, setup

        if sys.byteorder != "little":
            raise SystemExit("error: words of a frame are little-endian, and those of this machine are not")
        os.environ["CFLAGS"] = f"{os.environ.get('CFLAGS', '')} {self.word_flags}"
        unboxer, work = runpy.run_path(str(UNBOXER)), made.parent / "work"
        sources = unboxer["in_order"]({module.stem: module.read_text() for module in self.modules})
        work.mkdir()
        source = work / f"{self.library}.pyx"
        source.write_text(unboxer["unboxed"](sources, checked=self.checked))
        extensions = cythonize([Extension(self.library, [str(source)])], quiet=True)  # type: ignore[no-untyped-call]
        arguments = ["--quiet", "build_ext", "--build-lib", str(made), "--build-temp", str(work)]
        setup(name=self.library, packages=[], ext_modules=extensions, script_args=arguments)
        package = made / "services" / self.service / "engine"
        package.mkdir(parents=True)
        for name, text in sources.items():
            (package / f"{name}.py").write_text(unboxer["facade"](text, self.library))

    def run_mypyc(self, made: Path) -> None:
        """Compile in this process, whose working directory is the repository's root."""
        from mypyc.build import mypycify
        from setuptools import setup

        os.environ["CFLAGS"] = f"{os.environ.get('CFLAGS', '')} {FLAGS}"
        work, group = made.parent / "work", self.library.removesuffix("__mypyc")
        sources = [f"services/{self.service}/engine/{module.name}" for module in self.modules]
        extensions = mypycify(
            [*OPTIONS, f"--cache-dir={work / 'cache'}", *sources],
            opt_level="3",
            debug_level="0",
            target_dir=str(work / "c"),
            group_name=group,
        )
        arguments = ["--quiet", "build_ext", "--build-lib", str(made), "--build-temp", str(work)]
        setup(name=group, packages=[], ext_modules=extensions, script_args=arguments)


def main(arguments: list[str]) -> None:
    """`--into <folder> <engine>` compiles here and now; otherwise each named engine, unless it was tried."""
    if arguments[0] == "--into":
        engine, made = Engine(Path(arguments[2])), Path(arguments[1])
        (engine.run_cython if engine.is_unboxed else engine.run_mypyc)(made)
        return
    from concurrent.futures import ThreadPoolExecutor

    engines = [Engine(Path(argument)) for argument in arguments]
    with ThreadPoolExecutor(os.cpu_count()) as beside:  # each compiles in a process of its own
        reasons = list(beside.map(Engine.build, engines))
    for engine, reason in zip(engines, reasons, strict=True):
        if reason:
            print(f"The engine of {engine.service} runs interpreted, at a tenth of its speed: {reason}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
