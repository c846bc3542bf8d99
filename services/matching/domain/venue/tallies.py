"""What the venue counts of each account: when it sent orders, and what it has won or lost today."""

from collections import deque
from typing import Final

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class OrderTimes:
    """The times of each account's last orders, numbered, oldest first. Kept only for accounts whose tier has caps.

    touched: (account, number) -> the time to store, or None to forget it.
    """

    __slots__ = ("_times", "touched")

    def __init__(self) -> None:
        self._times: dict[str, deque[tuple[int, int]]] = {}
        self.touched: dict[tuple[str, int], int | None] = {}

    def restore(self, account: str, number: int, at: int) -> None:
        """Take back a stored time; those of an account come in the order of their numbers."""
        # lint: allow bounded-queue: orders beyond the tier's caps are refused and not kept
        self._times.setdefault(account, deque()).append((number, at))

    def add(self, account: str, at: int) -> None:
        """An order of now."""
        times = self._times.get(account)
        number = times[-1][0] + 1 if times else 1
        self.restore(account, number, at)
        self.touched[account, number] = at

    def forget(self, account: str, until: int) -> None:
        """Drop what is not later than `until`."""
        times = self._times.get(account)
        while times and times[0][1] <= until:
            number, _ = times.popleft()
            self.touched[account, number] = None

    def count_reaches(self, account: str, cap: int, after: int) -> bool:
        """Whether at least `cap` orders are later than `after`."""
        times = self._times.get(account, ())
        return cap <= len(times) and (not cap or times[-cap][1] > after)


class DailyResults:
    """Profit, funding and fees of each account's present UTC day, in quanta."""

    __slots__ = ("_days", "touched")

    def __init__(self) -> None:
        self._days: dict[str, tuple[int, int]] = {}
        self.touched: set[str] = set()

    def restore(self, account: str, day: int, result: int) -> None:
        """Take back a stored day; days are counted from the Unix epoch."""
        self._days[account] = day, result

    def row(self, account: str) -> tuple[int, int]:
        """(day, result) as it is stored."""
        return self._days[account]

    def add(self, account: str, at: int, amount: int) -> None:
        """Something was won or lost now; a new day begins at zero."""
        day, result = self._days.get(account, (0, 0))
        today = at // DAY
        self._days[account] = today, (result if day == today else 0) + amount
        self.touched.add(account)

    def loss(self, account: str, at: int) -> int:
        """What has been lost today on balance, 0 for a gain."""
        day, result = self._days.get(account, (0, 0))
        return max(0, -result) if day == at // DAY else 0
