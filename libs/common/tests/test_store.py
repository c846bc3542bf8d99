"""The store on a real PostgreSQL: a batch is written whole or not at all, and only by the newest holder."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import asyncpg
import pytest
from cleartide.bus.ports import Commit, Delivery, Epoch, Fenced, OutboxRow, Progress
from cleartide.fold import Changes, Row, Table
from cleartide.store.postgres import LONG_HISTORY, PostgresStore

from tests.support.servers import Database

NOTES = Table("notes", key=("name",), columns={"name": "text", "big": "bigint", "flag": "boolean"})
SEEN = Table("seen", key=("a", "b"), columns={"a": "text", "b": "text"})
HISTORY = Table("history", key=("n",), columns={"n": "bigint", "what": "text"}, write="append")
FIRSTS = Table("firsts", key=("n",), columns={"n": "bigint", "what": "text"}, write="ignore")
KINDS = Table(
    "kinds",
    key=("n",),
    columns={
        "n": "bigint",
        "small": "smallint",
        "number": "integer",
        "day": "date",
        "moment": "timestamptz",
        "word": "text",
        "yes": "boolean",
    },
)
TABLES = (NOTES, SEEN, HISTORY, FIRSTS, KINDS)
MIGRATION = """-- migrate:up
CREATE TABLE notes (name text PRIMARY KEY, big bigint, flag boolean);
CREATE TABLE seen (a text, b text, PRIMARY KEY (a, b));
CREATE TABLE history (n bigint PRIMARY KEY, what text);
CREATE TABLE firsts (n bigint PRIMARY KEY, what text);
CREATE TABLE kinds (n bigint PRIMARY KEY, small smallint, number integer, day date, moment timestamptz, word text,
    yes boolean);
CREATE TABLE journal (stream_seq bigint PRIMARY KEY, at bigint NOT NULL, subject text NOT NULL, payload bytea NOT NULL);
"""


@pytest.fixture
async def store(database: Database) -> AsyncIterator[PostgresStore]:
    """The store of a service with one table of each kind."""
    await database.migrator("matching", m0001_tables=MIGRATION).migrate()
    made = database.store("matching")
    yield made
    await made.close()


def commit(
    epoch: Epoch,
    to: int,
    changes: Changes | None = None,
    outbox: tuple[OutboxRow, ...] = (),
    journal: tuple[Delivery, ...] = (),
    published: dict[str, int] | None = None,
) -> Commit:
    """A batch from the epoch's position to another."""
    after = Progress(to, to, "created", to * 10)
    return Commit(epoch.number, epoch.progress, after, changes or Changes(), outbox, published or {}, journal)


def put(table: Table, *rows: Row) -> Changes:
    changes = Changes()
    changes.put_all(table, rows)
    return changes


async def loaded(store: PostgresStore, table: Table) -> list[Row]:
    return list((await store.load([table]))[table.name])


def outbox_row(first: int, last: int, channel: str = "EVENTS") -> OutboxRow:
    return OutboxRow(channel, first, last, "trading.main", b"\x00[payload]\xff", "00-1-2-01")


async def test_rows_come_back_as_they_were_written(store: PostgresStore) -> None:
    """Every column type of the tables keeps its value: the largest integers, text of any script, none, moments."""
    rows: list[Row] = [
        (
            1,
            -32768,
            2**31 - 1,
            date(2026, 2, 28),
            datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
            "a'\"\\\n€ 漢",
            True,
        ),
        (2**63 - 1, 32767, -(2**31), None, None, "", False),
        (-(2**63), None, None, None, None, None, None),
    ]
    await store.commit(commit(await store.begin(), 1, put(KINDS, *rows)))
    assert sorted(await loaded(store, KINDS)) == sorted(rows)


async def test_an_upsert_replaces_by_key(store: PostgresStore) -> None:
    """The last batch's row is the one that is kept; a table of keys alone keeps each once."""
    first = put(NOTES, ("a", 1, True), ("b", 1, None))
    first.put(SEEN, ("x", "y"))
    epoch = await store.begin()
    await store.commit(commit(epoch, 1, first))
    second = put(NOTES, ("a", 2, False))
    second.put(SEEN, ("x", "y"))
    await store.commit(commit(Epoch(epoch.number, Progress(1), {}, {}), 2, second))
    assert await loaded(store, NOTES) == [("a", 2, False), ("b", 1, None)]
    assert await loaded(store, SEEN) == [("x", "y")]


