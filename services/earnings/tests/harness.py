"""Earnings without servers."""

from typing import Any

from services.earnings.app import SERVICE
from tests.support.fold_bench import TradingBench


class Harness(TradingBench):
    """A fresh service with empty tables."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold)

    def day_rows(self) -> list[dict[str, Any]]:
        """Every day of every account, by account and day."""
        return self.rows("earnings_days")

    def closed_rows(self) -> list[dict[str, Any]]:
        """Only the finished days."""
        return [row for row in self.day_rows() if row["closed"]]
