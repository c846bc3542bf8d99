"""A service's SQL stays in its own schema: it names no other, and leaves the search path alone."""

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, is_product, services

SQL: Final = re.compile(r"\b(SELECT|FROM|JOIN|INSERT|UPDATE|DELETE|CREATE|ALTER|SET|GRANT)\b")


def _statements(source: Source) -> Iterator[tuple[int, str]]:
    if source.path.endswith(".sql"):
        yield from enumerate(source.lines, start=1)
        return
    for line, text in source.strings():
        if SQL.search(text):
            yield line, text


def _find(source: Source) -> Iterator[Finding]:
    own = source.path.split("/")[1]
    others = "|".join(name for name in services() if name != own)
    foreign = re.compile(rf'\b({others})"?\.["\w]|\bsearch_path\b')
    for line, text in _statements(source):
        if match := foreign.search(text):
            yield line, f"SQL names {match[1] or 'the search path'}"


def _is_service_sql(path: str) -> bool:
    return path.startswith("services/") and path.count("/") > 1 and (is_product(path) or path.endswith(".sql"))


LINT: Final = Lint("own-schema", _is_service_sql, _find)


def test_no_service_reads_another_ones_tables() -> None:
    assert LINT.over_tree() == []


@pytest.mark.parametrize(
    "fault",
    [
        "SELECT * FROM matching.positions LIMIT 1",
        'SELECT * FROM positions JOIN "matching"."trades" USING (market) LIMIT 1',
        "SET search_path TO matching",
    ],
)
def test_a_foreign_schema_is_found(fault: str) -> None:
    assert len(LINT.planted("services/risk/queries.py", f"SQL = '''\n{fault}\n'''")) == 1
    assert len(LINT.planted("services/risk/migrations/0009_more.sql", fault)) == 1


def test_a_service_may_ask_another_one_over_the_bus() -> None:
    assert not LINT.planted("services/gateway/edge/upstream.py", "SUBJECT = 'query.matching.account'")
    assert not LINT.planted("services/matching/queries.py", "SQL = 'SELECT m.market FROM markets m LIMIT 1'")
