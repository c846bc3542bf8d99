"""The verbs as a whole: what all of them have, what they say of themselves, and what of another tool's they replace."""

import argparse
import asyncio
import json
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from cleartide.store.bulk import BulkWriter

from services.ingestor.adapters import events
from services.ingestor.app import SERVICE
from services.ingestor.commands.shares import parts
from services.ingestor.commands.workbook import cell, write_workbook
from services.ingestor.repository import BOOKS, GROUPED_BOOKS
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import Host
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.tests.harness import fold_of, market_message
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.series import DAY, on_both_kinds
from services.ingestor.tests.test_ingestor_commands import done, run
from services.ingestor.tests.test_ingestor_liquidity_series import measured
from services.ingestor.tests.verbs import HELP, help_pages, options, verbs
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

ROOT = Path(__file__).resolve().parents[3]
DESTROYS = {
    "db archive", "db clean", "db migrate", "db update-fees", "backfill", "import", "export", "orderbook export",
    "start",
}  # fmt: skip
"""They take something away, put something in its place, or cannot be taken back."""
KEEPS = {
    "db init", "db stats", "market", "ticker", "liquidity", "orderbook list", "orderbook read", "stream", "run",
    "serve",
    *(f"stats {name}" for name in ("summary", "funding", "oi-volume", "price-dev", "chart", "hist", "shares")),
}  # fmt: skip
PRINTS_NO_ROWS = {"start", "serve", "run", "stream"}


def test_every_verb_is_judged_and_what_destroys_has_a_dry_run() -> None:
    """ING-CLI-008: a new verb must be put on one of the two lists."""
    found = verbs()
    assert set(found) == DESTROYS | KEEPS
    for name, parser in found.items():
        has = options(parser)
        assert ("--dry-run" in has) == (name in DESTROYS), name
        assert name in DESTROYS or not has & {"--yes", "--force", "--force-refetch", "--truncate"}, name


def test_every_verb_that_shows_rows_shows_them_in_every_format() -> None:
    """ING-CLI-008"""
    for name, parser in verbs().items():
        if name in PRINTS_NO_ROWS:
            continue
        (form,) = [each for each in parser._actions if "--format" in each.option_strings]
        assert form.choices == ("table", "json", "csv", "xlsx"), name
        assert options(parser) & {"--output", "--output-file"}, name


def test_the_help_reads_as_it_was_agreed() -> None:
    """ING-CLI-009: after a change, look at what `python -m services.ingestor.tests.verbs` has written."""
    assert "\n".join(help_pages()) == HELP.read_text(encoding="utf-8")


def test_every_verb_says_what_it_does_with_an_example() -> None:
    """ING-CLI-009"""
    for name, parser in verbs().items():
        assert parser.description, name
        assert f"  cleartide {name}" in (parser.epilog or ""), name
        for action in parser._actions:
            assert action.help or isinstance(action, argparse._SubParsersAction), (name, action.dest)
        for line in re.findall(r"^  cleartide (.+?)(?: \|.*)?$", parser.epilog or "", re.MULTILINE):
            words = line.removeprefix(name).split()
            assert {word for word in words if re.fullmatch(r"--?[a-z-]+", word)} <= options(parser), line


def test_everything_that_perps_stats_does_has_its_place() -> None:
    """ING-CLI-010: each line of the table names verbs and options that the parser knows."""
    text = (ROOT / "docs" / "perps-stats.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `([^|]+)` \| `cleartide ([^`|]+)`", text, re.MULTILINE)
    assert len(lines) >= 70
    found = verbs()
    for theirs, ours in lines:
        name = max((name for name in found if f"{ours} ".startswith(f"{name} ")), key=len, default="")
        assert name, (theirs, ours)
        wanted = {word for word in ours.split() if word.startswith("-")}
        assert wanted <= options(found[name]), (theirs, ours)


@pytest.fixture
async def schema(series_database: Database, monkeypatch: pytest.MonkeyPatch) -> ServiceSchema:
    """An ingestor that has read the start of the recording; its address is in the environment."""
    made = await migrated(series_database, fold_of(), SERVICE.migrations)
    monkeypatch.setenv("CLEARTIDE_POSTGRES_DSN", made.dsn)
    kinds = (events.InstrumentTerms, events.Liquidity, events.Trade)
    said = [each for each in measured()[1] if isinstance(each, kinds)]
    messages = [market_message([each], each.received_at) for each in said]
    assert await made.run_epoch(in_batches(messages, 400)) == 0
    return made


