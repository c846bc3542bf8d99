"""Candles and statistics once more, from the raw events alone, by DuckDB: `naive.sql` shares nothing with us.

Every answer is rows of integers. Events are read as the JSON lines that the bus carries; one that is there twice counts
once, a trade that was taken back does not count, and one that was corrected counts as it should have been.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
TIMEFRAMES: Final = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1_440}
SQL: Final = Path(__file__).with_suffix(".sql")
COLUMNS: Final = {
    **dict.fromkeys(
        ("type", "market", "origin", "buyer", "seller", "account", "kind", "new_buyer", "new_seller"), "TEXT"
    ),
    **dict.fromkeys(
        (
            *(
                "seq",
                "occurred_at",
                "trade_id",
                "first_trade_id",
                "traded_at",
                "price_ticks",
                "size_lots",
                "quote_quanta",
            ),
            *("new_price_ticks", "new_size_lots", "new_quote_quanta", "fill_lots", "fill_price_ticks", "fee_quanta"),
            *(
                "realized_pnl_quanta",
                "funding_quanta",
                "lots",
                "cash_quanta",
                "funding_index_quanta",
                "referral_quanta",
            ),
            *("amount_quanta", "mark_ticks", "open_interest_lots", "rate_ppb", "quanta_per_lot_tick"),
            *("closed_lots", "taken_over_lots", "deleveraged_lots"),
        ),
        "BIGINT",
    ),
}


def queries_of(path: Path) -> dict[str, str]:
    """The queries of a file, each by its name in the line before it."""
    return dict(re.findall(r"^-- (\w+):.*?\n(.*?);\n(?=\n|\Z)", path.read_text(), re.MULTILINE | re.DOTALL))


class Naive:
    """The raw events of a file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._queries = queries_of(SQL)
        self._duck = duckdb.connect()
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        self._duck.execute(
            f"CREATE TABLE events AS SELECT DISTINCT ON (seq) * FROM read_json('{path}', format='newline_delimited', "
            f"columns={{{columns}}})"
        )
        self._duck.execute(
            "CREATE TABLE units AS SELECT market, quanta_per_lot_tick AS u FROM events WHERE type = 'MarketListed'"
        )
        self._duck.execute(self._queries["prepare"])

    def candles(self, minutes: int) -> list[tuple[Any, ...]]:
        """Market, open time, open, high, low, close, lots, quanta, trades."""
        return self._rows("candles", [minutes * MINUTE])

    def trades(self) -> list[tuple[Any, ...]]:
        """Place in the stream, market, minute, price, lots, quanta."""
        return self._rows("trades")

    def market_days(self) -> list[tuple[Any, ...]]:
        """Market, day, open, high, low, close, lots, quanta, trades, interest, its highest, funding, fundings, fees,
        referral, liquidations, lots liquidated, their fees.
        """
        return self._rows("market_days")

    def account_days(self) -> list[tuple[Any, ...]]:
        """Account, day, equity before and after, flows, pnl, funding, fees, realized, volume, trades."""
        return self._rows("account_days")

    def account_hours(self) -> list[tuple[Any, ...]]:
        """The same by hour."""
        query = self._queries["account_days"].replace(str(DAY), str(HOUR))
        return [tuple(row) for row in self._duck.execute(query).fetchall()]

    def _rows(self, name: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._duck.execute(self._queries[name], list(parameters)).fetchall()]
