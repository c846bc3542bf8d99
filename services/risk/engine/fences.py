"""Fences that hang by a price, and the wheels that find those between two prices (the picture is in `wheel.py`).

A bucket also holds fences of prices a whole turn away: they are compared and stay, so a wheel is right at any price.
"""

from typing import Final

from librt.vecs import append, extend, vec
from mypy_extensions import i64

ROW: Final = 8
NIL: Final = 0

# The words of a fence. WHEEL is market * 2 + side; TWIN is the same position's fence on the other side.
NEXT: Final = 0
PREV: Final = 1
BOUND: Final = 2
WHEEL: Final = 3
OWNER: Final = 4
SLOPE: Final = 5
SIBLING: Final = 6
TWIN: Final = 7
FREE: Final = -(1 << 62)
"""The PREV of a fence that hangs nowhere."""
FALLING: Final = 0
RISING: Final = 1
MOST_TICKS: Final = (1 << 40) - 1

FIRST_BUCKETS: Final = 16
MOST_BUCKETS: Final = 1 << 15
REACH: Final = 4
"""Buckets reach this many times as far as the price at which they were made."""


def zeros(words: i64) -> vec[i64]:
    """That many words of 0."""
    return vec[i64]([0] * words)


class Fences:
    """Rows, the prices of the markets, and two wheels per market. hits, count: what the last `take` found."""

    def __init__(self) -> None:
        self.rows: vec[i64] = zeros(64 * ROW)
        self.used: i64 = ROW
        self.free: i64 = NIL
        self.price: vec[i64] = zeros(0)
        self.heads: vec[i64] = zeros(0)
        self.begin: vec[i64] = zeros(0)
        self.mask: vec[i64] = zeros(0)
        self.shift: vec[i64] = zeros(0)
        self.fences: vec[i64] = zeros(0)
        self.hits: vec[i64] = zeros(0)
        self.count: i64 = 0

    def open_wheels(self) -> None:
        """Two wheels without fences, for a market that comes next."""
        for _ in range(2):
            self.begin = append(self.begin, len(self.heads))
            self.heads = extend(self.heads, zeros(FIRST_BUCKETS))
            self.mask = append(self.mask, FIRST_BUCKETS - 1)
            self.shift = append(self.shift, 0)
            self.fences = append(self.fences, 0)
        self.price = append(self.price, 0)

    def take(self, wheel: i64, old: i64, ticks: i64) -> None:
        """Note the owners of all fences between two prices, in the order of the buckets."""
        rows, heads = self.rows, self.heads
        begin, mask, shift = self.begin[wheel], self.mask[wheel], self.shift[wheel]
        step: i64 = 1 if ticks > old else -1
        bucket = old >> shift
        turns = ((ticks >> shift) - bucket) * step
        if turns > mask:
            turns = mask
        while turns >= 0:
            row = heads[begin + (bucket & mask)]
            while row != NIL:
                if (ticks - rows[row + BOUND]) * step > 0:
                    if self.count == len(self.hits):
                        self.hits = extend(self.hits, zeros(self.count + 64))
                    self.hits[self.count] = rows[row + OWNER]
                    self.count += 1
                row = rows[row + NEXT]
            bucket += step
            turns -= 1

    def reach(self, row: i64) -> i64:
        """Read a fence, its twin and their neighbours in the wheel, which hanging them elsewhere will write."""
        rows = self.rows
        read: i64 = 0
        while row != NIL:
            prev = rows[row + PREV]
            if prev >= 0:
                read += rows[prev + NEXT]
            read += rows[rows[row + NEXT] + PREV]
            row = rows[row + TWIN]
        return read

    def hang(self, row: i64, low: i64, high: i64) -> None:
        """Let a position be looked at below `low` and above `high`; 0 and MOST_TICKS: never."""
        rows = self.rows
        long = rows[row + SLOPE] > 0
        self._hang_one(row, low if long else high)
        twin = rows[row + TWIN]
        other = high if long else low
        if twin == NIL and 0 < other < MOST_TICKS:
            owner, wheel = rows[row + OWNER], rows[row + WHEEL]
            twin = self.new_fence(owner, wheel >> 1, 1 - (wheel & 1))
            self.rows[row + TWIN] = twin
        if twin != NIL:
            self._hang_one(twin, other)

    def _hang_one(self, row: i64, bound: i64) -> None:
        """Hang a fence by its bound, or nowhere where no price can reach it."""
        rows, heads = self.rows, self.heads
        wheel = rows[row + WHEEL]
        shift = self.shift[wheel]
        prev = rows[row + PREV]
        if prev != FREE:
            following = rows[row + NEXT]
            if prev >= 0:
                rows[prev + NEXT] = following
            else:
                heads[-1 - prev] = following
            if following != NIL:
                rows[following + PREV] = prev
            rows[row + PREV] = FREE
            self.fences[wheel] -= 1
        if bound <= 0 or bound >= MOST_TICKS:
            return
        if self.fences[wheel] > self.mask[wheel] and self.mask[wheel] + 1 < MOST_BUCKETS:
            self._widen(wheel)
            heads = self.heads
            shift = self.shift[wheel]
        rows[row + BOUND] = bound
        head = self.begin[wheel] + ((bound >> shift) & self.mask[wheel])
        following = heads[head]
        rows[row + NEXT] = following
        rows[row + PREV] = -1 - head
        if following != NIL:
            rows[following + PREV] = row
        heads[head] = row
        self.fences[wheel] += 1

    def _widen(self, wheel: i64) -> None:
        """Four times as many buckets, and of a width that makes them reach well beyond the present price."""
        rows, heads = self.rows, self.heads
        begin, mask = self.begin[wheel], self.mask[wheel]
        all_fences: i64 = NIL
        bucket: i64 = 0
        while bucket <= mask:
            row = heads[begin + bucket]
            while row != NIL:
                following = rows[row + NEXT]
                rows[row + NEXT] = all_fences
                all_fences = row
                row = following
            bucket += 1
        buckets = (mask + 1) * 4
        self.begin[wheel] = len(heads)
        self.heads = extend(heads, zeros(buckets))
        self.mask[wheel] = buckets - 1
        shift: i64 = 0
        reach = self.price[wheel >> 1] * REACH
        while buckets << shift < reach:
            shift += 1
        self.shift[wheel] = shift
        self.fences[wheel] = 0
        while all_fences != NIL:
            row = all_fences
            all_fences = rows[row + NEXT]
            rows[row + PREV] = FREE
            self._hang_one(row, rows[row + BOUND])

    # Rows

    def new_fence(self, owner: i64, market: i64, side: i64) -> i64:
        row = self.new_row()
        rows = self.rows
        rows[row + NEXT] = NIL
        rows[row + PREV] = FREE
        rows[row + BOUND] = 0
        rows[row + WHEEL] = market * 2 + side
        rows[row + OWNER] = owner
        rows[row + SLOPE] = 0
        rows[row + SIBLING] = NIL
        rows[row + TWIN] = NIL
        return row

    def new_row(self) -> i64:
        row = self.free
        if row != NIL:
            self.free = self.rows[row + NEXT]
            return row
        row = self.used
        if row == len(self.rows):
            self.rows = extend(self.rows, zeros((row >> 6) * ROW))
        self.used = row + ROW
        return row

    def drop(self, row: i64) -> None:
        """A position is gone, and its fences with it."""
        twin = self.rows[row + TWIN]
        for fence in (row, twin):
            if fence != NIL:
                self._hang_one(fence, 0)
                self.rows[fence + NEXT] = self.free
                self.free = fence
