"""The structure of an order book: rows of one packed array, linked in rings, found by a window of ticks and a bitmap.

Everything is a ROW of eight 64-bit words in one `vec[i64]`, called by the offset of its first word: an order is a row,
a price level is a row, and so is the head of each HALF of the book.

    half 1, asks: KEY = +price, so that the most aggressive price has the smallest key

      window, one word per tick       101                  102      103      104
      and a bit per word:         ... [ | ] 1              [ ] 0    [ ] 0    [ | ] 1 ...
                                        |                                      |
      head                              v level 101                            v level 104
    +-------+             BEST        +-----------+                          +-----------+
    | KEY = | ----------------------> | KEY = 101 |                          | KEY = 104 |   without levels
    | NEVER |                         | LOTS = 7  |                          | LOTS = 2  |   the head is its own BEST
    +-------+                         +-----------+                          +-----------+
                                        | NEXT
                                    +---v-------+ NEXT  +-----------+ NEXT
                                    | order a   | ----> | order b   | ----> and back to the level:
                                    | LOTS = 4  | <---- | LOTS = 3  |       a ring of orders, oldest first
                                    +-----------+ PREV  +-----------+       each knows its LEVEL

    half 0, bids: the same with KEY = -price; "best" is the smallest key on either side, and one code serves both
    halves 2, 3:  armed stops, buys at +trigger and sells at -trigger: the one to fire next is the best

Rings have no ends and therefore no special cases; the head's key is larger than any limit and ends every walk. To
cancel touches an order, its neighbours and its level, however deep the book is. Levels do not know each other: most
come and go away from the best price, where nobody asks who is next to them. Who does asks the index:

    window   for each tick from `base` on, the row of its level or NIL
    bitmap   one bit per tick of the window in words of 32, over them a layer with one bit per word that is not empty,
             and so on, four layers for up to 2^20 ticks: the next level after a tick is at most seven words away
    far      levels outside the window, by key in a sorted list: right at any price, but slower. The window of an empty
             half goes where its first order is. Where many orders come near the best level and yet outside, all windows
             are made twice as wide: they end up as wide as prices really go, and who only visits moves nothing. They
             are only an index, so levels and orders stay where they are

A row is one cache line, and of a large book it is seldom in the cache: who knows what will be wanted says so (`fetch`).

Words are signed and wrap when compiled: prices and lots are at most MOST, so that the LOTS of a level hold 2^22 such
orders. Words of the bitmap have 32 bits, because their lowest bit is then found the same way compiled and interpreted;
their masks come from a table.
"""

from bisect import bisect_left
from typing import Final, final

from librt.vecs import extend, vec
from mypy_extensions import i64

ROW: Final = 8
NIL: Final = 0
MOST: Final = (1 << 40) - 1
"""Largest price in ticks, and largest size of an order in lots."""
NEVER: Final = (1 << 62) - 1

# The words of an order. A level uses some of them for other things; its ID outlives every use of the row.
NEXT: Final = 0
PREV: Final = 1
LEVEL: Final = 2
LOTS: Final = 3
ID: Final = 4
META: Final = 5
PRICE: Final = 6
SIZE: Final = 7
# The words of a level, beside NEXT, PREV and LOTS; a half's head has BEST and KEY.
BEST: Final = 2
KEY: Final = 6
HALF: Final = 7

BIDS: Final = 0
ASKS: Final = 1
STOP_BUYS: Final = 2
STOP_SELLS: Final = 3
HALVES: Final = 4

MOST_ORDERS: Final = 1 << 22
"""Orders that a book can hold at once."""
SLOTS: Final = 1 << 24
"""An id is the number of its row plus a multiple of this, which counts how often the row was used."""

FIRST_ROWS: Final = 256
LAYERS: Final = 4
LEAST_SPAN: Final = 1 << 5
MOST_SPAN: Final = 1 << 20
LOWEST_BIT: Final = 0x077CB531  # de Bruijn: bits 27 to 31 of (a single bit * this) tell which bit it is


def zeros(words: i64, idle: i64 = 0) -> vec[i64]:
    """That many words of 0, and `idle` more, seldom used: compiled, those are no memory before they are."""
    return vec[i64]([0] * (words + idle))


def longer(words: vec[i64], more: i64) -> vec[i64]:
    """The same words, and that many of 0 behind them."""
    return extend(words, zeros(more))


def fetch(words: vec[i64], at: i64) -> None:
    """A word will soon be wanted: compiled, the processor gets it from memory meanwhile. A hint, and nothing else."""


def fetch_i64(frame: bytes, at: i64) -> None:
    """The same of a word of a frame, or of what would be one behind its end."""