@on_both_kinds
async def test_stored_liquidity_is_shown_with_depth_costs_and_average_price(
    schema: ServiceSchema, tmp_path: Path
) -> None:
    """ING-CLI-011"""
    (told,) = await done("liquidity -s BTCUSDT")
    assert [each["bps"] for each in told["depth"]] == ["1", "2.5", "5", "10", "20", "50", "100"]
    assert [each["size"] for each in told["slippage"]][::6] == ["1000", "10000000"]
    assert all(each[side]["feasible"] for each in told["slippage"] for side in ("buy", "sell"))
    async with schema.pool() as pool:
        sums = await pool.fetchrow(
            "SELECT count(*) AS n, sum(price_ticks::numeric * size_lots) / sum(size_lots) AS ticks FROM venue_trades "
            "WHERE ts <= (SELECT max(ts) FROM venue_liquidity)"
        )
    assert told["trades"] == sums["n"]
    assert abs(Decimal(told["vwap"]) - sums["ticks"] / 10) < Decimal("0.00001")
    (dear,) = await done("liquidity -s BTCUSDT --taker-fee 0.0007")
    cheap, costly = (Decimal(each["slippage"][0]["buy"]["slippage_bps"]) for each in (told, dear))
    assert costly - cheap == 7
    path = tmp_path / "fees" / "books.xlsx"
    assert (await run("db update-fees -e binance-usdm --maker -0.0001 --taker 0.0003 --dry-run")).code == 0
    assert (await done("liquidity --fees"))[0]["taker_fee_bps"] == "0.0000"
    (changed,) = await done("db update-fees -e binance-usdm --maker -0.0001 --taker 0.0003")
    assert (changed["maker"], changed["taker"]) == ("-0.000100000", "0.000300000")
    assert (await done("liquidity --fees"))[0]["taker_fee_bps"] == "3.0000"
    assert (await run(f"liquidity -f xlsx -o {path}")).code == 0
    (header, row) = sheet(path)
    assert (row[header.index("venue")], row[header.index("buy_1000_bps")]) == ("binance-usdm", cheap)
    table = (await run("liquidity")).out
    assert "10,000,000" in table and "VWAP" in table
    parted = await done("stats shares --side each")
    assert {each["share_%"] for each in parted} == {"100.0000"}
    assert {each["side"] for each in parted} == {"bid", "ask", "both"}
    assert "-f xlsx" in (await run("liquidity --help")).out
    assert "--output FILE.xlsx" in (await run("liquidity -f xlsx")).err
    assert "--live or --simulator" in (await run("liquidity --record")).err


