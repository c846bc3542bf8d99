"""A line's month: sums of its told days (R34), kept by adding and taking away, so that a restated day costs one day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from services.vaults.domain.ledger import DayRow
from services.vaults.domain.returns import DAY_MICROS

_EPOCH = date(1970, 1, 1)


def date_of(day: int) -> date:
    """The UTC date of a day given as microseconds at its midnight."""
    return _EPOCH + timedelta(days=day // DAY_MICROS)


def micros_of(day: date) -> int:
    """Midnight UTC of a date, in microseconds since the Unix epoch."""
    return (day - _EPOCH).days * DAY_MICROS


def month_of(at: int) -> int:
    """The UTC month of an instant as a number, year * 100 + month: 202602 is February 2026."""
    day = date_of(at - at % DAY_MICROS)
    return day.year * 100 + day.month


def months_between(month: int) -> tuple[int, int]:
    """A month's first instant and that of the next one, UTC: February has 28 or 29 days, and none ends on a 31st."""
    year, number = divmod(month, 100)
    first = datetime(year, number, 1, tzinfo=UTC).date()
    after = date(year + number // 12, number % 12 + 1, 1)
    return micros_of(first), micros_of(after)


@dataclass(slots=True)
class Month:
    """Sums over a month's days, in smallest units; return_sum in 1e-12. active_days: those on which anything was."""

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
