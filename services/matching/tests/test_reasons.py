"""The list of reason codes is closed: what the code says is in it, and what is in it is said somewhere."""

import ast
from pathlib import Path
from typing import Final

from services.matching.tests.reasons import documented

ROOT: Final = Path(__file__).parents[3]
SHARED: Final = (ROOT / "libs/common/cleartide/money.py", ROOT / "libs/common/cleartide/rules/vaults.py")
SOURCES: Final = (*(ROOT / "services/matching/domain").rglob("*.py"), *SHARED)
VERDICTS: Final = {"Refused": 0, "MoneyError": 0, "close": 3, "announce_closed": 2, "reject": 4}
"""Where a code stands among the arguments of what gives it."""


def literals() -> set[str]:
    """Every text in the sequencer's rules and in the units."""
    trees = [ast.parse(path.read_text()) for path in SOURCES]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def given() -> set[str]:
    """The codes that stand where a verdict is given."""
    codes: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in VERDICTS:
                arguments = node.args[VERDICTS[node.func.id] :][:1]
                parts = [part for argument in arguments for part in ast.walk(_outcome(argument))]
                constants = [part.value for part in parts if isinstance(part, ast.Constant)]
                codes |= {code for code in constants if isinstance(code, str)}
    return codes


def _outcome(argument: ast.expr) -> ast.AST:
    """What an argument may become: of a choice the two ends, not the question."""
    return ast.Tuple([argument.body, argument.orelse]) if isinstance(argument, ast.IfExp) else argument


def test_match_rsn_001_every_code_that_is_given_is_documented() -> None:
    """MATCH-RSN-001"""
    assert len(given()) > 40
    assert given() - documented() == set(), "add the code and its meaning to docs/reasons.md"


def test_match_rsn_002_every_documented_code_is_given_somewhere() -> None:
    """MATCH-RSN-002"""
    assert documented() - literals() == set()
