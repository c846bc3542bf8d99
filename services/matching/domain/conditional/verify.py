"""What must hold of conditional orders between any two commands."""

from services.matching.domain.book import Order
from services.matching.domain.conditional.registry import Trigger
from services.matching.domain.errors import InvariantBroken
from services.matching.domain.state import MatchingState


def verify_conditionals(state: MatchingState) -> None:
    """Each armed order waits in one book; groups and brackets are of open orders; nothing is pending."""
    conditional = state.conditional
    if conditional.pending or conditional.spent or conditional.fired:
        raise InvariantBroken(f"still to follow: {conditional.pending} {conditional.spent} {list(conditional.fired)}")
    orders = {order.order_id: order for account in state.accounts.values() for order in account.orders.values()}
    armed = {number for number, order in orders.items() if order.state == "armed"}
    if armed != set(conditional.triggers):
        raise InvariantBroken(f"armed {sorted(armed)}, triggers {sorted(conditional.triggers)}")
    if sum(map(len, conditional.books.values())) != len(armed):
        raise InvariantBroken("trigger books do not hold the armed orders")
    for trigger in conditional.triggers.values():
        _trigger(state, trigger)
    for _, order in conditional.groups.members():
        if orders.get(order.order_id) is not order:
            raise InvariantBroken(f"order {order.order_id} is over and still in a group")
    _brackets(state, orders)


def _trigger(state: MatchingState, trigger: Trigger) -> None:
    order = trigger.order
    if not trigger.waiting or order.row or order.filled or order.remaining <= 0:
        raise InvariantBroken(f"armed order {order.order_id} is not at rest")
    if order.reduce_only and order.order_id not in state.conditional.reducing[order.account, order.market]:
        raise InvariantBroken(f"reduce-only order {order.order_id} is not known as one")


def _brackets(state: MatchingState, orders: dict[int, Order]) -> None:
    held: dict[str, int] = {}
    for parent_id, bracket in state.conditional.brackets.items():
        if bracket.parent is not orders.get(parent_id):
            raise InvariantBroken(f"bracket {parent_id} does not know whether its entry is open")
        for number, leg in bracket.legs.items():
            held[leg.order.account] = held.get(leg.order.account, 0) + 1
            if leg.parent != parent_id or (leg.order.size > 0) != (number in state.conditional.triggers):
                raise InvariantBroken(f"exit {number} of {parent_id} is neither dormant nor armed")
            if not leg.order.size and bracket.parent is None:
                raise InvariantBroken(f"exit {number} waits for an entry that is over")
    for trigger in state.conditional.triggers.values():
        if not trigger.parent:
            held[trigger.order.account] = held.get(trigger.order.account, 0) + 1
    for account in state.accounts:
        if state.conditional.held_by(account) != held.get(account, 0):
            raise InvariantBroken(f"{account} has {held.get(account, 0)} conditional orders")
