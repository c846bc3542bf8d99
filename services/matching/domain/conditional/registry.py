"""What matching knows of conditional and linked orders: triggers, groups, brackets, and what is still to follow."""

from typing import NamedTuple

from cleartide.contracts.types import TriggerSource

from services.matching.domain.book import Order
from services.matching.domain.conditional.sources import SOURCES, live_price
from services.matching.domain.conditional.trailing import Distance, Due
from services.matching.domain.conditional.triggers import TriggerBook
from services.matching.domain.market import Market

BookKey = tuple[str, str]
"""A market and the source of its price."""
GroupKey = tuple[str, str]
"""An account and its name for the group."""


class Trigger:
    """What an armed order waits for. `level` in ticks, or 0 for one that trails by `distance`.

    way: RISING or FALLING. parent: the order whose fill arms this one, 0 for none. waiting: it is in its trigger book;
    not before it is armed, and not once it is `due`. The order's price is 0 where it places a market order, and its
    size is 0 until the parent fills.
    """

    __slots__ = ("distance", "due", "level", "order", "parent", "source", "waiting", "way")

    def __init__(
        self, order: Order, *, source: TriggerSource, way: int, level: int, distance: Distance, parent: int = 0
    ) -> None:
        self.order, self.source, self.way, self.level = order, source, way, level
        self.distance, self.parent, self.waiting = distance, parent, False
        self.due: Met | None = None

    @property
    def key(self) -> BookKey:
        """The trigger book that it belongs to."""
        return self.order.market, self.source


class Met(NamedTuple):
    """A price met a trigger: price in ticks, and the trade that made it, if a trade did."""

    due: Due
    price: int
    trade_id: int | None


class Filled(NamedTuple):
    """An order with a bracket traded so many lots."""

    order_id: int
    lots: int


class Ended(NamedTuple):
    """An order with a bracket is over."""

    order_id: int
    account: str
    market: str


class Reduced(NamedTuple):
    """A position changed for which reduce-only orders are armed."""

    account: str
    market: str


Step = Met | Filled | Ended | Reduced


class Bracket:
    """The exits of an order, by their numbers. `parent` is None once that order is over.

    Exits are dormant, with a size of 0, until the parent first trades.
    """

    __slots__ = ("legs", "parent")

    def __init__(self, parent: Order | None) -> None:
        self.parent = parent
        self.legs: dict[int, Trigger] = {}


class Groups:
    """Which open orders are one-cancels-other: by group, and by order."""

    __slots__ = ("_group_of", "_members", "touched")

    def __init__(self) -> None:
        self._members: dict[GroupKey, dict[int, Order]] = {}
        self._group_of: dict[int, GroupKey] = {}
        self.touched: set[int] = set()

    def __contains__(self, order_id: int | None) -> bool:
        return order_id in self._group_of

    def __len__(self) -> int:
        return len(self._group_of)

    def join(self, order: Order, name: str) -> None:
        """Add an open order to its account's group of this name."""
        self.restore(order, name)
        self.touched.add(order.order_id)

    def restore(self, order: Order, name: str) -> None:
        """Add an order whose membership is stored."""
        key = order.account, name
        self._members.setdefault(key, {})[order.order_id] = order
        self._group_of[order.order_id] = key

    def leave(self, order_id: int) -> None:
        """The order is over, or has fired: it cancels nothing more. Nothing happens for one in no group."""
        key = self._group_of.pop(order_id, None)
        if key is None:
            return
        self.touched.add(order_id)
        del self._members[key][order_id]
        if not self._members[key]:
            del self._members[key]

    def name_of(self, order_id: int) -> str | None:
        """The client's name of an order's group."""
        key = self._group_of.get(order_id)
        return key[1] if key is not None else None

    def members(self) -> list[tuple[str, Order]]:
        """(group, order) of every member."""
        return [(key[1], order) for key, orders in self._members.items() for order in orders.values()]

    def others(self, order_id: int | None) -> list[Order]:
        """The rest of an order's group, by number; none for an order in no group."""
        key = self._group_of.get(order_id) if order_id is not None else None
        members = self._members[key] if key is not None else {}
        return [order for number, order in sorted(members.items()) if number != order_id]


