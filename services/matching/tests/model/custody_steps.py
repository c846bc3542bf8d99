"""Steps of custody and of those who pay in and out by it."""

from typing import Any, Final

from cleartide.contracts import (
    CancelWithdrawal,
    CompleteWithdrawal,
    ConfirmDeposit,
    FailDeposit,
    FailWithdrawal,
    Message,
    ReportDeposit,
    RequestWithdrawal,
    StartWithdrawal,
)

from services.matching.tests.model.margin import spare, withdrawable
from services.matching.tests.model.numbers import HOUR
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import RESERVED, Market, World

LAST: Final = 6
"""How many deposits are told of again."""


def arrive(world: World, number: int, step: Step, market: Market) -> Body:
    """For anybody; now and then confirmed already, seen before, or with something wrong."""
    body: dict[str, Any] = {
        "account": TRADERS[step.who],
        "asset": "USDC",
        "amount": text_of(step.amount * 50_001, "0.000001"),
        "tx_id": f"tx{number // 4}",
        "output": step.terms % 2,
        "confirmations": step.flags % 5,
        "confirmations_needed": 1 + step.terms % 4,
    }
    if world.assets and step.links % 4 == 0:
        body |= {
            "asset": list(world.assets)[step.links // 4 % len(world.assets)],
            "amount": text_of(step.amount, "0.001"),
        }
    wrong = ({"asset": "NONE"}, {"amount": "0"}, {"account": RESERVED[0]}, {"amount": "9000000000"})
    return ReportDeposit, body | (wrong[step.flags % len(wrong)] if step.flags > 59 else {})


def follow(world: World, number: int, step: Step, market: Market) -> Body:
    """One that is on its way has more confirmations, as many, or is lost; now and then one that is not."""
    keys = list(world.incoming) or [("USDC", "tx0", 0)]
    asset, tx_id, output = keys[-1 - step.amount % min(len(keys), LAST)]
    named = {
        "asset": asset,
        "tx_id": tx_id if step.flags > 7 else f"tx{number // 4 - step.amount % 8}",
        "output": output,
    }
    if step.flags % 8 == 1:
        return FailDeposit, named
    return ConfirmDeposit, {**named, "confirmations": step.terms % 6}


def ask(world: World, number: int, step: Step, market: Market) -> Body:
    """To be paid out: something, all that is free, a quantum more, or what cannot be."""
    account = world.accounts.get(TRADERS[step.who])
    free = withdrawable(world, account) if account is not None else 0
    wanted = (step.amount * 20_001, free, free + 1, free // 2)[step.flags % 4]
    body = {"asset": "USDC", "amount": text_of(wanted, "0.000001"), "destination": f"to-{step.who}"}
    if account is not None and account.collateral and step.links % 4 == 0:
        asset = list(account.collateral)[step.links // 4 % len(account.collateral)]
        units = text_of(
            spare(world, account, asset) // (1 + step.terms % 3), f"{10 ** -world.assets[asset].decimals:.12f}"
        )
        body |= {"asset": asset, "amount": units}
    wrong = ({"asset": "NONE"}, {"amount": "0.0000001"}, {"account": RESERVED[1]})
    named = {"account": TRADERS[step.who], **body}
    return RequestWithdrawal, named | (wrong[step.flags % len(wrong)] if step.flags > 60 else {})


def send(world: World, number: int, step: Step, market: Market) -> Body:
    """One that is asked for is begun, has left, has not, or is taken back; now and then one that nobody asked for."""
    begun = [number for number, asked in world.outgoing.items() if asked.status == "processing"]
    if begun and step.flags % 8 == 2:
        return StartWithdrawal, {"withdrawal_id": begun[step.amount % len(begun)]}
    numbers = list(world.outgoing)
    which = numbers[step.amount % len(numbers)] if numbers and step.flags else 1 + step.amount
    named: dict[str, Any] = {"withdrawal_id": which}
    contract: type[Message] = (StartWithdrawal, CompleteWithdrawal, FailWithdrawal, CancelWithdrawal)[step.terms % 4]
    if contract is CompleteWithdrawal:
        named["tx_id"] = f"out{number}"
    if contract is CancelWithdrawal:
        asked = world.outgoing.get(which)
        named["account"] = asked.account if asked is not None and step.flags % 8 else TRADERS[step.who]
    return contract, named


def next_hour(world: World) -> int:
    """When the first hour of those that run is over; 0 where none runs."""
    ends = [one.seen_at + HOUR for one in world.incoming.values() if one.status == "pending"]
    ends += [one.asked_at + HOUR for one in world.outgoing.values() if one.status == "pending"]
    return min(ends, default=0)
