"""`cleartide db`: make the store, keep its schema up to date, see what it holds, and let go of what is old."""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from cleartide.console import CommandError
from cleartide.store.coverage import uncover
from cleartide.store.days import Day, days_before, delete_before, drop_days, rows_before, rows_of, truncate
from cleartide.store.migrations import MigrationError, Migrator
from cleartide.store.names import enter_schema, role_of
from cleartide.store.partitions import Partitioned, days_around, ensure_days
from cleartide.store.roles import ensure_roles
from cleartide.store.sizes import SeriesSize, activity, database_bytes, recount, sizes, timescale_version

from services.ingestor.commands import TEXTS, archive, fees
from services.ingestor.commands.options import (
    BY_VENUE,
    PARTITIONED,
    SERVICE,
    Run,
    add,
    add_database,
    add_format,
    age,
    agrees,
    database_url,
    group,
    listed,
    positive,
    schema,
    series_named,
)
from services.ingestor.commands.output import as_table, show, write_text
from services.ingestor.commands.values import Age, Size, plain

MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
LAST_HOUR: Final = timedelta(hours=1)


def add_parsers(commands: Any) -> None:
    """The verbs of the store."""
    verbs = group(commands, "db", TEXTS["db"])
    init = _verb(verbs, "init", _init, "make role, schema, tables and the days ahead; harmless to repeat", _INIT)
    init.add_argument("--create-partitions-days", type=positive, default=7, metavar="N", help="days ahead (default: 7)")
    migrate = _verb(verbs, "migrate", _migrate, "apply the migrations that are pending", "  cleartide db migrate")
    migrate.add_argument("-n", "--dry-run", action="store_true", help="say what is pending, and apply nothing")
    stats = _verb(verbs, "stats", _stats, "what the store holds: rows, sizes, times, and what came in lately", _STATS)
    stats.add_argument("--recount", action="store_true", help="count every row again first, and put the counts right")
    stats.add_argument("--top", type=positive, default=10, metavar="N", help="busiest symbols to show (default: 10)")
    for parser in (init, migrate, stats):
        add_format(parser)
    archive.add_verb(verbs)
    fees.add_verb(verbs)
    clean = _verb(verbs, "clean", _clean, "delete old rows, drop old days, or empty the series", _CLEAN)
    clean.add_argument("--older-than", type=age, metavar="AGE", help="delete rows older than this, as in 90d")
    clean.add_argument(
        "--drop-partitions-older-than", type=age, metavar="AGE", help="drop whole days older than this, as in 180d"
    )
    clean.add_argument("--truncate", action="store_true", help="delete every row of the series")
    clean.add_argument("--tables", type=listed, default=(), metavar="A,B", help="only these series (default: all)")
    clean.add_argument("-n", "--dry-run", action="store_true", help="say what would go, and leave it")
    clean.add_argument("-y", "--yes", action="store_true", help="do it without asking")
    add_format(clean)


def _verb(verbs: Any, name: str, run: Run, text: str, examples: str) -> argparse.ArgumentParser:
    parser = add(verbs, name, run, text, examples)
    parser.set_defaults(failures=lambda: (asyncpg.PostgresError, asyncpg.InterfaceError, MigrationError))
    add_database(parser)
    return parser


async def _init(arguments: argparse.Namespace) -> None:
    """Needs the right to make roles and schemas; what is there already stays as it is."""
    url = database_url(arguments)
    connection = await asyncpg.connect(url, timeout=5)
    try:
        said = await _make_role(connection, url)
        applied = await _migrator(url).migrate()
        await enter_schema(connection, SERVICE)
        days = days_around(datetime.now(UTC), arguments.create_partitions_days - 1)
        made = [name for table in PARTITIONED for name in await ensure_days(connection, table, days)]
    finally:
        await connection.close()
    if arguments.format == "table":
        print(f"schema {SERVICE}: {len(applied)} migrations applied, {len(made)} days made")
        if said:
            print(said)
        return
    show([{"schema": SERVICE, "migrations": len(applied), "days": len(made), "address": said or None}], arguments)


