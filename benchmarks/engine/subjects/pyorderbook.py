"""pyorderbook: pure Python with decimal prices and random ids."""

from array import array
from collections.abc import Iterator
from decimal import Decimal

from pyorderbook import Book, Order, ask, bid

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.worker import Call


class Engine:
    """Its orders are objects; they are made under the clock, as the other engines make theirs."""

    per_call = 1

    def __init__(self) -> None:
        self.book = Book()
        self.orders: dict[int, Order] = {}
        self.numbers: dict[object, int] = {}
        self.found = array("q")

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """One call per command."""
        for what, number, side, price, lots in flow.commands():
            if what in (ADD, TAKE):
                yield [(self.place, (number, ask if side else bid, Decimal(price), lots))]
            elif what == CANCEL:
                yield [(self.cancel, (number,))]

    def place(self, number: int, make: object, price: Decimal, lots: int) -> None:
        """Keeps what is needed to cancel."""
        order = make("M", price, lots)  # type: ignore[operator]
        self.orders[number] = order
        blotter = self.book.match(order)
        self.numbers[order.id] = number
        for trade in blotter.trades:
            self.found.extend((self.numbers[trade.standing_order_id], int(trade.fill_price), trade.fill_quantity))

    def cancel(self, number: int) -> None:
        """By the object."""
        self.book.cancel(self.orders[number])

    def trades(self) -> "array[int] | None":
        """In its order."""
        return self.found
