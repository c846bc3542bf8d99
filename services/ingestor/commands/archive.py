"""`cleartide db archive`: old days into Parquet files, and out of the database once they are whole there."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cleartide.console import CommandError
from cleartide.store.archive import ArchiveError, archive_day
from cleartide.store.days import Day, days_before

from services.ingestor.commands.options import add, add_database, add_format, age, agrees, listed, schema, series_named
from services.ingestor.commands.output import show
from services.ingestor.commands.values import Size
from services.ingestor.repository import SERIES

TABLES: Final = {table.name: table for table in SERIES}


def add_verb(verbs: Any) -> None:
    """The verb of `db`."""
    parser = add(verbs, "archive", _run, "write old days to Parquet files, then drop them", _EXAMPLES)
    add_database(parser)
    parser.add_argument(
        "--older-than", type=age, required=True, metavar="AGE", help="days that were over so long ago, as in 30d"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("archive"), metavar="FOLDER", help="where the files go (default: ./archive)"
    )
    parser.add_argument("--tables", type=listed, default=(), metavar="A,B", help="only these series (default: all)")
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would go, and leave it")
    parser.add_argument("-y", "--yes", action="store_true", help="do it without asking")
    add_format(parser)


async def _run(arguments: argparse.Namespace) -> None:
    before = (datetime.now(UTC) - arguments.older_than).date()
    connection = await schema(arguments)
    try:
        chosen = series_named(arguments.tables)
        days = [day for table in chosen for day in await days_before(connection, table.table, before)]
        lines = [_line(day, _place(day, arguments.folder)) for day in days]
        show(lines, arguments, empty="there is nothing to archive")
        if arguments.dry_run or not days:
            return
        if not (arguments.yes or agrees()):
            raise CommandError("nothing was archived: answer yes, or give --yes")
        rows = 0
        for day in days:
            table, target = TABLES[day.series], _place(day, arguments.folder)
            try:
                rows += await archive_day(connection, day, table.columns, table.key, target)
            except ArchiveError as error:
                raise CommandError(str(error)) from error
    finally:
        await connection.close()
    print(f"{len(days)} {'day' if len(days) == 1 else 'days'} with {rows:,} rows archived", file=sys.stderr)


def _place(day: Day, folder: Path) -> Path:
    """A folder a day, in it a file per series: what `import` takes as it is."""
    return folder / f"{day.day:%Y-%m-%d}" / f"{day.series}.parquet"


def _line(day: Day, target: Path) -> dict[str, Any]:
    return {"series": day.series, "day": f"{day.day:%Y-%m-%d}", "bytes": Size(day.bytes), "file": str(target)}


_EXAMPLES: Final = """  cleartide db archive --older-than 30d --folder archive --dry-run
  cleartide db archive --older-than 30d --folder archive --yes
  cleartide import archive/2026-03-01/venue_trades.parquet"""