async def _make_role(connection: "asyncpg.Connection[Any]", url: str) -> str:
    """The service's role and schema. A role that is there keeps its password unless a new one is given."""
    given, file = os.environ.get("CLEARTIDE_INGESTOR_DB_PASSWORD", ""), os.environ.get("CLEARTIDE_SECRETS_FILE", "")
    if not given and file:
        given = json.loads(Path(file).read_text(encoding="utf-8"))["postgres_roles"][SERVICE]
    is_there = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND to_regnamespace($2) IS NOT NULL",
        role_of(SERVICE),
        SERVICE,
    )
    if is_there and not given:
        return ""
    password = given or secrets.token_urlsafe(24)
    await ensure_roles(connection, {SERVICE: password})
    if given:
        return ""
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
    return f"CLEARTIDE_POSTGRES_DSN=postgresql://{role_of(SERVICE)}:{password}@{address} (shown this once: keep it)"


async def _migrate(arguments: argparse.Namespace) -> None:
    migrator = _migrator(database_url(arguments))
    if arguments.dry_run:
        pending = [each for each in await migrator.status() if each.state == "pending"]
        rows = [{"migration": f"{each.version}_{each.name}", "state": "pending"} for each in pending]
    else:
        done = await migrator.migrate()
        rows = [{"migration": f"{each.version}_{each.name}", "state": "applied"} for each in done]
    show(rows, arguments, empty="nothing is pending")


def _migrator(url: str) -> Migrator:
    return Migrator(url, SERVICE, role_of(SERVICE), [MIGRATIONS])


async def _stats(arguments: argparse.Namespace) -> None:
    now, connection = datetime.now(UTC), await schema(arguments)
    try:
        if arguments.recount:
            wrong = await recount(connection, PARTITIONED)
            print(f"counted again: {wrong} counts put right", file=sys.stderr)
        found = await sizes(connection, [table.table for table in PARTITIONED])
        latest = await activity(connection, BY_VENUE, now, LAST_HOUR)
        total, timescale = await database_bytes(connection), await timescale_version(connection)
    finally:
        await connection.close()
    if arguments.format == "json":
        series = [{key: plain(value) for key, value in _line(each, now, with_venues=True).items()} for each in found]
        hour = [vars(each) for each in latest]
        text = json.dumps(
            {"database_bytes": total, "timescaledb": timescale, "series": series, "last_hour": hour}, indent=2
        )
        print(text) if arguments.output_file is None else write_text(arguments.output_file, text + "\n")
        return
    if arguments.format != "table" or arguments.output_file is not None:
        show([_line(each, now) for each in found], arguments)
        return
    print(as_table([_line(each, now) for each in found]))
    print(f"\n{sum(each.rows for each in found):,} rows; the database has {Size(total)}")
    print(_keeper(timescale, [each.series for each in found if each.is_hypertable], len(found)))
    _show_venues(found)
    if latest:
        print("\nlast hour, busiest first")
        print(as_table([vars(each) for each in latest[: arguments.top]]))
    else:
        print("\nnothing came in during the last hour")


def _keeper(timescale: str | None, chunked: Sequence[str], series: int) -> str:
    """Whose the days are."""
    if timescale is None:
        return "the days are our own; TimescaleDB is not installed"
    if not chunked:
        return f"TimescaleDB {timescale} is installed; the days are our own"
    which = "the days" if len(chunked) == series else f"the days of {len(chunked)} of {series} series"
    return f"TimescaleDB {timescale}: {which} are its chunks"


def _line(each: SeriesSize, now: datetime, *, with_venues: bool = False) -> dict[str, Any]:
    line: dict[str, Any] = {
        "series": each.series,
        "rows": each.rows,
        "total": Size(each.total_bytes),
        "data": Size(each.table_bytes),
        "indexes": Size(each.index_bytes),
        "days": each.days,
        "first": each.first_at,
        "last": each.last_at,
        "age": Age((now - each.last_at).total_seconds()) if each.last_at else None,
    }
    more = {"strays": Size(each.default_bytes), "hypertable": each.is_hypertable, "venues": each.venues}
    return line | more if with_venues else line


