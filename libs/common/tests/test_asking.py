"""SQL over archived days: of a bucket as of a folder, by ranges, and with errors that say whose fault it is."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from cleartide.console import main
from cleartide.ops.ask import archive
from cleartide.ops.place import NoPlace
from cleartide.store.asking import ArchiveQueryError, ask
from cleartide.store.datasets import object_key
from cleartide.store.objects import FolderStore, ObjectStore, ObjectStoreError, S3Store, open_store
from cleartide.store.parquet import ROWS_PER_GROUP

from deploy.local import ports
from tests.support.bucket import KEY, SECRET, serving_bucket

FIRST = date(2026, 11, 1)
DAYS, ROWS = 6, 2 * ROWS_PER_GROUP
LAST = FIRST + timedelta(days=DAYS - 1)
SPAN = {"account_days": (FIRST, LAST)}
ONE_ACCOUNT = "SELECT day, pnl FROM account_days WHERE number = 200000 ORDER BY day"


@pytest.fixture(scope="module")
def day_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of a quarter of a million accounts, as the archive writes it: two row groups, in the order of numbers."""
    path = tmp_path_factory.mktemp("days") / "day.parquet"
    with duckdb.connect() as duck:
        figures = "i AS number, 'account-' || i AS account, (hash(i) % 1000000)::BIGINT AS pnl, hash(i + 1) AS other"
        duck.execute(
            f"COPY (SELECT {figures} FROM range({ROWS}) t(i)) TO '{path}' "
            f"(FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_PER_GROUP})"
        )
    return path


async def filled(store: ObjectStore, day_file: Path) -> ObjectStore:
    """The store with as many such days."""
    for number in range(DAYS):
        await store.put(object_key("account_days", FIRST + timedelta(days=number)), day_file)
    return store


@pytest.fixture
async def address(tmp_path: Path, day_file: Path) -> AsyncIterator[str]:
    """Days in a bucket."""
    async with serving_bucket(tmp_path) as address:
        await filled(open_store(address, KEY, SECRET), day_file)
        yield address


async def test_one_account_over_many_days_costs_footers_and_what_it_names(
    address: str, tmp_path: Path, day_file: Path
) -> None:
    """ANA-ARCHIVE-009: the answer of a folder; of each file no more than its footer and two columns of a row group."""
    folder = await filled(open_store(str(tmp_path / "folder")), day_file)
    near = await ask(folder, ONE_ACCOUNT, SPAN)
    far = await ask(open_store(address, KEY, SECRET), ONE_ACCOUNT, SPAN)
    assert (far.columns, far.rows) == (near.columns, near.rows)
    assert [day for day, _ in far.rows] == [FIRST + timedelta(days=number) for number in range(DAYS)]
    assert (near.ranges, near.fetched) == (0, 0)
    assert far.stored == near.stored == DAYS * day_file.stat().st_size
    assert far.fetched < far.stored / 4
    assert far.ranges <= 4 * DAYS


async def test_days_that_are_not_asked_for_are_not_read(address: str) -> None:
    """ANA-ARCHIVE-009: a day is found by its folder; of other days in the span footers alone are read."""
    store = open_store(address, KEY, SECRET)
    one = await ask(store, ONE_ACCOUNT, {"account_days": (LAST, LAST)})
    narrowed = await ask(store, f"SELECT sum(pnl) FROM account_days WHERE day = '{LAST}'", SPAN)
    assert [day for day, _ in one.rows] == [LAST]
    assert one.stored * DAYS == narrowed.stored
    assert one.ranges <= 4
    assert narrowed.ranges <= DAYS + 2
    assert narrowed.fetched < one.stored


async def test_a_fault_says_whose_it_is(address: str) -> None:
    """ANA-ARCHIVE-010: that of the question, of the days, of the key, or of a store that is not there."""
    store = open_store(address, KEY, SECRET)
    with pytest.raises(ArchiveQueryError, match="nothing_of_the_kind"):
        await ask(store, "SELECT nothing_of_the_kind FROM account_days", SPAN)
    with pytest.raises(ObjectStoreError, match="trades has no day from 2026-11-01 to 2026-11-06"):
        await ask(store, "SELECT 1", {"trades": (FIRST, LAST)})
    with pytest.raises(ObjectStoreError, match="403"):
        await ask(open_store(address, KEY, "another"), ONE_ACCOUNT, SPAN)
    away = f"s3://history?endpoint=http://127.0.0.1:{ports.free_port()}"
    with pytest.raises(ObjectStoreError, match="history"):
        await ask(open_store(away, KEY, SECRET), ONE_ACCOUNT, SPAN)


