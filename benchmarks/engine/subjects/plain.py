"""Our own afternoon's book, as a bar for pure Python."""

from array import array
from collections.abc import Iterator

from benchmarks.engine.flows import ADD, CANCEL, MODIFY, TAKE, Flow
from benchmarks.engine.plain import Plain
from benchmarks.engine.worker import Call


class Engine:
    """Called directly."""

    per_call = 1

    def __init__(self) -> None:
        self.book = Plain()

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """One call per command, a modification is two."""
        book = self.book
        for what, number, side, price, lots in flow.commands():
            if what == ADD:
                yield [(book.place, (number, side, price, lots))]
            elif what == CANCEL:
                yield [(book.cancel, (number,))]
            elif what == TAKE:
                yield [(book.place, (number, side, price, lots, False))]
            elif what == MODIFY:
                yield [(self.modify, (number, side, price, lots))]
            else:
                yield [(book.reduce, (number, lots))]

    def modify(self, number: int, side: int, price: int, lots: int) -> None:
        """Of an order that may be gone."""
        if self.book.cancel(number):
            self.book.place(number, side, price, lots)

    def trades(self) -> "array[int] | None":
        """All of them."""
        return self.book.trades
