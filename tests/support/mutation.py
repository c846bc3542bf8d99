"""Mutants: the product with one small fault planted in it, and the tests that must notice.

A mutant is a piece of source text and what to put in its place. The changed module is compiled aside; then the code of
its functions, and its constants, take the place of the real ones in the running process until the mutant is put away.
So a hundred mutants take seconds, and every importer of a function meets the fault.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CRITERION: Final = re.compile(r"\b[A-Z]{2,}(?:-[A-Z0-9]+)*-\d{3}\b")
CONSTANTS: Final = (int, str, tuple, frozenset, dict)


@dataclass(frozen=True)
class Mutant:
    """`old`, which stands once in the product, becomes `new`, and the tests of the criterion must fail."""

    criterion: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.criterion}: {' '.join(self.old.split())} -> {' '.join(self.new.split())}"


class Product:
    """The source in which faults are planted: the modules below these folders, which are all imported."""

    def __init__(self, *folders: str) -> None:
        self._sources: dict[str, str] = {}
        for folder in folders:
            for path in sorted((ROOT / folder).rglob("*.py") if (ROOT / folder).is_dir() else [ROOT / folder]):
                relative = path.relative_to(ROOT).with_suffix("").as_posix().removeprefix("libs/common/")
                if not relative.endswith("__init__"):
                    self._sources[relative.replace("/", ".")] = path.read_text()

    def find(self, mutant: Mutant) -> tuple[ModuleType, str]:
        """The module that holds the mutant's text, and its source with the fault in it."""
        found = [(name, text.count(mutant.old)) for name, text in self._sources.items() if mutant.old in text]
        if sum(times for _, times in found) != 1:
            raise LookupError(f"{mutant}: stands {found or 'nowhere'}; a mutant's text must stand exactly once")
        name = found[0][0]
        return importlib.import_module(name), self._sources[name].replace(mutant.old, mutant.new)

    @contextmanager
    def planted(self, mutant: Mutant) -> Iterator[None]:
        """The process with the fault in it."""
        module, source = self.find(mutant)
        aside = ModuleType(module.__name__)
        aside.__dict__.update({"__file__": module.__file__, "__package__": module.__package__})
        exec(compile(source, str(module.__file__), "exec"), aside.__dict__)
        with ExitStack() as undo:
            changed = _change_functions(module, aside, undo) + _change_constants(module, aside, undo)
            assert changed, f"{mutant}: changes nothing"
            yield


def _functions(module: ModuleType) -> dict[str, FunctionType]:
    """Every function and method of a module by its qualified name."""
    found: dict[str, FunctionType] = {}
    for value in vars(module).values():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        members = vars(value).values() if inspect.isclass(value) else [value]
        for member in members:
            for function in (member, *(getattr(member, name, None) for name in ("__func__", "fget", "__wrapped__"))):
                if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                    found[function.__qualname__] = function
    return found


def _change_functions(module: ModuleType, aside: ModuleType, undo: ExitStack) -> int:
    changed = 0
    planted = _functions(aside)
    for name, function in _functions(module).items():
        code, other = function.__code__, planted[name].__code__
        if (code.co_code, _plain(code.co_consts), code.co_names) != (
            other.co_code,
            _plain(other.co_consts),
            other.co_names,
        ):
            function.__code__ = other
            undo.callback(setattr, function, "__code__", code)
            changed += 1
    return changed


def _plain(constants: tuple[Any, ...]) -> list[Any]:
    """Code opened up, with that of inner functions: two compilations differ only where the text does."""
    return [
        (value.co_code, _plain(value.co_consts), value.co_names) if hasattr(value, "co_code") else (type(value), value)
        for value in constants
    ]


def _change_constants(module: ModuleType, aside: ModuleType, undo: ExitStack) -> int:
    changed = 0
    for name, value in list(vars(module).items()):
        other = vars(aside).get(name)
        if name.startswith("__") or type(value) not in CONSTANTS or value == other or _holds_types(value):
            continue
        changed += 1
        for importer in [found for known, found in sys.modules.items() if known.startswith(("cleartide", "services"))]:
            if vars(importer).get(name) is value:
                setattr(importer, name, other)
                undo.callback(setattr, importer, name, value)
    return changed


def _holds_types(value: Any) -> bool:
    """Whether a collection holds classes or functions, which compile anew each time."""
    items = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, Iterable) else ()
    return any(callable(item) for item in items)


class Suite:
    """The test functions of some modules, by the criteria that their docstrings name."""

    def __init__(self, modules: Sequence[ModuleType]) -> None:
        self._by_criterion: dict[str, list[Callable[[], None]]] = {}
        for module in modules:
            for name, test in vars(module).items():
                if name.startswith("test_") and inspect.isfunction(test):
                    for criterion in CRITERION.findall(test.__doc__ or ""):
                        self._by_criterion.setdefault(criterion, []).extend(_cases(test))

    @property
    def criteria(self) -> list[str]:
        """Every criterion that a test names."""
        return list(self._by_criterion)

    def of(self, criterion: str) -> list[Callable[[], None]]:
        """Every case of every test of a criterion."""
        return self._by_criterion[criterion]

    def notices(self, criterion: str) -> bool:
        """Whether any test of the criterion fails now."""
        for case in self.of(criterion):
            try:
                case()
            except (Exception, pytest.fail.Exception):
                return True
        return False


def _cases(test: Callable[..., None]) -> list[Callable[[], None]]:
    """A test once for every set of its parameters."""
    sets: list[list[dict[str, Any]]] = []
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            names, values = mark.args
            keys = [key.strip() for key in names.split(",")] if isinstance(names, str) else list(names)
            sets.append([dict(zip(keys, value if len(keys) > 1 else (value,), strict=True)) for value in values])
    return [_bound(test, {key: value for part in parts for key, value in part.items()}) for parts in product(*sets)]


def _bound(test: Callable[..., None], values: dict[str, Any]) -> Callable[[], None]:
    return lambda: test(**values)
