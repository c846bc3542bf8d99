"""Orders from a shell: placed with all that docs/orders.md knows but auctions and seals, changed and canceled."""

import argparse
import time
from typing import Any, get_args

from cleartide.cli.receipts import show
from cleartide.client import Client
from cleartide.contracts import BracketLeg
from cleartide.contracts.types import OrderType, SelfTradePrevention, TriggerSource


async def _order(client: Client, arguments: argparse.Namespace) -> None:
    given = vars(arguments)
    names = ("account", "market", "side", "size", "price", "post_only", "reduce_only", *_TRIGGERS)
    terms: dict[str, Any] = {name: given[name] for name in names}
    receipt = await client.place_order(
        **terms,
        order_type=arguments.type or ("limit" if arguments.price else "market"),
        time_in_force="gtt" if arguments.expires_in else arguments.time_in_force,
        expires_at=_in_seconds(arguments.expires_in),
        trigger_source=arguments.trigger_source,
        self_trade_prevention=arguments.self_trade,
        display_size=arguments.display,
        oco_group=arguments.oco,
        take_profit=_leg(arguments.take_profit, arguments.trigger_source),
        stop_loss=_leg(arguments.stop_loss, arguments.trigger_source),
        client_order_id=arguments.id,
    )
    show(receipt)


async def _amend(client: Client, arguments: argparse.Namespace) -> None:
    given = vars(arguments)
    terms: dict[str, Any] = {name: given[name] for name in ("account", "market", "price", "size", *_TRIGGERS)}
    receipt = await client.amend_order(
        **terms,
        client_order_id=arguments.id,
        expires_at=_in_seconds(arguments.expires_in),
        display_size=arguments.display,
    )
    show(receipt)


async def _cancel(client: Client, arguments: argparse.Namespace) -> None:
    if arguments.id is None:
        show(await client.cancel_all(account=arguments.account, market=arguments.market))
        return
    who = {"account": arguments.account, "market": arguments.market, "client_order_id": arguments.id}
    show(await client.cancel_order(**who))


_TRIGGERS = ("trigger_price", "trail_amount", "trail_rate_ppb")


def _leg(price: str | None, source: TriggerSource) -> BracketLeg | None:
    """An exit at the market once this price has come."""
    return None if price is None else BracketLeg(trigger_price=price, trigger_source=source)


def _in_seconds(seconds: int | None) -> int | None:
    """So many seconds from now, in microseconds since the Unix epoch."""
    return None if seconds is None else time.time_ns() // 1_000 + seconds * 1_000_000


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands about orders."""
    order = commands.add_parser("order", help="place an order; without --price and --type a market order")
    order.add_argument("account")
    order.add_argument("market")
    order.add_argument("side", choices=("buy", "sell"))
    order.add_argument("size")
    order.add_argument("--type", choices=get_args(OrderType))
    order.add_argument("--time-in-force", choices=("gtc", "ioc", "fok"), default="gtc")
    order.add_argument("--post-only", action="store_true")
    order.add_argument("--reduce-only", action="store_true")
    order.add_argument("--self-trade", choices=get_args(SelfTradePrevention), default="expire_maker")
    order.add_argument("--trigger-source", choices=get_args(TriggerSource), default="mark")
    order.add_argument("--oco", metavar="GROUP", help="the first of the group to trade or trigger cancels the others")
    order.add_argument("--take-profit", metavar="PRICE", help="an exit at the market, once the order has filled")
    order.add_argument("--stop-loss", metavar="PRICE", help="the other exit; one of them cancels the other")
    order.add_argument("--id", default="", help="client order id")
    order.set_defaults(run=_order)
    amend = commands.add_parser("amend", help="change an open order's price, total size, end, shown part or trigger")
    amend.add_argument("account")
    amend.add_argument("market")
    amend.add_argument("id", help="client order id")
    amend.add_argument("--size", help="new total, what has traded included")
    amend.set_defaults(run=_amend)
    for parser in (order, amend):
        parser.add_argument("--price")
        parser.add_argument("--expires-in", type=int, metavar="SECONDS", help="good till then, or till another time")
        parser.add_argument("--display", metavar="SIZE", help="show so much at a time (iceberg)")
        parser.add_argument("--trigger-price", metavar="PRICE", help="of a stop or take-profit")
        parser.add_argument("--trail-amount", metavar="PRICE", help="of a trailing stop: behind the best price")
        parser.add_argument("--trail-rate-ppb", type=int, metavar="PPB", help="the same as a part of the best price")
    cancel = commands.add_parser("cancel", help="cancel an order; without an id all of a market, or of the account")
    cancel.add_argument("account")
    cancel.add_argument("market", nargs="?")
    cancel.add_argument("id", nargs="?", help="client order id")
    cancel.set_defaults(run=_cancel)
