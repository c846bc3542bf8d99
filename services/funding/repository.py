"""Funding's tables, and the way from state to rows and back."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.fold import Changes, Repository, Row, Table

from services.funding.domain.rate import Rate, Terms
from services.funding.domain.state import Closed, FundingState, Market, Sum

MARKETS: Final = Table(
    "funding_markets",
    key=("market",),
    columns={
        "market": "text",
        "interest_8h_ppb": "bigint",
        "clamp_ppb": "bigint",
        "cap_8h_ppb": "bigint",
        "cap_hourly_ppb": "bigint",
        "interval_micros": "bigint",
        "open_start": "bigint",
        "last_interval_start": "bigint",
        "last_average_premium_ppb": "bigint",
        "last_rate_ppb": "bigint",
        "last_samples": "integer",
        "last_interval_micros": "bigint",
        "last_funding_type": "text",
        "next_interval_micros": "bigint",
        "manual_ppb": "bigint",
        "emergency_ppb": "bigint",
        "settled_start": "bigint",
    },
)
SUMS: Final = Table(
    "funding_sums",
    key=("market", "interval_start"),
    columns={
        "market": "text",
        "interval_start": "bigint",
        "premium_sum_ppb": "bigint",
        "samples": "integer",
        "last_minute": "bigint",
    },
)
RATES: Final = Table(
    "funding_rates",
    key=("market", "interval_start"),
    columns={
        "market": "text",
        "interval_start": "bigint",
        "interval_micros": "bigint",
        "average_premium_ppb": "bigint",
        "rate_ppb": "bigint",
        "samples": "integer",
        "published_at": "bigint",
        "funding_type": "text",
    },
    write="append",
    load=False,
)
SETTLEMENTS: Final = Table(
    "funding_settlements",
    key=("market", "interval_start"),
    columns={
        "market": "text",
        "interval_start": "bigint",
        "rate_ppb": "bigint",
        "mark_ticks": "bigint",
        "index_step_quanta": "bigint",
        "funding_index_quanta": "bigint",
        "settled_at": "bigint",
    },
    write="ignore",
    load=False,
)


POSITIONS: Final = Table(
    "funding_positions",
    key=("account", "market", "from_interval"),
    columns={"account": "text", "market": "text", "from_interval": "bigint", "lots": "bigint"},
    load=False,
)


class FundingRepository(Repository[FundingState]):
    """Loads the markets with their last rate, and the open intervals; the rates themselves are history."""

    tables = (MARKETS, SUMS, RATES, SETTLEMENTS, POSITIONS)

    def __init__(self, interval_micros: int) -> None:
        """`interval_micros`: the interval that markets listed from now on get."""
        self._interval_micros = interval_micros

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> FundingState:
        state = FundingState(self._interval_micros)
        for row in rows[MARKETS.name]:
            state.add(market_of(row))
        for name, start, *counted in rows[SUMS.name]:
            state.markets[name].sums[start] = Sum(*counted)
        return state

    def collect(self, state: FundingState) -> Changes:
        changes, dirty = Changes(), state.dirty
        for name in sorted(dirty.markets):
            changes.put(MARKETS, _market_row(state.markets[name]))
        for name, start in sorted(dirty.sums):
            counted = state.markets[name].sums.get(start)
            if counted is None:
                changes.delete(SUMS, (name, start))
            else:
                changes.put(SUMS, (name, start, *counted))
        changes.put_all(RATES, (_rate_row(closed, at) for closed, at in dirty.closed))
        changes.put_all(SETTLEMENTS, dirty.settled)
        changes.put_all(POSITIONS, ((*key, lots) for key, lots in dirty.positions.items()))
        dirty.clear()
        return changes


def market_of(row: Row) -> Market:
    """A market from its row, without its open intervals."""
    name, interest, clamp, cap_8h, cap_hourly, interval_micros, open_start, *rest = row
    start, average, rate, samples, length, funding_type, *settings = rest
    closed = None if start is None else Closed(name, start, length, Rate(average, rate), samples, funding_type)
    return Market(name, Terms(interest, clamp, cap_8h, cap_hourly), interval_micros, open_start, closed, *settings)


def _market_row(market: Market) -> Row:
    last = market.last
    told: Row = (None,) * 6
    if last is not None:
        told = (last.interval_start, *last.rate, last.samples, last.interval_micros, last.funding_type)
    return (
        market.market,
        *market.terms,
        market.interval_micros,
        market.open_start,
        *told,
        market.next_interval_micros,
        market.manual_ppb,
        market.emergency_ppb,
        market.settled_start,
    )


def _rate_row(closed: Closed, published_at: int) -> Row:
    interval = (closed.market, closed.interval_start, closed.interval_micros)
    return (*interval, *closed.rate, closed.samples, published_at, closed.funding_type)
