"""The outside trades that may still be restated: table, and the way between its rows and the state."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

from cleartide.fold import Changes, Row, Table

from services.matching.domain.reported import ReportedTrade, ReportedTrades

REPORTED_TRADES: Final = Table(
    "reported_trades",
    key=("source", "outside_trade_id"),
    columns={
        "source": "text",
        "outside_trade_id": "text",
        "market": "text",
        "first_trade_id": "bigint",
        "trade_id": "bigint",
        "at": "bigint",
        "price_ticks": "bigint",
        "size_lots": "bigint",
        "buyer": "text",
        "seller": "text",
        "last_before_ticks": "bigint",
        "busted": "boolean",
    },
)


def restore(reported: ReportedTrades, rows: Mapping[str, Sequence[Row]]) -> None:
    """Take the trades back in the order in which they were executed."""
    for trade in sorted((ReportedTrade(*row) for row in rows[REPORTED_TRADES.name]), key=attrgetter("first_trade_id")):
        reported.restore(trade)


def collect(changes: Changes, reported: ReportedTrades) -> None:
    """Rows of what changed, and the keys of what may not be restated any more."""
    for key, trade in reported.fresh.items():
        if trade is not None:
            changes.put(REPORTED_TRADES, tuple(trade))
        else:
            changes.delete(REPORTED_TRADES, key)
    reported.fresh = {}
