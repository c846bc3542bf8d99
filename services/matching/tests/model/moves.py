"""Money that comes, goes or moves without a trade, told to its account and kept in its history."""

from typing import Any

from cleartide.contracts import CollateralChanged, PoolChanged, TransferApplied

from services.matching.tests.model.collateral import SETTLEMENT, give, holding
from services.matching.tests.model.world import Account, World


def move(
    world: World,
    account: Account,
    amount: int,
    kind: str,
    *,
    asset: str = SETTLEMENT,
    counterparty: str = "",
    reference: str = "",
) -> None:
    """So many units to an account, from it where they are negative; whose they were is the caller's to change."""
    give(account, asset, amount)
    told: dict[str, Any] = {"account": account.name, "kind": kind, "counterparty": counterparty}
    if asset == SETTLEMENT:
        world.say(TransferApplied, **told, amount_quanta=amount, cash_quanta=account.cash)
    else:
        balance = holding(account, asset)
        world.say(CollateralChanged, **told, asset=asset, amount_units=amount, balance_units=balance)
    named = {"asset": asset, "counterparty": counterparty, "reference": reference}
    keep(world, account.name, kind, "completed", amount, moved=amount, **named)


def fill_pool(world: World, pool: str, asset: str, units: int, kind: str, counterparty: str = "") -> None:
    """So much more of an asset in a pool, below zero less; whose it was is the caller's to change."""
    held = world.pools[pool]
    held[asset] = held.get(asset, 0) + units
    told = {"kind": kind, "counterparty": counterparty, "amount_units": units, "balance_units": held[asset]}
    world.say(PoolChanged, pool=pool, asset=asset, **told)


def lock(world: World, account: Account, amount: int, kind: str, reference: str, asset: str = SETTLEMENT) -> None:
    """So many units become nobody's to use, or are given back where they are negative."""
    world.locked[asset, account.name] += amount
    move(world, account, -amount, kind, asset=asset, reference=reference)


def keep(
    world: World,
    name: str,
    kind: str,
    status: str,
    amount: int,
    *,
    asset: str = SETTLEMENT,
    moved: int = 0,
    counterparty: str = "",
    reference: str = "",
) -> None:
    """A step of a transfer: what it is about, and what it changed the balance by."""
    step = (next_number(world), world.at, name, asset, kind, status, amount, moved, counterparty, reference)
    world.transfers.append(step)


def next_number(world: World) -> int:
    """Steps, deposits and withdrawals share their numbers."""
    world.transfer_number += 1
    return world.transfer_number
