"""`cleartide export` and `cleartide import`: series as files, for other tools and from another store."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cleartide.console import CommandError
from cleartide.fold import Table
from cleartide.store.bulk import WRITE_SECONDS, BulkWriter
from cleartide.store.partitions import Partitioned, ensure_days

from services.ingestor.commands import TEXTS
from services.ingestor.commands.options import (
    SERVICE,
    add,
    add_database,
    add_format,
    database_url,
    listed,
    moment,
    positive,
    schema,
)
from services.ingestor.commands.output import show
from services.ingestor.commands.tables import SINKS, batches, form_of
from services.ingestor.commands.venues import stored_symbols
from services.ingestor.repository import SERIES

BATCH: Final = 10_000
TABLES: Final = {table.name: table for table in SERIES}


def add_parsers(commands: Any) -> None:
    """Both commands."""
    out = add(commands, "export", _export, TEXTS["export"], _EXPORT)
    add_database(out)
    out.add_argument("series", nargs="+", help=", ".join(TABLES))
    out.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="FOLDER", help="where the files go (default: this folder)"
    )
    out.add_argument("-t", "--type", choices=tuple(SINKS), default="csv", help="kind of file (default: csv)")
    out.add_argument("-e", "--exchanges", type=listed, default=(), metavar="A,B", help="only these venues")
    out.add_argument(
        "-s", "--symbols", type=listed, default=(), metavar="A,B", help="only these symbols: BTCUSDT, or BTC/USDT"
    )
    out.add_argument("--from", dest="start", type=moment, metavar="TIME", help="2026-01-31, or 24h ago")
    out.add_argument("--to", dest="end", type=moment, metavar="TIME", help="up to and without this time")
    out.add_argument(
        "--max-rows",
        type=positive,
        default=0,
        metavar="N",
        help="so many rows of each series, oldest first (default: all)",
    )
    out.add_argument("--force", action="store_true", help="replace files that are there")
    out.add_argument("-n", "--dry-run", action="store_true", help="say what would be written, and write nothing")
    add_format(out, short="-w")
    into = add(commands, "import", _import, TEXTS["import"], _IMPORT)
    add_database(into)
    into.add_argument("files", nargs="+", type=Path, help="<series>.csv, .json or .parquet")
    into.add_argument(
        "--series",
        choices=tuple(TABLES),
        metavar="SERIES",
        help="the series in the files (default: as the file is called)",
    )
    into.add_argument(
        "--batch-size", type=positive, default=BATCH, metavar="N", help=f"so many rows at once (default: {BATCH:,})"
    )
    into.add_argument("-n", "--dry-run", action="store_true", help="read and check every row, write none")
    add_format(into)


async def _export(arguments: argparse.Namespace) -> None:
    unknown = sorted(set(arguments.series) - set(TABLES))
    if unknown:
        raise CommandError(f"no series {', '.join(unknown)}; there are {', '.join(TABLES)}")
    if arguments.start and arguments.end and arguments.start >= arguments.end:
        raise CommandError("--from must lie before --to")
    connection, done = await schema(arguments), []
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str.encode)
    try:
        for name in dict.fromkeys(arguments.series):
            path = arguments.output / f"{name}.{arguments.type}"
            if path.exists() and not (arguments.force or arguments.dry_run):
                raise CommandError(f"{path} is there already: give --force to replace it")
            work = _count if arguments.dry_run else _write
            rows = await work(connection, TABLES[name], path, arguments)
            done.append({"series": name, "file": str(path), "rows": rows})
    finally:
        await connection.close()
    show(done, arguments)


async def _write(connection: Any, table: Table, path: Path, arguments: argparse.Namespace) -> int:
    """Of one moment, in order of time, whatever is written meanwhile."""
    query, values = _query(table, arguments)
    with SINKS[arguments.type](path, table) as sink:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            batch = []
            async for record in connection.cursor(query, *values, prefetch=BATCH):
                batch.append(tuple(record))
                if len(batch) == BATCH:
                    sink.add(batch)
                    batch = []
            if batch:
                sink.add(batch)
    return sink.rows


async def _count(connection: Any, table: Table, _: Path, arguments: argparse.Namespace) -> int:
    """How many rows the file would have."""
    query, values = _query(table, arguments)
    return int(await connection.fetchval(f"SELECT count(*) FROM ({query}) t", *values, timeout=WRITE_SECONDS))  # noqa: S608


def _query(table: Table, arguments: argparse.Namespace) -> tuple[str, list[Any]]:
    wanted: list[tuple[str, Any]] = []
    if arguments.start:
        wanted.append(("ts >= {}", arguments.start))
    if arguments.end:
        wanted.append(("ts < {}", arguments.end))
    symbols = stored_symbols(arguments.symbols, arguments.exchanges)
    for column, values in (("venue", arguments.exchanges), ("symbol", symbols)):
        if values and column in table.columns:
            wanted.append((column + " = ANY({})", list(values)))
    where = " AND ".join(text.format(f"${place}") for place, (text, _) in enumerate(wanted, start=1)) or "true"
    limit = str(int(arguments.max_rows)) if arguments.max_rows else "ALL"
    order = ", ".join(["ts", *(name for name in table.key if name != "ts")])
    names = ", ".join(table.columns)
    query = f"SELECT {names} FROM {table.name} WHERE {where} ORDER BY {order} LIMIT {limit}"  # noqa: S608
    return query, [value for _, value in wanted]


async def _import(arguments: argparse.Namespace) -> None:
    await (await schema(arguments)).close()
    done = []
    async with BulkWriter(database_url(arguments), SERVICE) as writer:
        for path in arguments.files:
            form_of(path)
            if not path.is_file():
                raise CommandError(f"{path}: there is no such file")
            name = arguments.series or path.stem
            if name not in TABLES:
                raise CommandError(f"{path}: give --series, since {name} is none; there are {', '.join(TABLES)}")
            rows, new = await _read(writer, TABLES[name], path, arguments)
            done.append({"file": str(path), "series": name, "rows": rows, "new": None if arguments.dry_run else new})
    show(done, arguments)


async def _read(writer: BulkWriter, table: Table, path: Path, arguments: argparse.Namespace) -> tuple[int, int]:
    """Batch by batch, so that one that is cut off has done what it said; repeated, it goes on where that was."""
    rows = new = 0
    for batch in batches(path, table, arguments.batch_size):
        if not arguments.dry_run:
            days = {_midnight(row[0]) for row in batch}
            await ensure_days(writer.connection, Partitioned(table.name), sorted(days))
            new += await writer.write(table, batch)
        rows += len(batch)
        if sys.stderr.isatty():
            print(f"\r{path}: {rows:,} rows", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return rows, new


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


_EXPORT: Final = """  cleartide export venue_trades -s BTCUSDT --from 24h --type parquet -o archive
  cleartide export venue_candles venue_funding_rates -e bybit --from 2026-01-01 --to 2026-02-01"""
_IMPORT: Final = """  cleartide import archive/venue_trades.parquet --dry-run
  cleartide import archive/*.parquet"""
