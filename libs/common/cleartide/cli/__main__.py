"""Follow risk alerts, report trades, place orders and move collateral from a shell."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from cleartide.cli import money, orders
from cleartide.cli.receipts import show
from cleartide.client import Alert, Client, PublishError, QueryRefused
from cleartide.contracts import RiskAlertRaised
from cleartide.contracts.codec import encode

Command = Callable[[Client, argparse.Namespace], Awaitable[None]]


async def _alerts(client: Client, arguments: argparse.Namespace) -> None:
    left = arguments.count
    async for alert in client.alerts(arguments.after):
        if arguments.rule and getattr(alert, "rule", "") != arguments.rule:
            continue
        if arguments.json:
            print(encode(alert).decode(), flush=True)
        else:
            print(f"#{alert.seq} {alert.level:12} {alert.account:20} {_about(alert)}", flush=True)
        left -= 1
        if left == 0:
            return


def _about(alert: Alert) -> str:
    """What an alert is about, in a few words."""
    if isinstance(alert, RiskAlertRaised):
        return f"health factor {alert.health_factor or '-'}"
    figures = ", ".join(f"{figure.name} {figure.value}" for figure in alert.figures)
    return f"rule {alert.rule}{f' in {alert.market}' if alert.market else ''}: {figures or 'no longer'}"


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
    alerts.add_argument("--rule", default="", help="only those of this rule")
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
    orders.add_parsers(commands)
    money.add_parsers(commands)
    return parser


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
