"""bourse: Rust. Orders at one price and one time collide in it, so its clock is set before each."""

from array import array
from collections.abc import Iterator

import bourse

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.worker import Call


class Engine:
    """It numbers orders from 0. It has no immediate orders: what is left of one is cancelled."""

    per_call = 1

    def __init__(self) -> None:
        self.book = bourse.core.OrderBook(0, 1, True)
        self.ids = array("q", [0])

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """Two calls per command."""
        book, ids, orders = self.book, self.ids, 0
        rests = flow.name != "synthetic"  # there, an immediate order always fills
        for clock, (what, number, side, price, lots) in enumerate(flow.commands(), start=1):
            tick: Call = (book.set_time, (clock,))
            if what in (ADD, TAKE):
                ids.append(orders)
                orders += 1
                place: Call = (book.place_order, (side == 0, lots, 1, price))
                yield [tick, place, (book.cancel_order, (ids[-1],))] if what == TAKE and rests else [tick, place]
            elif what == CANCEL:
                yield [tick, (book.cancel_order, (ids[number],))]
            else:
                yield [tick, (book.modify_order, (ids[number], price, lots))]

    def trades(self) -> "array[int] | None":
        """Its numbers follow the flow's."""
        found = array("q")
        for _, _, price, lots, _, passive in self.book.get_trades():
            found.extend((passive + 1, price, lots))
        return found
