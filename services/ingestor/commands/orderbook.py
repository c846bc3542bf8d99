"""`cleartide orderbook`: recorded tops of books: which there are, how one looked, and files of a day."""

import argparse
from collections.abc import Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from cleartide.console import CommandError
from cleartide.store.parquet import export

from services.ingestor.commands import TEXTS
from services.ingestor.commands.options import add, add_database, add_format, group, moment, positive, schema
from services.ingestor.commands.output import show
from services.ingestor.commands.reading import MAX_ROWS, add_selection, scale_of, scales, selected
from services.ingestor.commands.venues import stored_symbols

DAY: Final = timedelta(days=1)
NEAR: Final = timedelta(days=1)
_LISTED: Final = (
    "SELECT venue, symbol, (ts AT TIME ZONE 'UTC')::date AS day, count(*) AS books, min(ts) AS first, max(ts) AS last "  # noqa: S608
    "FROM venue_books WHERE (cardinality($1::text[]) = 0 OR venue = ANY($1)) "
    "AND (cardinality($2::text[]) = 0 OR symbol = ANY($2)) AND ts >= $3 AND ts < $4 "
    f"GROUP BY 1, 2, 3 ORDER BY 3, 1, 2 LIMIT {MAX_ROWS}"
)
_NEAREST: Final = (
    "SELECT ts, quality, bids::text, asks::text FROM ("
    "(SELECT * FROM venue_books WHERE venue = $1 AND symbol = $2 AND ts <= $3 AND ts > $3 - $4::interval "
    "ORDER BY ts DESC, venue_seq DESC LIMIT 1) UNION ALL "
    "(SELECT * FROM venue_books WHERE venue = $1 AND symbol = $2 AND ts > $3 AND ts < $3 + $4::interval "
    "ORDER BY ts, venue_seq LIMIT 1)) near ORDER BY abs(extract(epoch FROM ts - $3)) LIMIT 1"
)
_NEAREST_STEPS: Final = (
    "SELECT ts, quality, bids::text, asks::text FROM venue_grouped_books WHERE venue = $1 AND symbol = $2 "
    "AND ts > $3::timestamptz - $4::interval AND ts < $3 + $4::interval AND multiple = $5 "
    "ORDER BY abs(extract(epoch FROM ts - $3)), ts LIMIT 1"
)
_COLUMNS: Final = {
    "ts": "timestamptz",
    "exchange": "text",
    "symbol": "text",
    "side": "text",
    "level": "bigint",
    "price": "text",
    "qty": "text",
}
_LEVELS: Final = """SELECT b.ts, b.venue, b.symbol, s.side, l.number - 1,
    ((l.level ->> 0)::numeric * $5::numeric)::text, ((l.level ->> 1)::numeric * $6::numeric)::text
FROM venue_books b CROSS JOIN LATERAL (VALUES ('bid', b.bids), ('ask', b.asks)) AS s (side, levels)
CROSS JOIN LATERAL jsonb_array_elements(s.levels) WITH ORDINALITY AS l (level, number)
WHERE b.venue = $1 AND b.symbol = $2 AND b.ts >= $3 AND b.ts < $4
ORDER BY b.ts, b.venue_seq, s.side DESC, l.number LIMIT 1000000000"""


def add_parsers(commands: Any) -> None:
    """The verbs."""
    verbs = group(commands, "orderbook", TEXTS["orderbook"])
    found = add(verbs, "list", _list, "which books there are, by venue, symbol and day", "  cleartide orderbook list")
    add_database(found)
    add_selection(found, times=True)
    add_format(found)
    read = add(verbs, "read", _read, "the book nearest to a time", _READ)
    files = add(verbs, "export", _export, "a Parquet file for a day, a row for each level", _EXPORT)
    for parser in (read, files):
        add_database(parser)
        parser.add_argument("-e", "--exchange", required=True, metavar="NAME", help="the venue")
        parser.add_argument("-s", "--symbol", required=True, metavar="SYMBOL", help="BTCUSDT, or BTC/USDT")
    read.add_argument(
        "--at", type=moment, default="0s", metavar="TIME", help="2026-03-01T12:00, or 5m ago (default: now)"
    )
    read.add_argument("--levels", type=positive, default=10, metavar="N", help="levels of each side (default: 10)")
    read.add_argument(
        "--multiple",
        type=positive,
        default=1,
        metavar="N",
        help="prices in steps of N ticks, such as 10 (default: every tick)",
    )
    add_format(read)
    files.add_argument("--date", type=moment, required=True, metavar="DAY", help="2026-03-01, in UTC")
    files.add_argument(
        "--folder", type=Path, default=Path(), metavar="FOLDER", help="where the files go (default: this folder)"
    )
    files.add_argument("--force", action="store_true", help="replace a file that is there")
    files.add_argument("-n", "--dry-run", action="store_true", help="say what would be written, and write nothing")
    add_format(files)


