"""Orders that belong together: of a group the first to trade ends the others (12.7), exits follow their entry."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from services.matching.tests.model.triggers import Armed
    from services.matching.tests.model.world import Order, World


class Filled(NamedTuple):
    """An entry with exits traded so many lots."""

    number: int
    lots: int


class Ended(NamedTuple):
    """An entry with exits is over."""

    number: int
    account: str
    market: str


def others(world: "World", order: "Order") -> list["Order"]:
    """The rest of an order's group, by number."""
    name = world.groups.get(order.number)
    waiting = (armed.order for armed in world.armed.values())
    return sorted(
        (
            other
            for other in [*world.orders.values(), *waiting]
            if name is not None
            and (other.account, world.groups.get(other.number)) == (order.account, name)
            and other.number != order.number
        ),
        key=lambda other: other.number,
    )


def exits(world: "World", entry: int) -> list["Armed"]:
    """What is left of an entry's bracket, armed or not yet, by number."""
    kept = [*world.armed.values(), *world.dormant.values()]
    return sorted((armed for armed in kept if entry and armed.parent == entry), key=lambda armed: armed.order.number)


def traded(world: "World", order: "Order", lots: int) -> None:
    """Its group is spent, and its exits are to cover what it has traded."""
    world.spent += others(world, order)
    if order.number in world.entries and exits(world, order.number):
        world.pending.append(Filled(order.number, lots))


def over(world: "World", order: "Order") -> None:
    """An order belongs to nothing any more; of its exits those that wait go their own way."""
    world.groups.pop(order.number, None)
    if order.number in world.entries:
        world.entries.remove(order.number)
        if exits(world, order.number):
            world.pending.append(Ended(order.number, order.account, order.market))
