"""Everything that can grow has a bound: queues have a capacity, and a query has a LIMIT."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, dotted, is_product

QUEUES: Final = frozenset({"Queue", "LifoQueue", "PriorityQueue"})
ONE_ROW: Final = re.compile(r"SELECT (coalesce ?\( ?)?(count|max|min|sum|bool_and|bool_or) ?\(", re.IGNORECASE)


def _has_bound(call: ast.Call, position: int, name: str) -> bool:
    given = [*call.args[position : position + 1], *(word.value for word in call.keywords if word.arg == name)]
    return any(not isinstance(value, ast.Constant) or bool(value.value) for value in given)


def _queues(source: Source) -> Iterator[Finding]:
    for call in source.calls:
        kind = dotted(call.func).rpartition(".")[2]
        if kind == "deque" and not _has_bound(call, 1, "maxlen"):
            yield call.lineno, "deque without maxlen"
        elif (kind in QUEUES and not _has_bound(call, 0, "maxsize")) or kind == "SimpleQueue":
            yield call.lineno, f"{kind} without a size"
        for word in call.keywords:
            if word.arg == "default_factory" and dotted(word.value).rpartition(".")[2] in {"deque", *QUEUES}:
                yield word.value.lineno, f"{dotted(word.value)} without a bound"


def _outermost(sql: str) -> str:
    """The statement without what stands in parentheses: subqueries, CTEs, arguments."""
    longer = ""
    while longer != sql:
        longer, sql = sql, re.sub(r"\([^()]*\)", "", sql)
    return sql


def _queries(source: Source) -> Iterator[Finding]:
    for line, text in source.strings():
        written = " ".join(text.split())
        statement = " ".join(_outermost(written).split())
        if not re.match(r"(WITH .*)?SELECT\b.*\bFROM\b", statement):
            continue
        one_row = ONE_ROW.match(written) is not None and "GROUP BY" not in statement
        if "LIMIT" not in statement and not one_row:
            yield line, f"no LIMIT: {written[:60]}"


def _is_service(path: str) -> bool:
    return is_product(path) and path.startswith("services/")


QUEUE_LINT: Final = Lint("bounded-queue", is_product, _queues)
QUERY_LINT: Final = Lint("bounded-query", _is_service, _queries)
LINTS: Final = (QUEUE_LINT, QUERY_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.rule)
def test_nothing_grows_without_bound(lint: Lint) -> None:
    assert lint.over_tree() == []


@pytest.mark.parametrize(
    "fault",
    [
        "asyncio.Queue()",
        "Queue(0)",
        "asyncio.Queue(maxsize=0)",
        "queue.SimpleQueue()",
        "deque()",
        "deque([1], None)",
        "field(default_factory=deque)",
    ],
)
def test_a_queue_without_a_bound_is_found(fault: str) -> None:
    assert len(QUEUE_LINT.planted("services/risk/feed.py", f"x = {fault}")) == 1


@pytest.mark.parametrize("good", ["asyncio.Queue(8)", "Queue(maxsize=LIMIT)", "deque(maxlen=64)", "deque(rows, 64)"])
def test_a_queue_with_a_bound_passes(good: str) -> None:
    assert not QUEUE_LINT.planted("services/risk/feed.py", f"x = {good}")


@pytest.mark.parametrize(
    "fault",
    [
        "SELECT * FROM positions",
        "SELECT market FROM (SELECT * FROM markets LIMIT 5) m",
        "SELECT coalesce(mark_ticks, 0) FROM markets",
        "SELECT market, count(*) FROM trades GROUP BY market",
        "WITH few AS (SELECT * FROM markets LIMIT 5) SELECT * FROM trades JOIN few USING (market)",
    ],
)
def test_a_query_without_a_limit_is_found(fault: str) -> None:
    assert len(QUERY_LINT.planted("services/risk/queries.py", f"SQL = f'''\n{fault}\n'''")) == 1


@pytest.mark.parametrize(
    "good",
    [
        "SELECT * FROM positions ORDER BY (account, market) LIMIT $1",
        "SELECT coalesce(max(seq), 0) FROM alert_feed",
        "EXISTS (SELECT 1 FROM positions p WHERE p.account = a.account)",
    ],
)
def test_a_query_of_bounded_size_passes(good: str) -> None:
    assert not QUERY_LINT.planted("services/risk/queries.py", f"SQL = '{good}'")
