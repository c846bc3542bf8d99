"""`cleartide backfill`: the past of venues into the store."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cleartide.console import CommandError
from cleartide.store.bulk import BulkWriter

from services.ingestor.adapters.history import KINDS, histories
from services.ingestor.backfill import Backfill, Plan, Progress, Task
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
from services.ingestor.commands.venues import add_venues, chosen, instruments, rest_clients
from services.ingestor.domain.ranges import SPANS
from services.ingestor.registry import instrument_row
from services.ingestor.repository import EPOCH, INSTRUMENTS, instant

SETTLED: Final = timedelta(minutes=1)
"""What is younger than this may not be told completely yet."""
BAR: Final = 30


def add_parsers(commands: Any) -> None:
    """The command."""
    parser = add(commands, "backfill", _run, TEXTS["backfill"], _EXAMPLES)
    add_database(parser)
    add_venues(parser)
    parser.add_argument(
        "-s", "--symbols", type=listed, required=True, metavar="A,B", help="as the venue has it, BTCUSDT, or BTC/USDT"
    )
    parser.add_argument(
        "--data-types",
        type=listed,
        default=KINDS[:2],
        metavar="A,B",
        help=f"what to fetch: {', '.join(KINDS)} (default: the first two)",
    )
    parser.add_argument(
        "--intervals",
        type=listed,
        default=("1h",),
        metavar="A,B",
        help=f"lengths of candles: {', '.join(SPANS)} (default: 1h)",
    )
    parser.add_argument(
        "--start-date",
        type=moment,
        metavar="TIME",
        help="2026-01-31, or 90d ago (default: where the venue's data begins)",
    )
    parser.add_argument("--end-date", type=moment, metavar="TIME", help="until then (default: now)")
    parser.add_argument("--parallel", type=positive, default=4, metavar="N", help="requests at a time (default: 4)")
    parser.add_argument("--force-refetch", action="store_true", help="fetch again what is there, and replace it")
    parser.add_argument(
        "--progress",
        choices=("auto", "always", "never"),
        default="auto",
        help="show how far it is (default: auto, on a terminal)",
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what is missing, and fetch nothing of it")
    add_format(parser)


async def _run(arguments: argparse.Namespace) -> int:
    _check(arguments)
    await (await schema(arguments)).close()
    followed = chosen(arguments.exchanges)
    async with (
        BulkWriter(database_url(arguments), SERVICE) as writer,
        rest_clients(followed, arguments) as rests,
    ):
        tasks: list[Task] = []
        for venue in followed:
            found = await instruments(venue, rests[venue.name], arguments.symbols)
            await writer.write(INSTRUMENTS, [instrument_row(venue.name, each) for each in found])
            tasks += [task for each in found for task in _tasks(venue.name, each, arguments)]
        backfill = Backfill(writer, rests, force=arguments.force_refetch)
        end = min(arguments.end_date or datetime.max.replace(tzinfo=UTC), datetime.now(UTC) - SETTLED)
        start = None if arguments.start_date is None else _micros(arguments.start_date)
        plans = [await backfill.plan(task, start, _micros(end)) for task in tasks]
        if arguments.dry_run:
            show([_planned(plan) for plan in plans], arguments)
            return 0
        bar = Bar(arguments.progress)
        progress = await backfill.run(plans, arguments.parallel, bar.show)
        bar.end()
    show([_done(progress, plans)], arguments)
    for failure in progress.failed:
        print(f"failed, and tried again by the next run: {failure}", file=sys.stderr)
    return 1 if progress.failed else 0


def _check(arguments: argparse.Namespace) -> None:
    for given, known, what in (
        (arguments.data_types, KINDS, "data type"),
        (arguments.intervals, tuple(SPANS), "interval"),
        (arguments.exchanges, tuple(histories()), "past of"),
    ):
        if unknown := sorted(set(given) - set(known)):
            raise CommandError(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    if arguments.start_date and arguments.end_date and arguments.start_date >= arguments.end_date:
        raise CommandError("the start is not before the end")


def _tasks(venue: str, instrument: Any, arguments: argparse.Namespace) -> list[Task]:
    history = histories()[venue]
    unknown = sorted(set(arguments.data_types) - set(history.kinds))
    if unknown:
        raise CommandError(f"{venue} does not tell past {', '.join(unknown)}; it tells {', '.join(history.kinds)}")
    spans = sorted(set(arguments.intervals) - set(history.spans)) if "klines" in arguments.data_types else []
    if spans:
        raise CommandError(f"{venue} has no candles of {', '.join(spans)}; it has {', '.join(history.spans)}")
    return [
        Task(history, instrument, kind, span)
        for kind in KINDS
        if kind in arguments.data_types
        for span in (arguments.intervals if kind == "klines" else ("",))
    ]


def _planned(plan: Plan) -> dict[str, Any]:
    return {
        "what": f"{plan.task.scope} {plan.task.kind}",
        "from": None if plan.earliest is None else instant(plan.earliest),
        "missing_from": instant(plan.missing[0][0]) if plan.missing else None,
        "missing_to": instant(plan.missing[-1][1]) if plan.missing else None,
        "gaps": len(plan.missing),
        "requests": len(plan.chunks),
    }


def _done(progress: Progress, plans: Sequence[Plan]) -> dict[str, Any]:
    return {
        "series": len(plans),
        "requests": progress.done,
        "rows": progress.rows,
        "new": progress.new,
        "failed": len(progress.failed),
    }


@dataclass
class Bar:
    """A bar on standard error while somebody watches, else a line for every tenth."""

    mode: str
    _tenth: int = -1

    def show(self, progress: Progress) -> None:
        """Say how far it is."""
        if self.mode == "never" or not progress.chunks:
            return
        share = progress.done / progress.chunks
        if self.mode == "always" or sys.stderr.isatty():
            filled = int(share * BAR)
            bar = "#" * filled + "." * (BAR - filled)
            print(f"\r[{bar}] {_words(progress)}  ", end="", file=sys.stderr, flush=True)
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            print(_words(progress), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the bar's line."""
        if self.mode == "always" or (self.mode == "auto" and sys.stderr.isatty()):
            print(file=sys.stderr)


def _words(progress: Progress) -> str:
    return f"{progress.done}/{progress.chunks} requests, {progress.rows:,} rows, {progress.new:,} new"


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


_EXAMPLES: Final = """  cleartide backfill -e binance-usdm,bybit -s BTCUSDT --intervals 1m,1h --start-date 90d --live
  cleartide backfill -e hyperliquid -s BTC --data-types funding_rates --live --dry-run
  cleartide backfill -e binance-usdm -s BTC/USDT --data-types trades --start-date 6h --live"""
