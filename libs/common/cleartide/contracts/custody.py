"""Deposits and withdrawals as they come to pass outside: seen, confirmed, credited; asked for, sent, completed.

`Deposit` and `DepositCollateral` credit what is confirmed already, `Withdraw` and `WithdrawCollateral` debit at once.
Here an arriving amount is watched until it has its confirmations, and a leaving one is locked until it has left.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.assets import AssetId, Units
from cleartide.contracts.base import Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import AccountId, MessageId, Micros, PositiveDecimal, ReasonCode, Seq
from cleartide.contracts.venue import AdminCommand

CONFIRMATIONS_NEEDED: Final = 12

DepositStatus = Literal["pending", "credited", "expired", "failed"]
WithdrawalStatus = Literal["pending", "processing", "completed", "failed", "canceled", "expired"]
Confirmations = Annotated[
    int, Field(ge=0, le=1_000_000, description="blocks on top of the transaction's, its own included")
]
OutputNumber = Annotated[int, Field(ge=0, le=65_535)]
Destination = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]


class CustodyCommand(AdminCommand):
    """Base of what the venue's custody reports."""

    subject_template: ClassVar[str] = "admin.custody"


class ReportDeposit(CustodyCommand):
    """An amount for an account was seen in a transaction. The triple (asset, tx_id, output) identifies it for good."""

    type: Literal["ReportDeposit"] = "ReportDeposit"
    version: Literal[1] = 1
    account: AccountId
    asset: AssetId
    amount: PositiveDecimal
    tx_id: MessageId
    output: OutputNumber = 0
    confirmations: Confirmations = 0
    confirmations_needed: int = Field(default=CONFIRMATIONS_NEEDED, ge=1, le=1_000)


class ConfirmDeposit(CustodyCommand):
    """How many confirmations a deposit has now; with enough of them it is credited, once."""

    type: Literal["ConfirmDeposit"] = "ConfirmDeposit"
    version: Literal[1] = 1
    asset: AssetId
    tx_id: MessageId
    output: OutputNumber = 0
    confirmations: Confirmations


class FailDeposit(CustodyCommand):
    """The transaction of a deposit that is not credited yet will not be confirmed."""

    type: Literal["FailDeposit"] = "FailDeposit"
    version: Literal[1] = 1
    asset: AssetId
    tx_id: MessageId
    output: OutputNumber = 0


class RequestWithdrawal(Message):
    """Ask for an amount to be paid out. It is locked at once, up to what domain rule R11 allows."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["RequestWithdrawal"] = "RequestWithdrawal"
    version: Literal[1] = 1
    account: AccountId
    asset: AssetId
    amount: PositiveDecimal
    destination: Destination
    actor: AccountId | None = None


class CancelWithdrawal(Message):
    """Take a request back before custody has begun to send it; the amount is unlocked."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["CancelWithdrawal"] = "CancelWithdrawal"
    version: Literal[1] = 1
    account: AccountId
    withdrawal_id: Seq
    actor: AccountId | None = None


class StartWithdrawal(CustodyCommand):
    """Custody is about to send: from here on the request neither expires nor can be canceled."""

    type: Literal["StartWithdrawal"] = "StartWithdrawal"
    version: Literal[1] = 1
    withdrawal_id: Seq


class CompleteWithdrawal(CustodyCommand):
    """The amount has left."""

    type: Literal["CompleteWithdrawal"] = "CompleteWithdrawal"
    version: Literal[1] = 1
    withdrawal_id: Seq
    tx_id: MessageId


class FailWithdrawal(CustodyCommand):
    """The amount has not left and will not; it is unlocked."""

    type: Literal["FailWithdrawal"] = "FailWithdrawal"
    version: Literal[1] = 1
    withdrawal_id: Seq
    reason: ReasonCode = "failed"


class DepositProgressed(TradingEvent):
    """A deposit was seen, confirmed further, credited, given up or failed; an expired one may still be credited."""

    type: Literal["DepositProgressed"] = "DepositProgressed"
    version: Literal[1] = 1
    account: AccountId
    asset: AssetId
    tx_id: MessageId
    output: OutputNumber
    amount_units: Units
    confirmations: Confirmations
    confirmations_needed: int = Field(ge=1, le=1_000)
    status: DepositStatus


class WithdrawalProgressed(TradingEvent):
    """A withdrawal was asked for, begun, completed, or its amount returned."""

    type: Literal["WithdrawalProgressed"] = "WithdrawalProgressed"
    version: Literal[1] = 1
    account: AccountId
    withdrawal_id: Seq
    asset: AssetId
    amount_units: Units
    destination: Destination
    status: WithdrawalStatus
    tx_id: str = ""
    reason: str = ""
    expires_at: Micros | None = None


CUSTODY_COMMANDS: tuple[type[Message], ...] = (
    ReportDeposit,
    ConfirmDeposit,
    FailDeposit,
    RequestWithdrawal,
    CancelWithdrawal,
    StartWithdrawal,
    CompleteWithdrawal,
    FailWithdrawal,
)
CUSTODY_EVENTS: tuple[type[Message], ...] = (DepositProgressed, WithdrawalProgressed)