def sheet(path: Path, number: int = 1) -> list[list[Any]]:
    """The cells of a sheet as another program sees them."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        found = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    rows: list[list[Any]] = []
    for row in found.iter(f"{space}row"):
        cells: list[Any] = []
        for each in row:
            text = "".join(each.itertext())
            cells.append(text if each.get("t") == "inlineStr" else Decimal(text))
        rows.append(cells)
    return rows


def test_a_workbook_holds_numbers_exactly_or_as_text(tmp_path: Path) -> None:
    """ING-CLI-012"""
    exact, long = Decimal("61809.10"), Decimal("12345678901234.567")
    write_workbook(tmp_path / "a.xlsx", {"one/two": [{"a": exact, "b": long, "c": 10**15, "d": "=1+1"}]})
    assert sheet(tmp_path / "a.xlsx")[1] == [exact, str(long), str(10**15), "=1+1"]
    assert (cell(None), cell(True), cell(DAY)) == (None, True, "2026-03-01T00:00:00Z")
    assert not list(tmp_path.glob(".*"))


def test_parts_of_the_depth_are_marked_where_a_book_ends_before() -> None:
    """ING-CLI-013"""
    rows = [
        {"venue": name, "bid_depths": json.dumps([lots] * 7), "ask_depths": "[0,0,0,0,0,0,0]", "bid_reach": 6 * 10**8}
        | {"ask_reach": 10**12}
        for name, lots in (("a", 3_000_000), ("b", 1_000_000))
    ]
    found = parts(rows, "venue", "bid", ("bid",))
    assert [(each["venue"], each["share_%"], each["partial"]) for each in found[4:8]] == [
        ("a", Decimal("75.0000"), False),
        ("b", Decimal("25.0000"), False),
        ("a", Decimal("75.0000"), True),
        ("b", Decimal("25.0000"), True),
    ]


@pytest.fixture
async def simulator() -> AsyncIterator[str]:
    """Two venues that tell the recording again and again."""
    replay = Replay(first_lines(3_999), Pace(4.0, loop=True), Faults())
    host = Host([replay], {"binance-usdm": (), "bybit": ()}, {})
    address = f"127.0.0.1:{await host.start()}"
    playing = asyncio.create_task(replay.run())
    yield address
    playing.cancel()
    with suppress(asyncio.CancelledError):
        await playing
    await host.stop()


async def test_venues_are_followed_without_a_bus(schema: ServiceSchema, simulator: str, tmp_path: Path) -> None:
    """ING-CLI-014: live liquidity, once and again, kept in the store; and workbooks of everything."""
    where = f"-e binance-usdm,bybit -s BTC/USDT --simulator {simulator}"
    found = await done(f"liquidity {where}")
    assert [(each["venue"], each["symbol"]) for each in found] == [("binance-usdm", "BTCUSDT"), ("bybit", "BTCUSDT")]
    assert all(Decimal(each["depth"][0]["bid"]) > 0 for each in found)
    again = (await run(f"liquidity {where} -i 0.1 -n 2 -f csv --record")).out.splitlines()
    assert [line.partition(",")[0] for line in again] == ["venue", *["binance-usdm", "bybit"] * 2]
    async with schema.pool() as pool:
        assert await pool.fetchval("SELECT count(*) FROM venue_liquidity WHERE venue = 'bybit'") >= 1
    assert (await run(f"run {where} -i 0.1 -n 2 -o {tmp_path}")).code == 0
    header, *rows = sheet(tmp_path / "bybit.xlsx")
    assert len(rows) == 2
    assert len(header) >= 34
    assert {"mark", "funding_rate", "open_interest", "bid_100bps", "ask_1bps"} <= set(header)
    assert "is not listed" in (await run(f"run -e bybit -s XYZ/USDT --simulator {simulator} -n 1")).err


async def test_recorded_books_are_listed_read_and_written_to_files(schema: ServiceSchema, tmp_path: Path) -> None:
    """ING-CLI-015"""
    levels = ([[600_000, 5], [599_999, 1]], [[600_001, 2]])
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        rows = [(DAY.replace(minute=at), "binance-usdm", "BTCUSDT", at, DAY, "ok", *levels) for at in (0, 10)]
        await writer.write(BOOKS, rows)
        steps = (10, [[599_990, 6]], [[600_010, 2]])
        await writer.write(GROUPED_BOOKS, [(DAY, "binance-usdm", "BTCUSDT", 1, DAY, "ok", *steps)])
    (there,) = await done("orderbook list --from 2026-03-01 --to 2026-03-02")
    assert (there["day"], there["books"]) == ("2026-03-01", 2)
    which = "-e binance-usdm -s BTCUSDT"
    read = await done(f"orderbook read {which} --at 2026-03-01T00:06")
    assert {each["ts"] for each in read} == {"2026-03-01T00:10:00Z"}
    assert [(each["side"], each["price"], each["total"]) for each in read] == [
        ("bid", "60000.00", "0.005"),
        ("bid", "59999.90", "0.006"),
        ("ask", "60000.10", "0.002"),
    ]
    coarse = await done(f"orderbook read {which} --at 2026-03-01T00:06 --multiple 10")
    assert [(each["price"], each["size"]) for each in coarse] == [("59999.00", "0.006"), ("60001.00", "0.002")]
    assert "in steps of 7 ticks" in (await run(f"orderbook read {which} --at 2026-03-01 --multiple 7")).err
    what = f"orderbook export {which} --date 2026-03-01 --folder {tmp_path}"
    assert (await done(f"{what} --dry-run"))[0] == {
        "file": str(tmp_path / "binance-usdm" / "BTCUSDT" / "2026-03-01.parquet"),
        "rows": 6,
        "written": False,
    }
    assert not list(tmp_path.iterdir())
    assert (await done(what))[0]["rows"] == 6
    assert "--force" in (await run(what)).err
    assert "no book of" in (await run(f"orderbook read {which} --at 2020-01-01")).err


async def test_the_service_is_started_with_options_instead_of_variables(schema: ServiceSchema) -> None:
    """ING-CLI-016"""
    what = "start -e binance-usdm,bybit -s BTC/USDT --klines 1m --live --report-interval 2 --dry-run"
    said = await run(f"{what} --nats-url nats://127.0.0.1:1")
    given = dict(line.split("=", 1) for line in said.out.splitlines())
    assert given["FEED"] == "live"
    assert given["CLEARTIDE_INGESTOR_LIQUIDITY_STORED_MICROS"] == "2000000"
    assert json.loads(given["CLEARTIDE_INGESTOR_VENUES"])["binance-usdm"]["symbols"] == ["BTCUSDT"]
    assert schema.dsn not in said.out
    assert "--nats-url" in (await run(what)).err
