"""limit-order-book: C++ behind ctypes. It does not tell what was traded, so nothing it does can be checked."""

from array import array
from collections.abc import Iterator

from limit_order_book import LimitOrderBook

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.worker import Call


class Engine:
    """Orders have the flow's numbers."""

    per_call = 1

    def __init__(self) -> None:
        self.book = LimitOrderBook()

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """One call per command."""
        book = self.book
        for what, number, side, price, lots in flow.commands():
            if what in (ADD, TAKE):
                yield [(book.limit_sell if side else book.limit_buy, (number, lots, price))]
            elif what == CANCEL:
                yield [(book.cancel, (number,))]

    def trades(self) -> "array[int] | None":
        """It keeps them to itself."""
        return None
