"""The orders that wait for one price of one market: a new price touches those it fires and no others."""

from typing import Final

from services.matching.domain.conditional.heap import Heap
from services.matching.domain.conditional.trailing import Distance, Due, Trail

RISING: Final = 1
FALLING: Final = -1


def direction(side: int, takes_profit: bool) -> int:
    """Which way the price must go: a stop buys above and sells below, a take-profit the other way (12.5)."""
    return -side if takes_profit else side


class TriggerBook:
    """Stops and take-profits by trigger, trailing stops by distance. All relations are inclusive (R28).

    Orders that one price fires come in the order in which a price on its way would have met them, falling before
    rising ones; at one trigger the order that was armed first comes first.
    """

    __slots__ = ("_falling", "_rising", "high", "low")

    def __init__(self) -> None:
        self._rising, self._falling = Heap(), Heap()
        self.high, self.low = Trail(-1), Trail(1)

    def __len__(self) -> int:
        return len(self._rising) + len(self._falling) + len(self.high) + len(self.low)

    def arm(self, number: int, way: int, trigger: int) -> None:
        """Wait for price >= trigger (RISING) or price <= trigger (FALLING); again with another trigger to change it."""
        self._heap(way).put(number, way * trigger)

    def disarm(self, number: int, way: int) -> None:
        """Stop waiting."""
        self._heap(way).remove(number)

    def trail(self, side: int) -> Trail:
        """The trailing stops of this side."""
        return self.low if side > 0 else self.high

    def take(self, price: int) -> list[Due]:
        """See a price in ticks; what it fires is taken out and returned in order."""
        falling = [Due(number, -key, None) for key, number in self._falling.take(-price)]
        falling += self.high.take(price)
        rising = [Due(number, key, None) for key, number in self._rising.take(price)]
        rising += self.low.take(price)
        falling.sort(key=lambda due: (-due.trigger, due.number))
        rising.sort(key=lambda due: (due.trigger, due.number))
        return falling + rising

    def _heap(self, way: int) -> Heap:
        return self._rising if way > 0 else self._falling


__all__ = ["FALLING", "RISING", "Distance", "Due", "TriggerBook", "direction"]
