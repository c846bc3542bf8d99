"""The history of every amount that came, went or moved without a trade, as its account sees it."""

from typing import NamedTuple


class TransferRecord(NamedTuple):
    """One step of a transfer, in the column order of its table; amounts in smallest units.

    amount_units: what the step is about, signed from the account's view. moved_units: by how much the balance changed,
    0 where nothing moved; they add up to all that transfers ever did to the balance.
    """

    transfer_id: int
    at: int
    account: str
    asset: str
    kind: str
    status: str
    amount_units: int
    moved_units: int
    counterparty: str
    reference: str


class TransferLog:
    """Steps not yet collected, and the last number given out: to steps, deposits and withdrawals alike."""

    __slots__ = ("last", "rows")

    def __init__(self) -> None:
        self.last = 0
        self.rows: list[TransferRecord] = []

    def number(self) -> int:
        """The next number."""
        self.last += 1
        return self.last

    def moved(
        self, at: int, account: str, asset: str, kind: str, amount: int, counterparty: str, reference: str = ""
    ) -> None:
        """An amount has moved."""
        record = TransferRecord(
            self.number(), at, account, asset, kind, "completed", amount, amount, counterparty, reference
        )
        self.rows.append(record)

    def progressed(
        self, at: int, account: str, asset: str, kind: str, status: str, amount: int, reference: str
    ) -> None:
        """Something on its way came to another state, without a change of the balance."""
        self.rows.append(TransferRecord(self.number(), at, account, asset, kind, status, amount, 0, "", reference))
