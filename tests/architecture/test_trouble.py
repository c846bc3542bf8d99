"""What a database that is away says is listed once: a list of one's own forgets something, and then a service ends."""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, dotted, is_product


def _own_lists(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = [node.type]
        elif isinstance(node, ast.Call) and dotted(node.func).endswith("suppress"):
            caught = node.args
        else:
            continue
        for each in caught:
            if any(dotted(part) == "asyncpg.InterfaceError" for part in ast.walk(each)):
                yield node.lineno, "use cleartide.store.trouble.STORE_TROUBLE"


LINT: Final = Lint("store-trouble", is_product, _own_lists)


def test_nobody_lists_it_again() -> None:
    assert LINT.over_tree() == []


@pytest.mark.parametrize(
    "fault",
    [
        "try:\n    pass\nexcept (OSError, asyncpg.InterfaceError):\n    pass",
        "try:\n    pass\nexcept asyncpg.InterfaceError:\n    pass",
        "with suppress(OSError, asyncpg.InterfaceError):\n    pass",
    ],
)
def test_a_list_of_ones_own_is_found(fault: str) -> None:
    assert len(LINT.planted("services/risk/feed.py", fault)) == 1
    assert not LINT.planted("services/risk/feed.py", fault.replace("asyncpg.InterfaceError", "STORE_TROUBLE"))