async def test_history_is_never_rewritten(store: PostgresStore) -> None:
    """A second row for a key of an append table fails the whole batch; of an ignore table the first stays."""
    epoch = await store.begin()
    changes = put(HISTORY, (1, "first"))
    changes.put(FIRSTS, (1, "first"))
    await store.commit(commit(epoch, 1, changes))
    after = Epoch(epoch.number, Progress(1), {}, {})
    await store.commit(commit(after, 2, put(FIRSTS, (1, "second"), (2, "new"))))
    assert await loaded(store, FIRSTS) == [(1, "first"), (2, "new")]
    again = put(HISTORY, (1, "second"))
    again.put(NOTES, ("a", 1, True))
    with pytest.raises(asyncpg.UniqueViolationError):
        await store.commit(commit(Epoch(epoch.number, Progress(2), {}, {}), 3, again))
    assert await loaded(store, NOTES) == []
    assert (await store.begin()).progress.position == 2


async def test_long_history_is_one_with_the_rest_of_its_batch(store: PostgresStore, database: Database) -> None:
    """RUN-BULK-001: thousands of rows of a day's end are there with position and events, or nothing of the batch is."""
    epoch = await store.begin()
    changes = put(HISTORY, *((n, f"€ {n}\t\\N" if n % 7 else None) for n in range(LONG_HISTORY)))
    changes.put(NOTES, ("a", 1, True))
    await store.commit(commit(epoch, 1, changes, (outbox_row(1, 2),)))
    assert await loaded(store, HISTORY) == changes.rows[HISTORY]
    assert await loaded(store, NOTES) == [("a", 1, True)]
    after = Epoch(epoch.number, Progress(1), {}, {})
    repeated = put(HISTORY, *((n, "again") for n in range(LONG_HISTORY - 1, 2 * LONG_HISTORY)))
    repeated.put(NOTES, ("b", 1, True))
    with pytest.raises(asyncpg.UniqueViolationError):
        await store.commit(commit(after, 2, repeated))
    overtaken = put(HISTORY, *((n, "late") for n in range(LONG_HISTORY, 2 * LONG_HISTORY)))
    assert (await store.begin()).progress.position == 1
    with pytest.raises(Fenced, match="overtaken"):
        await store.commit(commit(after, 2, overtaken))
    assert await loaded(store, HISTORY) == changes.rows[HISTORY]
    assert await loaded(store, NOTES) == [("a", 1, True)]
    assert len(await database.fetch("matching", "SELECT * FROM outbox")) == 1


async def test_long_history_goes_behind_the_second_wall(store: PostgresStore, database: Database) -> None:
    """RUN-BULK-002: what tenants are shown in part, the fold writes as any other history, forced upon it or not."""
    epoch = await store.begin()
    await database.fetch("matching", f"SELECT wall(ARRAY['{HISTORY.name}'], 'false')")
    changes = put(HISTORY, *((n, "x") for n in range(LONG_HISTORY)))
    await store.commit(commit(epoch, 1, changes))
    assert await loaded(store, HISTORY) == changes.rows[HISTORY]
    await database.fetch("matching", "CREATE POLICY owned ON history TO cleartide_matching USING (true)")
    await database.fetch("matching", "ALTER TABLE history FORCE ROW LEVEL SECURITY")
    await store.begin()
    after = Epoch(epoch.number + 1, Progress(1), {}, {})
    forced = put(HISTORY, *((n, "y") for n in range(LONG_HISTORY, 2 * LONG_HISTORY)))
    await store.commit(commit(after, 2, forced))
    assert await loaded(store, HISTORY) == changes.rows[HISTORY] + forced.rows[HISTORY]


