"""Paying into a vault and taking out of it, at once or by the queue (domain rule R36)."""

from typing import Final, Literal

from cleartide.contracts.vaults import (
    CancelVaultExit,
    DepositToVault,
    VaultExitChanged,
    VaultSharesIssued,
    VaultSharesRedeemed,
    WithdrawFromVault,
)
from cleartide.money import MoneyError, quanta_from_text
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.rules.vaults import Waiting

from services.matching.domain.access import known, require
from services.matching.domain.deadlines import Deadline
from services.matching.domain.errors import Refused
from services.matching.domain.limits import MAX_NOTIONAL_QUANTA
from services.matching.domain.moves import asset_of, require_free, require_room
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.vaults.record import RETRY, OwnVault
from services.matching.domain.vaults.value import (
    Revalued,
    announce,
    idle,
    is_priced,
    pay_out,
    raise_cash,
    record,
    require_open,
    revalue,
    vault_of,
)

MOST_PAID: Final = 64
"""Exits paid with one command; who is left is looked after soon."""


def deposit(state: MatchingState, command: DepositToVault, out: Output) -> None:
    """Shares for cash that R11 lets go.

    Refused besides: paused, closed, halted, stale_price, no_equity, over_capacity, no_shares, share_cap, balance_cap.
    """
    vault, account = vault_of(state, command.vault), known(state, command.account)
    require(account, command.actor, "transfer")
    amount = amount_of(command.amount)
    require_open(vault)
    require_free(account, asset_of(state, SETTLEMENT_ASSET), amount)
    with Revalued(state, vault) as taken:
        if vault.book.assets + amount > MAX_NOTIONAL_QUANTA:
            raise Refused("balance_cap")
        paid = vault.book.deposit(account.name, amount, out.at)
    pay_out(state, out, vault, account, "vault_deposit", -amount)
    state.vaults.touched_holders.add((vault.name, account.name))
    record(state, out, vault, account.name, "deposit", paid.shares, amount, paid.fee)
    out.emit(
        VaultSharesIssued,
        account=account.name,
        vault=vault.name,
        amount_quanta=amount,
        fee_quanta=paid.fee,
        shares=paid.shares,
        balance_shares=vault.book.holders[account.name],
        locked_until=vault.book.locked_until[account.name],
    )
    serve(state, out, vault)
    announce(state, out, vault, taken)


def amount_of(text: str) -> int:
    """Quanta. Raises MoneyError for what is no amount, or none."""
    amount = quanta_from_text(text)
    if amount <= 0:
        raise MoneyError("not_positive", f"amount {text}")
    return amount


def withdraw(state: MatchingState, command: WithdrawFromVault, out: Output) -> None:
    """Cash for shares, at once if it is free and nobody waits before; else the request stays in the queue.

    Refused: halted, no_shares, not_enough_shares, locked, queue_full, stale_price, balance_cap.
    """
    vault, account = vault_of(state, command.vault), known(state, command.account)
    require(account, command.actor, "transfer")
    if vault.book.paused:
        raise Refused("halted", vault.name)
    number = state.vaults.exits + 1
    with Revalued(state, vault) as taken:
        require_room(state, account, asset_of(state, SETTLEMENT_ASSET), vault.book.value_of(command.shares))
        vault.book.join_queue(account.name, command.shares, out.at, number)
    state.vaults.exits = number
    state.vaults.touched_exits[number] = (vault.name, account.name, command.shares)
    serve(state, out, vault)
    if state.vaults.touched_exits[number] is not None:
        record(state, out, vault, account.name, "queued", -command.shares, 0, 0)
        _tell_exit(out, vault, Waiting(account.name, command.shares, number), "queued")
    announce(state, out, vault, taken)


def cancel(state: MatchingState, command: CancelVaultExit, out: Output) -> None:
    """Stay after all. Refused: unknown_exit."""
    vault, account = vault_of(state, command.vault), known(state, command.account)
    require(account, command.actor, "transfer")
    with Revalued(state, vault) as taken:
        waiting = vault.book.cancel(account.name, command.exit_id)
    state.vaults.touched_exits[waiting.number] = None
    record(state, out, vault, account.name, "canceled", waiting.shares, 0, 0)
    _tell_exit(out, vault, waiting, "canceled")
    serve(state, out, vault)
    announce(state, out, vault, taken)


def look_again(state: MatchingState, deadline: Deadline, out: Output) -> None:
    """Pay who waits, if by now there is money; if not, nothing has happened."""
    vault = state.vaults.by_number[deadline.number]
    before = vault.book.figures
    taken = revalue(state, vault) if is_priced(state, vault) else None
    if taken is not None and serve(state, out, vault):
        announce(state, out, vault, taken)
    else:
        vault.book.restore(before)
        wait(state, out, vault)


def serve(state: MatchingState, out: Output, vault: OwnVault) -> bool:
    """Pay the queue, of a book at the value of now, as far as money is free. Returns whether anybody was paid."""
    settled = vault.book.settle(idle(vault), MOST_PAID)
    for waiting, paid in settled:
        account = state.accounts[waiting.owner]
        raise_cash(state, out, vault, paid.amount)
        pay_out(state, out, vault, account, "vault_withdrawal", paid.amount)
        state.vaults.touched_exits[waiting.number] = None
        state.vaults.touched_holders.add((vault.name, account.name))
        record(state, out, vault, account.name, "withdrawal", -paid.shares, -paid.amount, paid.fee)
        out.emit(
            VaultSharesRedeemed,
            account=account.name,
            vault=vault.name,
            amount_quanta=paid.amount,
            fee_quanta=paid.fee,
            shares=paid.shares,
            balance_shares=vault.book.holders[account.name],
            exit_id=waiting.number,
        )
    wait(state, out, vault)
    return bool(settled)


def wait(state: MatchingState, out: Output, vault: OwnVault) -> None:
    """Look again in a while if somebody waits."""
    state.deadlines.drop(vault.deadline)
    vault.retry_at = out.at + RETRY if vault.book.queue else 0
    state.vaults.touched.add(vault.name)
    if vault.retry_at:
        state.deadlines.set(vault.deadline)


def _tell_exit(out: Output, vault: OwnVault, waiting: Waiting, status: Literal["queued", "canceled"]) -> None:
    out.emit(
        VaultExitChanged,
        account=waiting.owner,
        vault=vault.name,
        exit_id=waiting.number,
        shares=waiting.shares,
        status=status,
    )
