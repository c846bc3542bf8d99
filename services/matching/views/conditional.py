"""Orders that wait for a price: what each account has armed, and the best price that its trailing stops have seen."""

# ruff: noqa: S608 - what is put into this SQL is ours

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import Grid
from cleartide.service import Query

from services.matching.views.grids import grids_of
from services.matching.views.orders import FIRED_SQL

MOST_ORDERS: Final = 200

_ARMED_SQL: Final = f"""
SELECT o.order_id, o.market, o.client_order_id, o.side, o.order_type, o.time_in_force, o.post_only, o.reduce_only,
       o.expires_at, o.price_ticks, o.size_lots, o.placed_at, t.trigger_source, t.trigger_price_ticks, t.trail_ticks,
       t.trail_rate_ppb, t.parent_order_id, g.oco_group,
       CASE WHEN t.trigger_price_ticks = 0 THEN
           (SELECT r.extreme_ticks FROM trails r
            WHERE r.market = o.market AND r.trigger_source = t.trigger_source AND r.side = o.side
              AND r.first_order_id <= o.order_id ORDER BY r.first_order_id DESC LIMIT 1)
       END AS extreme_ticks
FROM orders o JOIN triggers t USING (order_id) LEFT JOIN oco_members g USING (order_id)
WHERE o.account = $1 AND ($2::text IS NULL OR o.market = $2) AND o.order_id NOT IN {FIRED_SQL}
ORDER BY o.order_id LIMIT $3
"""


async def conditional_orders(pool: Any, params: dict[str, Any]) -> Any:
    """An account's armed orders by number, with or without an end. Parameters: account; market."""
    name, market = str(params["account"]), params.get("market")
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        grids = await grids_of(connection)
        rows = await connection.fetch(_ARMED_SQL, name, market and str(market), MOST_ORDERS)
    return {"account": name, "orders": [_armed(row, grids[row["market"]]) for row in rows]}


def _armed(row: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    same = (
        "order_id", "market", "client_order_id", "order_type", "time_in_force", "post_only", "reduce_only", "placed_at",
        "trigger_source", "oco_group",
    )  # fmt: skip

    def price(column: str) -> str | None:
        return grid.price_text(row[column]) if row[column] else None

    return {
        **{name: row[name] for name in same},
        "side": "buy" if row["side"] > 0 else "sell",
        "size": grid.size_text(row["size_lots"]),
        "price": price("price_ticks"),
        "expires_at": row["expires_at"] or None,
        "trigger_price": price("trigger_price_ticks"),
        "trail_amount": price("trail_ticks"),
        "trail_rate_ppb": row["trail_rate_ppb"] or None,
        "best_price": price("extreme_ticks"),
        "parent_order_id": row["parent_order_id"] or None,
    }


QUERIES: Final[Mapping[str, Query]] = {"conditional_orders": conditional_orders}
