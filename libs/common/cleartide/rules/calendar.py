"""Days and months, UTC: instants in microseconds since the Unix epoch, months as numbers, year * 100 + month."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

DAY_MICROS: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1)


def day_of(at: int) -> int:
    """Midnight UTC at or before `at`, both in microseconds since the Unix epoch."""
    return at - at % DAY_MICROS


def date_of(day: int) -> date:
    """The UTC date of a day given as microseconds at its midnight."""
    return _EPOCH + timedelta(days=day // DAY_MICROS)


def micros_of(day: date) -> int:
    """Midnight UTC of a date, in microseconds since the Unix epoch."""
    return (day - _EPOCH).days * DAY_MICROS


def month_of(at: int) -> int:
    """The UTC month of an instant as a number, year * 100 + month: 202602 is February 2026."""
    return _month_of(day_of(at))


@lru_cache(maxsize=4_096)
def _month_of(day: int) -> int:
    """Kept, since whoever closes a day asks for its month once for every line."""
    told = date_of(day)
    return told.year * 100 + told.month


def month_named(text: str) -> int:
    """The number of a month written as YYYY-MM. Raises ValueError."""
    day = date.fromisoformat(f"{text}-01")
    return day.year * 100 + day.month


def months_between(month: int) -> tuple[int, int]:
    """A month's first instant and that of the next one, UTC: February has 28 or 29 days, and none ends on a 31st."""
    year, number = divmod(month, 100)
    after = date(year + number // 12, number % 12 + 1, 1)
    return micros_of(date(year, number, 1)), micros_of(after)
