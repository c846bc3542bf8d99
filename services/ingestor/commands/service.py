"""`cleartide start`: the collecting service in the foreground, with options instead of environment variables."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cleartide.console import CommandError

from services.ingestor.commands import TEXTS
from services.ingestor.commands.options import add, add_database, database_url, listed
from services.ingestor.commands.venues import add_venues, chosen, own_symbols

HIDDEN: Final = "***"
ROOT: Final = Path(__file__).resolve().parents[3]
"""Where the services lie, in whatever folder the command is given."""


def add_parsers(commands: Any) -> None:
    """The command."""
    parser = add(commands, "start", _run, TEXTS["start"], _EXAMPLES)
    add_database(parser)
    add_venues(parser)
    parser.add_argument("-s", "--symbols", type=listed, required=True, metavar="A,B", help="BTCUSDT, or BTC/USDT")
    parser.add_argument("--klines", type=listed, default=(), metavar="A,B", help="follow these candles too: 1m,5m,1h")
    parser.add_argument(
        "--report-interval", type=float, default=10.0, metavar="SECONDS", help="between stored measures"
    )
    parser.add_argument("--raw-folder", type=Path, metavar="FOLDER", help="keep every frame as it came")
    parser.add_argument("--nats-url", default=os.environ.get("CLEARTIDE_NATS_URL", ""), metavar="URL", help="the bus")
    parser.add_argument("--port", type=int, metavar="N", help="where health and metrics are served")
    parser.add_argument("-n", "--dry-run", action="store_true", help="print the environment, and start nothing")


async def _run(arguments: argparse.Namespace) -> None:
    environment = settings(arguments)
    if arguments.dry_run:
        for name, value in sorted(environment.items()):
            print(f"{name}={HIDDEN if name.endswith('_DSN') else value}")
        return
    sys.stdout.flush()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    os.execve(
        sys.executable,
        [sys.executable, "-m", "services.ingestor"],
        {**os.environ, **environment, "PYTHONPATH": path},
    )


def settings(arguments: argparse.Namespace) -> Mapping[str, str]:
    """The service's environment. Raises CommandError for what it cannot start with."""
    if not arguments.nats_url:
        raise CommandError("give --nats-url nats://host:port, or set CLEARTIDE_NATS_URL")
    venues = {}
    for venue in chosen(arguments.exchanges):
        options = {"candles": ",".join(arguments.klines)} if arguments.klines and "candles" in venue.options else {}
        venues[venue.name] = {"symbols": own_symbols(venue, arguments.symbols), "options": options}
    found = {
        "CLEARTIDE_POSTGRES_DSN": database_url(arguments),
        "CLEARTIDE_NATS_URL": arguments.nats_url,
        "CLEARTIDE_INGESTOR_VENUES": json.dumps(venues),
        "CLEARTIDE_INGESTOR_LIQUIDITY_STORED_MICROS": str(round(arguments.report_interval * 1_000_000)),
    }
    if arguments.live:
        found["FEED"] = "live"
    if arguments.simulator:
        found["CLEARTIDE_INGESTOR_SIMULATOR"] = arguments.simulator
    if arguments.raw_folder is not None:
        found["CLEARTIDE_INGESTOR_RAW_FOLDER"] = str(arguments.raw_folder)
    if arguments.port is not None:
        found["CLEARTIDE_HTTP_PORT"] = str(arguments.port)
    return found


_EXAMPLES: Final = """  cleartide start -e binance-usdm,bybit -s BTC/USDT --live
  cleartide start -e hyperliquid -s BTC --klines 1m,1h --live --dry-run"""
