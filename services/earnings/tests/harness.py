"""Earnings without servers."""

from typing import Any

from cleartide.rules.calendar import DAY_MICROS

from services.earnings.app import SERVICE
from tests.support.fold_bench import TradingBench


class Harness(TradingBench):
    """A fresh service with empty tables."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold)

    def day_rows(self) -> list[dict[str, Any]]:
        """Every day of every account, by account and day."""
        open_rows = [{**row, "closed": False} for row in self.rows("earnings_open_days")]
        return sorted([*self.closed_rows(), *open_rows], key=lambda row: (row["account"], row["day"]))

    def closed_rows(self) -> list[dict[str, Any]]:
        """Only the finished days."""
        return [{**row, "closed": True, "as_of": row["day"] + DAY_MICROS} for row in self.rows("earnings_days")]
