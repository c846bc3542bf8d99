"""Follow risk alerts, report trades, place orders and move collateral from a shell."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import get_args

from cleartide.cli import money
from cleartide.cli.receipts import show
from cleartide.client import Client, PublishError, QueryRefused
from cleartide.contracts.codec import encode
from cleartide.contracts.types import SelfTradePrevention

Command = Callable[[Client, argparse.Namespace], Awaitable[None]]


async def _alerts(client: Client, arguments: argparse.Namespace) -> None:
    left = arguments.count
    async for alert in client.alerts(arguments.after):
        if arguments.json:
            print(encode(alert).decode(), flush=True)
        else:
            factor = alert.health_factor or "-"
            print(f"#{alert.seq} {alert.level:12} {alert.account:20} health factor {factor}", flush=True)
        left -= 1
        if left == 0:
            return


async def _trade(client: Client, arguments: argparse.Namespace) -> None:
    receipt = await client.publish_trade(
        market=arguments.market,
        trade_id=arguments.trade_id,
        price=arguments.price,
        size=arguments.size,
        buyer=arguments.buyer,
        seller=arguments.seller,
    )
    show(receipt)


async def _order(client: Client, arguments: argparse.Namespace) -> None:
    receipt = await client.place_order(
        account=arguments.account,
        market=arguments.market,
        side=arguments.side,
        size=arguments.size,
        price=arguments.price,
        order_type="limit" if arguments.price else "market",
        time_in_force="gtt" if arguments.expires_in else arguments.time_in_force,
        post_only=arguments.post_only,
        reduce_only=arguments.reduce_only,
        expires_at=_in_seconds(arguments.expires_in) if arguments.expires_in else None,
        self_trade_prevention=arguments.self_trade,
        display_size=arguments.display,
        client_order_id=arguments.id,
    )
    show(receipt)


async def _amend(client: Client, arguments: argparse.Namespace) -> None:
    who = {"account": arguments.account, "market": arguments.market, "client_order_id": arguments.id}
    receipt = await client.amend_order(
        **who,
        price=arguments.price,
        size=arguments.size,
        expires_at=_in_seconds(arguments.expires_in) if arguments.expires_in else None,
        display_size=arguments.display,
    )
    show(receipt)


async def _cancel(client: Client, arguments: argparse.Namespace) -> None:
    if arguments.id is None:
        show(await client.cancel_all(account=arguments.account, market=arguments.market))
        return
    who = {"account": arguments.account, "market": arguments.market, "client_order_id": arguments.id}
    show(await client.cancel_order(**who))


def _in_seconds(seconds: int) -> int:
    """So many seconds from now, in microseconds since the Unix epoch."""
    return time.time_ns() // 1_000 + seconds * 1_000_000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cleartide.cli", description="Talk to a Cleartide system")
    parser.add_argument(
        "--url",
        default=os.environ.get("CLEARTIDE_URL", ""),
        help="nats://user:password@host:port (default: the environment's CLEARTIDE_URL)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    alerts = commands.add_parser("alerts", help="follow risk alerts")
    alerts.add_argument("--after", type=int, help="resume after this sequence number; 0 = from the beginning")
    alerts.add_argument("--count", type=int, default=0, help="end after so many alerts")
    alerts.add_argument("--json", action="store_true", help="print whole events")
    alerts.set_defaults(run=_alerts)
    trade = commands.add_parser("trade", help="report a trade matched elsewhere")
    trade.add_argument("market")
    trade.add_argument("trade_id")
    trade.add_argument("price")
    trade.add_argument("size")
    trade.add_argument("--buyer")
    trade.add_argument("--seller")
    trade.set_defaults(run=_trade)
    _order_parsers(commands)
    money.add_parsers(commands)
    return parser


def _order_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    order = commands.add_parser("order", help="place an order; without --price a market order")
    order.add_argument("account")
    order.add_argument("market")
    order.add_argument("side", choices=("buy", "sell"))
    order.add_argument("size")
    order.add_argument("--price")
    order.add_argument("--time-in-force", choices=("gtc", "ioc", "fok"), default="gtc")
    order.add_argument("--expires-in", type=int, metavar="SECONDS", help="good till then instead of till canceled")
    order.add_argument("--post-only", action="store_true")
    order.add_argument("--reduce-only", action="store_true")
    order.add_argument("--self-trade", choices=get_args(SelfTradePrevention), default="expire_maker")
    order.add_argument("--display", metavar="SIZE", help="show so much at a time (iceberg)")
    order.add_argument("--id", default="", help="client order id")
    order.set_defaults(run=_order)
    amend = commands.add_parser("amend", help="change an open order's price, total size, end or shown part")
    amend.add_argument("account")
    amend.add_argument("market")
    amend.add_argument("id", help="client order id")
    amend.add_argument("--price")
    amend.add_argument("--size", help="new total, what has traded included")
    amend.add_argument("--expires-in", type=int, metavar="SECONDS", help="a new end, of an order that has one")
    amend.add_argument("--display", metavar="SIZE", help="show so much at a time")
    amend.set_defaults(run=_amend)
    cancel = commands.add_parser("cancel", help="cancel an order; without an id all of a market, or of the account")
    cancel.add_argument("account")
    cancel.add_argument("market", nargs="?")
    cancel.add_argument("id", nargs="?", help="client order id")
    cancel.set_defaults(run=_cancel)


async def _run(arguments: argparse.Namespace) -> None:
    async with Client.connect(arguments.url) as client:
        await arguments.run(client, arguments)


def main(argv: list[str]) -> int:
    """Run one command; a failure is one line and exit code 1."""
    arguments = _parser().parse_args(argv)
    if not arguments.url:
        print("give --url nats://user:password@host:port, or set CLEARTIDE_URL", file=sys.stderr)
        return 2
    try:
        asyncio.run(_run(arguments))
    except KeyboardInterrupt:
        return 0
    except (PublishError, QueryRefused, ValueError, OSError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
