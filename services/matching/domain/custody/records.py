"""What is on its way, and the numbers it is known by."""

from dataclasses import dataclass
from typing import NamedTuple

from cleartide.contracts.custody import DepositStatus, WithdrawalStatus


class DepositKey(NamedTuple):
    """What identifies a deposit for good: one output of one transaction of one asset."""

    asset: str
    tx_id: str
    output: int

    @property
    def identity(self) -> str:
        """The key as text, within its asset."""
        return f"{self.tx_id}:{self.output}"


@dataclass(slots=True, eq=False)
class IncomingDeposit:
    """A deposit that is neither credited nor failed. Amount in smallest units, time in microseconds."""

    key: DepositKey
    number: int
    account: str
    amount: int
    confirmations: int
    needed: int
    status: DepositStatus
    seen_at: int


@dataclass(slots=True, eq=False)
class OutgoingWithdrawal:
    """A withdrawal whose amount is locked. Amount in smallest units, time in microseconds."""

    number: int
    account: str
    asset: str
    amount: int
    destination: str
    status: WithdrawalStatus
    asked_at: int
    tx_id: str = ""


class Custody:
    """Deposits by key and by number, withdrawals by number, and those whose rows have to be written."""

    __slots__ = ("deposits", "numbered", "touched_deposits", "touched_withdrawals", "withdrawals")

    def __init__(self) -> None:
        self.deposits: dict[DepositKey, IncomingDeposit] = {}
        self.numbered: dict[int, IncomingDeposit] = {}
        self.withdrawals: dict[int, OutgoingWithdrawal] = {}
        self.touched_deposits: dict[DepositKey, IncomingDeposit] = {}
        self.touched_withdrawals: dict[int, OutgoingWithdrawal] = {}

    def watch(self, deposit: IncomingDeposit) -> None:
        """A deposit is on its way."""
        self.deposits[deposit.key] = self.numbered[deposit.number] = deposit

    def forget(self, deposit: IncomingDeposit) -> None:
        """A deposit is settled, one way or the other."""
        del self.deposits[deposit.key], self.numbered[deposit.number]

    def withdrawals_of(self, account: str) -> int:
        """How many are on their way out of an account."""
        return sum(withdrawal.account == account for withdrawal in self.withdrawals.values())
