"""lightmatchingengine: pure Python, looks through all prices for the best one."""

from array import array
from collections.abc import Iterator

from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

from benchmarks.engine.flows import ADD, CANCEL, TAKE, Flow
from benchmarks.engine.worker import Call


class Engine:
    """It numbers orders from 1, as the flow does, and tells trades twice: for the taker, then for each other side."""

    per_call = 1

    def __init__(self) -> None:
        self.engine = LightMatchingEngine()
        self.found = array("q")

    def calls(self, flow: Flow) -> Iterator[list[Call]]:
        """One call per command."""
        for what, number, side, price, lots in flow.commands():
            if what in (ADD, TAKE):
                yield [(self.place, (price, lots, Side.SELL if side else Side.BUY))]
            elif what == CANCEL:
                yield [(self.engine.cancel_order, (number, "M"))]

    def place(self, price: int, lots: int, side: int) -> None:
        """Keeps the trades that it returns."""
        order, trades = self.engine.add_order("M", price, lots, side)
        for trade in trades:
            if trade.order_id != order.order_id:
                self.found.extend((trade.order_id, trade.trade_price, trade.trade_qty))

    def trades(self) -> "array[int] | None":
        """Of the other sides."""
        return self.found
