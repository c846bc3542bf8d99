"""Examples of money on its way: bob pays half a bitcoin in, which is confirmed and credited, and 25 dollars out."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.custody import (
    CancelWithdrawal,
    CompleteWithdrawal,
    ConfirmDeposit,
    DepositProgressed,
    FailDeposit,
    FailWithdrawal,
    ReportDeposit,
    RequestWithdrawal,
    StartWithdrawal,
    WithdrawalProgressed,
)
from cleartide.contracts.examples.story import HOUR, OPENED, said, sent

_TX: Final = "4e3f0c"


def _event(contract: type[Message], seq: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, OPENED, cause, **body)


CUSTODY_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(ReportDeposit, "seen-1", "custody", account="bob", asset="BTC", amount="0.5", tx_id=_TX, confirmations=1),
    sent(ConfirmDeposit, "seen-2", "custody", asset="BTC", tx_id=_TX, confirmations=12),
    sent(FailDeposit, "seen-3", "custody", asset="BTC", tx_id="77aa01", output=1),
    sent(RequestWithdrawal, "out-1", "gateway", account="bob", asset="USDC", amount="25", destination="0x5aa1"),
    sent(CancelWithdrawal, "out-2", "gateway", account="bob", withdrawal_id=12),
    sent(StartWithdrawal, "sent-1", "custody", withdrawal_id=12),
    sent(CompleteWithdrawal, "sent-2", "custody", withdrawal_id=12, tx_id="90bc11"),
    sent(FailWithdrawal, "sent-3", "custody", withdrawal_id=13, reason="bad_address"),
    _event(
        DepositProgressed,
        32,
        "seen-1",
        account="bob",
        asset="BTC",
        tx_id=_TX,
        output=0,
        amount_units=50_000_000,
        confirmations=1,
        confirmations_needed=12,
        status="pending",
    ),
    _event(
        WithdrawalProgressed,
        36,
        "out-1",
        account="bob",
        withdrawal_id=12,
        asset="USDC",
        amount_units=25_000_000,
        destination="0x5aa1",
        status="pending",
        expires_at=OPENED + HOUR,
    ),
)
