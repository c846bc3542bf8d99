"""Withdrawals on their way out: locked when they are asked for, gone when they have left, returned when they have not.

    pending -> processing -> completed | failed
    pending -> completed | failed | canceled | expired

Locked money belongs to nobody's equity. Only a pending withdrawal expires or is canceled: once custody has begun to
send, nothing but custody's word can return the amount, or it could be paid twice.
"""

from typing import Final

from cleartide.contracts import (
    CancelWithdrawal,
    CompleteWithdrawal,
    FailWithdrawal,
    RequestWithdrawal,
    StartWithdrawal,
    WithdrawalProgressed,
)
from cleartide.contracts.custody import WithdrawalStatus

from services.matching.domain.access import known, require
from services.matching.domain.custody.records import OutgoingWithdrawal
from services.matching.domain.deadlines import Deadline
from services.matching.domain.errors import Refused
from services.matching.domain.moves import asset_of, require_free, shift
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import Escrow

WITHDRAWAL_TIMEOUT: Final = 3_600_000_000
"""How long custody may take to begin before the amount is returned, in microseconds."""
MAX_WITHDRAWALS: Final = 64
"""Of one account at a time."""


def request(state: MatchingState, command: RequestWithdrawal, out: Output) -> None:
    """Lock the amount, up to what R11 allows."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    account = known(state, command.account)
    require(account, command.actor, "withdraw")
    if state.treasury.custody.withdrawals_of(account.name) >= MAX_WITHDRAWALS:
        raise Refused("too_many_withdrawals")
    require_free(account, asset, amount)
    withdrawal = OutgoingWithdrawal(
        number=state.treasury.log.number(),
        account=account.name,
        asset=asset.id,
        amount=amount,
        destination=command.destination,
        status="pending",
        asked_at=out.at,
    )
    state.treasury.custody.withdrawals[withdrawal.number] = withdrawal
    state.deadlines.set(timeout_of(withdrawal))
    shift(state, out, "locked", account, Escrow(account.name), asset, amount, reference=str(withdrawal.number))
    _progress(state, out, withdrawal, "pending")


def cancel(state: MatchingState, command: CancelWithdrawal, out: Output) -> None:
    """Unlock a pending withdrawal at its owner's word."""
    account = known(state, command.account)
    require(account, command.actor, "withdraw")
    withdrawal = state.treasury.custody.withdrawals.get(command.withdrawal_id)
    if withdrawal is None or withdrawal.account != account.name:
        raise Refused("unknown_withdrawal")
    if withdrawal.status != "pending":
        raise Refused("already_processing")
    _return(state, out, withdrawal, "canceled", "")


def start(state: MatchingState, command: StartWithdrawal, out: Output) -> None:
    """Custody begins to send. Refused: not pending, so custody must not send."""
    withdrawal = _known(state, command.withdrawal_id)
    if withdrawal.status != "pending":
        raise Refused("already_processing", str(withdrawal.number))
    state.deadlines.drop(timeout_of(withdrawal))
    _progress(state, out, withdrawal, "processing")


def complete(state: MatchingState, command: CompleteWithdrawal, out: Output) -> None:
    """The amount has left the venue."""
    withdrawal = _known(state, command.withdrawal_id)
    asset, escrow = asset_of(state, withdrawal.asset), Escrow(withdrawal.account)
    _forget(state, withdrawal)
    withdrawal.tx_id = command.tx_id
    shift(state, out, "withdrawal", escrow, None, asset, withdrawal.amount)
    _progress(state, out, withdrawal, "completed")


def fail(state: MatchingState, command: FailWithdrawal, out: Output) -> None:
    """The amount stays and is unlocked."""
    _return(state, out, _known(state, command.withdrawal_id), "failed", command.reason)


def expire(state: MatchingState, deadline: Deadline, out: Output) -> None:
    """Custody has not begun within the hour."""
    _return(state, out, state.treasury.custody.withdrawals[deadline.number], "expired", "timeout")


def timeout_of(withdrawal: OutgoingWithdrawal) -> Deadline:
    """When a pending withdrawal is returned."""
    return Deadline(withdrawal.asked_at + WITHDRAWAL_TIMEOUT, "withdrawal_timeout", withdrawal.number)


def _known(state: MatchingState, number: int) -> OutgoingWithdrawal:
    withdrawal = state.treasury.custody.withdrawals.get(number)
    if withdrawal is None:
        raise Refused("unknown_withdrawal", str(number))
    return withdrawal


def _return(
    state: MatchingState, out: Output, withdrawal: OutgoingWithdrawal, status: WithdrawalStatus, reason: str
) -> None:
    account, asset = state.accounts[withdrawal.account], asset_of(state, withdrawal.asset)
    _forget(state, withdrawal)
    number = str(withdrawal.number)
    shift(state, out, "unlocked", Escrow(account.name), account, asset, withdrawal.amount, reference=number)
    _progress(state, out, withdrawal, status, reason)


def _forget(state: MatchingState, withdrawal: OutgoingWithdrawal) -> None:
    state.deadlines.drop(timeout_of(withdrawal))
    del state.treasury.custody.withdrawals[withdrawal.number]


def _progress(
    state: MatchingState, out: Output, withdrawal: OutgoingWithdrawal, status: WithdrawalStatus, reason: str = ""
) -> None:
    withdrawal.status = status
    if status in ("processing", "completed"):
        reference = withdrawal.tx_id or str(withdrawal.number)
        state.treasury.log.progressed(
            out.at, withdrawal.account, withdrawal.asset, "withdrawal", status, -withdrawal.amount, reference
        )
    state.treasury.custody.touched_withdrawals[withdrawal.number] = withdrawal
    out.emit(
        WithdrawalProgressed,
        account=withdrawal.account,
        withdrawal_id=withdrawal.number,
        asset=withdrawal.asset,
        amount_units=withdrawal.amount,
        destination=withdrawal.destination,
        status=status,
        tx_id=withdrawal.tx_id,
        reason=reason,
        expires_at=timeout_of(withdrawal).at if status == "pending" else None,
    )
