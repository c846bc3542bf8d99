"""`cleartide stream`: what the running service hears, as it hears it."""

import argparse
import asyncio
import os
import time
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from cleartide.connect import connected, nats_broker
from cleartide.console import CommandError

from services.ingestor.commands import TEXTS
from services.ingestor.commands.options import add, listed
from services.ingestor.commands.output import as_csv

KINDS: Final = (
    "ticker",
    "trade",
    "book",
    "grouped",
    "liquidity",
    "funding",
    "interest",
    "liquidation",
    "candle",
    "stats",
    "status",
)
_HEAD: Final = frozenset(
    {"id", "type", "version", "seq", "occurred_at", "causation_id", "correlation_id", "source", "venue", "symbol"}
)


def add_parsers(commands: Any) -> None:
    """The command."""
    parser = add(commands, "stream", _run, TEXTS["stream"], _EXAMPLES)
    parser.add_argument("-e", "--exchange", default="*", metavar="NAME", help="only this venue")
    parser.add_argument("-s", "--symbol", default="*", metavar="SYMBOL", help="only this symbol")
    parser.add_argument(
        "--data-types", type=listed, default=("trade",), metavar="A,B", help=f"{', '.join(KINDS)} (default: trade)"
    )
    parser.add_argument("--max-duration", type=float, default=0.0, metavar="SECONDS", help="end after so long")
    parser.add_argument("-n", "--count", type=int, default=0, metavar="N", help="end after so many events")
    parser.add_argument(
        "-f", "--format", choices=("table", "json", "csv"), default="table", help="lines for people, JSON or CSV"
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("CLEARTIDE_URL") or os.environ.get("CLEARTIDE_NATS_URL", ""),
        metavar="URL",
        help="nats://user:password@host:port (default: CLEARTIDE_URL); `make up` prints one",
    )


async def _run(arguments: argparse.Namespace) -> None:
    unknown = sorted(set(arguments.data_types) - set(KINDS))
    if unknown:
        raise CommandError(f"no data type {', '.join(unknown)}; there are {', '.join(KINDS)}")
    if not arguments.url:
        raise CommandError("give --url nats://user:password@host:port, or set CLEARTIDE_URL")
    parts = urlsplit(arguments.url)
    address = f"nats://{parts.hostname}:{parts.port or 4222}"
    user = parts.username or os.environ.get("CLEARTIDE_NATS_USER", "")
    password = parts.password or os.environ.get("CLEARTIDE_NATS_PASSWORD", "")
    broker = nats_broker(address, user, password, "cleartide-stream")
    client = await connected(broker, give_up_after=10)
    # A reader that is too slow loses the oldest lines and not the connection.
    waiting: asyncio.Queue[bytes] = asyncio.Queue(maxsize=65_536)

    async def heard(message: Any) -> None:
        if waiting.full():
            waiting.get_nowait()
        waiting.put_nowait(message.data)

    try:
        for kind in arguments.data_types:
            await client.subscribe(f"market.{arguments.exchange}.{arguments.symbol}.{kind}", cb=heard)
        await _follow(waiting, arguments)
    finally:
        await broker.stop()


async def _follow(waiting: "asyncio.Queue[bytes]", arguments: argparse.Namespace) -> None:
    until = time.monotonic() + arguments.max_duration if arguments.max_duration else None
    left = arguments.count
    while until is None or time.monotonic() < until:
        try:
            async with asyncio.timeout(None if until is None else max(0.001, until - time.monotonic())):
                data = await waiting.get()
        except TimeoutError:
            return
        for event in msgspec.json.decode(data, type=list[dict[str, Any]]):
            print(_line(event, arguments.format), flush=True)
            left -= 1
            if left == 0:
                return


def _line(event: dict[str, Any], form: str) -> str:
    if form == "json":
        return msgspec.json.encode(event).decode()
    if form == "csv":
        return as_csv([_flat(event)]).rpartition("\n")[0].partition("\n")[2]
    fields = " ".join(f"{name}={value}" for name, value in event.items() if name not in _HEAD)
    return f"{event['venue']:14} {event['symbol']:14} {event['type'].removeprefix('Venue'):12} {fields}"[:400]


def _flat(event: dict[str, Any]) -> dict[str, Any]:
    """Venue, symbol and kind first, then what this kind of event holds, each as `name=value`."""
    head = {name: event[name] for name in ("venue", "symbol", "type")}
    return head | {name: f"{name}={value}" for name, value in event.items() if name not in _HEAD}


_EXAMPLES: Final = """  cleartide stream -s BTCUSDT --data-types ticker,trade
  cleartide stream -e bybit --data-types liquidation -f json --max-duration 60"""
