"""The tables of analytics, and the way between rows and state."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import ClassVar, Final

from cleartide.fold import Changes, Repository, Row, Table

from services.analytics.domain.candle import Candle
from services.analytics.domain.state import AnalyticsState, MarketNow

_CANDLE_COLUMNS: Final = {
    "market": "text",
    "series": "text",
    "open_time": "bigint",
    "open_ticks": "bigint",
    "high_ticks": "bigint",
    "low_ticks": "bigint",
    "close_ticks": "bigint",
    "volume_lots": "bigint",
    "quote_quanta": "bigint",
    "entries": "bigint",
    "restated": "bigint",
}
CLOCK: Final = Table("clock", key=("one",), columns={"one": "boolean", "minute": "bigint"})
MARKETS: Final = Table(
    "markets",
    key=("market",),
    columns={
        "market": "text",
        "tick_size": "text",
        "lot_size": "text",
        "quanta_per_lot_tick": "bigint",
        "last_ticks": "bigint",
        "mark_ticks": "bigint",
        "index_ticks": "bigint",
        "index_stale": "boolean",
        "open_interest_lots": "bigint",
        "funding_rate_ppb": "bigint",
        "funding_interval_start": "bigint",
    },
)
OPEN_CANDLES: Final = Table("open_candles", key=("market", "series"), columns=_CANDLE_COLUMNS)
CANDLES: Final = Table(
    "candles",
    key=("market", "series", "open_time"),
    columns={**_CANDLE_COLUMNS, "closed": "boolean"},
    load=False,
)
TRADES: Final = Table(
    "trades",
    key=("seq",),
    columns={
        "seq": "bigint",
        "market": "text",
        "minute": "bigint",
        "at": "bigint",
        "price_ticks": "bigint",
        "size_lots": "bigint",
        "quote_quanta": "bigint",
        "taker_side": "text",
        "origin": "text",
        "trade_id": "bigint",
    },
    write="append",
    load=False,
)
RESTATEMENTS: Final = Table(
    "restatements",
    key=("seq",),
    columns={
        "seq": "bigint",
        "market": "text",
        "first_trade_id": "bigint",
        "minute": "bigint",
        "price_ticks": "bigint",
        "size_lots": "bigint",
        "quote_quanta": "bigint",
        "taker_side": "text",
    },
    write="append",
    load=False,
)
LIQUIDATIONS: Final = Table(
    "liquidations",
    key=("seq",),
    columns={
        "seq": "bigint",
        "market": "text",
        "at": "bigint",
        "account": "text",
        "closed_lots": "bigint",
        "taken_over_lots": "bigint",
        "remaining_lots": "bigint",
        "mark_ticks": "bigint",
        "bankruptcy_price_ticks": "bigint",
        "fee_quanta": "bigint",
        "insurance_paid_quanta": "bigint",
        "equity_before_quanta": "bigint",
        "maintenance_margin_before_quanta": "bigint",
        "deleveraged_lots": "bigint",
        "waits": "text",
    },
    write="append",
    load=False,
)


class AnalyticsRepository(Repository[AnalyticsState]):
    """Loads the clock, the markets and the open candles; history is only ever written."""

    tables: ClassVar[tuple[Table, ...]] = (CLOCK, MARKETS, OPEN_CANDLES, CANDLES, TRADES, RESTATEMENTS, LIQUIDATIONS)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> AnalyticsState:
        """State from the loaded tables."""
        state = AnalyticsState()
        for _, minute in rows[CLOCK.name]:
            state.minute = minute
        for row in rows[MARKETS.name]:
            state.markets[row[0]] = MarketNow(*row)
        for market, series, *candle in rows[OPEN_CANDLES.name]:
            state.candles[market, series] = Candle(*candle)
        return state

    def collect(self, state: AnalyticsState) -> Changes:
        """Rows of everything touched since the last call."""
        changes = Changes()
        if state.touched_clock:
            changes.put(CLOCK, (True, state.minute))
        for name in sorted(state.touched_markets):
            changes.put(MARKETS, astuple(state.markets[name]))
        for market, series, candle in state.closed:
            changes.put(CANDLES, (market, series, *astuple(candle), True))
        for key in sorted(state.touched_candles):
            current = state.candles.get(key)
            if current is None:
                changes.delete(OPEN_CANDLES, key)
            else:
                row = (*key, *astuple(current))
                changes.put(OPEN_CANDLES, row)
                changes.put(CANDLES, (*row, False))
        for trade in state.trades:
            changes.put(TRADES, tuple(trade))
        for *place, terms in state.restatements:
            changes.put(RESTATEMENTS, (*place, *(terms or (None,) * 4)))
        for liquidation in state.liquidations:
            changes.put(LIQUIDATIONS, tuple(liquidation))
        _clear_marks(state)
        return changes


def _clear_marks(state: AnalyticsState) -> None:
    state.closed.clear()
    state.trades.clear()
    state.restatements.clear()
    state.liquidations.clear()
    state.touched_clock = False
    state.touched_markets.clear()
    state.touched_candles.clear()
