"""`cleartide stats shares`: each venue's or symbol's part of all the depth, at each distance from the middle."""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from cleartide.money import quanta_to_text

from services.ingestor.commands.options import add, add_database, add_format, schema
from services.ingestor.commands.output import show
from services.ingestor.commands.reading import add_selection, symbols_of
from services.ingestor.domain.liquidity.depth import DISTANCES, TENTHS
from services.ingestor.domain.liquidity.statistics import shares
from services.ingestor.domain.liquidity.worth import PPT
from services.ingestor.views import BPS, fixed, newest_rows

SIDES: Final = {"bid": ("bid",), "ask": ("ask",), "both": ("bid", "ask")}
EACH: Final = "each"
Row = Mapping[str, Any]


def add_verb(verbs: Any) -> None:
    """The verb of `stats`."""
    parser = add(verbs, "shares", _run, "each venue's or symbol's part of all the depth", _EXAMPLES)
    add_database(parser)
    add_selection(parser)
    parser.add_argument("--base", metavar="COIN", help="only this coin, as in BTC")
    parser.add_argument(
        "--by", choices=("venue", "symbol", "base"), default="venue", help="whose part (default: venue)"
    )
    parser.add_argument(
        "--side", choices=(*SIDES, EACH), default="both", help="of the book; each: bids, asks, and both (default: both)"
    )
    add_format(parser)


async def _run(arguments: argparse.Namespace) -> None:
    connection = await schema(arguments)
    try:
        rows = await newest_rows(connection, {"base": arguments.base})
    finally:
        await connection.close()
    symbols = symbols_of(arguments)
    rows = [
        row
        for row in rows
        if (not arguments.exchanges or row["venue"] in arguments.exchanges)
        and (not symbols or row["symbol"] in symbols)
    ]
    wanted = SIDES if arguments.side == EACH else {arguments.side: SIDES[arguments.side]}
    lines = [line for name, sides in wanted.items() for line in parts(rows, arguments.by, name, sides)]
    show(lines, arguments, empty="no book of that has been measured")


def parts(rows: Sequence[Row], by: str, name: str, sides: Sequence[str]) -> list[dict[str, Any]]:
    """One line for each distance and part, largest first. `partial`: a book ends before the distance."""
    lines: list[dict[str, Any]] = []
    for place, tenths in enumerate(DISTANCES):
        depths: dict[str, int] = defaultdict(int)
        reaches: dict[str, int] = {}
        for row in rows:
            depths[row[by]] += sum(msgspec.json.decode(row[f"{side}_depths"])[place] for side in sides)
            reach = min(row[f"{side}_reach"] for side in sides)
            reaches[row[by]] = min(reach, reaches.get(row[by], reach))
        for each in shares(depths, reaches, tenths * PPT // TENTHS):
            percent = Decimal(fixed(each.ppb * 100, 9)).quantize(Decimal("0.0001"))
            line = {"side": name, "bps": BPS[place], by: each.venue, "depth": Decimal(quanta_to_text(each.quanta))}
            lines.append({**line, "share_%": percent, "partial": each.partial})
    return lines


_EXAMPLES: Final = """  cleartide stats shares --base BTC
  cleartide stats shares -s BTCUSDT --side each -f json"""