async def _list(arguments: argparse.Namespace) -> None:
    connection = await schema(arguments)
    try:
        rows = [dict(each) for each in await selected(connection, _LISTED, arguments)]
    finally:
        await connection.close()
    show(
        [{**row, "day": f"{row['day']:%Y-%m-%d}"} for row in rows],
        arguments,
        empty="no book is recorded there and then",
    )


def _symbol(arguments: argparse.Namespace) -> str:
    return (stored_symbols([arguments.symbol], [arguments.exchange]) or [arguments.symbol])[0]


async def _read(arguments: argparse.Namespace) -> None:
    connection, symbol = await schema(arguments), _symbol(arguments)
    try:
        scale = scale_of(await scales(connection), arguments.exchange, symbol)
        which = (arguments.exchange, symbol, arguments.at, NEAR)
        if arguments.multiple > 1:
            row = await connection.fetchrow(_NEAREST_STEPS, *which, arguments.multiple)
        else:
            row = await connection.fetchrow(_NEAREST, *which)
    finally:
        await connection.close()
    if row is None:
        steps = f" in steps of {arguments.multiple} ticks" if arguments.multiple > 1 else ""
        raise CommandError(f"no book of {arguments.exchange} {symbol}{steps} within a day of {arguments.at}")
    lines = []
    for side in ("bid", "ask"):
        total = Decimal(0)
        for number, (ticks, lots) in enumerate(msgspec.json.decode(row[f"{side}s"])[: arguments.levels]):
            total += lots * scale.lot
            level = {"ts": row["ts"], "side": side, "level": number, "price": ticks * scale.tick}
            lines.append({**level, "size": lots * scale.lot, "total": total, "quality": row["quality"]})
    show(lines, arguments)


async def _export(arguments: argparse.Namespace) -> None:
    start = arguments.date.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    symbol = _symbol(arguments)
    path = arguments.folder / arguments.exchange / symbol / f"{start:%Y-%m-%d}.parquet"
    if path.exists() and not (arguments.force or arguments.dry_run):
        raise CommandError(f"{path} is there already: give --force to replace it")
    connection = await schema(arguments)
    try:
        scale = scale_of(await scales(connection), arguments.exchange, symbol)
        which = (arguments.exchange, symbol, start, start + DAY)
        if arguments.dry_run:
            rows = await connection.fetchval(f"SELECT count(*) FROM ({_LEVELS}) t", *which, *_units(scale))  # noqa: S608
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = await export(connection, _LEVELS, _COLUMNS, path, *which, *_units(scale))
    finally:
        await connection.close()
    show([{"file": str(path), "rows": rows, "written": not arguments.dry_run}], arguments)


def _units(scale: Any) -> Sequence[Decimal]:
    return scale.tick, scale.lot


_READ: Final = """  cleartide orderbook read -e binance-usdm -s BTCUSDT --at 2026-03-01T12:00:00
  cleartide orderbook read -e bybit -s ETHUSDT --levels 20 -f csv
  cleartide orderbook read -e bybit -s ETHUSDT --multiple 100"""
_EXPORT: Final = """  cleartide orderbook export -e bybit -s BTCUSDT --date 2026-03-01 --folder books
  cleartide orderbook export -e bybit -s BTCUSDT --date 1d --dry-run"""
