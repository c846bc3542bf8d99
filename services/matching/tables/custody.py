"""What is on its way in and out, and the history of every transfer."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.fold import Changes, Row, Table

from services.matching.domain.custody import deposits, withdrawals
from services.matching.domain.custody.records import DepositKey, IncomingDeposit, OutgoingWithdrawal
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import Treasury

DEPOSITS: Final = Table(
    "deposits",
    key=("asset", "tx_id", "output"),
    columns={
        "asset": "text",
        "tx_id": "text",
        "output": "integer",
        "deposit_id": "bigint",
        "account": "text",
        "amount_units": "bigint",
        "confirmations": "integer",
        "confirmations_needed": "integer",
        "status": "text",
        "seen_at": "bigint",
    },
)
WITHDRAWALS: Final = Table(
    "withdrawals",
    key=("withdrawal_id",),
    columns={
        "withdrawal_id": "bigint",
        "account": "text",
        "asset": "text",
        "amount_units": "bigint",
        "destination": "text",
        "status": "text",
        "asked_at": "bigint",
    },
)
TRANSFERS: Final = Table(
    "transfers",
    key=("transfer_id",),
    columns={
        "transfer_id": "bigint",
        "at": "bigint",
        "account": "text",
        "asset": "text",
        "kind": "text",
        "status": "text",
        "amount_units": "bigint",
        "moved_units": "bigint",
        "counterparty": "text",
        "reference": "text",
    },
    write="append",
    load=False,
)
CUSTODY_TABLES: Final = (DEPOSITS, WITHDRAWALS, TRANSFERS)


def restore_custody(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """What was on its way, with the hours that are still running."""
    custody = state.treasury.custody
    for asset, tx_id, output, number, account, amount, confirmations, needed, status, seen_at in rows[DEPOSITS.name]:
        deposit = IncomingDeposit(
            DepositKey(asset, tx_id, output), number, account, amount, confirmations, needed, status, seen_at
        )
        custody.watch(deposit)
        if status == "pending":
            state.deadlines.set(deposits.timeout_of(deposit))
    for row in rows[WITHDRAWALS.name]:
        withdrawal = custody.withdrawals[row[0]] = OutgoingWithdrawal(*row)
        if withdrawal.status == "pending":
            state.deadlines.set(withdrawals.timeout_of(withdrawal))


def collect_custody(changes: Changes, treasury: Treasury) -> None:
    """Rows of what is on its way; what has arrived is left to the history."""
    custody, log = treasury.custody, treasury.log
    for key, deposit in custody.touched_deposits.items():
        if key in custody.deposits:
            changes.put(DEPOSITS, _deposit_row(deposit))
        else:
            changes.delete(DEPOSITS, key)
    for number, withdrawal in custody.touched_withdrawals.items():
        if number in custody.withdrawals:
            changes.put(WITHDRAWALS, _withdrawal_row(withdrawal))
        else:
            changes.delete(WITHDRAWALS, (number,))
    changes.put_all(TRANSFERS, log.rows)
    custody.touched_deposits, custody.touched_withdrawals, log.rows = {}, {}, []


def _deposit_row(deposit: IncomingDeposit) -> Row:
    return (
        *deposit.key,
        deposit.number,
        deposit.account,
        deposit.amount,
        deposit.confirmations,
        deposit.needed,
        deposit.status,
        deposit.seen_at,
    )


def _withdrawal_row(withdrawal: OutgoingWithdrawal) -> Row:
    return (
        withdrawal.number,
        withdrawal.account,
        withdrawal.asset,
        withdrawal.amount,
        withdrawal.destination,
        withdrawal.status,
        withdrawal.asked_at,
    )
