"""An order book as one writes it in an afternoon: a dict of deques and a heap per side, cancelled orders passed over.

The fastest pure Python that we know, as a bar: it has neither accounts nor order kinds, checks and answers nothing but
its trades, and keeps what was cancelled until its price is reached.
"""

from array import array
from collections import deque
from heapq import heappop, heappush

Order = list[int]
"""[number, price, lots left]."""


class Plain:
    """One market; side 0 buys and 1 sells. `trades` has number of the resting order, price and lots, trade by trade."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.levels: tuple[dict[int, deque[Order]], dict[int, deque[Order]]] = ({}, {})
        self.heaps: tuple[list[int], list[int]] = ([], [])
        self.trades = array("q")

    def place(self, number: int, side: int, price: int, lots: int, rests: bool = True) -> None:
        """Trade as far as the price reaches; what is left rests if it may. Keys of the heaps are negative for bids."""
        heap, levels, sign = self.heaps[1 - side], self.levels[1 - side], 1 if side == 0 else -1
        while lots and heap and heap[0] <= sign * price:
            queue = levels[heap[0]]
            while queue:
                resting = queue[0]
                if resting[2] > lots:
                    resting[2] -= lots
                    self.trades.extend((resting[0], resting[1], lots))
                    lots = 0
                    break
                if resting[2]:
                    lots -= resting[2]
                    self.trades.extend((resting[0], resting[1], resting[2]))
                    del self.orders[resting[0]]
                queue.popleft()
                if not lots:
                    break
            if not queue:
                del levels[heappop(heap)]
        if lots and rests:
            order = self.orders[number] = [number, price, lots]
            key = price if side else -price
            level = self.levels[side].get(key)
            if level is None:
                self.levels[side][key] = deque((order,))
                heappush(self.heaps[side], key)
            else:
                level.append(order)

    def cancel(self, number: int) -> bool:
        """Whether there was such an order."""
        order = self.orders.pop(number, None)
        if order is None:
            return False
        order[2] = 0
        return True

    def reduce(self, number: int, lots: int) -> None:
        """Of a resting order; it keeps its place."""
        self.orders[number][2] = lots
