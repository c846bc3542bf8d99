"""fastlob: pure Python with decimals. It tells prices and sums of what was traded, not the orders on the other side."""

import logging
from array import array
from collections.abc import Iterator

from fastlob import Orderbook, OrderParams, OrderSide

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.worker import Call


class Engine:
    """The parameters of orders are objects, made under the clock."""

    per_call = 1

    def __init__(self) -> None:
        logging.disable()
        self.book = Orderbook("bench")
        self.book.start()
        self.ids: dict[int, str] = {}

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """One call per command."""
        sides = (OrderSide.BID, OrderSide.ASK)
        for what, number, side, price, lots in flow.commands():
            if what in (ADD, TAKE):
                yield [(self.place, (number, sides[side], price, lots))]
            elif what == CANCEL:
                yield [(self.cancel, (number,))]

    def place(self, number: int, side: OrderSide, price: int, lots: int) -> None:
        """Keeps the id that it gives."""
        self.ids[number] = self.book(OrderParams(side, price, lots)).orderid()

    def cancel(self, number: int) -> None:
        """By its id."""
        self.book.cancel(self.ids[number])

    def trades(self) -> "array[int] | None":
        """Stops its clock's thread; there is nothing to compare."""
        self.book.stop()
        return None
