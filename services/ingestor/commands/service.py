"""`cleartide start`: the collecting service in the foreground, with options instead of environment variables."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import nats.errors
from cleartide.bus.nats import ApiError, NatsBus
from cleartide.bus.provision import StreamMismatch, ensure_stream
from cleartide.bus.streams import COMMANDS, DEAD_LETTERS, MARKET
from cleartide.console import CommandError
from cleartide.store.names import role_of

from services.ingestor.commands import TEXTS
from services.ingestor.commands.bus import bus, bus_address
from services.ingestor.commands.options import SERVICE, add, add_database, database_url, listed, schema, seconds
from services.ingestor.commands.venues import add_venues, chosen, own_symbols
from services.ingestor.domain.ranges import SPANS

HIDDEN: Final = "***"
NO_BUS: Final = "give --nats-url nats://host:port, or set CLEARTIDE_NATS_URL"
WRITTEN: Final = (MARKET, COMMANDS, DEAD_LETTERS)
ROOT: Final = Path(__file__).resolve().parents[3]
"""Where the services lie, in whatever folder the command is given."""


def add_parsers(commands: Any) -> None:
    """The command."""
    parser = add(commands, "start", _run, TEXTS["start"], _EXAMPLES)
    add_database(parser)
    add_venues(parser)
    parser.add_argument(
        "-s", "--symbols", type=listed, required=True, metavar="A,B", help="as the venue has it, BTCUSDT, or BTC/USDT"
    )
    parser.add_argument("--klines", type=listed, default=(), metavar="A,B", help="collect these candles too: 1m,5m,1h")
    parser.add_argument(
        "--report-interval",
        type=seconds,
        default=10.0,
        metavar="SECONDS",
        help="between stored measures of liquidity (default: 10)",
    )
    parser.add_argument(
        "--raw-folder", type=Path, metavar="FOLDER", help="keep every frame there as it came, compressed"
    )
    parser.add_argument(
        "--nats-url",
        default=os.environ.get("CLEARTIDE_NATS_URL", ""),
        metavar="URL",
        help="a NATS server with JetStream: nats://host:port (default: CLEARTIDE_NATS_URL)",
    )
    parser.add_argument("--port", type=_port, metavar="N", help="serve health and metrics on this port")
    parser.add_argument(
        "-n",
        "--dry-run",
        action="store_true",
        help="print the environment that the service would get, and start nothing",
    )


async def _run(arguments: argparse.Namespace) -> None:
    environment = settings(arguments)
    if arguments.dry_run:
        for name, value in sorted(environment.items()):
            print(f"{name}={HIDDEN if name.endswith('_DSN') else value}")
        return
    await _require_store(arguments)
    await _require_streams(arguments.nats_url)
    sys.stdout.flush()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    os.execve(
        sys.executable,
        [sys.executable, "-m", "services.ingestor"],
        {**os.environ, **environment, "PYTHONPATH": path},
    )


async def _require_store(arguments: argparse.Namespace) -> None:
    """The service signs in as its own role. Raises CommandError for another, and where there are no tables."""
    connection = await schema(arguments)
    try:
        login = await connection.fetchval("SELECT session_user")
    finally:
        await connection.close()
    if login != role_of(SERVICE):
        raise CommandError(
            f"the service signs in as {role_of(SERVICE)}, not as {login}: give --database-url, or set "
            "CLEARTIDE_POSTGRES_DSN to, what `cleartide db init` printed (lost? "
            "CLEARTIDE_INGESTOR_DB_PASSWORD=new cleartide db init)"
        )


async def _require_streams(url: str) -> None:
    """The streams that the service writes. One that knows of none yet gets them. Raises CommandError if it may not."""
    async with bus(bus_address(url, NO_BUS), "cleartide-start") as (client, place):
        held = NatsBus(client)
        try:
            await held.state(MARKET)
        except ApiError:
            try:
                made = [stream.name for stream in WRITTEN if await ensure_stream(held, stream)]
            except (ApiError, nats.errors.Error, StreamMismatch) as error:
                raise CommandError(
                    f"{place} has no stream {MARKET.name}, and this login may not make it: run `cleartide ops setup`"
                ) from error
            print(f"{place}: streams {', '.join(made)} made", file=sys.stderr)
        except nats.errors.Error as error:
            raise CommandError(f"{place}: no answer about streams; is it a JetStream server (-js)?") from error


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 1 to 65535")
    return int(text)


def settings(arguments: argparse.Namespace) -> Mapping[str, str]:
    """The service's environment. Raises CommandError for what it cannot start with."""
    bus_address(arguments.nats_url, NO_BUS)
    if unknown := [each for each in arguments.klines if each not in SPANS]:
        raise CommandError(f"no interval {', '.join(unknown)}; there are {', '.join(SPANS)}")
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
