"""liquibook: C++ behind SWIG."""

from array import array
from collections.abc import Iterator
from typing import Any

import liquibook

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.worker import Call


class Listener(liquibook.OrderListener):  # type: ignore[misc]
    """Keeps the trades."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[Any, int, int]] = []

    def on_accept(self, order: Any) -> None:
        """It wants to be asked."""

    def on_cancel(self, order: Any) -> None:
        """This too."""

    def on_fill(self, order: Any, matched: Any, lots: int, price: int) -> None:
        """The incoming order comes first. Their open sizes are the listener's to keep."""
        order.fill(lots, price, 0)
        matched.fill(lots, price, 0)
        self.found.append((matched.order_id_, price, lots))


class Engine:
    """Its orders are objects, made under the clock."""

    per_call = 1

    def __init__(self) -> None:
        self.listener = Listener()
        self.book = liquibook.DepthOrderBook()
        self.book.set_order_listener(self.listener)
        self.orders: dict[int, Any] = {}
        self.numbers: dict[Any, int] = {}

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """One call per command."""
        for what, number, side, price, lots in flow.commands():
            if what in (ADD, TAKE):
                yield [(self.place, (number, side == 0, price, lots))]
            elif what == CANCEL:
                yield [(self.cancel, (number,))]

    def place(self, number: int, buys: bool, price: int, lots: int) -> None:
        """Keeps what is needed to cancel."""
        order = self.orders[number] = liquibook.SimpleOrder(buys, price, lots)
        self.numbers[order.order_id_] = number
        self.book.add(order)

    def cancel(self, number: int) -> None:
        """By the object."""
        self.book.cancel(self.orders[number])

    def trades(self) -> "array[int] | None":
        """In its order."""
        trades = array("q")
        for order_id, price, lots in self.listener.found:
            trades.extend((self.numbers[order_id], price, lots))
        return trades
