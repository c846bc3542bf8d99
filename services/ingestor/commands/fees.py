"""`cleartide db update-fees`: the fees of one's own account, which then count in every cost that is shown."""

import argparse
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
from cleartide.money import PPB, MoneyError
from cleartide.store.bulk import BulkWriter

from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.adapters.venue import venues
from services.ingestor.commands.options import SERVICE, add, add_database, add_format, database_url, listed, schema
from services.ingestor.commands.output import show
from services.ingestor.registry import FEES
from services.ingestor.views import fixed

_NOW: Final = "SELECT symbol, maker_ppb, taker_ppb FROM venue_fees WHERE venue = $1 LIMIT 10000"


def add_verb(verbs: Any) -> None:
    """The verb of `db`."""
    parser = add(
        verbs,
        "update-fees",
        _run,
        "set the fees that your own account pays at a venue; all costs count them",
        _EXAMPLES,
    )
    add_database(parser)
    parser.add_argument("-e", "--exchange", choices=tuple(venues()), required=True, metavar="NAME", help="the venue")
    parser.add_argument(
        "-s", "--symbols", type=listed, default=("",), metavar="A,B", help="only these symbols (default: all)"
    )
    parser.add_argument(
        "--maker",
        type=rate,
        required=True,
        metavar="RATE",
        help="as a part of the notional, as in 0.0001; negative: a rebate",
    )
    parser.add_argument(
        "--taker", type=rate, required=True, metavar="RATE", help="as a part of the notional, as in 0.0005"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would change, and leave it")
    add_format(parser)


async def _run(arguments: argparse.Namespace) -> None:
    connection: asyncpg.Connection[Any] = await schema(arguments)
    try:
        before = {each["symbol"]: (each["maker_ppb"], each["taker_ppb"]) for each in await _now(connection, arguments)}
    finally:
        await connection.close()
    given = (arguments.maker, arguments.taker)
    rows = [(arguments.exchange, symbol, *given, datetime.now(UTC)) for symbol in arguments.symbols]
    if not arguments.dry_run:
        async with BulkWriter(database_url(arguments), SERVICE) as writer:
            await writer.write(FEES, rows)
    show([_line(arguments.exchange, symbol, before.get(symbol), given) for symbol in arguments.symbols], arguments)


async def _now(connection: Any, arguments: argparse.Namespace) -> Any:
    return await connection.fetch(_NOW, arguments.exchange)


def _line(venue: str, symbol: str, before: tuple[int, int] | None, given: tuple[int, int]) -> dict[str, Any]:
    line: dict[str, Any] = {"venue": venue, "symbol": symbol or "all"}
    for place, name in enumerate(("maker", "taker")):
        line[f"{name}_before"] = fixed(before[place], 9) if before else None
        line[name] = fixed(given[place], 9)
    return line


def rate(text: str) -> int:
    """A fraction in decimal text, in ppb, between -1 and 1. For argparse."""
    try:
        found = rate_ppb(text)
    except MoneyError:
        found = PPB
    if abs(found) >= PPB:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate such as 0.0005")
    return found


_EXAMPLES: Final = """  cleartide db update-fees -e bybit --maker 0.0001 --taker 0.00045
  cleartide db update-fees -e binance-usdm -s BTCUSDT --maker -0.00005 --taker 0.0004 --dry-run"""
