"""Questions about orders: those that are open and those that are over, as one history."""

# ruff: noqa: S608 - what is put into this SQL is ours

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from cleartide.money import Grid, quanta_to_text
from cleartide.service import QueryError

from services.matching.views.grids import grids_of
from services.matching.views.pages import DEFAULT_ROWS, MOST_ROWS, before_of, limit_of

_OPEN: Final = ["armed", "triggered", "open", "partially_filled"]
_CLOSED: Final = ["filled", "canceled", "expired", "rejected"]
_STATES: Final = {
    **{state: [state] for state in (*_OPEN, *_CLOSED)},
    "all": [*_OPEN, *_CLOSED],
    "open": _OPEN,
    "closed": _CLOSED,
}

FIRED_SQL: Final = "(SELECT json_array_elements_text(order_ids::json)::bigint FROM fired_orders)"
"""The orders that a price has fired and that are not placed yet: until then their rows are those of armed ones."""
_OPEN_COLUMNS: Final = f"""
order_id, account, market, client_order_id, side, order_type, time_in_force, post_only, reduce_only, price_ticks,
size_lots, size_lots - remaining_lots - prevented_lots AS filled_lots, remaining_lots, quote_quanta, display_lots,
expires_at, CASE WHEN state = 'armed' AND order_id IN {FIRED_SQL} THEN 'triggered' ELSE state END AS state,
NULL::text AS reason, placed_at, NULL::bigint AS closed_at
"""
OPEN_ORDERS_SQL: Final = f"SELECT {_OPEN_COLUMNS} FROM orders WHERE account = $1 ORDER BY order_id LIMIT $2"
_ORDERS_SQL: Final = f"""
SELECT * FROM (
    SELECT {_OPEN_COLUMNS} FROM orders WHERE account = $1
    UNION ALL
    SELECT order_id, account, market, client_order_id, side, order_type, time_in_force, post_only, reduce_only,
           price_ticks, size_lots, filled_lots, 0, quote_quanta, 0, 0, state, reason, placed_at, closed_at
    FROM order_history WHERE account = $1
) o
WHERE order_id < $2 AND state = ANY($3::text[]) AND ($4::text IS NULL OR market = $4)
  AND ($5::text IS NULL OR client_order_id = $5)
ORDER BY order_id DESC LIMIT $6
"""


async def orders(pool: Any, params: dict[str, Any]) -> Any:
    """An account's orders, newest first. Parameters: account; state, market, client_order_id, before, limit.

    state: all (the default), open (armed, triggered and partly filled ones too), closed, or a state other than "open".
    Triggered is one whose price has come, until it is placed.
    before: an order id that an answer gave. Errors `bad_parameters`.
    """
    name, state = str(params["account"]), str(params.get("state", "all"))
    if state not in _STATES:
        raise QueryError("bad_parameters", f"state is one of {', '.join(_STATES)}")
    market, client_order_id = params.get("market"), params.get("client_order_id")
    limit = limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    grids = await grids_of(pool)
    narrowed = (market and str(market), client_order_id and str(client_order_id))
    rows = await pool.fetch(_ORDERS_SQL, name, before_of(params), _STATES[state], *narrowed, limit)
    return {"account": name, "orders": [order_view(row, grids[row["market"]]) for row in rows]}


def order_view(row: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    """One order. The average price is derived for display only, halves away from zero."""
    same = ("order_id", "market", "client_order_id", "order_type", "time_in_force", "post_only", "reduce_only", "state")
    return {
        **{name: row[name] for name in same},
        "side": "buy" if row["side"] > 0 else "sell",
        "price": grid.price_text(row["price_ticks"]) if row["price_ticks"] else None,
        "size": grid.size_text(row["size_lots"]),
        "filled": grid.size_text(row["filled_lots"]),
        "remaining": grid.size_text(row["remaining_lots"]),
        "display": grid.size_text(row["display_lots"]) if row["display_lots"] else None,
        "average_price": _average(row["quote_quanta"], row["filled_lots"], grid),
        "reason": row["reason"],
        "placed_at": row["placed_at"] or None,
        "expires_at": row["expires_at"] or None,
        "closed_at": row["closed_at"],
    }


def _average(quote: int, lots: int, grid: Grid) -> str | None:
    if not lots:
        return None
    price = Decimal(quote) / (lots * Decimal(grid.lot_size))
    return quanta_to_text(int(price.quantize(Decimal(1), ROUND_HALF_UP)))
