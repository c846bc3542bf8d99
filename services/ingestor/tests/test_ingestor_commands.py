"""The commands of the tutorial, files, figures and charts, as a user runs them."""

import asyncio
import importlib.util
import json
import re
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cleartide import console
from cleartide.store.bulk import BulkWriter
from cleartide.store.days import truncate

from services.ingestor.app import SERVICE
from services.ingestor.commands.output import as_csv, as_table
from services.ingestor.commands.statistics import bins
from services.ingestor.commands.values import Age, Size
from services.ingestor.queries import funding_history
from services.ingestor.registry import instrument_row
from services.ingestor.repository import BOOKS, CANDLES, FUNDING, INSTRUMENTS, INTEREST, STATS, TICKERS
from services.ingestor.tests.harness import fold_of
from services.ingestor.tests.series import DAY, Said, cleartide, on_both_kinds, tickers
from services.ingestor.tests.support import BTCUSDT
from services.ingestor.tests.test_ingestor_backfill import simulated
from services.ingestor.tests.test_ingestor_fold import batches
from services.ingestor.tests.test_ingestor_postgres import ingest
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Broker, Database

TUTORIAL = Path(__file__).resolve().parents[3] / "docs" / "tutorials" / "market-data.md"
BOOK = (DAY, "bybit", "BTCUSDT", 7, DAY, "ok", [[600_000, 5], [599_999, 1]], [[600_001, 2]])


@pytest.fixture
async def schema(series_database: Database, monkeypatch: pytest.MonkeyPatch) -> ServiceSchema:
    """A migrated schema, whose address is in the environment."""
    made = await migrated(series_database, fold_of(), SERVICE.migrations)
    monkeypatch.setenv("CLEARTIDE_POSTGRES_DSN", made.dsn)
    return made


async def run(line: str) -> Said:
    return await asyncio.to_thread(cleartide, shlex.split(line))


async def done(line: str) -> Any:
    """The JSON that a command which succeeds prints."""
    said = await run(f"{line} -f json")
    assert said.code == 0, said
    return said.json


