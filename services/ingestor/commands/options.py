"""What the commands have in common: options, addresses, times, and words for failures."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
from cleartide.console import CommandError, Formatter
from cleartide.store.bulk import open_schema
from cleartide.store.partitions import Partitioned

from services.ingestor.commands.output import show, write_text
from services.ingestor.repository import SERIES

SERVICE: Final = "ingestor"
PARTITIONED: Final = tuple(Partitioned(table.name) for table in SERIES)
BY_VENUE: Final = tuple(Partitioned(table.name) for table in SERIES if {"venue", "symbol"} <= set(table.columns))
FORMATS: Final = ("table", "json", "csv", "xlsx")
NO_TABLES: Final = "the database has no tables of the ingestor yet, or old ones: run `cleartide db init`"
_AGE: Final = re.compile(r"(\d+)([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], Awaitable[int | None]]


def add(commands: Any, name: str, run: Run, text: str, examples: str = "") -> argparse.ArgumentParser:
    """A command with its help; `examples` are whole command lines."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=f"examples:\n{examples}" if examples else None,
        formatter_class=Formatter,
    )
    parser.set_defaults(run=run, failures=_failures)
    return parser


def group(commands: Any, name: str, text: str) -> Any:
    """A command that has commands."""
    description = text[:1].upper() + text[1:] + "."
    parser = commands.add_parser(name, help=text, description=description, formatter_class=Formatter)
    return parser.add_subparsers(dest="verb", required=True, metavar="VERB")


def _failures() -> tuple[type[BaseException], ...]:
    return (asyncpg.PostgresError, asyncpg.InterfaceError)


def add_database(parser: argparse.ArgumentParser) -> None:
    """--database-url."""
    parser.add_argument(
        "--database-url",
        metavar="URL",
        default=os.environ.get("CLEARTIDE_POSTGRES_DSN") or os.environ.get("CLEARTIDE_ADMIN_DSN", ""),
        help="postgresql://user:password@host:port/database (default: CLEARTIDE_POSTGRES_DSN or CLEARTIDE_ADMIN_DSN)",
    )


def add_format(parser: argparse.ArgumentParser, *, short: str = "-o") -> None:
    """--format and --output; `short` is another letter than -o where that means something else."""
    parser.add_argument("-f", "--format", choices=FORMATS, default="table", help="how to show it (default: table)")
    parser.add_argument(
        short,
        "--output" if short == "-o" else "--output-file",
        dest="output_file",
        type=Path,
        metavar="FILE",
        help="write it to this file and not to the screen; xlsx needs it",
    )


def add_again(parser: argparse.ArgumentParser, interval: float = 0.0) -> None:
    """--interval and --count."""
    default = f" (default: {interval:g})" if interval else " (default: once)"
    parser.add_argument(
        "-i",
        "--interval",
        type=seconds,
        default=interval,
        metavar="SECONDS",
        help=f"repeat it every so many seconds{default}",
    )
    parser.add_argument(
        "-n", "--count", type=positive, default=0, metavar="N", help="end after so many times (default: at Ctrl-C)"
    )


class Again:
    """The turns of a command that repeats itself: when the next comes, and what files have gathered so far."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._interval, self._left = arguments.interval, arguments.count
        self._turns = 0
        self._gathered: list[dict[str, Any]] = []
        self._texts: list[str] = []

    async def comes(self) -> bool:
        """Wait for the next turn; False when there is none."""
        self._turns += 1
        if not self._interval or self._turns == self._left:
            return False
        await asyncio.sleep(self._interval)
        return True

    def show(self, rows: Sequence[dict[str, Any]], arguments: argparse.Namespace, empty: str = "nothing") -> None:
        """Print this turn's rows; a file holds those of every turn."""
        if arguments.output_file is None:
            show(rows, arguments, empty=empty, header=not self._turns)
            return
        self._gathered += rows
        show(self._gathered, arguments, empty=empty)

    def say(self, text: str, output: Path | None) -> None:
        """Print this turn's text; a file holds that of every turn."""
        if output is None:
            print(text)
            return
        self._texts.append(text)
        write_text(output, "\n\n".join(self._texts) + "\n")


def database_url(arguments: argparse.Namespace) -> str:
    """Where the database is. Raises CommandError when nobody said."""
    if not arguments.database_url:
        raise CommandError(
            "give --database-url postgresql://user:password@host/database, or set CLEARTIDE_POSTGRES_DSN"
        )
    return str(arguments.database_url)


async def schema(arguments: argparse.Namespace) -> "asyncpg.Connection[Any]":
    """A connection in the ingestor's schema. Raises CommandError when that is not there yet."""
    try:
        connection = await open_schema(database_url(arguments), SERVICE)
    except asyncpg.InvalidParameterValueError as error:  # there is no such role
        raise CommandError(NO_TABLES) from error
    if await connection.fetchval("SELECT to_regclass('series_rows')") is None:
        await connection.close()
        raise CommandError(NO_TABLES)
    return connection


def agrees() -> bool:
    """Whether somebody who is there to be asked says yes."""
    if not sys.stdin.isatty():
        return False
    return input("Type yes to go on: ").strip() == "yes"


def positive(text: str) -> int:
    """A whole number from 1 on. For argparse."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds above 0. For argparse."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.000001 <= found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return found


def age(text: str) -> timedelta:
    """`90d`, `12h`, `30m`; a bare number is days. For argparse."""
    found = _AGE.fullmatch(text if not text.isdigit() else f"{text}d")
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age such as 90d, 12h or 30m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str) -> datetime:
    """`2026-11-21`, `2026-11-21T12:00:00`, in UTC unless it says otherwise; or an age, so long ago. For argparse."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - age(text)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentTypeError(f"{text!r} is neither a time such as 2026-11-21 nor an age") from None
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


def listed(text: str) -> tuple[str, ...]:
    """`a,b,c`. For argparse."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def series_named(names: tuple[str, ...]) -> tuple[Partitioned, ...]:
    """The series of these names, all when none is given. Raises CommandError for others."""
    known = {table.table: table for table in PARTITIONED}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise CommandError(f"no series {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(known[name] for name in names) if names else PARTITIONED
