"""Deposits on their way: credited once, when they have their confirmations; given up for lost after an hour.

A deposit that was given up is credited all the same if its confirmations come later: by then the money is here, and it
is the account's. Only custody can say that it never will be (`FailDeposit`).
"""

from typing import Final

from cleartide.contracts import ConfirmDeposit, DepositProgressed, FailDeposit, ReportDeposit
from cleartide.contracts.custody import DepositStatus

from services.matching.domain.custody.records import DepositKey, IncomingDeposit
from services.matching.domain.deadlines import Deadline
from services.matching.domain.errors import Refused
from services.matching.domain.moves import asset_of, require_cap, require_room, shift
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.transfers import payee

DEPOSIT_TIMEOUT: Final = 3_600_000_000
"""How long a deposit may take to be confirmed before it is no longer expected, in microseconds."""


def report(state: MatchingState, command: ReportDeposit, out: Output) -> None:
    """Begin to watch a deposit. Refused: seen before, an account that cannot be paid, an amount that cannot be held."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    key = DepositKey(asset.id, command.tx_id, command.output)
    if state.intake.is_known_deposit(key.asset, key.identity):
        raise Refused("duplicate", f"{key.asset} {key.identity}")
    account = payee(state, command.account, None)
    require_cap(asset, amount)
    require_room(state, account, asset, amount)
    state.intake.record_deposit(key.asset, key.identity)
    deposit = IncomingDeposit(
        key=key,
        number=state.treasury.log.number(),
        account=command.account,
        amount=amount,
        confirmations=command.confirmations,
        needed=command.confirmations_needed,
        status="pending",
        seen_at=out.at,
    )
    state.treasury.custody.watch(deposit)
    if deposit.confirmations >= deposit.needed:
        _credit(state, out, deposit)
    else:
        state.deadlines.set(timeout_of(deposit))
        _progress(state, out, deposit, "pending")


def confirm(state: MatchingState, command: ConfirmDeposit, out: Output) -> None:
    """Count confirmations; a lower number than before is old news. Refused: not on its way, no room any more."""
    deposit = _known(state, command)
    if command.confirmations >= deposit.needed:
        asset = asset_of(state, deposit.key.asset)
        require_room(state, state.accounts.get(deposit.account), asset, deposit.amount)
        deposit.confirmations = command.confirmations
        _credit(state, out, deposit)
    elif command.confirmations > deposit.confirmations:
        deposit.confirmations = command.confirmations
        _progress(state, out, deposit, deposit.status)


def fail(state: MatchingState, command: FailDeposit, out: Output) -> None:
    """Stop watching. Refused: not on its way, credited already."""
    deposit = _known(state, command)
    _forget(state, deposit)
    _progress(state, out, deposit, "failed")


def expire(state: MatchingState, deadline: Deadline, out: Output) -> None:
    """The hour is over: no longer expected, but still credited if it is confirmed."""
    deposit = state.treasury.custody.numbered[deadline.number]
    _progress(state, out, deposit, "expired")


def timeout_of(deposit: IncomingDeposit) -> Deadline:
    """When a pending deposit is given up."""
    return Deadline(deposit.seen_at + DEPOSIT_TIMEOUT, "deposit_timeout", deposit.number)


def _known(state: MatchingState, command: ConfirmDeposit | FailDeposit) -> IncomingDeposit:
    key = DepositKey(command.asset, command.tx_id, command.output)
    deposit = state.treasury.custody.deposits.get(key)
    if deposit is None:
        done = state.intake.is_known_deposit(key.asset, key.identity)
        raise Refused("already_settled" if done else "unknown_deposit", f"{key.asset} {key.identity}")
    return deposit


def _credit(state: MatchingState, out: Output, deposit: IncomingDeposit) -> None:
    """Once: the deposit is forgotten with it, and its identity remembered for good."""
    _forget(state, deposit)
    account = state.open_account(deposit.account, out.at)
    asset = asset_of(state, deposit.key.asset)
    shift(state, out, "deposit", None, account, asset, deposit.amount, reference=deposit.key.identity)
    _progress(state, out, deposit, "credited")


def _forget(state: MatchingState, deposit: IncomingDeposit) -> None:
    state.deadlines.drop(timeout_of(deposit))
    state.treasury.custody.forget(deposit)


def _progress(state: MatchingState, out: Output, deposit: IncomingDeposit, status: DepositStatus) -> None:
    deposit.status = status
    if status != "credited":
        key = deposit.key
        state.treasury.log.progressed(
            out.at, deposit.account, key.asset, "deposit", status, deposit.amount, key.identity
        )
    state.treasury.custody.touched_deposits[deposit.key] = deposit
    out.emit(
        DepositProgressed,
        account=deposit.account,
        asset=deposit.key.asset,
        tx_id=deposit.key.tx_id,
        output=deposit.key.output,
        amount_units=deposit.amount,
        confirmations=deposit.confirmations,
        confirmations_needed=deposit.needed,
        status=status,
    )
