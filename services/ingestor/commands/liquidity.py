"""`cleartide liquidity`: what books can bear, as stored or straight from the venues, once or again and again."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from cleartide.console import CommandError
from cleartide.store.bulk import BulkWriter
from cleartide.store.partitions import Partitioned, ensure_days

from services.ingestor.commands import TEXTS
from services.ingestor.commands.averages import average, heard_average
from services.ingestor.commands.fees import rate
from services.ingestor.commands.figures import blocks, flat, measured_row, picture, whole
from services.ingestor.commands.following import Heard, followed, require
from services.ingestor.commands.options import (
    SERVICE,
    Again,
    add,
    add_again,
    add_database,
    add_format,
    age,
    database_url,
    schema,
    seconds,
)
from services.ingestor.commands.output import show
from services.ingestor.commands.reading import add_selection, symbols_of
from services.ingestor.commands.venues import add_places, chosen, from_venues
from services.ingestor.registry import instrument_row
from services.ingestor.repository import INSTRUMENTS, LIQUIDITY, liquidity_row
from services.ingestor.settings import IngestorSettings
from services.ingestor.views import newest_rows

Row = Mapping[str, Any]


def add_parsers(commands: Any) -> None:
    """The command."""
    parser = add(commands, "liquidity", _run, TEXTS["liquidity"], _EXAMPLES)
    add_database(parser)
    add_selection(parser)
    add_places(parser)
    parser.add_argument("--fees", action="store_true", help="count the venue's taker fee in slippage")
    parser.add_argument("--taker-fee", type=rate, metavar="RATE", help="count this taker fee instead, as in 0.0005")
    parser.add_argument(
        "--window", type=age, default="1h", metavar="AGE", help="average the price over so long (default: 1h)"
    )
    parser.add_argument(
        "--wait", type=seconds, default=30.0, metavar="SECONDS", help="wait so long for the first books (default: 30)"
    )
    parser.add_argument("--record", action="store_true", help="with --live or --simulator: keep them in the store")
    parser.add_argument("--chart", type=Path, metavar="FILE.png", help="draw the depths")
    add_again(parser)
    add_format(parser)


async def _run(arguments: argparse.Namespace) -> None:
    if from_venues(arguments):
        await _live(arguments)
        return
    if arguments.record:
        raise CommandError("--record keeps what venues say: give --live or --simulator HOST:PORT")
    again = Again(arguments)
    connection = await schema(arguments)
    try:
        while True:
            found = await _stored(connection, arguments)
            _show(found, arguments, again)
            if not await again.comes():
                return
    finally:
        await connection.close()


async def _stored(connection: Any, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    symbols = symbols_of(arguments)
    wanted = [
        row
        for row in await newest_rows(connection, {})
        if (not arguments.exchanges or row["venue"] in arguments.exchanges)
        and (not symbols or row["symbol"] in symbols)
    ]
    return [
        whole(_priced(row, arguments), await average(connection, row, arguments.window), arguments) for row in wanted
    ]


async def _live(arguments: argparse.Namespace) -> None:
    if not arguments.exchanges or not arguments.symbols:
        raise CommandError("say what to follow: --exchanges and --symbols")
    again, venues = Again(arguments), chosen(arguments.exchanges)
    async with followed(venues, arguments.symbols, arguments) as heard:
        while True:
            await _wait(heard, arguments.wait)
            rows = [
                _priced(measured_row(heard.newest[key]["VenueLiquidity"], heard.instruments[key]), arguments)
                for key in sorted(heard.instruments)
            ]
            averages = [heard_average(heard, (row["venue"], row["symbol"])) for row in rows]
            _show([whole(*each, arguments) for each in zip(rows, averages, strict=True)], arguments, again)
            if arguments.record:
                await _record(heard, arguments)
            if not await again.comes():
                return


async def _wait(heard: Heard, seconds: float) -> None:
    def missing(each: Heard) -> list[tuple[str, str]]:
        return [key for key in each.instruments if "VenueLiquidity" not in each.newest[key]]

    complete = await heard.until(lambda each: not missing(each), seconds)
    require(complete, missing(heard), seconds, "book")


async def _record(heard: Heard, arguments: argparse.Namespace) -> None:
    """As the service stores them: a row for each span, whatever comes again."""
    span = IngestorSettings().liquidity_stored_micros
    rows = []
    for key in heard.instruments:
        event = heard.newest[key]["VenueLiquidity"]
        rows.append(liquidity_row(event["venue_time"] // span * span, SimpleNamespace(**event)))
    async with BulkWriter(database_url(arguments), SERVICE) as writer:
        known = [instrument_row(venue, each) for (venue, _), each in heard.instruments.items()]
        await writer.write(INSTRUMENTS, known)
        days = sorted({row[0].replace(hour=0, minute=0, second=0, microsecond=0) for row in rows})
        await ensure_days(writer.connection, Partitioned(LIQUIDITY.name), days)
        await writer.write(LIQUIDITY, rows)


def _priced(row: Row, arguments: argparse.Namespace) -> Row:
    return row if arguments.taker_fee is None else {**row, "taker_ppb": arguments.taker_fee}


def _show(found: Sequence[dict[str, Any]], arguments: argparse.Namespace, again: Again) -> None:
    if arguments.format == "json":
        show(found, arguments)
    elif arguments.format == "table":
        text = "\n\n".join(blocks(each) for each in found) if found else "no book of that has been measured"
        again.say(text, arguments.output_file)
    else:
        again.show([flat(each) for each in found], arguments)
    if arguments.chart is not None and found:
        picture(found, arguments.chart)


_EXAMPLES: Final = """  cleartide liquidity -s BTCUSDT --fees
  cleartide liquidity -e binance-usdm,bybit -s BTC/USDT --live --interval 10 --count 6 -f csv
  cleartide liquidity -s BTCUSDT -f xlsx -o books.xlsx --chart books.png"""
