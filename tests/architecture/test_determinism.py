"""The fold gives the same bits each time: its time comes from the event. And no instant is without its zone."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, dotted, is_python, is_test

MODULES: Final = frozenset({"random", "secrets", "time", "uuid"})
NAMES: Final = frozenset({"os.environ", "os.getenv", "os.urandom", "os.getpid"})
CLOCKS: Final = frozenset({"now", "utcnow", "today"})
PER_PROCESS: Final = frozenset({"id", "hash"})
"""Builtins that differ from process to process."""
FOLDED: Final = re.compile(
    r"services/\w+/(domain/|engine/(?!__init__)|(handlers|repository|tables|views)(\.py|/))"
    r"|libs/common/cleartide/((fold|money)\.py|rules/|bus/(effects|folder)\.py)"
)


def _is_folded(path: str) -> bool:
    return is_python(path) and not is_test(path) and FOLDED.match(path) is not None


def _is_calendar(node: ast.AST) -> bool:
    return dotted(node).rpartition(".")[2] in ("datetime", "date")


def _varying(source: Source) -> Iterator[Finding]:
    for line, module, name in source.imports():
        if module in MODULES or f"{module}.{name}" in NAMES:
            yield line, f"imports {'.'.join(filter(None, (module, name)))}"
    for node in source.nodes:
        match node:
            case ast.Attribute() if dotted(node) in NAMES:
                yield node.lineno, dotted(node)
            case ast.Attribute(attr=attr) if attr in CLOCKS and _is_calendar(node.value):
                yield node.lineno, dotted(node)
            case ast.Call(func=ast.Name(id=name)) if name in PER_PROCESS:
                yield node.lineno, f"{name}() differs from process to process"


def _naive(source: Source) -> Iterator[Finding]:
    for call in source.calls:
        if not isinstance(call.func, ast.Attribute) or not _is_calendar(call.func.value):
            continue
        zone = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg in ("tz", None))]
        match call.func.attr:
            case "utcnow" | "utcfromtimestamp" | "today" as name:
                yield call.lineno, f"{name}() has no zone"
            case "now" if not zone or isinstance(zone[0], ast.Constant):
                yield call.lineno, "now() without a zone"
            case "fromtimestamp" if len(zone) < 2:
                yield call.lineno, "fromtimestamp() without a zone"


LINT: Final = Lint("determinism", _is_folded, _varying)
ZONE_LINT: Final = Lint("naive-datetime", is_python, _naive)
LINTS: Final = (LINT, ZONE_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.rule)
def test_the_fold_repeats_itself_and_instants_have_zones(lint: Lint) -> None:
    assert lint.over_tree() == []


@pytest.mark.parametrize(
    "fault",
    [
        "import time",
        "from time import time_ns",
        "from random import Random",
        "from uuid import uuid4",
        "from os import environ",
        "x = os.environ['X']",
        "x = datetime.now(UTC)",
        "x = datetime.datetime.utcnow()",
        "x = hash(account)",
        "x = id(account)",
    ],
)
@pytest.mark.parametrize("path", ["domain/health.py", "handlers.py", "repository.py"])
def test_what_differs_from_run_to_run_is_found(path: str, fault: str) -> None:
    assert len(LINT.planted(f"services/risk/{path}", fault)) == 1
    assert LINT.planted("services/risk/feed.py", fault) == [], "outside the fold a clock is allowed"


@pytest.mark.parametrize(
    "fault",
    ["datetime.now()", "datetime.now(None)", "datetime.datetime.utcnow()", "datetime.fromtimestamp(1)", "date.today()"],
)
def test_an_instant_without_a_zone_is_found_anywhere(fault: str) -> None:
    assert len(ZONE_LINT.planted("deploy/local/report.py", f"x = {fault}")) == 1


@pytest.mark.parametrize("good", ["datetime.now(UTC)", "datetime.fromtimestamp(1, UTC)", "datetime.now(tz=UTC)"])
def test_an_instant_with_its_zone_passes(good: str) -> None:
    assert not ZONE_LINT.planted("deploy/local/report.py", f"x = {good}")
