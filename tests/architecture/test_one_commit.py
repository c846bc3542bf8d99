"""One commit, one publish (ADR 1): rows are written in `cleartide.store`, events leave through `cleartide.bus`."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, is_product

WRITERS: Final = ("libs/common/cleartide/store/", "libs/common/cleartide/ops/")
PUBLISHERS: Final = (
    "libs/common/cleartide/bus/",
    "libs/common/cleartide/client.py",
    "libs/common/cleartide/ops/dead.py",
)
WRITE: Final = re.compile(
    r"\b(INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE\s+\w)\b"
    r"|\bUPDATE\s+\S+\s+(AS\s+)?(\w+\s+)?SET\s+(\w+\s*=|[({])"
    r"|\bCOPY\s+\S+(\s*\(.*\))?\s+FROM\b"
    r"|^\s*(?-i:BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b[\s;\w]*$",
    re.IGNORECASE,
)
WRITING_CALLS: Final = frozenset({"copy_records_to_table", "copy_to_table"})
PUBLISHING_CALLS: Final = frozenset({"publish", "publish_async"})


def _reads_only(call: ast.Call) -> bool:
    """A read-only transaction is a snapshot for reads; it commits nothing."""
    read_only = [keyword.value for keyword in call.keywords if keyword.arg == "readonly"]
    return any(isinstance(value, ast.Constant) and value.value is True for value in read_only)


def _commits(source: Source) -> Iterator[Finding]:
    for call in source.calls:
        match call.func:
            case ast.Attribute(attr="transaction") if not _reads_only(call):
                yield call.lineno, "opens a transaction that may write"
            case ast.Attribute(attr=name) if name in WRITING_CALLS:
                yield call.lineno, f"{name}() writes rows"
    for line, text in source.strings():
        if match := WRITE.search(text):
            yield line, f"writes by SQL: {' '.join(match[0].split())}"


def _publishes(source: Source) -> Iterator[Finding]:
    for call in source.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in PUBLISHING_CALLS:
            yield call.lineno, f"{call.func.attr}() outside the bus"
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "request" and not _asks(call):
            yield call.lineno, "request() that may be a publish: a stream answers it too"


def _asks(call: ast.Call) -> bool:
    """Whether the subject is seen to be that of a read model."""
    match call.args[:1]:
        case [ast.Constant(value=str(subject))] | [ast.JoinedStr(values=[ast.Constant(value=str(subject)), *_])]:
            return subject.startswith("query.")
    return False


def _may_not_write(path: str) -> bool:
    return is_product(path) and not path.startswith(WRITERS)


def _may_not_publish(path: str) -> bool:
    return is_product(path) and not path.startswith(PUBLISHERS)


COMMIT_LINT: Final = Lint("one-commit", _may_not_write, _commits)
PUBLISH_LINT: Final = Lint("one-publish", _may_not_publish, _publishes)
LINTS: Final = (COMMIT_LINT, PUBLISH_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.rule)
def test_rows_and_events_leave_by_one_door(lint: Lint) -> None:
    assert lint.over_tree() == []


@pytest.mark.parametrize(
    "fault",
    [
        "async with connection.transaction():\n    pass",
        "async with connection.transaction(isolation='serializable'):\n    pass",
        "await pool.execute('INSERT INTO positions VALUES (1)')",
        "SQL = f'UPDATE {table} SET lots = 0'",
        "SQL = 'update positions p set lots = 0'",
        "SQL = '''\nDELETE FROM positions\n'''",
        "SQL = 'WITH x AS (SELECT 1) INSERT  INTO positions SELECT * FROM x'",
        "await pool.execute('COMMIT')",
        "await connection.copy_records_to_table('positions', records=rows)",
    ],
)
def test_a_second_commit_is_found(fault: str) -> None:
    text = "async def work():\n    " + fault.replace("\n", "\n    ")
    assert len(COMMIT_LINT.planted("services/risk/queries.py", text)) == 1
    assert COMMIT_LINT.planted("libs/common/cleartide/store/postgres.py", text) == []


def test_reading_in_one_snapshot_is_not_a_commit() -> None:
    text = "async def read():\n    async with c.transaction(isolation='repeatable_read', readonly=True):\n        pass"
    assert not COMMIT_LINT.planted("services/risk/queries.py", text)
    assert not COMMIT_LINT.planted("services/risk/views.py", "log.info('the update is set to follow the commit')")


@pytest.mark.parametrize(
    "fault",
    [
        "await ctx.jetstream.publish('a', b'')",
        "ctx.nats.publish('a', b'')",
        "await ctx.nats.request('trades.BTC-PERP', b'')",
        "await ctx.nats.request(f'trades.{market}', b'')",
        "await ctx.nats.request(subject, b'')",
    ],
)
def test_a_second_publish_is_found(fault: str) -> None:
    text = f"async def work(ctx):\n    {fault}"
    assert len(PUBLISH_LINT.planted("services/risk/handlers.py", text)) == 1
    assert PUBLISH_LINT.planted("libs/common/cleartide/bus/nats.py", text) == []


@pytest.mark.parametrize("subject", ["'query.risk.account'", "f'query.{service}.account'"])
def test_a_question_is_not_a_publish(subject: str) -> None:
    assert not PUBLISH_LINT.planted("services/gateway/edge/upstream.py", f"answer = nats.request({subject}, b'')")


def test_a_waiver_excuses_one_line_and_only_with_its_reason() -> None:
    text = """
        async def work(js):
            # lint: allow one-publish{}
            await js.publish('a', b'')
            await js.publish('b', b'')
        """
    assert len(PUBLISH_LINT.planted("services/risk/feed.py", text.format(": the venue's feed"))) == 1
    assert len(PUBLISH_LINT.planted("services/risk/feed.py", text.format(""))) == 2