async def test_every_command_of_the_tutorial_does_what_it_says(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ING-CLI-002"""
    lines = re.findall(r"^    cleartide (.+)$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) > 15
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEARTIDE_ADMIN_DSN", database.admin_dsn)
    monkeypatch.delenv("CLEARTIDE_POSTGRES_DSN", raising=False)
    printed: dict[str, str] = {}
    async with simulated() as (address, _, _):
        monkeypatch.setenv("CLEARTIDE_INGESTOR_SIMULATOR", address)
        for line in lines:
            said = await run(line)
            assert said.code == 0, (line, said)
            printed[line] = said.out
    assert printed["ticker --detailed"] == "nothing is followed yet\n"
    stats = printed["db stats"]
    assert re.search(r"^venue_candles +92 ", stats, re.MULTILINE), stats
    assert re.search(r"^venue_trades +360 ", stats, re.MULTILINE), stats
    assert "drop" in printed["db clean --drop-partitions-older-than 180d --dry-run"]
    assert (tmp_path / "archive" / "venue_trades.csv").read_text().count("\n") == 361


@on_both_kinds
@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
async def test_what_is_exported_is_imported_as_it_was(schema: ServiceSchema, tmp_path: Path, form: str) -> None:
    """ING-FILE-001"""
    rows = tickers(500, step=timedelta(seconds=7, microseconds=1))
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        await writer.write(TICKERS, rows)
        await writer.write(BOOKS, [BOOK])
        before = await digests(writer.connection)
        files = await done(f"export venue_tickers venue_books -t {form} -o {tmp_path}")
        assert [each["rows"] for each in files] == [500, 1]
        assert "--force" in (await run(f"export venue_tickers -t {form} -o {tmp_path}")).err
        paths = " ".join(each["file"] for each in files)
        await truncate(writer.connection, ["venue_tickers", "venue_books"])
        dry = await done(f"import {paths} --dry-run")
        assert [(each["rows"], each["new"]) for each in dry] == [(500, None), (1, None)]
        assert (await digests(writer.connection)) != before
        read = await done(f"import {paths} --batch-size 120")
        assert [each["new"] for each in read] == [500, 1]
        assert await digests(writer.connection) == before
        assert [each["new"] for each in await done(f"import {paths}")] == [0, 0]


async def digests(connection: Any) -> list[Any]:
    return [
        await connection.fetchval(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t")
        for name in ("venue_tickers", "venue_books")
    ]


@on_both_kinds
async def test_an_export_takes_what_is_asked_for(schema: ServiceSchema, tmp_path: Path) -> None:
    """ING-FILE-002"""
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        await writer.write(TICKERS, tickers(600))
    what = "-e bybit -s ETHUSDT --from 2026-03-01T00:01 --to 2026-03-01T00:05"
    (wanted,) = await done(f"export venue_tickers -t json -o {tmp_path} {what}")
    lines = [json.loads(line) for line in Path(wanted["file"]).read_text().splitlines()]
    assert len(lines) == wanted["rows"] == 40
    assert {(line["venue"], line["symbol"]) for line in lines} == {("bybit", "ETHUSDT")}
    assert (lines[0]["ts"], lines[-1]["ts"]) == ("2026-03-01T00:01:01.000000Z", "2026-03-01T00:04:55.000000Z")
    assert (await done(f"export venue_tickers -o {tmp_path} --max-rows 3"))[0]["rows"] == 3


async def test_a_file_that_is_not_what_it_says_is_refused_with_the_place(schema: ServiceSchema, tmp_path: Path) -> None:
    """ING-FILE-003"""
    header = ",".join(TICKERS.columns)
    good = "2026-03-01T00:00:00Z,bybit,BTCUSDT,1,2026-03-01T00:00:00Z,ok,600000,5,600001,7"
    for text, said in (
        (f"{header}\n{good}\n{good.replace('600000', '6e5')}\n", "row 2"),
        (f"{header}\n{good.replace('T00:00:00Z', '')}\n", "has no time zone"),
        (f"ts,venue\n{good}\n", "is no venue_tickers: it has no symbol"),
        (f"{header}\n{good},7\n", "row 1: 11 fields, where the header has 10"),
        (f"{header}\n{good[:30]}\n", "row 1: 3 fields, where the header has 10"),
    ):
        path = tmp_path / "venue_tickers.csv"
        path.write_text(text)
        answer = await run(f"import {path}")
        assert (answer.code, said in answer.err) == (1, True), answer
    assert "is called .csv" in (await run(f"import {tmp_path}/venue_tickers.xls")).err
    assert "there is no such file" in (await run(f"import {tmp_path}/other.csv")).err
    (tmp_path / "other.csv").touch()
    assert "give --series" in (await run(f"import {tmp_path}/other.csv")).err
    for name, content, fault in (
        ("venue_tickers.json", b"[1]\n", "line 1: [1] is no object"),
        ("venue_tickers.csv", b"\xff\xfe", "is no text of rows"),
        ("venue_tickers.parquet", b"PAR1", "venue_tickers.parquet: "),
    ):
        (tmp_path / name).write_bytes(content)
        answer = await run(f"import {tmp_path / name}")
        assert fault in answer.err and len(answer.err.splitlines()) == 1, answer
    backwards = await run(f"export venue_tickers -o {tmp_path} --from 2026-03-02 --to 2026-03-01")
    assert "--from must lie before --to" in backwards.err
    assert (await done("db stats"))["series"][0]["rows"] == 0


@pytest.fixture
async def recorded(schema: ServiceSchema) -> AsyncIterator[ServiceSchema]:
    """A minute of the recording, an hour of figures around it, and what the numbers mean."""
    async with simulated() as (address, _, _):
        assert (await run(f"market -e binance-usdm,bybit --record --simulator {address}")).code == 0
    await ingest(schema, batches(1_000))
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        await writer.write(INSTRUMENTS, [instrument_row("bybit", replace(BTCUSDT, base="BTC", quote="USDT"))])
        for number in range(60):
            ts = DAY + timedelta(minutes=number)
            head = (ts, "bybit", "BTCUSDT", number, ts, "ok")
            await writer.write(INTEREST, [(*head, 2_000 + number)])
            await writer.write(STATS, [(*head, 600_000, 610_000, 590_000, 1_000)])
            await writer.write(FUNDING, [(*head, 600_060, 600_000, 100_000, 28_800_000_000, ts, -25_000)])
            await writer.write(CANDLES, [(*head, "1h", ts, 600_000, 600_010, 599_990, 600_000 + number, 5)])
    yield schema


HOUR = "--from 2026-03-01 --to 2026-03-02"


async def test_figures_are_shown_in_units_that_people_use(recorded: ServiceSchema, tmp_path: Path) -> None:
    """ING-CLI-003: in one test, since making the store takes longer than all of its commands."""
    (newest,) = await done("ticker --detailed")
    async with recorded.pool() as pool:
        row = await pool.fetchrow("SELECT * FROM venue_newest")
    assert Decimal(newest["bid"]) == row["bid_ticks"] * Decimal("0.1")
    assert Decimal(newest["bid_size"]) == row["bid_lots"] * Decimal("0.001")
    spread = Decimal(20_000) * (row["ask_ticks"] - row["bid_ticks"]) / (row["ask_ticks"] + row["bid_ticks"])
    assert abs(Decimal(newest["spread_bps"]) - spread) < Decimal("0.0001")
    assert await done("ticker -s NOTHING") == []
    async with recorded.pool() as pool:
        (told,) = await funding_history(pool, {"venue": "bybit", "symbol": "BTCUSDT", "limit": 1})
    assert (told["rate"], told["predicted_rate"]) == ("0.000100000", "-0.000025000")
    assert (told["mark"], told["index"]) == ("60006.00", "60000.00")
    (ratio,) = await done(f"stats oi-volume {HOUR}")
    assert (ratio["count"], ratio["least"], ratio["largest"]) == (60, "2", "2.059")
    (deviation,) = await done(f"stats price-dev {HOUR}")
    assert (deviation["mean"], deviation["p99"]) == ("1", "1")
    (volume,) = await done(f"stats summary volume {HOUR}")
    assert (volume["venue"], volume["median"]) == ("bybit", "1")
    assert "nothing of funding is recorded" in (await run(f"stats funding {HOUR}")).err
    histogram = await done(f"stats hist close {HOUR} --bins 4")
    assert [each["count"] for each in histogram] == [15, 15, 15, 15]
    if _has_matplotlib():
        for line in (f"chart mark {HOUR}", f"hist close {HOUR}"):
            assert (await run(f"stats {line} -o {tmp_path}/figure.png")).code == 0
            assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
            (tmp_path / "figure.png").unlink()


def _has_matplotlib() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


def test_bins_hold_every_value_once() -> None:
    """ING-CLI-004"""
    values = [Decimal(number) for number in (1, 1, 2, 5, 9)]
    rows = bins(values, 4)
    assert [(row["from"], row["to"], row["count"]) for row in rows] == [(1, 3, 3), (3, 5, 0), (5, 7, 1), (7, 9, 1)]
    assert [row["count"] for row in bins([Decimal(3)], 3)] == [1, 0, 0]


def test_tables_and_csv_are_for_people_and_for_programs() -> None:
    """ING-CLI-005"""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = [
        {
            "name": "a",
            "rows": 1_234_567,
            "size": Size(1_500_000),
            "age": Age(3_700),
            "at": at,
            "price": Decimal("0.10"),
        },
        {"name": "bb", "rows": 5, "size": Size(12), "age": None, "at": None, "price": Decimal(7)},
    ]
    assert as_table(rows).splitlines() == [
        "NAME       ROWS    SIZE        AGE  AT                   PRICE",
        "a     1,234,567  1.5 MB  1 h 1 min  2026-03-01 12:00:00   0.10",
        "bb            5    12 B          -  -                        7",
    ]
    assert (
        as_csv(rows) == "name,rows,size,age,at,price\na,1234567,1500000,3700.0,2026-03-01T12:00:00Z,0.10\nbb,5,12,,,7\n"
    )


def test_one_entry_point_finds_the_services_commands() -> None:
    """ING-CLI-006"""
    assert "ingestor" in console.services_with_commands()
    shown = cleartide(["--help"])
    assert shown.code == 0
    for name in ("db", "market", "ticker", "backfill", "stream", "stats", "export", "import", "ops", "client"):
        assert re.search(rf"^    {name} ", shown.out, re.MULTILINE), name
    assert "usage: python -m cleartide.ops" in cleartide(["ops", "--help"]).out
    assert cleartide(["nonsense"]).code == 2


async def test_what_comes_is_followed_line_by_line(broker: Broker) -> None:
    """ING-CLI-007"""
    event = {"id": "x", "type": "VenueTrade", "venue": "bybit", "symbol": "BTCUSDT", "price_ticks": 600_000}
    where = f"--url {broker.server.url.replace('://', '://operator:nats-operator@')}"
    following = asyncio.create_task(run(f"stream {where} -e bybit --data-types trade -n 2 -f json --max-duration 60"))
    async with broker.client("ingestor") as client:
        async with asyncio.timeout(60):
            while not following.done():
                await client.publish("market.bybit.BTCUSDT.trade", json.dumps([event]).encode())
                await client.publish("market.okx.BTC-USDT-SWAP.trade", b"[]")
                await client.flush()
                await asyncio.wait([following], timeout=0.05)
    said = await following
    assert [json.loads(line) for line in said.out.splitlines()] == [event, event]
    assert "no data type" in (await run(f"stream {where} --data-types nonsense")).err
    quiet = await run(f"stream {where} --max-duration 0.01")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "nothing came\n")


async def test_a_global_name_is_heard_of_at_every_venue(broker: Broker) -> None:
    """ING-CLI-007"""
    where = f"--url {broker.server.url.replace('://', '://operator:nats-operator@')}"
    following = asyncio.create_task(run(f"stream {where} -s BTC/USDT -n 3 -f json --max-duration 60"))
    async with broker.client("ingestor") as client, asyncio.timeout(60):
        while not following.done():
            for venue, symbol in (("kucoin", "XBTUSDTM"), ("kucoin", "BTCUSDT"), ("okx", "BTC-USDT-SWAP")):
                event = {"type": "VenueTrade", "venue": venue, "symbol": symbol}
                await client.publish(f"market.{venue}.{symbol}.trade", json.dumps([event]).encode())
            await client.flush()
            await asyncio.wait([following], timeout=0.05)
    heard = {json.loads(line)["symbol"] for line in (await following).out.splitlines()}
    assert heard == {"XBTUSDTM", "BTC-USDT-SWAP"}


async def test_a_bus_that_cannot_be_heard_is_said_in_one_line(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """ING-CLI-007"""
    monkeypatch.setattr("services.ingestor.commands.bus.GIVE_UP_SECONDS", 3.0)
    right = broker.server.url.replace("://", "://operator:nats-operator@")
    for options, fault in (
        (f"--url {broker.server.url.replace('://', '://operator:wrong@')}", "Authorization Violation"),
        ("--url nats://operator:x@127.0.0.1:1", "127.0.0.1"),
        ("--url http://127.0.0.1:4222", "give --url"),
        (f"--url {right} -s two.words", "no name of a venue or a symbol"),
        (f"--url {right} --data-types ,", "give a data type"),
        (f"--url {right} -e nosuch -s BTC/USDT", "no venue nosuch"),
    ):
        said = await run(f"stream {options} -n 1")
        assert (said.code, said.out) == (1, ""), options
        assert fault in said.err and len(said.err.splitlines()) == 1, said.err
