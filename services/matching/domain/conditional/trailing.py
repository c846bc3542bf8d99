"""Trailing stops: a price that follows the best one since arming, without a touch of each order per price.

Orders that were armed earlier have seen more prices, so their extreme is at least as good as that of later ones. The
orders of one side therefore fall into runs of arming numbers with one extreme each, best first:

    armed from     1 ........ 4 .......... 9 .....          a new best price of 118 makes the last two runs one:
    extreme       120        117          112               1 .. 120, 4 .. 118

A new extreme joins runs at the end, each of them once; an order joins at most log n times, because the smaller run is
moved into the larger. Within a run the order with the shortest distance fires first, whatever the extreme is.
"""

from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

from cleartide.money import PPB

from services.matching.domain.conditional.heap import Heap

UNSEEN: Final = -(2**62)
"""The extreme, as a key, of orders that have not seen a price yet."""


class Distance(NamedTuple):
    """How far behind the extreme an order fires: in ticks or in ppb of the extreme; the other is 0."""

    ticks: int
    ppb: int


class Due(NamedTuple):
    """An order whose time has come: its number, the trigger in ticks, and the extreme that the trigger trailed."""

    number: int
    trigger: int
    extreme: int | None


class _Run:
    """Orders with one extreme, by their distance. `best`: the trigger, as a key, that is met first."""

    __slots__ = ("amounts", "extreme", "rates")

    def __init__(self, extreme: int) -> None:
        self.extreme = extreme
        self.amounts, self.rates = Heap(), Heap()

    def heap(self, distance: Distance) -> Heap:
        return self.amounts if distance.ticks else self.rates

    def __len__(self) -> int:
        return len(self.amounts) + len(self.rates)


class Trail:
    """The trailing stops of one side of one price: `side` -1 sells below the highest, +1 buys above the lowest.

    Prices are kept as keys (the price for sells, minus the price for buys), so that better is always larger and an
    order fires at key <= trigger key. All comparisons are exact: with extreme e a sell fires at
    p * 1e9 <= e * (1e9 - rate), a buy at p * 1e9 >= e * (1e9 + rate) (12.6), which is never true at the extreme itself.
    """

    __slots__ = ("_runs", "_side", "_starts", "_tops", "moved")

    def __init__(self, side: int) -> None:
        self._side = side
        self._starts: list[int] = []
        self._runs: list[_Run] = []
        self._tops = Heap()
        self.moved: set[int] = set()
        """First numbers of the runs that came, went or got another extreme since the owner last cleared this."""

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def arm(self, number: int, distance: Distance, price: int | None) -> None:
        """Add the newest order of all; `price` in ticks is the first one it sees, None if there is none now."""
        extreme = self._key(price)
        self._raise(extreme)
        if not self._runs or self._runs[-1].extreme > extreme:
            self.restore_run(number, price)
            self.moved.add(number)
        self.restore(number, distance)

    def restore(self, number: int, distance: Distance) -> None:
        """Put a stored order back into its run."""
        place = self._place(number)
        self._runs[place].heap(distance).put(number, distance.ticks or distance.ppb)
        self._top(place)

    def restore_run(self, start: int, extreme: int | None) -> None:
        """Add a run behind all others; `extreme` in ticks, None before its orders have seen a price."""
        self._starts.append(start)
        self._runs.append(_Run(self._key(extreme)))

    def change(self, number: int, old: Distance, new: Distance) -> None:
        """Give an order another distance behind the extreme that it has."""
        place = self._place(number)
        self._runs[place].heap(old).remove(number)
        self._runs[place].heap(new).put(number, new.ticks or new.ppb)
        self._top(place)

    def disarm(self, number: int, distance: Distance) -> None:
        """Take an order out."""
        place = self._place(number)
        self._runs[place].heap(distance).remove(number)
        self._top(place)

    def take(self, price: int) -> list[Due]:
        """See a price in ticks, and take out the orders that it fires."""
        key = -self._side * price
        due: list[Due] = []
        self._raise(key)
        for _, start in self._tops.take(-key):
            place = bisect_left(self._starts, start)
            due += self._fire(self._runs[place], key)
            self._top(place)
        return due

    def extreme_of(self, number: int) -> int | None:
        """The extreme of an order in ticks, None before it has seen a price."""
        extreme = self._runs[self._place(number)].extreme
        return None if extreme == UNSEEN else -self._side * extreme

    def has_run(self, start: int) -> bool:
        """Whether a run starts with this number."""
        place = bisect_left(self._starts, start)
        return place < len(self._starts) and self._starts[place] == start

    def _key(self, price: int | None) -> int:
        return UNSEEN if price is None else -self._side * price

    def _place(self, number: int) -> int:
        return bisect_right(self._starts, number) - 1

    def _raise(self, extreme: int) -> None:
        """Join the runs at the end whose extreme is not better than this one, under this one."""
        runs, starts = self._runs, self._starts
        if not runs or runs[-1].extreme >= extreme:
            return
        joined, start = runs.pop(), starts.pop()
        self._gone(start)
        while runs and runs[-1].extreme <= extreme:
            joined.amounts.absorb(runs[-1].amounts)
            joined.rates.absorb(runs.pop().rates)
            start = starts.pop()
            self._gone(start)
        joined.extreme = extreme
        starts.append(start)
        runs.append(joined)
        self._top(len(runs) - 1)

    def _gone(self, start: int) -> None:
        self.moved.add(start)
        if start in self._tops:
            self._tops.remove(start)

    def _top(self, place: int) -> None:
        """Keep the run's first trigger among those of the others; a run without orders goes."""
        run, start = self._runs[place], self._starts[place]
        if len(run):
            self._tops.put(start, -self._first_trigger(run))
            return
        self._gone(start)
        del self._starts[place], self._runs[place]

    def _first_trigger(self, run: _Run) -> int:
        amount, rate = run.amounts.first_key(), run.rates.first_key()
        triggers = []
        if amount is not None:
            triggers.append(run.extreme - amount)
        if rate is not None:
            triggers.append(self._rate_trigger(run.extreme, rate))
        return max(triggers)

    def _rate_trigger(self, extreme: int, rate: int) -> int:
        """The trigger as a key: floor keeps a sell at or below and a buy at or above the exact price."""
        return extreme * (PPB + self._side * rate) // PPB

    def _fire(self, run: _Run, key: int) -> list[Due]:
        """Take the run's orders with trigger >= key. For a rate r: e * (1e9 -+ r) >= key * 1e9."""
        back, extreme = -self._side, -self._side * run.extreme
        gap = run.extreme - key
        due = [Due(number, back * (run.extreme - ticks), extreme) for ticks, number in run.amounts.take(gap)]
        for rate, number in run.rates.take(gap * PPB // abs(run.extreme)):
            due.append(Due(number, back * self._rate_trigger(run.extreme, rate), extreme))
        return due
