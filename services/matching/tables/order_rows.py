"""The way between rows and open orders."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

from cleartide.fold import Changes, Row

from services.matching.domain.book import Order
from services.matching.domain.lifecycle import OPEN
from services.matching.domain.resting import enter, register, set_aside
from services.matching.domain.state import Dirty, MatchingState
from services.matching.tables.auctions import JIT_AUCTIONS
from services.matching.tables.orders import CLIENT_ORDER_IDS, ORDER_HISTORY, ORDERS

_FIELDS: Final = (
    "order_id",
    "account",
    "market",
    "client_order_id",
    "side",
    "order_type",
    "time_in_force",
    "post_only",
    "reduce_only",
    "prevention",
    "expires_at",
    "display",
    "price",
    "size",
    "remaining",
    "shown",
    "prevented",
    "quote",
    "loss_per_lot",
    "priority",
    "state",
    "placed_at",
)
"""What the columns of `orders` are called on an order."""

_row_of = attrgetter(*_FIELDS)


def restore_orders(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Accounts get their orders by number; the book gets them by priority, as they stood in it."""
    orders = [Order(**dict(zip(_FIELDS, row, strict=True))) for row in sorted(rows[ORDERS.name])]
    auctioned = {row[0] for row in rows[JIT_AUCTIONS.name]}
    for order in orders:
        register(state, order)
    for order in sorted(orders, key=attrgetter("priority")):
        if order.order_id in auctioned:
            set_aside(state, order)
        elif order.state != "armed":
            enter(state, order)
    for name, client_order_id, _ in sorted(rows[CLIENT_ORDER_IDS.name], key=lambda row: row[2]):
        state.accounts[name].client_ids.add(client_order_id)


def collect_orders(changes: Changes, dirty: Dirty) -> None:
    """Open orders that changed, those that are over, and the clients' ids."""
    for order in dirty.orders.values():
        if order.state in OPEN:
            changes.put(ORDERS, _row_of(order))
        else:
            changes.delete(ORDERS, (order.order_id,))
    changes.put_all(ORDER_HISTORY, dirty.closed_orders)
    for key, order_id in dirty.client_ids.items():
        if order_id is not None:
            changes.put(CLIENT_ORDER_IDS, (*key, order_id))
        else:
            changes.delete(CLIENT_ORDER_IDS, key)