async def test_long_history_that_comes_again_keeps_its_first_rows(store: PostgresStore, database: Database) -> None:
    """RUN-BULK-003: whether by COPY or not, the first row of a key stays, and nothing else is lost."""
    epoch, notes = await store.begin(), [("a", 1, True)]
    first = [(n, "first") for n in range(LONG_HISTORY)]
    overlapping = [(n, "second") for n in range(LONG_HISTORY - 1, 2 * LONG_HISTORY)]
    later = [(n, "third") for n in range(2 * LONG_HISTORY, 3 * LONG_HISTORY)]
    twice = [(n // 2, "fourth") for n in range(6 * LONG_HISTORY, 8 * LONG_HISTORY)]
    for position, rows in enumerate((first, overlapping, later, twice)):
        changes = put(FIRSTS, *rows)
        changes.put_all(NOTES, notes)
        before = Epoch(epoch.number, epoch.progress._replace(position=position), {}, {})
        await store.commit(commit(before, position + 1, changes, (outbox_row(position + 1, position + 1),)))
    kept = [*first, *overlapping[1:], *later, *twice[::2]]
    assert await loaded(store, FIRSTS) == kept
    assert await loaded(store, NOTES) == notes
    assert len(await database.fetch("matching", "SELECT * FROM outbox")) == 4


async def test_deletes_take_the_named_keys_and_no_others(store: PostgresStore) -> None:
    """By a key of one column and of two."""
    epoch = await store.begin()
    first = put(NOTES, ("a", 1, True), ("b", 1, True))
    first.put_all(SEEN, [("x", "y"), ("x", "z")])
    await store.commit(commit(epoch, 1, first))
    second = put(NOTES, ("c", 3, None))
    second.delete(NOTES, ("a",))
    second.delete(NOTES, ("never there",))
    second.delete(SEEN, ("x", "z"))
    await store.commit(commit(Epoch(epoch.number, Progress(1), {}, {}), 2, second))
    assert await loaded(store, NOTES) == [("b", 1, True), ("c", 3, None)]
    assert await loaded(store, SEEN) == [("x", "y")]


async def test_position_journal_and_outbox_are_one_with_the_rows(store: PostgresStore, database: Database) -> None:
    """What came in, what it changed and what is to be said are stored by the same statement."""
    epoch = await store.begin()
    journal = (Delivery(1, 10, "orders.BTC", b"\x00\xff", "", 0), Delivery(2, 11, "orders.ETH", b"{}", "", 0))
    rows = (outbox_row(1, 3), outbox_row(4, 4), outbox_row(1, 1, "DEAD_LETTERS"))
    await store.commit(commit(epoch, 2, put(NOTES, ("a", 1, True)), rows, journal))
    assert [tuple(row) for row in await database.fetch("matching", "SELECT * FROM journal ORDER BY 1")] == [
        (1, 10, "orders.BTC", b"\x00\xff"),
        (2, 11, "orders.ETH", b"{}"),
    ]
    assert await store.unpublished("EVENTS", 0, 10) == [outbox_row(1, 3), outbox_row(4, 4)]
    assert await store.unpublished("EVENTS", 3, 10) == [outbox_row(4, 4)]
    assert await store.unpublished("EVENTS", 0, 1) == [outbox_row(1, 3)]
    following = await store.begin()
    assert following.progress == Progress(2, 2, "created", 20)
    assert following.last_seq == {"EVENTS": 4, "DEAD_LETTERS": 1}
    assert following.published_seq == {"EVENTS": 0, "DEAD_LETTERS": 0}


async def test_what_is_published_is_remembered_and_never_forgotten(store: PostgresStore) -> None:
    """Later batches and the last word at a stop move the mark forward only."""
    epoch = await store.begin()
    await store.commit(commit(epoch, 1, outbox=(outbox_row(1, 4),)))
    await store.commit(commit(Epoch(epoch.number, Progress(1), {}, {}), 2, published={"EVENTS": 3}))
    assert (await store.begin()).published_seq == {"EVENTS": 3}
    number = (await store.begin()).number
    await store.mark_published(number, {"EVENTS": 4})
    await store.mark_published(number, {"EVENTS": 2, "NOWHERE": 9})
    assert (await store.begin()).published_seq == {"EVENTS": 4}


async def test_what_a_passing_stream_was_given_leaves_the_outbox(store: PostgresStore) -> None:
    """RUN-PASSING-001: published rows of BOOKS go with a later commit; the others stay, and those of other channels."""
    epoch = await store.begin()
    rows = (outbox_row(1, 3, "BOOKS"), outbox_row(4, 6, "BOOKS"), outbox_row(7, 7, "BOOKS"), outbox_row(1, 2))
    await store.commit(commit(epoch, 1, outbox=rows))
    then = Epoch(epoch.number, Progress(1), {}, {})
    await store.commit(commit(then, 2, outbox=(outbox_row(8, 8, "BOOKS"),), published={"BOOKS": 5, "EVENTS": 2}))
    assert await store.unpublished("BOOKS", 0, 10) == [
        outbox_row(4, 6, "BOOKS"),
        outbox_row(7, 7, "BOOKS"),
        outbox_row(8, 8, "BOOKS"),
    ]
    assert await store.unpublished("EVENTS", 0, 10) == [outbox_row(1, 2)]
    assert (await store.begin()).last_seq == {"BOOKS": 8, "EVENTS": 2}
    stale = Epoch(epoch.number, Progress(2), {}, {})
    with pytest.raises(Fenced):
        await store.commit(commit(stale, 3, published={"BOOKS": 8}))
    assert len(await store.unpublished("BOOKS", 0, 10)) == 3


async def test_an_old_holder_writes_nothing_at_all(store: PostgresStore, database: Database) -> None:
    """A process that was overtaken is told so, and none of its batch is there: no row, no event, no position."""
    old = await store.begin()
    newer = database.store("matching")
    try:
        current = await newer.begin()
        changes = put(NOTES, ("a", 1, True))
        changes.put(HISTORY, (1, "x"))
        changes.put(FIRSTS, (1, "x"))
        changes.delete(NOTES, ("b",))
        await newer.commit(commit(current, 1, put(NOTES, ("b", 1, True))))
        journal = (Delivery(1, 1, "orders.BTC", b"", "", 0),)
        with pytest.raises(Fenced, match="overtaken"):
            await store.commit(commit(old, 1, changes, (outbox_row(1, 1),), journal, {"EVENTS": 1}))
        await store.mark_published(old.number, {"EVENTS": 9})
        assert await loaded(newer, NOTES) == [("b", 1, True)]
        for table in ("history", "firsts", "journal", "outbox", "outbox_position"):
            assert await database.fetch("matching", f"SELECT * FROM {table}") == []
        assert (await newer.begin()).progress.position == 1
    finally:
        await newer.close()


async def test_a_batch_from_another_position_is_refused(store: PostgresStore) -> None:
    """The same holder cannot write a batch twice, nor one that skips."""
    epoch = await store.begin()
    await store.commit(commit(epoch, 3))
    for wrong in (Progress(0), Progress(2), Progress(4)):
        with pytest.raises(Fenced):
            await store.commit(commit(Epoch(epoch.number, wrong, {}, {}), 9, put(NOTES, ("a", 1, True))))
    assert await loaded(store, NOTES) == []


async def test_the_server_knows_the_way_of_a_commit_before_the_first(store: PostgresStore, database: Database) -> None:
    """RUN-WARM-001: once a connection, when the rows are read, in an epoch or beside one; nothing is written by it."""
    epoch, _ = await store.snapshot(TABLES)
    await store.begin()
    await store.load(TABLES)
    assert store._held is not None
    plans = "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE $1"
    found = await store._held.fetch(plans, "%INTO history%INTO outbox%")
    assert [row["generic_plans"] for row in found] == [1]
    assert [list(rows) for rows in (await store.load(TABLES)).values()] == [[]] * len(TABLES)
    assert await database.fetch("matching", "SELECT 1 FROM outbox UNION ALL SELECT 1 FROM outbox_position") == []
    (position,) = await database.fetch("matching", "SELECT position, stream_seq FROM consumer_position")
    assert tuple(position) == (epoch.progress.position, epoch.progress.stream_seq)


async def test_of_two_that_commit_at_once_one_writes(store: PostgresStore, database: Database) -> None:
    """Two processes with one epoch and position race: exactly one batch is there afterwards."""
    epoch = await store.begin()
    rival = database.store("matching")
    try:
        outcomes = await asyncio.gather(
            store.commit(commit(epoch, 1, put(HISTORY, (1, "one")))),
            rival.commit(commit(epoch, 1, put(HISTORY, (1, "other")))),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Fenced", "NoneType"]
        assert len(await loaded(store, HISTORY)) == 1
    finally:
        await rival.close()


async def test_a_lost_connection_is_made_again(store: PostgresStore, database: Database) -> None:
    """After the server ended the session, the next epoch begins on a new one."""
    await store.begin()
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cleartide_matching'")
    await admin.close()
    store.abandon()
    assert (await store.begin()).number == 2


async def test_a_schema_without_its_tables_says_so(database: Database) -> None:
    """A service that is started before its schema was made fails with the database's own word for it."""
    store = database.store("risk")
    with pytest.raises(asyncpg.UndefinedTableError, match="consumer_position"):
        await store.begin()
    await store.close()


async def test_an_operator_works_as_the_service_in_its_schema(database: Database, store: PostgresStore) -> None:
    """The tools write with the service's rights, so what they make belongs to the service."""
    acting = PostgresStore(database.admin_dsn, "matching", act_as_owner=True)
    epoch = await acting.begin()
    await acting.commit(commit(epoch, 1, put(NOTES, ("a", 1, True))))
    await acting.close()
    assert await loaded(store, NOTES) == [("a", 1, True)]
