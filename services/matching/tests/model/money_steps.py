"""Steps about money and listings."""

from typing import Any

from cleartide.contracts import Deposit, FundInsurance, ListMarket, Withdraw

from services.matching.tests.model.margin import standing, withdrawable
from services.matching.tests.model.scenes import TRADERS, specs, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import RESERVED, Market, World


def deposit(world: World, number: int, step: Step, market: Market) -> Body:
    """Anything."""
    return Deposit, _money(step, step.amount * 500_001)


def exact_deposit(world: World, number: int, step: Step, market: Market) -> Body:
    """What lifts somebody who is due to maintenance exactly, or to a quantum less."""
    for name, account in world.accounts.items():
        now = standing(world, account)
        if name not in RESERVED and now.is_due:
            lacking = now.maintenance - now.equity - step.flags % 2
            return Deposit, {**_money(step, max(1, lacking)), "account": name}
    return Deposit, _money(step, step.amount)


def withdraw(world: World, number: int, step: Step, market: Market) -> Body:
    """Anything."""
    return Withdraw, _money(step, step.amount * 250_001)


def exact_withdraw(world: World, number: int, step: Step, market: Market) -> Body:
    """All that may leave, or a quantum more."""
    account = world.accounts.get(TRADERS[step.who])
    most = withdrawable(world, account) if account is not None else 0
    return Withdraw, _money(step, most + step.flags % 2)


def insure(world: World, number: int, step: Step, market: Market) -> Body:
    """To a market's fund, or to none."""
    name = market.name if step.flags % 8 else "NONE-PERP"
    return FundInsurance, {"market": name, "amount": text_of(step.amount * 33_333, "0.000001")}


def _money(step: Step, quanta: int) -> dict[str, Any]:
    """An amount for somebody; some amounts cannot be read, and some names are reserved."""
    text = "0.0000001" if step.flags == 62 else text_of(quanta, "0.000001")
    name = RESERVED[step.amount % 2] if step.flags == 61 else TRADERS[step.who]
    return {"account": name, "asset": "USDC", "amount": text}


def list_market(world: World, number: int, step: Step, market: Market) -> Body:
    """One that is there already, or one that cannot be traded."""
    wrong: dict[str, Any] = {"market": f"M{step.amount}-PERP"} if step.flags % 2 else {}
    changes = ({"tick_size": "0"}, {"lot_size": "0.0000001"}, {"taker_fee_ppb": 10**9}, {"tick_size": "100000000000"})
    wrong |= changes[step.flags // 2 % len(changes)]
    return ListMarket, {"spec": specs(0)[0].model_copy(update=wrong)}
