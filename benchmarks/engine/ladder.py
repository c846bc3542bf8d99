"""The book that the flows are made on: sorted prices, at each the lots of every order by number, oldest first.

It is slow and obviously right, and what it trades is what every engine under measurement has to trade.
"""

from bisect import bisect_left, insort

Trade = tuple[int, int, int]
"""(number of the resting order, price, lots)."""


class Ladder:
    """One market; side 0 buys and 1 sells."""

    def __init__(self) -> None:
        self.prices: tuple[list[int], list[int]] = ([], [])
        self.levels: tuple[dict[int, dict[int, int]], dict[int, dict[int, int]]] = ({}, {})
        self.places: dict[int, tuple[int, int]] = {}

    def best(self, side: int) -> int | None:
        """The most aggressive price of a side."""
        prices = self.prices[side]
        return prices[-1 if side == 0 else 0] if prices else None

    def lots(self, side: int, price: int) -> int:
        """What rests at a price."""
        return sum(self.levels[side].get(price, {}).values())

    def take(self, side: int, lots: int, limit: int | None = None) -> list[Trade]:
        """Trade against the other side, best price and oldest order first, up to a limit if there is one."""
        trades: list[Trade] = []
        while lots and (price := self.best(1 - side)) is not None:
            if limit is not None and (price > limit if side == 0 else price < limit):
                break
            level = self.levels[1 - side][price]
            number, there = next(iter(level.items()))
            traded = min(lots, there)
            trades.append((number, price, traded))
            lots -= traded
            if traded == there:
                self.remove(number)
            else:
                level[number] = there - traded
        return trades

    def rest(self, number: int, side: int, price: int, lots: int) -> None:
        """Queue an order up."""
        level = self.levels[side].get(price)
        if level is None:
            level = self.levels[side][price] = {}
            insort(self.prices[side], price)
        level[number] = lots
        self.places[number] = (side, price)

    def remove(self, number: int) -> int:
        """Take an order out; returns its lots."""
        side, price = self.places.pop(number)
        level = self.levels[side][price]
        lots = level.pop(number)
        if not level:
            del self.levels[side][price]
            del self.prices[side][bisect_left(self.prices[side], price)]
        return lots
