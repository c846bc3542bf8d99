"""The tables of orders: those that are open, those that are over, and the ids that clients have used."""

from typing import Final

from cleartide.fold import Table

_TERMS: Final = {
    "order_id": "bigint",
    "account": "text",
    "market": "text",
    "client_order_id": "text",
    "side": "smallint",
    "order_type": "text",
    "time_in_force": "text",
    "post_only": "boolean",
    "reduce_only": "boolean",
}

ORDERS: Final = Table(
    "orders",
    key=("order_id",),
    columns={
        **_TERMS,
        "self_trade_prevention": "text",
        "expires_at": "bigint",
        "display_lots": "bigint",
        "price_ticks": "bigint",
        "size_lots": "bigint",
        "remaining_lots": "bigint",
        "shown_lots": "bigint",
        "prevented_lots": "bigint",
        "quote_quanta": "bigint",
        "loss_per_lot_quanta": "bigint",
        "priority": "bigint",
        "state": "text",
        "placed_at": "bigint",
    },
)
ORDER_HISTORY: Final = Table(
    "order_history",
    key=("order_id",),
    columns={
        **_TERMS,
        "price_ticks": "bigint",
        "size_lots": "bigint",
        "filled_lots": "bigint",
        "quote_quanta": "bigint",
        "state": "text",
        "reason": "text",
        "placed_at": "bigint",
        "closed_at": "bigint",
    },
    write="append",
    load=False,
)
CLIENT_ORDER_IDS: Final = Table(
    "client_order_ids",
    key=("account", "client_order_id"),
    columns={"account": "text", "client_order_id": "text", "order_id": "bigint"},
)
