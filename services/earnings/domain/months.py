"""An account's month, kept by adding each closed day: a trading day never changes, so nothing is taken away again."""

from dataclasses import dataclass
from decimal import Decimal

from cleartide.rules.calendar import month_of
from cleartide.rules.returns import grown

from services.earnings.domain.account import EarningsDay


@dataclass(slots=True)
class Month:
    """Sums over a UTC month's closed days, in quanta (domain rule R34); returns in 1e-12, growth their prod(1 + r).

    month: year * 100 + month. active_days: those on which anything was; return_days: those that have a return (R35).
    """

    month: int
    equity_start: int
    equity_end: int
    deposits: int = 0
    withdrawals: int = 0
    pnl: int = 0
    funding: int = 0
    fees: int = 0
    rebates: int = 0
    earned: int = 0
    active_days: int = 0
    return_days: int = 0
    return_sum: int = 0
    growth: Decimal = Decimal(1)

    def count(self, row: EarningsDay) -> None:
        """Add a closed day."""
        figures = (row.deposits, row.withdrawals, row.pnl, row.funding, row.fees, row.earned)
        self.active_days += any((row.equity_start, row.equity_end, *figures))
        self.equity_end = row.equity_end
        self.deposits += row.deposits
        self.withdrawals += row.withdrawals
        self.pnl += row.pnl
        self.funding += row.funding
        self.fees += row.fees
        self.rebates += row.rebates
        self.earned += row.earned
        if row.return_1e12 is not None:
            self.return_days += 1
            self.return_sum += row.return_1e12
            self.growth = grown(self.growth, row.return_1e12)


def month_begun_by(row: EarningsDay) -> Month:
    """The month of a day, before the day is counted."""
    return Month(month_of(row.day), row.equity_start, row.equity_start)
