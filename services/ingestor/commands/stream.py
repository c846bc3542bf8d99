"""`cleartide stream`: what the running service hears, as it hears it."""

import argparse
import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import nats.errors
from cleartide.console import CommandError
from nats.aio.client import Client

from services.ingestor.adapters.venue import venues
from services.ingestor.commands import TEXTS
from services.ingestor.commands.bus import bus, bus_address
from services.ingestor.commands.lines import UNKNOWN, Event, Grid, columns, csv_line, fitted, people_line
from services.ingestor.commands.options import add, listed, positive, seconds
from services.ingestor.commands.venues import chosen, own_symbols

KINDS: Final = (
    "ticker",
    "trade",
    "book",
    "grouped",
    "liquidity",
    "funding",
    "interest",
    "liquidation",
    "candle",
    "stats",
    "status",
)
_NAME: Final = re.compile(r"[A-Za-z0-9_/:-]{1,64}")
ANSWER_SECONDS: Final = 1.0


def add_parsers(commands: Any) -> None:
    """The command."""
    parser = add(commands, "stream", _run, TEXTS["stream"], _EXAMPLES)
    parser.add_argument("-e", "--exchange", default="*", metavar="NAME", help="only this venue")
    parser.add_argument(
        "-s", "--symbol", default="*", metavar="SYMBOL", help="only this symbol, as BTCUSDT or BTC/USDT"
    )
    parser.add_argument(
        "--data-types", type=listed, default=("trade",), metavar="A,B", help=f"{', '.join(KINDS)} (default: trade)"
    )
    parser.add_argument("--max-duration", type=seconds, default=0.0, metavar="SECONDS", help="end after so long")
    parser.add_argument("-n", "--count", type=positive, default=0, metavar="N", help="end after so many events")
    parser.add_argument(
        "-f", "--format", choices=("table", "json", "csv"), default="table", help="lines for people, JSON or CSV"
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("CLEARTIDE_URL") or os.environ.get("CLEARTIDE_NATS_URL", ""),
        metavar="URL",
        help="nats://user:password@host:port (default: CLEARTIDE_URL or CLEARTIDE_NATS_URL)",
    )


async def _run(arguments: argparse.Namespace) -> None:
    unknown = sorted(set(arguments.data_types) - set(KINDS))
    if unknown:
        raise CommandError(f"no data type {', '.join(unknown)}; there are {', '.join(KINDS)}")
    if not arguments.data_types:
        raise CommandError(f"give a data type; there are {', '.join(KINDS)}")
    for name in (arguments.exchange, arguments.symbol):
        if name != "*" and not _NAME.fullmatch(name):
            raise CommandError(f"{name!r} is no name of a venue or a symbol")
    address = bus_address(arguments.url, "give --url nats://user:password@host:port, or set CLEARTIDE_URL")
    wanted = _instruments(arguments.exchange, arguments.symbol)
    # A reader that is too slow loses the oldest lines and not the connection.
    waiting: asyncio.Queue[bytes] = asyncio.Queue(maxsize=65_536)
    lost = 0

    async def heard(message: Any) -> None:
        nonlocal lost
        if waiting.full():
            waiting.get_nowait()
            lost += 1
        waiting.put_nowait(message.data)

    async with bus(address, "cleartide-stream") as (client, _):
        for kind in arguments.data_types:
            for venue, symbol in wanted:
                await client.subscribe(f"market.{venue}.{symbol}.{kind}", cb=heard)
        grids = await _grids(client) if arguments.format == "table" else {}
        try:
            if not await _follow(waiting, arguments, grids):
                print("nothing came", file=sys.stderr)
        finally:
            if lost:
                print(f"{lost:,} messages were left out: they came faster than they were read", file=sys.stderr)


def _instruments(exchange: str, symbol: str) -> set[tuple[str, str]]:
    """Venue and symbol as in subjects: a global name such as BTC/USDT is each venue's own."""
    if "/" not in symbol:
        return {(exchange, symbol)}
    asked = venues().values() if exchange == "*" else chosen([exchange])
    return {(venue.name, own) for venue in asked for own in own_symbols(venue, [symbol])}


async def _grids(client: Client) -> dict[tuple[str, str], Grid]:
    """What ticks and lots are worth, as the running service says; nothing where it does not answer us."""
    try:
        answer = await client.request("query.ingestor.instruments", b"{}", timeout=ANSWER_SECONDS)
    except nats.errors.Error:
        return {}
    found = msgspec.json.decode(answer.data).get("data") or ()
    return {
        (each["venue"], each["symbol"]): Grid(Decimal(each["tick_size"]), Decimal(each["lot_size"])) for each in found
    }


async def _follow(
    waiting: "asyncio.Queue[bytes]", arguments: argparse.Namespace, grids: Mapping[tuple[str, str], Grid]
) -> int:
    """Print what comes; how many events did."""
    until = time.monotonic() + arguments.max_duration if arguments.max_duration else None
    names = columns(arguments.data_types)
    said = 0
    while until is None or time.monotonic() < until:
        try:
            async with asyncio.timeout(None if until is None else max(0.001, until - time.monotonic())):
                data = await waiting.get()
        except TimeoutError:
            return said
        for event in msgspec.json.decode(data, type=list[dict[str, Any]]):
            if arguments.format == "csv" and not said:
                print(csv_line(names))
            print(_line(event, arguments.format, names, grids), flush=True)
            said += 1
            if said == arguments.count:
                return said
    return said


def _line(event: Event, form: str, names: Sequence[str], grids: Mapping[tuple[str, str], Grid]) -> str:
    if form == "json":
        return msgspec.json.encode(event).decode()
    if form == "csv":
        return csv_line([event.get(name, "") for name in names])
    line = people_line(event, grids.get((event["venue"], event["symbol"]), UNKNOWN))
    return fitted(line, shutil.get_terminal_size().columns) if sys.stdout.isatty() else line


_EXAMPLES: Final = """  cleartide stream -s BTCUSDT --data-types ticker,trade
  cleartide stream -e bybit --data-types liquidation -f json --max-duration 60"""
