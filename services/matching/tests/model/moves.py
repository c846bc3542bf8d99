"""Money that comes, goes or moves without a trade, told to its account and kept in its history."""

from typing import Final

from cleartide.contracts import TransferApplied

from services.matching.tests.model.world import Account, World

SETTLEMENT: Final = "USDC"


def move(
    world: World, account: Account, amount: int, kind: str, *, counterparty: str = "", reference: str = ""
) -> None:
    """So many quanta to an account, from it where they are negative; whose they were is the caller's to change."""
    account.cash += amount
    world.say(
        TransferApplied,
        account=account.name,
        amount_quanta=amount,
        cash_quanta=account.cash,
        kind=kind,
        counterparty=counterparty,
    )
    keep(world, account.name, kind, "completed", amount, moved=amount, counterparty=counterparty, reference=reference)


def lock(world: World, account: Account, amount: int, kind: str, reference: str) -> None:
    """So many quanta become nobody's to use, or are given back where they are negative."""
    world.locked[account.name] = world.locked.get(account.name, 0) + amount
    move(world, account, -amount, kind, reference=reference)


def keep(
    world: World,
    name: str,
    kind: str,
    status: str,
    amount: int,
    *,
    moved: int = 0,
    counterparty: str = "",
    reference: str = "",
) -> None:
    """A step of a transfer: what it is about, and what it changed the balance by."""
    step = (next_number(world), world.at, name, SETTLEMENT, kind, status, amount, moved, counterparty, reference)
    world.transfers.append(step)


def next_number(world: World) -> int:
    """Steps, deposits and withdrawals share their numbers."""
    world.transfer_number += 1
    return world.transfer_number
