"""`cleartide run`: follow venues and write their figures to files again and again, without database and bus."""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from cleartide.console import CommandError

from services.ingestor.commands import TEXTS
from services.ingestor.commands.averages import heard_average
from services.ingestor.commands.figures import flat, measured_row, whole
from services.ingestor.commands.following import Heard, Key, followed, require
from services.ingestor.commands.options import Again, add, add_again, listed, seconds
from services.ingestor.commands.output import as_csv, as_json
from services.ingestor.commands.reading import PPB
from services.ingestor.commands.venues import add_venues, chosen
from services.ingestor.commands.workbook import write_workbook
from services.ingestor.repository import instant

Row = dict[str, Any]
FORMATS: Final = ("xlsx", "csv", "json")


def add_parsers(commands: Any) -> None:
    """The command."""
    parser = add(commands, "run", _run, TEXTS["run"], _EXAMPLES)
    add_venues(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("-s", "--symbols", type=listed, metavar="A,B", help="as the venue has it, BTCUSDT, or BTC/USDT")
    which.add_argument("--symbols-file", type=Path, metavar="FILE", help="one symbol a line; # begins a remark")
    parser.add_argument(
        "-o",
        "--output-dir",
        type=Path,
        default=Path("data"),
        metavar="FOLDER",
        help="where the files go (default: ./data)",
    )
    parser.add_argument(
        "-f", "--format", choices=FORMATS, default="xlsx", help="kind of file, one for each venue (default: xlsx)"
    )
    parser.add_argument("--fees", action="store_true", help="count the venue's taker fee in slippage")
    parser.add_argument(
        "--wait", type=seconds, default=60.0, metavar="SECONDS", help="wait so long for the first books (default: 60)"
    )
    add_again(parser, interval=300.0)
    parser.set_defaults(taker_fee=None)


async def _run(arguments: argparse.Namespace) -> None:
    symbols = arguments.symbols or _symbols(arguments.symbols_file)
    again, venues = Again(arguments), chosen(arguments.exchanges)
    written: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    async with followed(venues, symbols, arguments) as heard:
        while True:
            await _wait(heard, arguments.wait)
            now = datetime.now(UTC)
            for key in sorted(heard.instruments):
                written[key[0]][key[1]].append(_figures(heard, key, now, arguments))
            for venue, sheets in sorted(written.items()):
                path = arguments.output_dir / f"{venue}.{arguments.format}"
                _write(path, sheets, arguments.format)
                print(f"{now:%H:%M:%S} {path}: {sum(map(len, sheets.values()))} rows", flush=True)
            if not await again.comes():
                return


def _symbols(file: Path) -> Sequence[str]:
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    found = [line for line in lines if line]
    if not found:
        raise CommandError(f"{file} names no symbol")
    return found


async def _wait(heard: Heard, seconds: float) -> None:
    def missing(each: Heard) -> list[Key]:
        return [key for key in each.instruments if "VenueLiquidity" not in each.newest[key]]

    require(await heard.until(lambda each: not missing(each), seconds), missing(heard), seconds, "book")


def _figures(heard: Heard, key: Key, now: datetime, arguments: argparse.Namespace) -> Row:
    """Everything that is known of an instrument, a column each; empty where the venue has not said it."""
    said, instrument = heard.newest[key], heard.instruments[key]
    tick, lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)

    def figure(kind: str, name: str, unit: Decimal) -> Decimal | None:
        return said[kind][name] * unit if kind in said else None

    funding = said.get("VenueFunding")
    books = flat(whole(measured_row(said["VenueLiquidity"], instrument), heard_average(heard, key), arguments))
    return {
        "time": now,
        "base": instrument.base,
        "quote": instrument.quote,
        "last": figure("VenueStats", "last_ticks", tick) or figure("VenueTrade", "price_ticks", tick),
        "bid_size": figure("VenueTicker", "bid_lots", lot),
        "ask_size": figure("VenueTicker", "ask_lots", lot),
        "high_24h": figure("VenueStats", "high_ticks", tick),
        "low_24h": figure("VenueStats", "low_ticks", tick),
        "volume_24h": figure("VenueStats", "volume_lots", lot),
        "mark": figure("VenueFunding", "mark_ticks", tick),
        "index": figure("VenueFunding", "index_ticks", tick),
        "funding_rate": figure("VenueFunding", "rate_ppb", 1 / PPB),
        "funding_hours": Decimal(funding["interval_micros"]) / 3_600_000_000 if funding else None,
        "next_funding": instant(funding["next_funding_at"]) if funding else None,
        "predicted_rate": _predicted(funding),
        "open_interest": figure("VenueOpenInterest", "open_interest_lots", lot),
        **books,
    }


def _predicted(funding: Mapping[str, Any] | None) -> Decimal | None:
    rate = funding["predicted_rate_ppb"] if funding else None
    return None if rate is None else rate / PPB


def _write(path: Path, sheets: dict[str, list[Row]], form: str) -> None:
    """The whole file anew: whoever opens it sees a whole one."""
    if form == "xlsx":
        write_workbook(path, sheets)
        return
    rows = [row for each in sheets.values() for row in each]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(as_csv(rows) if form == "csv" else as_json(rows), encoding="utf-8")
    draft.replace(path)


_EXAMPLES: Final = """  cleartide run -e binance-usdm,bybit -s BTC/USDT,ETH/USDT --live
  cleartide run -e hyperliquid --symbols-file symbols.txt --interval 60 --count 10 --format csv --live"""