async def test_the_archive_is_asked_from_the_command_line(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ANA-ARCHIVE-011: the datasets that the SQL names, of the days that are wanted; a fault is one line."""

    async def asked(sql: str, *more: str, secret: str = SECRET) -> tuple[int, str, str]:
        monkeypatch.setenv("CLEARTIDE_ARCHIVE_SECRET", secret)
        code = await asyncio.to_thread(main, ("ask", sql, "--from", str(FIRST), "--to", str(LAST), *more))
        return code, *capsys.readouterr()

    monkeypatch.setenv("CLEARTIDE_ARCHIVE_ADDRESS", address)
    monkeypatch.setenv("CLEARTIDE_ARCHIVE_KEY", KEY)
    code, rows, cost = await asked("SELECT day, number FROM account_days WHERE number < 1 ORDER BY day")
    assert (code, rows.splitlines()[:2]) == (0, ["day\tnumber", f"{FIRST}\t0"])
    assert cost.startswith(f"{DAYS} rows, ") and "requests" in cost
    code, rows, _ = await asked("SELECT count(*) AS days FROM account_days WHERE number = 7", "--json")
    assert (code, json.loads(rows)) == (0, {"days": DAYS})
    for sql, secret, words in (
        ("SELECT 1", SECRET, "names no dataset; there is account_days"),
        ("SELECT none FROM account_days", SECRET, "none"),
        (ONE_ACCOUNT, "another", "403"),
    ):
        code, rows, error = await asked(sql, secret=secret)
        assert (code, rows) == (1, "")
        assert words in error


async def test_an_archive_without_days_says_when_there_will_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ANA-ARCHIVE-011: who asks on the first day is told that the days are to come, not that his SQL is wrong."""
    monkeypatch.setenv("CLEARTIDE_ARCHIVE_ADDRESS", str(tmp_path))
    assert await asyncio.to_thread(main, ("ask", "SELECT count(*) FROM account_days")) == 1
    assert "the archive is empty: days come CLEARTIDE_ARCHIVE_AFTER_HOURS after their end" in capsys.readouterr().err


def test_the_archive_is_that_of_the_stack_unless_the_environment_names_one(tmp_path: Path) -> None:
    """ANA-ARCHIVE-011: and where there is neither, what to do is said."""
    assert isinstance(archive({"CLEARTIDE_ARCHIVE_ADDRESS": "s3://bucket"}), S3Store)
    with pytest.raises(NoPlace, match="CLEARTIDE_ARCHIVE_ADDRESS"):
        archive({"CLEARTIDE_HOME": str(tmp_path)})
    for name, content in (
        ("state.json", {"units": [{"name": "postgres", "port": 1}], "urls": {"nats": "nats://127.0.0.1:1"}}),
        ("secrets.json", {"a": 1}),
    ):
        (tmp_path / name).write_text(json.dumps(content))
    found = archive({"CLEARTIDE_HOME": str(tmp_path)})
    assert isinstance(found, FolderStore)
    assert found.root == tmp_path / "data" / "archive"


class Stale(S3Store):
    """A bucket that has lost its last day since it was listed."""

    async def sizes(self, prefix: str) -> dict[str, int]:
        """What there was."""
        told = await super().sizes(prefix)
        return {**told, object_key("account_days", LAST + timedelta(days=1)): 70_000}


async def test_an_object_that_is_gone_is_a_fault_of_the_store(address: str) -> None:
    """ANA-ARCHIVE-010: from within DuckDB's threads, in the store's own words."""
    endpoint = address.partition("endpoint=")[2]
    store = Stale(endpoint, "history", "analytics/", "us-east-1", KEY, SECRET)
    with pytest.raises(ObjectStoreError, match=r"day%3D2026-11-07.*404"):
        await ask(store, ONE_ACCOUNT, {"account_days": (FIRST, LAST + timedelta(days=1))})


async def test_who_stops_waiting_stops_the_question(address: str) -> None:
    """ANA-ARCHIVE-010: a question that is given up leaves no thread at work behind it."""
    store, asked = open_store(address, KEY, SECRET), "SELECT max(a.pnl + b.pnl) FROM account_days a, account_days b"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await ask(store, asked, SPAN)
