"""A line's month: sums of its told days (R34), kept by adding and taking away, so that a restated day costs one day."""

from dataclasses import dataclass

from services.vaults.domain.ledger import DayRow


@dataclass(slots=True)
class Month:
    """Sums over a month's days, in smallest units; return_sum in 1e-12. active_days: those on which anything was.

    equity_start, equity_end: of the first of these days, and of the last that is closed (domain rule R34).
    """

    equity_start: int = 0
    equity_end: int = 0
    deposits: int = 0
    withdrawals: int = 0
    fees: int = 0
    earned: int = 0
    active_days: int = 0
    return_days: int = 0
    return_sum: int = 0

    def count(self, row: DayRow, sign: int) -> None:
        """Add a day (1), or take away what it was before (-1)."""
        self.deposits += sign * row.deposits
        self.withdrawals += sign * row.withdrawals
        self.fees += sign * row.fees
        self.earned += sign * row.earned
        self.active_days += sign * any(row[1:7])
        if row.return_1e12 is not None:
            self.return_days += sign
            self.return_sum += sign * row.return_1e12

    def end_with(self, row: DayRow) -> None:
        """Add a day after all others; a day that nothing is told of was worth nothing."""
        if self.active_days == 0:
            self.equity_start = row.equity_start
        self.equity_end = row.equity_end
        self.count(row, 1)