class Conditionals:
    """Everything that waits. What follows from a command is collected in `pending` and done after it (`following`).

    fired: orders whose price has come, in their order, until they are placed: what is left to do between two steps of a
    command. Their rows are those of armed orders until then; `fired_stored`: the command under which they are listed.
    triggers: of armed orders, by order. reducing: the reduce-only ones among them, by account and market.
    spent: the others of groups in which an order has traded since the last sweep ended.
    names: account and client id of every exit.
    """

    __slots__ = (
        "_armed",
        "books",
        "brackets",
        "fired",
        "fired_stored",
        "groups",
        "names",
        "pending",
        "reducing",
        "spent",
        "touched",
        "touched_exits",
        "triggers",
    )

    def __init__(self) -> None:
        self.books: dict[BookKey, TriggerBook] = {}
        self.triggers: dict[int, Trigger] = {}
        self.reducing: dict[tuple[str, str], dict[int, Trigger]] = {}
        self.groups = Groups()
        self.brackets: dict[int, Bracket] = {}
        self.names: set[tuple[str, str]] = set()
        self.pending: list[Step] = []
        self.fired: dict[int, Trigger] = {}
        self.fired_stored = 0
        self.spent: list[Order] = []
        self.touched: set[int] = set()
        self.touched_exits: dict[int, Trigger] = {}
        self._armed: dict[str, int] = {}

    def held_by(self, account: str) -> int:
        """Orders of an account that are armed or will be by a fill."""
        return self._armed.get(account, 0)

    def book(self, key: BookKey) -> TriggerBook:
        """The trigger book of a market and a source; empty on first use."""
        book = self.books.get(key)
        if book is None:
            book = self.books[key] = TriggerBook()
        return book

    def add(self, trigger: Trigger) -> None:
        """An order is armed."""
        order = trigger.order
        self.triggers[order.order_id] = trigger
        if order.reduce_only:
            self.reducing.setdefault((order.account, order.market), {})[order.order_id] = trigger
        if not trigger.parent:
            self._count(order.account, 1)

    def add_leg(self, parent: Order | None, trigger: Trigger) -> None:
        """An order has an exit, armed or dormant."""
        bracket = self.brackets.get(trigger.parent)
        if bracket is None:
            bracket = self.brackets[trigger.parent] = Bracket(parent)
        order = trigger.order
        bracket.legs[order.order_id] = trigger
        self.names.add((order.account, order.client_order_id))
        self._count(order.account, 1)

    def remove(self, trigger: Trigger) -> None:
        """An armed order is over."""
        self._forget(trigger)
        self.touched.add(trigger.order.order_id)

    def fire(self, trigger: Trigger) -> None:
        """An armed order is to be placed."""
        self._forget(trigger)
        self.fired[trigger.order.order_id] = trigger

    def next_fired(self) -> Trigger:
        """The first of those that are to be placed, which it is now."""
        order_id = next(iter(self.fired))
        self.touched.add(order_id)
        return self.fired.pop(order_id)

    def _forget(self, trigger: Trigger) -> None:
        order = trigger.order
        del self.triggers[order.order_id]
        self.stop_waiting(trigger)
        if order.reduce_only:
            key = order.account, order.market
            del self.reducing[key][order.order_id]
            if not self.reducing[key]:
                del self.reducing[key]
        if trigger.parent:
            self.drop_leg(trigger)
        else:
            self._count(order.account, -1)

    def is_dormant(self, trigger: Trigger) -> bool:
        """Whether this is an exit that no fill has armed yet."""
        bracket = self.brackets.get(trigger.parent)
        return bracket is not None and trigger.order.order_id in bracket.legs and not trigger.order.size

    def drop_leg(self, trigger: Trigger) -> None:
        """An exit is gone; with the last one the bracket is."""
        legs = self.brackets[trigger.parent].legs
        del legs[trigger.order.order_id]
        if not legs:
            del self.brackets[trigger.parent]
        order = trigger.order
        self.names.remove((order.account, order.client_order_id))
        self.touched_exits[order.order_id] = trigger
        self._count(order.account, -1)

    def ended(self, order: Order) -> None:
        """An order is over, for whatever reason."""
        self.groups.leave(order.order_id)
        if (trigger := self.triggers.get(order.order_id)) is not None:
            self.remove(trigger)
        bracket = self.brackets.get(order.order_id)
        if bracket is not None:
            bracket.parent = None
            self.pending.append(Ended(order.order_id, order.account, order.market))

    def resumed(self, market: Market, at: int) -> None:
        """A market matches again: its triggers are compared with the prices as they are now."""
        for source in SOURCES:
            price = live_price(market, source, at)
            if price is not None:
                self.priced(market, source, price)

    def priced(self, market: Market, source: TriggerSource, price: int, trade_id: int | None = None) -> None:
        """A price in ticks: what it fires is due from here on. While the market does not match, nothing is."""
        book = self.books.get((market.id, source))
        if book is None or not market.status.matches:
            return
        for due in book.take(price):
            self.make_due(self.triggers[due.number], Met(due, price, trade_id))

    def make_due(self, trigger: Trigger, met: Met) -> None:
        """A trigger that is in no book any more has been met."""
        trigger.waiting, trigger.due = False, met
        self.pending.append(met)

    def moved(self, account: str, market: str, order_id: int | None, lots: int) -> None:
        """One side of a trade: whose position moved, by which order."""
        if order_id is not None:
            if order_id in self.groups:
                self.spent += self.groups.others(order_id)
            if order_id in self.brackets:
                self.pending.append(Filled(order_id, lots))
        if (account, market) in self.reducing:
            self.pending.append(Reduced(account, market))

    def stop_waiting(self, trigger: Trigger) -> None:
        """Take a trigger out of its book, or forget that it is due."""
        trigger.due = None
        if not trigger.waiting:
            return
        trigger.waiting = False
        book, order = self.books[trigger.key], trigger.order
        if trigger.level:
            book.disarm(order.order_id, trigger.way)
        else:
            book.trail(order.side).disarm(order.order_id, trigger.distance)

    def _count(self, account: str, change: int) -> None:
        count = self._armed.get(account, 0) + change
        if count:
            self._armed[account] = count
        else:
            del self._armed[account]
