"""What the store tells of venues, in decimal numbers: ticks and lots times what the instruments say they are worth."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from cleartide.console import CommandError

from services.ingestor.commands.options import listed, moment
from services.ingestor.commands.venues import stored_symbols

MAX_ROWS: Final = 1_000_000
PPB: Final = Decimal(10) ** 9
SYMBOLS: Final = "only these symbols: BTCUSDT, or BTC/USDT"


@dataclass(frozen=True)
class Scale:
    """What one tick and one lot of an instrument are."""

    tick: Decimal
    lot: Decimal

    def price(self, ticks: int | None) -> Decimal | None:
        """In quote units."""
        return None if ticks is None else ticks * self.tick

    def size(self, lots: int | None) -> Decimal | None:
        """In base units (inverse: quote)."""
        return None if lots is None else lots * self.lot


def add_selection(parser: argparse.ArgumentParser, *, times: bool = False) -> None:
    """--exchanges, --symbols, and --from and --to."""
    parser.add_argument("-e", "--exchanges", type=listed, default=(), metavar="A,B", help="only these venues")
    parser.add_argument("-s", "--symbols", type=listed, default=(), metavar="A,B", help=SYMBOLS)
    if times:
        parser.add_argument("--from", dest="start", type=moment, default="24h", metavar="TIME", help="default: 24h ago")
        parser.add_argument(
            "--to", dest="end", type=moment, default=None, metavar="TIME", help="until then (default: now)"
        )


async def scales(connection: Any) -> Mapping[tuple[str, str], Scale]:
    """Every instrument that the store knows."""
    records = await connection.fetch("SELECT venue, symbol, tick_size, lot_size FROM venue_instruments LIMIT 100000")
    return {
        (each["venue"], each["symbol"]): Scale(Decimal(each["tick_size"]), Decimal(each["lot_size"]))
        for each in records
    }


def scale_of(known: Mapping[tuple[str, str], Scale], venue: str, symbol: str) -> Scale:
    """Raises CommandError for an instrument that nobody has recorded."""
    scale = known.get((venue, symbol))
    if scale is None:
        raise CommandError(
            f"what a tick of {venue} {symbol} is worth is not recorded: run `cleartide market -e {venue} --record`"
        )
    return scale


def symbols_of(arguments: argparse.Namespace) -> list[str]:
    """The symbols that were asked for, as the venues asked for have them."""
    return stored_symbols(arguments.symbols, arguments.exchanges)


async def selected(connection: Any, query: str, arguments: argparse.Namespace) -> Sequence[Any]:
    """A query of $1 venues, $2 symbols, $3 from, $4 to; empty lists mean all."""
    end = arguments.end or datetime.now(UTC)
    rows: Sequence[Any] = await connection.fetch(
        query, list(arguments.exchanges), symbols_of(arguments), arguments.start, end
    )
    return rows


SELECTION: Final = (
    "(cardinality($1::text[]) = 0 OR venue = ANY($1)) AND (cardinality($2::text[]) = 0 OR symbol = ANY($2))"
)
WITHIN: Final = f"{SELECTION} AND ts >= $3 AND ts < $4"
