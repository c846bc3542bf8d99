"""The domain is pure: it computes, and knows neither clock nor chance nor the outside world."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, is_python, is_within

STANDARD: Final = frozenset(
    {
        "__future__",
        "abc",
        "bisect",
        "collections",
        "collections.abc",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "heapq",
        "itertools",
        "operator",
        "re",
        "string",
        "types",
        "typing",
    }
)
EXACT_MATH: Final = frozenset({"comb", "gcd", "isqrt", "lcm", "prod"})
LIBRARY: Final = ("cleartide.money", "cleartide.contracts", "cleartide.rules")
PACKED: Final = ("librt.strings", "librt.vecs", "mypy_extensions")
"""The packed arrays and machine integers of a compiled engine, and what reads them from bytes."""
ENGINE: Final = re.compile(r"services/\w+/engine/(?!__init__)\w+\.py")
FOLD_NAMES: Final = frozenset({"Effects", "Reject"})
OUTSIDE_WORLD: Final = frozenset({"open", "print", "input", "eval", "exec", "breakpoint", "__import__"})


def _is_domain(path: str) -> bool:
    return is_python(path) and (re.match(r"services/\w+/domain/", path) or ENGINE.fullmatch(path)) is not None


def _is_allowed(module: str, name: str, own: tuple[str, ...]) -> bool:
    if module == "math":
        return name in EXACT_MATH
    if module == "cleartide.fold":
        return name in FOLD_NAMES
    return module in STANDARD or any(is_within(module, package) for package in (*LIBRARY, *own))


def _find(source: Source) -> Iterator[Finding]:
    service = f"services.{source.path.split('/')[1]}"
    own = (f"{service}.engine", *(PACKED if ENGINE.fullmatch(source.path) else (f"{service}.domain",)))
    for line, module, name in source.imports():
        if not _is_allowed(module, name, own):
            yield line, f"imports {'.'.join(filter(None, (module, name)))}"
    for call in source.calls:
        if isinstance(call.func, ast.Name) and call.func.id in OUTSIDE_WORLD:
            yield call.lineno, f"calls {call.func.id}()"


LINT: Final = Lint("domain-purity", _is_domain, _find)


def test_every_domain_is_pure() -> None:
    assert LINT.over_tree() == []


@pytest.mark.parametrize(
    "fault",
    [
        "import asyncio",
        "import time",
        "from random import Random",
        "import asyncpg",
        "from os import environ",
        "from math import sqrt",
        "from cleartide.fold import Table",
        "from cleartide.bus.streams import EVENTS",
        "from services.risk.handlers import HANDLERS",
        "from services.matching.domain.book import Book",
        "from .. import repository",
        "def load():\n    import socket",
        "open('marks.csv')",
    ],
)
def test_an_impure_domain_is_found(fault: str) -> None:
    found = LINT.planted("services/risk/domain/health.py", fault)
    assert len(found) == 1
    assert LINT.planted("services/risk/queries.py", fault) == [], "only the domain is bound by this rule"


@pytest.mark.parametrize(
    "fault", ["import os", "from services.matching.domain.book import Book", "import librt.random"]
)
def test_an_impure_engine_is_found(fault: str) -> None:
    assert len(LINT.planted("services/matching/engine/core.py", fault)) == 1


def test_an_engine_may_be_packed_and_a_domain_uses_it() -> None:
    packed = "from librt.strings import read_i64_le\nfrom librt.vecs import vec\nfrom mypy_extensions import i64"
    assert not LINT.planted("services/matching/engine/core.py", packed)
    assert LINT.planted("services/matching/domain/book.py", packed)
    assert not LINT.planted("services/matching/domain/book.py", "from services.matching.engine.book import Book")
    assert not LINT.planted("services/matching/engine/__init__.py", "from cleartide.compiled import Engine")


def test_what_a_domain_needs_is_allowed() -> None:
    assert not LINT.planted(
        "services/risk/domain/health.py",
        """
        from dataclasses import dataclass
        from math import gcd
        from cleartide.contracts import MarginBracket
        from cleartide.fold import Effects, Reject
        from cleartide.money import ceil_div
        from cleartide.rules.margin import requirements
        from services.risk.domain.state import Account
        """,
    )
