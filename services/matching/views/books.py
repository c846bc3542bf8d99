"""What can be asked of the books. Every answer carries the `book_seq` it stands at, from one committed state."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any, Final, NamedTuple

from cleartide.money import MAX_QUANTA, Grid, quanta_from_text, quanta_to_text
from cleartide.service import Query, QueryError

from services.matching.domain import depth as rule

DEFAULT_DEPTH: Final = 20
MOST_DEPTH: Final = 5_000
DEFAULT_DISTANCES: Final = (5, 10, 25, 50, 100, 200)
MOST_DISTANCES: Final = 16
AVERAGE_DECIMALS: Final = 8

Levels = list[tuple[int, int]]

_MARKET_SQL: Final = """
SELECT m.tick_size, m.lot_size, coalesce(b.book_seq, 0) AS book_seq
FROM markets m LEFT JOIN books b USING (market) WHERE m.market = $1 LIMIT 1
"""
_LEVELS_SQL: Final = """
SELECT price_ticks, sum(shown_lots)::bigint AS lots FROM orders
WHERE market = $1 AND side = $2 AND shown_lots > 0 GROUP BY side, price_ticks ORDER BY side * price_ticks DESC LIMIT $3
"""


class Snapshot(NamedTuple):
    """A book as it was committed, up to a number of levels a side, best first."""

    market: str
    grid: Grid
    book_seq: int
    bids: Levels
    asks: Levels
    complete: bool


async def book(pool: Any, params: dict[str, Any]) -> Any:
    """Depth of one market, best first. Parameters: market, depth (20), steps (false).

    Levels are (price, size); with `steps` they are (ticks, lots) instead. complete: no level lies beyond `depth`.
    Changes on `books.<market>` after `book_seq` lead on from here.
    """
    found = await _snapshot(pool, params, int(params.get("depth", DEFAULT_DEPTH)))
    form = _steps if params.get("steps") else _decimals
    return {
        **_head(found),
        "tick_size": found.grid.tick_size,
        "lot_size": found.grid.lot_size,
        "complete": found.complete,
        "bids": form(found.bids, found.grid),
        "asks": form(found.asks, found.grid),
    }


async def impact(pool: Any, params: dict[str, Any]) -> Any:
    """The price of sweeping a notional, both ways. Parameters: market, notional (in quote).

    The average price is exact as `average_ticks`, numerator and denominator; `average_price` is that rounded half up
    to eight decimals. A side is null where the best MOST_DEPTH levels hold less than the notional.
    """
    amount = quanta_from_text(str(params["notional"]))
    if not 0 < amount <= MAX_QUANTA:
        raise QueryError("bad_parameters", "notional is a positive amount of quote")
    found = await _snapshot(pool, params, MOST_DEPTH)
    return {
        **_head(found),
        "notional": quanta_to_text(amount),
        "buy": _swept(found.asks, amount, found.grid),
        "sell": _swept(found.bids, amount, found.grid),
    }


async def depth(pool: Any, params: dict[str, Any]) -> Any:
    """How much rests near the middle. Parameters: market, distances (basis points from the middle, up to 16).

    `middle` is null and every sum zero while a side is empty.
    """
    distances = [int(distance) for distance in params.get("distances", DEFAULT_DISTANCES)]
    if not 1 <= len(distances) <= MOST_DISTANCES or not all(0 <= one <= rule.BASIS_POINTS for one in distances):
        raise QueryError("bad_parameters", f"1 to {MOST_DISTANCES} distances of 0 to {rule.BASIS_POINTS} basis points")
    found = await _snapshot(pool, params, MOST_DEPTH)
    best = (found.bids[0][0], found.asks[0][0]) if found.bids and found.asks else None
    sums = [_near(found, best, distance) for distance in distances]
    tick = Fraction(Decimal(found.grid.tick_size))
    return {**_head(found), "middle": _decimal(sum(best) * tick / 2) if best else None, "within": sums}


async def _snapshot(pool: Any, params: dict[str, Any], levels: int) -> Snapshot:
    if not 1 <= levels <= MOST_DEPTH:
        raise QueryError("bad_parameters", f"depth is 1 to {MOST_DEPTH}")
    market = str(params["market"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(_MARKET_SQL, market)
        if row is None:
            raise QueryError("not_found", f"market {market} is not listed")
        sides = [await connection.fetch(_LEVELS_SQL, market, side, levels + 1) for side in (1, -1)]
    bids, asks = ([tuple(level) for level in side[:levels]] for side in sides)
    complete = all(len(side) <= levels for side in sides)
    return Snapshot(market, Grid.of(row["tick_size"], row["lot_size"]), row["book_seq"], bids, asks, complete)


def _head(found: Snapshot) -> dict[str, Any]:
    return {"market": found.market, "book_seq": found.book_seq}


def _steps(levels: Levels, _: Grid) -> list[list[int]]:
    return [list(level) for level in levels]


def _decimals(levels: Levels, grid: Grid) -> list[list[str]]:
    return [[grid.price_text(price), grid.size_text(lots)] for price, lots in levels]


def _swept(levels: Levels, amount: int, grid: Grid) -> dict[str, Any] | None:
    unit = grid.quanta_per_lot_tick
    swept = rule.sweep([(price, lots * unit) for price, lots in levels], amount)
    if swept is None:
        return None
    tick, lot = Fraction(Decimal(grid.tick_size)), Fraction(Decimal(grid.lot_size))
    return {
        "average_ticks": [str(part) for part in swept.average.as_integer_ratio()],
        "average_price": _decimal(swept.average * tick),
        "worst_price": grid.price_text(swept.worst),
        "size": _decimal(swept.size / unit * lot),
    }


def _near(found: Snapshot, best: tuple[int, int] | None, distance: int) -> dict[str, Any]:
    sums: dict[str, Any] = {"basis_points": distance}
    for name, levels in (("bid", found.bids), ("ask", found.asks)):
        near = rule.within(levels, *best, distance) if best else rule.Within(0, 0)
        sums[f"{name}_size"] = found.grid.size_text(near.lots)
        sums[f"{name}_notional"] = quanta_to_text(near.lot_ticks * found.grid.quanta_per_lot_tick)
    return sums


def _decimal(value: Fraction) -> str:
    """Rounded half up, for display."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) / value.denominator
        return format(exact.quantize(Decimal(1).scaleb(-AVERAGE_DECIMALS), ROUND_HALF_UP), "f")


QUERIES: Final[Mapping[str, Query]] = {"book": book, "depth": depth, "impact": impact}
