"""Vaults of the venue: shares in what somebody else makes of the money (R36; docs/vaults.md)."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from fractions import Fraction
from typing import Final, NamedTuple

from cleartide.contracts.vaults import (
    CancelVaultExit,
    DepositToVault,
    VaultCommand,
    VaultExitChanged,
    VaultFundsMoved,
    VaultSharesIssued,
    VaultSharesRedeemed,
    VaultValued,
    WithdrawFromVault,
)

from services.matching.tests.model.accounts import reject
from services.matching.tests.model.collateral import SETTLEMENT
from services.matching.tests.model.margin import value, withdrawable
from services.matching.tests.model.money import require_free
from services.matching.tests.model.moves import move
from services.matching.tests.model.numbers import MILLION, SECOND, up
from services.matching.tests.model.rights import known, require_right
from services.matching.tests.model.texts import require_room, signed_steps_of, units_of
from services.matching.tests.model.vault_record import Exit, Vault, part
from services.matching.tests.model.world import MOST_NOTIONAL, MOST_QUANTA, Account, Refusal, World, is_stale

MOST_PAID: Final = 64
MOST_WAITING: Final = 1_000
RETRY: Final = 10 * SECOND


class Taken(NamedTuple):
    """Fees of one valuation."""

    management: int
    performance: int


def deposit(world: World, command: DepositToVault) -> None:
    """Shares for free cash less the fee; the fee never works in the vault."""
    with answered(world, command):
        vault, account = vault_of(world, command.vault), known(world, command.account)
        require_right(world, account, command.actor, "transfer")
        amount = units_of(world, SETTLEMENT, command.amount)
        require_open(vault)
        require_free(world, account, SETTLEMENT, amount)
        with valued(world, vault) as taken:
            fee, made = _issue(world, vault, account, amount)
        pay(world, vault, account, -amount, "vault_deposit")
        write_down(world, vault, account.name, "deposit", made, amount, fee)
        world.say(
            VaultSharesIssued,
            account=account.name,
            vault=vault.name,
            amount_quanta=amount,
            fee_quanta=fee,
            shares=made,
            balance_shares=vault.holders[account.name],
            locked_until=vault.locked[account.name],
        )
        serve(world, vault)
        announce(world, vault, taken)


def _issue(world: World, vault: Vault, account: Account, amount: int) -> tuple[int, int]:
    fee = up(amount * part(vault.terms.deposit_fee_bps))
    net, capacity = amount - fee, vault.terms.capacity
    made = int(net / vault.price)
    if vault.assets + amount > MOST_NOTIONAL:
        raise Refusal("balance_cap")
    if not net:
        raise Refusal("no_amount")
    if capacity is not None and vault.assets + net > cash_of(capacity):
        raise Refusal("over_capacity")
    if vault.shares and not vault.assets:
        raise Refusal("no_equity")
    if not made:
        raise Refusal("no_shares")
    if vault.shares + made > MOST_QUANTA:
        raise Refusal("share_cap")
    vault.assets, vault.fees, vault.shares = vault.assets + net, vault.fees + fee, vault.shares + made
    vault.holders[account.name] = vault.holders.get(account.name, 0) + made
    vault.locked[account.name] = world.at + vault.terms.lock_seconds * SECOND
    return fee, made


def withdraw(world: World, command: WithdrawFromVault) -> None:
    """Shares for cash, in the order of those who ask; at once if there is enough for all of them."""
    with answered(world, command):
        vault, account = vault_of(world, command.vault), known(world, command.account)
        require_right(world, account, command.actor, "transfer")
        if vault.halted:
            raise Refusal("halted")
        with valued(world, vault) as taken:
            require_room(world, account.name, vault.worth(command.shares))
            if command.shares > vault.free(account.name):
                raise Refusal("not_enough_shares")
            if world.at < vault.locked.get(account.name, 0):
                raise Refusal("locked")
            if len(vault.queue) >= MOST_WAITING:
                raise Refusal("queue_full")
        world.exit_number += 1
        asked = Exit(world.exit_number, account.name, command.shares)
        vault.queue.append(asked)
        serve(world, vault)
        if asked in vault.queue:
            write_down(world, vault, account.name, "queued", -asked.shares, 0, 0)
            _tell_exit(world, vault, asked, "queued")
        announce(world, vault, taken)


def cancel(world: World, command: CancelVaultExit) -> None:
    """Who waits stays after all."""
    with answered(world, command):
        vault, account = vault_of(world, command.vault), known(world, command.account)
        require_right(world, account, command.actor, "transfer")
        with valued(world, vault) as taken:
            mine = [one for one in vault.queue if (one.owner, one.number) == (account.name, command.exit_id)]
            if not mine:
                raise Refusal("unknown_exit")
            vault.queue.remove(mine[0])
        write_down(world, vault, account.name, "canceled", mine[0].shares, 0, 0)
        _tell_exit(world, vault, mine[0], "canceled")
        serve(world, vault)
        announce(world, vault, taken)


def look_again(world: World, number: int) -> None:
    """Ten seconds later: who waits is paid if there is money by now; if not, nothing has happened."""
    vault = next(one for one in world.vaults.values() if one.number == number)
    before, taken = deepcopy(vault), None
    if is_priced(world, vault):
        taken = _value(world, vault)
    if taken is not None and serve(world, vault):
        announce(world, vault, taken)
        return
    world.vaults[vault.name] = before
    before.retry_at = world.at + RETRY


@contextmanager
def answered(world: World, command: VaultCommand) -> Iterator[None]:
    """A refusal is told to who asked."""
    try:
        yield
    except Refusal as refusal:
        reject(world, command.account, type(command), refusal.reason)


@contextmanager
def valued(world: World, vault: Vault) -> Iterator[Taken]:
    """The vault at the marks of now, its fees taken; after a refusal it is as it was. Raises Refusal."""
    if not is_priced(world, vault):
        raise Refusal("stale_price")
    before = deepcopy(vault)
    try:
        yield _value(world, vault)
    except Refusal:
        world.vaults[vault.name] = before
        raise


def _value(world: World, vault: Vault) -> Taken:
    """A + fees owed = reserve + strategy; what is not there any more is owed to nobody."""
    management = vault.charge(world.at) if vault.state != "closed" else 0
    there = vault.reserve + max(0, equity(world, vault))
    vault.fees = min(vault.fees, there)
    return Taken(management, vault.gain(there - vault.fees - vault.assets))


def equity(world: World, vault: Vault) -> int:
    """Of the strategy: cash and positions; nothing else that somebody gave it."""
    account = world.accounts[vault.strategy]
    held = account.positions.items()
    return account.cash + sum(p.quote + value(world.markets[name], p) + p.funding for name, p in held)


def is_priced(world: World, vault: Vault) -> bool:
    """Whether all that the strategy holds has a mark that may be relied on (R13)."""
    held = world.accounts[vault.strategy].positions.items()
    markets = [world.markets[name] for name, position in held if position.lots]
    return all(market.mark and not is_stale(world, market) for market in markets)


def serve(world: World, vault: Vault) -> bool:
    """Who waits is paid in turn, as far as the reserve and what the strategy can spare go. Whether anybody was."""
    idle, paid = vault.reserve + withdrawable(world, world.accounts[vault.strategy]), list[tuple[Exit, int, int]]()
    while vault.queue and not vault.halted and vault.worth(vault.queue[0].shares) <= idle and len(paid) < MOST_PAID:
        one = vault.queue.pop(0)
        brought = vault.worth(one.shares)
        fee = up(brought * part(vault.terms.withdraw_fee_bps))
        vault.assets, vault.fees, vault.shares = vault.assets - brought, vault.fees + fee, vault.shares - one.shares
        vault.holders[one.owner] -= one.shares
        idle -= brought - fee
        paid.append((one, brought - fee, fee))
    for one, amount, fee in paid:
        allocate(world, vault, "recall", -max(0, amount - vault.reserve))
        pay(world, vault, world.accounts[one.owner], amount, "vault_withdrawal")
        write_down(world, vault, one.owner, "withdrawal", -one.shares, -amount, fee)
        world.say(
            VaultSharesRedeemed,
            account=one.owner,
            vault=vault.name,
            amount_quanta=amount,
            fee_quanta=fee,
            shares=one.shares,
            balance_shares=vault.holders[one.owner],
            exit_id=one.number,
        )
    vault.retry_at = world.at + RETRY if vault.queue else 0
    return bool(paid)


def pay(world: World, vault: Vault, account: Account, amount: int, kind: str) -> None:
    """From the reserve to an account, the other way below zero."""
    if amount:
        vault.reserve -= amount
        move(world, account, amount, kind, counterparty=vault.name)


def allocate(world: World, vault: Vault, way: str, amount: int) -> None:
    """From the reserve to the strategy, the other way below zero."""
    if not amount:
        return
    kind = "vault_allocation" if amount > 0 else "vault_recall"
    pay(world, vault, world.accounts[vault.strategy], amount, kind)
    if way != "harvest":
        vault.allocated = max(0, vault.allocated + amount)
    if way in ("harvest", "compound"):
        vault.harvested = max(0, vault.harvested - amount)
    tell_move(world, vault, way, amount)


def tell_move(world: World, vault: Vault, way: str, amount: int) -> None:
    """Which of its money has moved."""
    told = {"allocated_quanta": vault.allocated, "harvested_quanta": vault.harvested}
    world.say(VaultFundsMoved, vault=vault.name, move=way, amount_quanta=amount, **told)
    write_down(world, vault, "", way, 0, -amount, 0)


def announce(world: World, vault: Vault, taken: Taken) -> None:
    """What it holds after a step."""
    world.say(
        VaultValued,
        vault=vault.name,
        assets_quanta=vault.assets,
        shares=vault.shares,
        reserve_quanta=vault.reserve,
        fees_owed_quanta=vault.fees,
        management_fee_quanta=taken.management,
        performance_fee_quanta=taken.performance,
        waiting_shares=sum(one.shares for one in vault.queue),
    )


def write_down(world: World, vault: Vault, name: str, kind: str, shares: int, amount: int, fee: int) -> None:
    """A step of its history."""
    world.vault_move_number += 1
    step = (world.vault_move_number, world.at, vault.name, name, kind, shares, amount, fee, vault.assets, vault.shares)
    world.vault_moves.append(step)


def vault_of(world: World, name: str) -> Vault:
    """Raises Refusal."""
    if name not in world.vaults:
        raise Refusal("unknown_vault")
    return world.vaults[name]


def require_open(vault: Vault) -> None:
    """Raises Refusal."""
    if vault.shown != "active":
        raise Refusal(vault.shown)


def cash_of(text: str) -> int:
    """Quanta, also none. Raises Refusal."""
    return signed_steps_of(text, Fraction(1, MILLION), MOST_QUANTA)


def _tell_exit(world: World, vault: Vault, one: Exit, status: str) -> None:
    told = {"exit_id": one.number, "shares": one.shares, "status": status}
    world.say(VaultExitChanged, account=one.owner, vault=vault.name, **told)
