"""One side of a book, and the short way into it: from a frame's bytes, without a text or a tuple for each level.

Only levels as venues write them take the short way: `[["58710.20","0.014"],["61496.50","0.000"]]`, or in the `Shape`
that a venue has. At anything else, be it a space, an exponent or a number off the grid, it stops, and the caller takes
the long way, which reads every JSON and says what is wrong. Interpreted the short way is the longer one.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final, Protocol, final

from librt.vecs import append, vec
from mypy_extensions import i64

BIDS: Final = 1
ASKS: Final = -1
MOST_DIGITS: Final = 18
"""Of a number that takes the short way: so many always fit 64 bits."""
LARGEST: Final = 1 << 62
UNUSUAL: Final = -1

# What levels are written with.
OPEN: Final = 91
CLOSE: Final = 93
COMMA: Final = 44
POINT: Final = 46
ZERO: Final = 48
NINE: Final = 57


@final
class Shape:
    """How a level is written: what stands before the price, between price and size, and behind them.

    counted: the number of orders, in digits, stands between `behind` and `end`. other: how a level of the other side
    begins, where both stand in one list; it is passed over. removes: the level goes, whatever size is written.
    """

    def __init__(
        self,
        before: bytes,
        between: bytes,
        behind: bytes,
        end: bytes = b"",
        *,
        counted: bool = False,
        other: bytes = b"",
        removes: bool = False,
    ) -> None:
        self.before: Final = before
        self.between: Final = between
        self.behind: Final = behind
        self.end: Final = end
        self.counted: Final = counted
        self.other: Final = other
        self.removes: Final = removes


PLAIN: Final = Shape(b'["', b'","', b'"]')


class Scale(Protocol):
    """What text is in steps; raises MoneyError for a text that is none."""

    def __getitem__(self, text: str, /) -> int: ...


@final
class Grid:
    """How many steps a number is: `ratios` are (factor, divisor) by number of decimals, results lie in least..limit.

    Whatever would not fit 64 bits on the way, and whatever is wrong, is left to `exact`.
    """

    def __init__(self, ratios: list[tuple[int, int]], least: int, limit: int, exact: Scale) -> None:
        self.exact: Final = exact
        self.least: i64 = least
        self.factors: vec[i64] = vec[i64]()
        self.divisors: vec[i64] = vec[i64]()
        self.most: vec[i64] = vec[i64]()
        for factor, divisor in ratios[: MOST_DIGITS + 1]:
            fits = factor < LARGEST and divisor < LARGEST
            self.factors = append(self.factors, factor if fits else 0)
            self.divisors = append(self.divisors, divisor if fits else 1)
            self.most = append(self.most, min(limit * divisor, LARGEST) // factor if fits else UNUSUAL)

    def __getitem__(self, text: str) -> int:
        digits: i64 = 0
        point: i64 = UNUSUAL
        size: i64 = len(text)
        if size > MOST_DIGITS:
            return self.exact[text]
        at: i64 = 0
        while at < size:
            letter: i64 = ord(text[at])
            if ZERO <= letter <= NINE:
                digits = digits * 10 + (letter - ZERO)
            elif letter == POINT and point < 0:
                point = at
            else:
                return self.exact[text]
            at += 1
        found = self.whole(digits, point, size)
        return found if found >= 0 else self.exact[text]

    def whole(self, digits: i64, point: i64, size: i64) -> i64:
        """A number of `size` letters, its point at `point`, in steps; UNUSUAL also without digits on either side."""
        if point < 0:
            return self.steps(digits, 0) if size > 0 else UNUSUAL
        return self.steps(digits, size - point - 1) if 0 < point < size - 1 else UNUSUAL

    def steps(self, digits: i64, decimals: i64) -> i64:
        """The number `digits` / 10**decimals in steps; UNUSUAL for what is off the grid or out of bounds."""
        if digits > self.most[decimals]:
            return UNUSUAL
        scaled: i64 = digits * self.factors[decimals]
        divisor: i64 = self.divisors[decimals]
        found: i64 = scaled
        if divisor != 1:
            found = scaled // divisor
            if found * divisor != scaled:
                return UNUSUAL
        return found if found >= self.least else UNUSUAL


@final
class Side:
    """Price levels of one side in ticks and lots.

    `queue` holds the prices, asks negated, worst first: most changes are near the best price, and a list is changed the
    faster the nearer to its end. That is a third of the time a deep book takes.
    """

    def __init__(self, sign: int) -> None:
        self.lots: dict[int, int] = {}
        self.queue: list[int] = []
        self.sign: Final = sign
        self.at: i64 = 0

    @property
    def order(self) -> list[int]:
        """The prices upward; of asks a new list each time."""
        return self.queue if self.sign == BIDS else [-each for each in reversed(self.queue)]

    def set_levels(self, levels: Iterable[tuple[str, str]], prices: Scale, sizes: Scale) -> None:
        """Replace the named levels; size zero removes one. What `prices` and `sizes` raise leaves the side spoilt."""
        lots, queue, sign = self.lots, self.queue, self.sign
        for price, size in levels:
            ticks = prices[price]
            if amount := sizes[size]:
                if ticks not in lots:
                    insort(queue, ticks * sign)
                lots[ticks] = amount
            elif ticks in lots:
                del lots[ticks]
                del queue[bisect_left(queue, ticks * sign)]

    def read_levels(self, data: bytes, prices: Grid, sizes: Grid, shape: Shape = PLAIN) -> int:
        """Replace the levels written in `data`; how many there are, or UNUSUAL.

        After UNUSUAL some of them may be in place, and all are given to `set_levels`, which puts the same there again.
        """
        size: i64 = len(data)
        if size < 2 or data[0] != OPEN or data[size - 1] != CLOSE:
            return UNUSUAL
        if size == 2:
            return 0
        count: i64 = 0
        before, between, behind, other = shape.before, shape.between, shape.behind, shape.other
        self.at = 1
        while True:
            ours = self.passes(data, before)
            if not ours and not (other and self.passes(data, other)):
                return UNUSUAL
            ticks = self.number(data, prices)
            if ticks < 0 or not self.passes(data, between):
                return UNUSUAL
            lots = self.number(data, sizes)
            if lots < 0 or not self.passes(data, behind) or (shape.counted and not self.passes_count(data, shape.end)):
                return UNUSUAL
            if ours:
                self.put(ticks, 0 if shape.removes else lots)
                count += 1
            at = self.at
            if at == size - 1:
                return count
            # The last byte is the bracket, so there is one more.
            if data[at] != COMMA:
                return UNUSUAL
            self.at = at + 1

    def passes(self, data: bytes, text: bytes) -> bool:
        """Whether `text` stands at `at` and ends before the last byte; moves `at` behind it."""
        at: i64 = self.at
        length: i64 = len(text)
        if at + length >= len(data):
            return False
        place: i64 = 0
        while place < length:
            if data[at + place] != text[place]:
                return False
            place += 1
        self.at = at + length
        return True

    def passes_count(self, data: bytes, end: bytes) -> bool:
        """Whether digits stand at `at`, and `end` behind them; moves `at` behind both."""
        begun: i64 = self.at
        while self.at < len(data) and ZERO <= data[self.at] <= NINE:
            self.at += 1
        return self.at > begun and self.passes(data, end)

    def number(self, data: bytes, grid: Grid) -> i64:
        """The number that begins at `at`, in steps; moves `at` behind it. UNUSUAL for what is no plain number."""
        at: i64 = self.at
        begun: i64 = at
        digits: i64 = 0
        point: i64 = UNUSUAL
        size: i64 = len(data)
        while at < size:
            byte: i64 = data[at]
            if ZERO <= byte <= NINE:
                digits = digits * 10 + (byte - ZERO)
            elif byte == POINT and point < 0:
                point = at - begun
            else:
                break
            at += 1
            if at - begun > MOST_DIGITS:
                return UNUSUAL
        self.at = at
        return grid.whole(digits, point, at - begun)

    def put(self, ticks: int, amount: int) -> None:
        """Let so many lots stand at a price; none removes the level."""
        lots = self.lots
        if amount:
            before = len(lots)
            lots[ticks] = amount
            if len(lots) > before:
                key = ticks * self.sign
                self.queue.insert(self.place(key), key)
        elif ticks in lots:
            del lots[ticks]
            self.queue.pop(self.place(ticks * self.sign))

    def place(self, key: i64) -> i64:
        """Where a price is in the queue, or belongs: `bisect_left`, which compiled is the faster of the two."""
        queue = self.queue
        low: i64 = 0
        high: i64 = len(queue)
        while low < high:
            middle: i64 = (low + high) >> 1
            found: i64 = queue[middle]
            if found < key:
                low = middle + 1
            else:
                high = middle
        return low

    def best(self, count: int) -> list[tuple[int, int]]:
        """Up to `count` levels from the best price on."""
        lots, sign = self.lots, self.sign
        return [(each * sign, lots[each * sign]) for each in reversed(self.queue[-count:])]

    def grouped(self, multiple: int, count: int, limit: int | None) -> list[tuple[int, int]]:
        """Up to `count` steps of `multiple` ticks from the best on: what is in one is no worse than its price.

        Steps that reach beyond `limit`, up to which the side is known, are left out.
        """
        sign, lots, steps = self.sign, self.lots, dict[int, int]()
        for each in reversed(self.queue):
            step = each // multiple * multiple
            if step not in steps and (len(steps) == count or not step or (limit is not None and step < limit * sign)):
                break
            steps[step] = steps.get(step, 0) + lots[each * sign]
        return [(step * sign, amount) for step, amount in steps.items()]

    def reaches(self, count: int, limit: int | None) -> bool:
        """Whether the best `count` levels lie no farther than `limit` ticks; without a limit they do."""
        near = self.queue[-count:]
        return limit is None or not near or near[0] >= limit * self.sign
