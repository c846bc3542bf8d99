"""Money is exact: where amounts are computed there is no float and no division that could make one."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, is_python


def _is_money(path: str) -> bool:
    computes = r"services/\w+/(domain/|engine/(?!__init__)\w+\.py)|libs/common/cleartide/(money\.py|rules/)"
    return is_python(path) and re.match(computes, path) is not None


def _find(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        match node:
            case ast.Constant(value=float() | complex() as value):
                yield node.lineno, f"the literal {value}"
            case ast.Name(id="float"):
                yield node.lineno, "the type float"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield node.lineno, "true division: use // or cleartide.money's ceil_div, trunc_div, half_up_div"
            case ast.Name(id="truediv") | ast.Attribute(attr="truediv"):
                yield node.lineno, "true division by name"


LINT: Final = Lint("exact-money", _is_money, _find)


def test_no_amount_passes_through_a_float() -> None:
    assert LINT.over_tree() == []


@pytest.mark.parametrize(
    "fault", ["x = 0.5", "x = 1e6", "x = float('1')", "x = 3 / 2", "x /= 2", "f = operator.truediv"]
)
@pytest.mark.parametrize(
    "path",
    ["services/risk/domain/health.py", "libs/common/cleartide/money.py", "libs/common/cleartide/rules/margin.py"],
)
def test_an_inexact_amount_is_found(path: str, fault: str) -> None:
    assert len(LINT.planted(path, fault)) == 1


def test_integers_and_decimals_are_exact() -> None:
    assert not LINT.planted("services/risk/domain/health.py", "x = 7 // 2 + int('1_000')\ny = Decimal('0.5') * 3")
