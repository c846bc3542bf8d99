"""Money from a shell: deposits, withdrawals, transfers, and what an account may take out and pays."""

import argparse
import json
from typing import Any

from cleartide.cli.receipts import show
from cleartide.client import Client


async def _deposit(client: Client, arguments: argparse.Namespace) -> None:
    show(await client.deposit(account=arguments.account, amount=arguments.amount))


async def _withdraw(client: Client, arguments: argparse.Namespace) -> None:
    show(await client.withdraw(account=arguments.account, amount=arguments.amount))


async def _payout(client: Client, arguments: argparse.Namespace) -> None:
    body = {name: getattr(arguments, name) for name in ("account", "amount", "destination", "asset")}
    show(await client.request_withdrawal(**body))


async def _payout_cancel(client: Client, arguments: argparse.Namespace) -> None:
    show(await client.cancel_withdrawal(account=arguments.account, withdrawal_id=arguments.withdrawal_id))


async def _transfer(client: Client, arguments: argparse.Namespace) -> None:
    body = {name: getattr(arguments, name) for name in ("account", "to_account", "amount", "asset")}
    show(await client.transfer(**body))


async def _claim(client: Client, arguments: argparse.Namespace) -> None:
    show(await client.claim_rewards(account=arguments.account))


async def _margin(client: Client, arguments: argparse.Namespace) -> None:
    _answer(await client.margin(arguments.account))


async def _fees(client: Client, arguments: argparse.Namespace) -> None:
    _answer(await client.fees(arguments.account))


async def _transfers(client: Client, arguments: argparse.Namespace) -> None:
    _answer(
        {
            **await client.open_transfers(arguments.account),
            "transfers": await client.transfers(arguments.account, asset=arguments.asset, limit=arguments.limit),
        }
    )


def _answer(found: dict[str, Any]) -> None:
    print(json.dumps(found, indent=2))


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands and questions about money."""
    for name, run in (("deposit", _deposit), ("withdraw", _withdraw)):
        now = commands.add_parser(name, help=f"{name} USDC that is confirmed already")
        now.add_argument("account")
        now.add_argument("amount")
        now.set_defaults(run=run)
    payout = commands.add_parser("payout", help="lock an amount until custody has sent it")
    payout.add_argument("account")
    payout.add_argument("amount")
    payout.add_argument("destination")
    payout.set_defaults(run=_payout)
    cancel = commands.add_parser("payout-cancel", help="take back a payout that custody has not begun")
    cancel.add_argument("account")
    cancel.add_argument("withdrawal_id", type=int)
    cancel.set_defaults(run=_payout_cancel)
    transfer = commands.add_parser("transfer", help="move an amount within a family of accounts")
    transfer.add_argument("account")
    transfer.add_argument("to_account")
    transfer.add_argument("amount")
    transfer.set_defaults(run=_transfer)
    for parser in (payout, transfer):
        parser.add_argument("--asset", default="USDC")
    claim = commands.add_parser("claim", help="take the rewards of those whom the account has brought")
    claim.set_defaults(run=_claim)
    margin = commands.add_parser("margin", help="margin, collateral and liquidation prices")
    margin.set_defaults(run=_margin)
    fees = commands.add_parser("fees", help="rates, volume and referrals")
    fees.set_defaults(run=_fees)
    history = commands.add_parser("transfers", help="what is on its way, and what has moved, newest first")
    history.set_defaults(run=_transfers)
    for parser in (claim, margin, fees, history):
        parser.add_argument("account")
    history.add_argument("--asset")
    history.add_argument("--limit", type=int, default=50)