def fetches() -> bool:
    """Whether there is a point in hints: interpreted they fetch nothing, and to find out what to fetch takes time."""
    return False


def _layers(span: int) -> vec[i64]:
    """Where each layer of the bitmap begins, and after the last one where they end. A search may look one word past."""
    begin, words = [0], span
    for _ in range(LAYERS):
        words = max(1, words >> 5)
        begin.append(begin[-1] + words + 1)
    return vec[i64](begin)


def _masks() -> vec[i64]:
    """1 << bit, for 32 bits. Doubled, because compiled a literal that is shifted is a C int without bit 31."""
    masks = zeros(32)
    masks[0] = 1
    for bit in range(1, 32):
        masks[bit] = masks[bit - 1] + masks[bit - 1]
    return masks


def _bit_table() -> vec[i64]:
    """For each value of bits 27 to 31 of (a single bit * LOWEST_BIT) which bit it was."""
    table = zeros(32)
    for bit in range(32):
        table[((LOWEST_BIT << bit) & 0xFFFFFFFF) >> 27] = bit
    return table


@final
class Book:
    """Both sides of one market and its armed stops. `span`: ticks of a window at first, a power of two, 2^5 to 2^20."""

    def __init__(self, span: int = 1 << 12) -> None:
        if not LEAST_SPAN <= span <= MOST_SPAN or span & (span - 1):
            raise ValueError(f"a window of {span} ticks is not a power of two from 2^5 to 2^20")
        self.rows: vec[i64] = zeros(FIRST_ROWS * ROW)
        self.used: i64 = HALVES * ROW
        self.free: i64 = NIL
        self.orders: i64 = 0
        self.span: i64 = span
        self.strays: i64 = 0
        self.base: Final[vec[i64]] = vec[i64]([NEVER] * HALVES)
        self.window: vec[i64] = zeros(STOP_BUYS * span, (HALVES - STOP_BUYS) * span)
        self.layer: vec[i64] = _layers(span)
        self.bits: vec[i64] = zeros(HALVES * self.layer[LAYERS])
        self.mask: Final[vec[i64]] = _masks()
        self.bit_of: Final[vec[i64]] = _bit_table()
        self.far_keys: Final[list[list[int]]] = [[] for _ in range(HALVES)]
        self.far_rows: Final[list[list[int]]] = [[] for _ in range(HALVES)]
        for half in range(HALVES):
            head: i64 = half * ROW
            self.rows[head + BEST] = head
            self.rows[head + KEY] = NEVER

    # Rows

    def _more(self) -> None:
        """Put a row that was never used on the free list, which links what nobody uses by NEXT."""
        row = self.used
        if row == len(self.rows):
            self.rows = longer(self.rows, (row >> 5) * ROW)
        self.used = row + ROW
        self.free = row

    # Orders

    def new(self, lots: i64, price: i64, meta: i64) -> i64:
        """A row for an order that is not yet in the book, with an id that no order had before."""
        if self.free == NIL:
            self._more()
        rows, row = self.rows, self.free
        self.free = rows[row + NEXT]
        order_id = SLOTS - rows[row + ID]
        if order_id == SLOTS:  # the first use of this row
            order_id += row >> 3
        rows[row + ID] = order_id
        rows[row + LOTS] = lots
        rows[row + SIZE] = lots
        rows[row + PRICE] = price
        rows[row + META] = meta
        self.orders += 1
        return row

    def retire(self, row: i64) -> None:
        """An order that is not in the book is over; its id is never found again."""
        rows = self.rows
        rows[row + ID] = -rows[row + ID]
        rows[row + NEXT] = self.free
        self.free = row
        self.orders -= 1

    def find(self, order_id: i64) -> i64:
        """The row of a live order; NIL when there is none of this id."""
        row = (order_id & (SLOTS - 1)) << 3
        if order_id > 0 and row < self.used and self.rows[row + ID] == order_id:
            return row
        return NIL

    def expect(self, order_id: i64) -> None:
        """An order will soon be looked for; without this its row comes from memory when it is."""
        row = (order_id & (SLOTS - 1)) << 3
        if row < self.used:
            fetch(self.rows, row)

    def expect_neighbours(self, order_id: i64) -> None:
        """When its row was expected: the orders around it and its level."""
        rows, row = self.rows, (order_id & (SLOTS - 1)) << 3
        if row < self.used:
            fetch(rows, rows[row + NEXT])
            fetch(rows, rows[row + PREV])
            fetch(rows, rows[row + LEVEL])

    def expect_tick(self, half: i64, price: i64) -> None:
        """The word of a price among bids or asks."""
        fetch(self.window, self._near(half, price))

    def expect_level(self, half: i64, price: i64) -> None:
        """When its tick was expected: the level of a price."""
        fetch(self.rows, self.window[self._near(half, price)])

    def _near(self, half: i64, price: i64) -> i64:
        """Where the window has a price; of one outside it another place, for that is not tested."""
        key = (half + half - 1) * price
        return half * self.span + ((key - self.base[half]) & (self.span - 1))

    def add(self, half: i64, key: i64, lots: i64) -> i64:
        """A new order behind all others of its key; returns its row."""
        row = self.new(lots, key, 0)
        self.link(row, half, key)
        return row

    def remove(self, row: i64) -> None:
        """An order in the book is over."""
        self.unlink(row)
        self.retire(row)

    def link(self, row: i64, half: i64, key: i64) -> None:
        """Put an order behind all others of its key."""
        index = key - self.base[half]
        level = self.window[half * self.span + index] if 0 <= index < self.span else self._stray(half, key)
        if level == NIL:
            level = self._open(half, key)
        rows = self.rows
        last = rows[level + PREV]
        rows[row + NEXT] = level
        rows[row + PREV] = last
        rows[row + LEVEL] = level
        rows[last + NEXT] = row
        rows[level + PREV] = row
        rows[level + LOTS] += rows[row + LOTS]

    def unlink(self, row: i64) -> None:
        """Take an order out of its level; a level that it leaves empty goes too."""
        rows = self.rows
        newer, older, level = rows[row + NEXT], rows[row + PREV], rows[row + LEVEL]
        if newer == older:  # both are the level: this order was alone
            self._close(level)
            return
        rows[older + NEXT] = newer
        rows[newer + PREV] = older
        rows[level + LOTS] -= rows[row + LOTS]

    def reduce(self, row: i64, lots: i64) -> None:
        """Some lots of an order are gone, not all; it keeps its place."""
        rows = self.rows
        level = rows[row + LEVEL]
        rows[row + LOTS] -= lots
        rows[level + LOTS] -= lots

    def best(self, half: i64) -> i64:
        """The row of the order that trades next, or NIL."""
        level = self.rows[half * ROW + BEST]
        return self.rows[level + NEXT] if level != half * ROW else NIL

    def best_key(self, half: i64) -> i64:
        """The key of the best level, or NEVER."""
        rows = self.rows
        return rows[rows[half * ROW + BEST] + KEY]

    def lots_at(self, half: i64, key: i64) -> i64:
        """The lots of a level by its key; 0 when there is none."""
        level = self._level(half, key)
        return self.rows[level + LOTS] if level != NIL else 0

    def after(self, row: i64) -> i64:
        """The order that comes next in priority on the same side, or NIL."""
        rows = self.rows
        following, level = rows[row + NEXT], rows[row + LEVEL]
        if following != level:
            return following
        level = self._from(rows[level + HALF], rows[level + KEY] + 1)
        return rows[level + NEXT] if rows[level + KEY] != NEVER else NIL

    def depth(self, half: i64, most: i64 = MOST_ORDERS) -> list[tuple[int, int]]:
        """(key, lots) of the best levels, as many as there are but not more than `most`."""
        rows = self.rows
        found: list[tuple[int, int]] = []
        level = rows[half * ROW + BEST]
        while rows[level + KEY] != NEVER and len(found) < most:
            found.append((rows[level + KEY], rows[level + LOTS]))
            level = self._from(half, rows[level + KEY] + 1)
        return found

    # Levels

    def _open(self, half: i64, key: i64) -> i64:
        """A new level."""
        if self.free == NIL:
            self._more()
        rows, level = self.rows, self.free
        self.free = rows[level + NEXT]
        rows[level + NEXT] = level
        rows[level + PREV] = level
        rows[level + LOTS] = 0
        rows[level + KEY] = key
        rows[level + HALF] = half
        if key < rows[rows[half * ROW + BEST] + KEY]:
            rows[half * ROW + BEST] = level
        self._enter(half, key, level)
        return level

    def _close(self, level: i64) -> None:
        """A level without orders leaves the book."""
        rows = self.rows
        half = rows[level + HALF]
        self._strike(half, rows[level + KEY])
        if rows[half * ROW + BEST] == level:
            rows[half * ROW + BEST] = self._from(half, rows[level + KEY])
        rows[level + NEXT] = self.free
        self.free = level

    def _from(self, half: i64, key: i64) -> i64:
        """The first level of a key or a worse one; the half's head when there is none.

        Only a key outside the window, or behind all levels in it, has to look at the far ones.
        """
        found, index = half * ROW, key - self.base[half]
        if index < self.span:
            tick = self._first_set(half, index if index > 0 else 0)
            if tick >= 0:
                found = self.window[half * self.span + tick]
                if index >= 0:
                    return found
        return self._far_from(half, key, found)

    def _far_from(self, half: i64, key: i64, found: i64) -> i64:
        """The first level outside the window of a key or a worse one, if it is better than the one found within."""
        keys: list[int] = self.far_keys[half]
        place = bisect_left(keys, key)
        if place < len(keys) and keys[place] < self.rows[found + KEY]:
            found = self.far_rows[half][place]
        return found

    # The index of the levels

    def _level(self, half: i64, key: i64) -> i64:
        """The level of a key, or NIL."""
        index = key - self.base[half]
        return self.window[half * self.span + index] if 0 <= index < self.span else self._far_level(half, key)

    def _far_level(self, half: i64, key: i64) -> i64:
        """The level of a key outside the window, or NIL."""
        keys: list[int] = self.far_keys[half]
        place = bisect_left(keys, key)
        return self.far_rows[half][place] if place < len(keys) and keys[place] == key else NIL

    def _enter(self, half: i64, key: i64, level: i64) -> None:
        """Make a level known under its key."""
        index = key - self.base[half]
        if not 0 <= index < self.span:
            self._enter_far(half, key, level)
            return
        self.window[half * self.span + index] = level
        bits, layer = self.bits, self.layer
        start = half * layer[LAYERS]
        number: i64 = 0
        while number < LAYERS:
            word = start + layer[number] + (index >> 5)
            before = bits[word]
            bits[word] = before | self.mask[index & 31]
            if before != 0:
                return
            index >>= 5
            number += 1

    def _enter_far(self, half: i64, key: i64, level: i64) -> None:
        """The same of a key outside the window."""
        place = bisect_left(self.far_keys[half], key)
        self.far_keys[half].insert(place, key)
        self.far_rows[half].insert(place, level)

    def _strike(self, half: i64, key: i64) -> None:
        """Make the level of a key unknown."""
        index = key - self.base[half]
        if not 0 <= index < self.span:
            self._strike_far(half, key)
            return
        self.window[half * self.span + index] = NIL
        bits, layer = self.bits, self.layer
        start = half * layer[LAYERS]
        number: i64 = 0
        while number < LAYERS:
            word = start + layer[number] + (index >> 5)
            rest = bits[word] & ~self.mask[index & 31]
            bits[word] = rest
            if rest != 0:
                return
            index >>= 5
            number += 1

    def _strike_far(self, half: i64, key: i64) -> None:
        """The same of a key outside the window."""
        place = bisect_left(self.far_keys[half], key)
        del self.far_keys[half][place]
        del self.far_rows[half][place]

    def _first_set(self, half: i64, index: i64) -> i64:
        """The first tick of the window, from `index` on, that has a level; -1 when there is none."""
        bits, layer, bit_of = self.bits, self.layer, self.bit_of
        start = half * layer[LAYERS]
        number: i64 = 0
        while number < LAYERS:
            word = bits[start + layer[number] + (index >> 5)] >> (index & 31)
            if word != 0:
                index += bit_of[(((word & -word) * LOWEST_BIT) & 0xFFFFFFFF) >> 27]
                while number > 0:
                    number -= 1
                    word = bits[start + layer[number] + index]
                    index = (index << 5) + bit_of[(((word & -word) * LOWEST_BIT) & 0xFFFFFFFF) >> 27]
                return index
            index = (index >> 5) + 1
            number += 1
        return -1

    def _stray(self, half: i64, key: i64) -> i64:
        """The level of a key outside the window, or NIL; what that says of the window is acted upon first."""
        best = self.best_key(half)
        if best == NEVER:
            self.base[half] = key - (self.span >> 2)
        elif key - best < self.span:
            self.strays += 1
            if self.strays > self.span >> 3:
                self._widen()
        return self._level(half, key)

    def _widen(self) -> None:
        """Windows of twice the ticks, as far as that goes, that begin before the best levels; all levels enter anew."""
        rows = self.rows
        levels: list[int] = []
        for half in range(HALVES):
            level = rows[half * ROW + BEST]
            while level != half * ROW:
                levels.append(level)
                level = self._from(half, rows[level + KEY] + 1)
        self.strays = 0
        if self.span < MOST_SPAN:
            self.span += self.span
        self.window = zeros(STOP_BUYS * self.span, (HALVES - STOP_BUYS) * self.span)
        self.layer = _layers(self.span)
        self.bits = zeros(HALVES * self.layer[LAYERS])
        for half in range(HALVES):
            self.far_keys[half] = []
            self.far_rows[half] = []
            best = self.best_key(half)
            self.base[half] = best - (self.span >> 2) if best != NEVER else NEVER
        for level in levels:
            self._enter(rows[level + HALF], rows[level + KEY], level)