def _show_venues(found: Sequence[SeriesSize]) -> None:
    venues = sorted({venue for each in found for venue in each.venues})
    if venues:
        print("\nrows by venue")
        columns = {each.series.removeprefix("venue_"): each.venues for each in found if each.venues}
        lines = [{"venue": venue} | {name: rows.get(venue, 0) for name, rows in columns.items()} for venue in venues]
        print(as_table(lines))


@dataclass(frozen=True)
class _Plan:
    """What a cleaning takes away."""

    drops: Sequence[tuple[Day, int | None]]
    deletes: Sequence[tuple[Partitioned, datetime, int]]
    truncates: Sequence[SeriesSize]

    def lines(self) -> list[dict[str, Any]]:
        """One line per action."""
        drops = [
            {"action": "drop", "what": each.name, "rows": rows, "bytes": Size(each.bytes)} for each, rows in self.drops
        ]
        deletes = [
            {
                "action": "delete",
                "what": f"{table.table} before {before:%Y-%m-%d %H:%M:%S}",
                "rows": rows,
                "bytes": None,
            }
            for table, before, rows in self.deletes
        ]
        truncates = [
            {"action": "truncate", "what": each.series, "rows": each.rows, "bytes": Size(each.total_bytes)}
            for each in self.truncates
        ]
        return [*drops, *deletes, *truncates]


async def _clean(arguments: argparse.Namespace) -> int:
    if arguments.older_than is None and arguments.drop_partitions_older_than is None and not arguments.truncate:
        raise CommandError("say what to clean: --older-than, --drop-partitions-older-than or --truncate")
    chosen = series_named(arguments.tables)
    connection = await schema(arguments)
    try:
        plan = await _planned(connection, chosen, arguments)
        lines = plan.lines()
        show(lines, arguments, empty="there is nothing to clean")
        if arguments.dry_run or not lines:
            return 0
        if not (arguments.yes or agrees()):
            raise CommandError("nothing was cleaned: answer yes, or give --yes")
        await drop_days(connection, [each for each, _ in plan.drops])
        for table, before, _ in plan.deletes:
            await delete_before(connection, table, before)
        if plan.truncates:
            await truncate(connection, [each.series for each in plan.truncates])
        await _forget(connection, plan, arguments)
    finally:
        await connection.close()
    print(f"done: {len(lines)}", file=sys.stderr)
    return 0


async def _planned(
    connection: "asyncpg.Connection[Any]", chosen: Sequence[Partitioned], arguments: argparse.Namespace
) -> _Plan:
    now, drops, deletes = datetime.now(UTC), [], []
    for table in chosen:
        if arguments.drop_partitions_older_than is not None:
            # A day is older than an age when all of it is.
            drops += await days_before(connection, table.table, (now - arguments.drop_partitions_older_than).date())
        if arguments.older_than is not None:
            before = now - arguments.older_than
            if rows := await rows_before(connection, table, before):
                deletes.append((table, before, rows))
    filled = await sizes(connection, [table.table for table in chosen]) if arguments.truncate else []
    dropped = list(zip(drops, await rows_of(connection, drops), strict=True))
    return _Plan(dropped, deletes, [each for each in filled if each.rows])


async def _forget(connection: "asyncpg.Connection[Any]", plan: _Plan, arguments: argparse.Namespace) -> None:
    """What was taken away may be fetched again: it is no longer covered."""
    now = datetime.now(UTC)
    if plan.drops:
        last = now - arguments.drop_partitions_older_than
        before = last.replace(hour=0, minute=0, second=0, microsecond=0)
        await uncover(connection, sorted({each.series for each, _ in plan.drops}), before)
    for table, before, _ in plan.deletes:
        await uncover(connection, [table.table], before)
    if plan.truncates:
        await uncover(connection, [each.series for each in plan.truncates], None)


_INIT: Final = """  cleartide db init --database-url postgresql://postgres:secret@127.0.0.1:5432/market
  cleartide db init --create-partitions-days 30"""
_STATS: Final = """  cleartide db stats
  cleartide db stats --format json | jq '.series[] | {series, rows}'"""
_CLEAN: Final = """  cleartide db clean --drop-partitions-older-than 180d --dry-run
  cleartide db clean --older-than 90d --tables venue_books,venue_tickers --yes
  cleartide db clean --truncate"""
