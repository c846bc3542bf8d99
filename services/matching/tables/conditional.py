"""What conditional orders wait for, how far trailing stops have come, and which orders belong together.

A fired order's trigger goes in the transaction that brings what it did, so no order fires twice.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from cleartide.contracts.types import TriggerSource
from cleartide.fold import Changes, Row, Table

from services.matching.domain.book import Order
from services.matching.domain.conditional.kinds import PROFITABLE
from services.matching.domain.conditional.reading import AT_ONCE, leg
from services.matching.domain.conditional.registry import Trigger
from services.matching.domain.conditional.trailing import Distance
from services.matching.domain.conditional.triggers import direction
from services.matching.domain.state import MatchingState

TRIGGERS: Final = Table(
    "triggers",
    key=("order_id",),
    columns={
        "order_id": "bigint",
        "trigger_source": "text",
        "trigger_price_ticks": "bigint",
        "trail_ticks": "bigint",
        "trail_rate_ppb": "bigint",
        "parent_order_id": "bigint",
    },
)
TRAILS: Final = Table(
    "trails",
    key=("market", "trigger_source", "side", "first_order_id"),
    columns={
        "market": "text",
        "trigger_source": "text",
        "side": "smallint",
        "first_order_id": "bigint",
        "extreme_ticks": "bigint",
    },
)
DORMANT_EXITS: Final = Table(
    "dormant_exits",
    key=("order_id",),
    columns={
        "order_id": "bigint",
        "parent_order_id": "bigint",
        "client_order_id": "text",
        "order_type": "text",
        "price_ticks": "bigint",
        "trigger_source": "text",
        "trigger_price_ticks": "bigint",
    },
)
OCO_MEMBERS: Final = Table("oco_members", key=("order_id",), columns={"order_id": "bigint", "oco_group": "text"})
FIRED_ORDERS: Final = Table(
    "fired_orders", key=("command_seq",), columns={"command_seq": "bigint", "order_ids": "text"}
)

CONDITIONAL_TABLES: Final = (TRIGGERS, TRAILS, DORMANT_EXITS, OCO_MEMBERS, FIRED_ORDERS)
SIDES: Final = (1, -1)


def restore(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Put back what open orders wait for and belong to; the orders themselves are there already."""
    conditional = state.conditional
    orders = {order.order_id: order for account in state.accounts.values() for order in account.orders.values()}
    for market, source, side, first_order_id, extreme in sorted(rows[TRAILS.name]):
        conditional.book((market, source)).trail(side).restore_run(first_order_id, extreme or None)
    triggers = {row[0]: row for row in rows[TRIGGERS.name]}
    for command_seq, order_ids in rows[FIRED_ORDERS.name]:
        # The command is not over: what is collected before its next step is collected under its number.
        state.ledger.command_seq = conditional.fired_stored = command_seq
        for order_id in msgspec.json.decode(order_ids):
            conditional.fired[order_id] = _trigger_of(orders, triggers.pop(order_id))
    for _, row in sorted(triggers.items()):
        _wait_again(state, orders, _trigger_of(orders, row))
    for row in sorted(rows[DORMANT_EXITS.name]):
        order_id, parent_id, client_order_id, order_type, price, source, level = row
        parent = orders[parent_id]
        order = leg(order_type, client_order_id, parent, price)
        order.order_id = order_id
        conditional.add_leg(parent, _trigger(order, source, level, AT_ONCE, parent_id))
    for order_id, name in sorted(rows[OCO_MEMBERS.name]):
        conditional.groups.restore(orders[order_id], name)


def collect(changes: Changes, state: MatchingState) -> None:
    """Rows of what was armed, moved, fired, linked and parted."""
    conditional = state.conditional
    for order_id in sorted(conditional.touched):
        trigger = conditional.triggers.get(order_id) or conditional.fired.get(order_id)
        if trigger is None:
            changes.delete(TRIGGERS, (order_id,))
        else:
            distance = trigger.distance
            changes.put(
                TRIGGERS,
                (order_id, trigger.source, trigger.level, distance.ticks, distance.ppb, trigger.parent),
            )
    for order_id, trigger in sorted(conditional.touched_exits.items()):
        if conditional.is_dormant(trigger):
            changes.put(DORMANT_EXITS, _exit_row(trigger))
        else:
            changes.delete(DORMANT_EXITS, (order_id,))
    for order_id in sorted(conditional.groups.touched):
        name = conditional.groups.name_of(order_id)
        if name is None:
            changes.delete(OCO_MEMBERS, (order_id,))
        else:
            changes.put(OCO_MEMBERS, (order_id, name))
    _collect_trails(changes, state)
    _collect_fired(changes, state)
    conditional.touched, conditional.touched_exits, conditional.groups.touched = set(), {}, set()


def _collect_trails(changes: Changes, state: MatchingState) -> None:
    for key, book in state.conditional.books.items():
        for side in SIDES:
            trail = book.trail(side)
            for first_order_id in sorted(trail.moved):
                if trail.has_run(first_order_id):
                    changes.put(TRAILS, (*key, side, first_order_id, trail.extreme_of(first_order_id) or 0))
                else:
                    changes.delete(TRAILS, (*key, side, first_order_id))
            trail.moved.clear()


def _collect_fired(changes: Changes, state: MatchingState) -> None:
    """What a command has left to its next step; what an earlier one had left is done."""
    conditional = state.conditional
    number = state.ledger.command_seq if conditional.fired else 0
    if conditional.fired_stored not in (0, number):
        changes.delete(FIRED_ORDERS, (conditional.fired_stored,))
    if number:
        changes.put(FIRED_ORDERS, (number, msgspec.json.encode(list(conditional.fired)).decode()))
    conditional.fired_stored = number


def _trigger_of(orders: Mapping[int, Order], row: Row) -> Trigger:
    order_id, source, level, ticks, ppb, parent_id = row
    return _trigger(orders[order_id], source, level, Distance(ticks, ppb), parent_id)


def _wait_again(state: MatchingState, orders: Mapping[int, Order], trigger: Trigger) -> None:
    conditional, order = state.conditional, trigger.order
    if trigger.parent:
        conditional.add_leg(orders.get(trigger.parent), trigger)
    conditional.add(trigger)
    book = conditional.book(trigger.key)
    if trigger.level:
        book.arm(order.order_id, trigger.way, trigger.level)
    else:
        book.trail(order.side).restore(order.order_id, trigger.distance)
    trigger.waiting = True


def _trigger(order: Order, source: TriggerSource, level: int, distance: Distance, parent: int) -> Trigger:
    way = direction(order.side, order.order_type in PROFITABLE)
    return Trigger(order, source=source, way=way, level=level, distance=distance, parent=parent)


def _exit_row(trigger: Trigger) -> Row:
    order = trigger.order
    return (
        order.order_id,
        trigger.parent,
        order.client_order_id,
        order.order_type,
        order.price,
        trigger.source,
        trigger.level,
    )
