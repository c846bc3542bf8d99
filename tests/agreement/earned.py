"""Earnings once more, from the raw events alone, by DuckDB: every figure of every closed day, and the months."""

from pathlib import Path
from typing import Any, Final

from cleartide.rules.returns import apr_ppb, apy_ppb

from services.analytics.tests.naive import Naive, queries_of

SQL: Final = Path(__file__).with_suffix(".sql")
DAY: Final = "account, day, equity_start, equity_end, flows, pnl, funding, fees, realized, volume, trades"


class Earned(Naive):
    """The days that are over `before` an instant, in microseconds, of the events in a file of JSON lines."""

    def __init__(self, path: Path, before: int) -> None:
        super().__init__(path)
        self._queries |= queries_of(SQL)
        # Analytics counts a corrected trade where it was made; such a day, on which nothing moved, has no equity here.
        self._duck.execute(
            f"CREATE TABLE account_days AS SELECT * FROM ({self._queries['account_days']}) d({DAY}) "
            f"WHERE day < {before} AND equity_end IS NOT NULL"
        )
        self._duck.execute(f"CREATE TABLE earned_days AS {self._queries['earned_days']}")

    def days(self) -> list[tuple[Any, ...]]:
        """Account, day, equity before and after, flows and the other figures, cumulative ones and the return."""
        return self._duck.execute("SELECT * FROM earned_days ORDER BY account, day").fetchall()

    def months(self) -> list[tuple[Any, ...]]:
        """Account, month, equity before and after, sums, active days, days with a return, their sum, APR, APY."""
        rows = self._rows("earned_months")
        return [(*row[:-1], apr_ppb(row[-2], row[-3]), apy_ppb(row[-1] or ())) for row in rows]
