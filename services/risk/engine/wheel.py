"""The price wheel: which accounts a new price may move to another level, without looking at the others.

Everything is a ROW of eight 64-bit words in one `vec[i64]`, called by the offset of its first word. An account is a
row; each of its positions is a FENCE, a row that hangs in the wheel of its market by the price at which to look at it:

    wheel of (market, falling)      buckets of 2^shift ticks, as many as a power of two that grows with the fences
    +------+------+------+------+
    |      |  o   |      |  o---+-> fence NEXT fence ...      fences hang by BOUND; a falling price walks the buckets
    +------+------+------+------+        |OWNER               from the old price to the new and takes those whose
                                         v                    BOUND it went below. Rising: the market's other wheel.
                                      account --FIRST--> fence SIBLING fence SIBLING ... all of one account

While every price stays within its fences the level of the account cannot change (`_fence`), so a price that takes no
fence needs no look at anybody. A fence that is taken has its account evaluated exactly; what changed is in `out`.
Exactness: all is integers. Amounts are whole quanta; what would not fit 64 bits is not judged here but handed out
(OUTSIDE). Shares of the distance to a threshold are rounded inward: a fence too near costs a look, never an alert.
"""

from typing import Final, final

from librt.vecs import append, extend, vec
from mypy_extensions import i64

from services.risk.engine.fences import (
    FALLING,
    MOST_TICKS,
    NIL,
    RISING,
    ROW,
    SIBLING,
    SLOPE,
    TWIN,
    WHEEL,
    Fences,
    zeros,
)

# The words of an account. KEEP: equity without the value of its positions. MODE: who evaluates it.
KEEP: Final = 0
LEVEL: Final = 1
BELOW: Final = 2
FIRST: Final = 3
MODE: Final = 4
NAME: Final = 5

INSIDE: Final = 0
"""MODE: this file evaluates the account."""
OUTSIDE: Final = 1
"""MODE: an account that a fence is taken down of is only listed; whoever keeps it evaluates it and places it again."""

PPM: Final = 1_000_000
PPB: Final = 1_000_000_000
MOST_VALUE: Final = 1 << 52
"""Quanta that one position may be worth."""
MOST_SLOPE: Final = 1 << 37
"""Quanta by which one tick may move a position."""
MOST_KEEP: Final = 1 << 57
MOST_RATE: Final = 4 * PPB
"""An initial rate or a maintenance fraction; the product of the two is at most MOST_RATES."""
MOST_RATES: Final = 9 * PPB * PPB
MOST_POSITIONS: Final = 32

TOGETHER: Final = 64
"""Accounts whose rows are read ahead at once: few enough to stay in the nearer caches."""

WORST: Final = 4
THRESHOLDS: Final = 8
COSTS: Final = 3
# What a tick costs, per unit of slope, at one threshold: a long that falls, a long that rises, a short that rises.
LONG_FALLS: Final = 0
LONG_RISES: Final = 1
SHORT_RISES: Final = 2

SHARE_BITS: Final = 22
WHOLE_SHARE: Final = 1 << SHARE_BITS
MOST_DISTANCE: Final = 1 << 40


@final
class Wheel(Fences):
    """Accounts, their positions, and a wheel per market and direction.

    enter_ppm, leave_ppm: health factors of the levels 1 to 4, mildest first, below which a level begins and at which it
    is left. out: rows of accounts whose level, or whose being below the last threshold, the last call has changed, and
    of accounts evaluated OUTSIDE that it touched. looks: how many accounts were ever evaluated or listed.
    """

    def __init__(self, enter_ppm: list[int], leave_ppm: list[int]) -> None:
        super().__init__()
        self.thresholds: Final[vec[i64]] = vec[i64](enter_ppm + leave_ppm)
        self.out: list[int] = []
        self.looks: i64 = 0
        self.markets: i64 = 0
        self.costs: vec[i64] = zeros(0)
        self.rounding: vec[i64] = zeros(0)
        self.required: vec[i64] = zeros(0)
        self.brackets: vec[i64] = zeros(0)
        self.first_bracket: vec[i64] = zeros(0)
        self.last_bracket: vec[i64] = zeros(0)
        self.equity: i64 = 0
        self.read: i64 = 0
        self.margin: i64 = 0

    # Markets

    def market(self) -> int:
        """Open a market, without a price and without margin; returns its number."""
        number = self.markets
        self.markets = number + 1
        self.open_wheels()
        self.rounding = append(self.rounding, 0)
        self.required = append(self.required, 0)
        self.first_bracket = append(self.first_bracket, 0)
        self.last_bracket = append(self.last_bracket, 0)
        self.costs = extend(self.costs, zeros(THRESHOLDS * COSTS))
        self.set_margin(number, [])
        return number

    def set_margin(self, market: i64, brackets: list[tuple[int, int, int]]) -> None:
        """Give a market's brackets, lowest first: (upper notional or -1, initial rate, maintenance fraction), in ppb.

        MOST_RATE and MOST_RATES bound them. Whoever holds the market must be placed again.
        """
        self.first_bracket[market] = len(self.brackets)
        steepest: i64 = 0
        flattest: i64 = MOST_RATES // PPB
        rounding: i64 = 0
        for upper, initial, fraction in brackets:
            rate: i64 = initial * fraction // PPB
            flattest = min(flattest, rate)
            steepest = max(steepest, rate + 1)
            rounding += (fraction + PPB - 1) // PPB + 1
            for word in (upper, initial, fraction):
                self.brackets = append(self.brackets, word)
        if not brackets or brackets[-1][0] >= 0:
            flattest = 0
        self.last_bracket[market] = len(self.brackets)
        self.rounding[market] = rounding
        self.required[market] = 1 if brackets and brackets[0][1] > 0 and brackets[0][2] > 0 else 0
        for number in range(THRESHOLDS):
            threshold = self.thresholds[number]
            low: i64 = threshold * flattest // PPB
            high: i64 = (threshold * steepest + PPB - 1) // PPB
            place: i64 = (market * THRESHOLDS + number) * COSTS
            self.costs[place + LONG_FALLS] = max(0, PPM - low)
            self.costs[place + LONG_RISES] = max(0, high - PPM)
            self.costs[place + SHORT_RISES] = PPM + high

    def requirement(self, market: i64, notional: i64) -> i64:
        """Maintenance margin of a position of one market: each slice at its own rate, rounded up twice (R8)."""
        brackets = self.brackets
        place, last = self.first_bracket[market], self.last_bracket[market]
        margin: i64 = 0
        lower: i64 = 0
        while place < last:
            top = brackets[place]
            if top < 0 or notional < top:
                top = notional
            if top <= lower:
                break
            part = _share(top - lower, brackets[place + 1])
            margin += _share(part, brackets[place + 2])
            lower = top
            place += 3
        return margin

    # Accounts

    def account(self, name: i64) -> int:
        """A row for an account without positions, at level 0; `name` is the caller's own number for it."""
        row = self.new_row()
        rows = self.rows
        for word in range(ROW):
            rows[row + word] = 0
        rows[row + NAME] = name
        return row

    def hold(self, account: i64, market: i64, slope: i64) -> None:
        """Let an account gain `slope` quanta per tick of a market; 0 takes the position away. Place it afterwards."""
        rows = self.rows
        before = account + FIRST - SIBLING
        row = rows[account + FIRST]
        while row != NIL and rows[row + WHEEL] >> 1 != market:
            before = row
            row = rows[row + SIBLING]
        if row != NIL and (slope == 0 or (slope > 0) != (rows[row + SLOPE] > 0)):
            rows[before + SIBLING] = rows[row + SIBLING]
            self.drop(row)
            row = NIL
        if slope == 0:
            return
        if row == NIL:
            row = self.new_fence(account, market, FALLING if slope > 0 else RISING)
            self.rows[row + SIBLING] = self.rows[account + FIRST]
            self.rows[account + FIRST] = row
        self.rows[row + SLOPE] = slope

    def place(self, account: i64, keep: i64, level: i64, below: i64) -> None:
        """Take over an account as it is now, by its own evaluation: equity beside positions, level, below the last."""
        rows = self.rows
        rows[account + KEEP] = keep
        rows[account + LEVEL] = level
        rows[account + BELOW] = below
        rows[account + MODE] = INSIDE
        self._evaluate(account)
        self._fence(account)

    def place_outside(self, account: i64, equity: i64, margin: i64, level: i64, below: i64) -> None:
        """The same for an account whose equity has parts that this file cannot know; its slopes bound how they move."""
        rows = self.rows
        rows[account + LEVEL] = level
        rows[account + BELOW] = below
        rows[account + MODE] = OUTSIDE
        self._evaluate(account)
        self.equity = equity
        self.margin = margin
        self._fence(account)

    def watch(self, account: i64) -> None:
        """List this account at every price of anything it holds."""
        self.rows[account + MODE] = OUTSIDE
        row = self.rows[account + FIRST]
        while row != NIL:
            price = self.price[self.rows[row + WHEEL] >> 1]
            self.hang(row, price, price)
            row = self.rows[row + SIBLING]

    def leave(self, account: i64) -> None:
        """Take down an account's fences: no price can matter until it is placed again."""
        row = self.rows[account + FIRST]
        while row != NIL:
            self.hang(row, 0, MOST_TICKS)
            row = self.rows[row + SIBLING]

    def update(self, account: i64, market: i64, slope: i64, keep: i64) -> None:
        """A fill: another position in one market and another cash, judged at once; `out` says whether it mattered."""
        self.out = []
        self.hold(account, market, slope)
        self.rows[account + KEEP] = keep
        self._judge(account)

    # Prices

    def move(self, market: i64, ticks: i64) -> None:
        """A new price of a market: judge the accounts whose fences it takes down; `out` lists what has changed."""
        self.out = []
        old = self.price[market]
        self.price[market] = ticks
        if ticks == old or old == 0:
            return
        self.count = 0
        self.take(market * 2 + (RISING if ticks > old else FALLING), old, ticks)
        number: i64 = 0
        while number < self.count:
            if number % TOGETHER == 0:
                self._reach(number, min(self.count, number + TOGETHER))
            self._judge(self.hits[number])
            number += 1

    def name(self, account: i64) -> int:
        """The caller's number of a row in `out`."""
        return self.rows[account + NAME]

    def level(self, account: i64) -> int:
        """The level that an account is at."""
        return self.rows[account + LEVEL]

    def expect(self, accounts: list[int]) -> None:
        """Say which accounts are updated next, some hundred at most: what that reads is then fetched all at once."""
        self.count = 0
        for account in accounts:
            if self.count == len(self.hits):
                self.hits = extend(self.hits, zeros(self.count + 64))
            self.hits[self.count] = account
            self.count += 1
        self._reach(0, self.count)

    # Judging

    def _reach(self, first: i64, last: i64) -> None:
        """Read what judging these hits will read, in rounds whose reads do not wait for each other.

        Memory answers ten reads in the time of one; judged one after the other, accounts that lie apart wait for each.
        """
        rows, hits = self.rows, self.hits
        read: i64 = 0
        number = first
        while number < last:
            read += rows[hits[number] + FIRST]
            number += 1
        number = first
        while number < last:
            row = rows[hits[number] + FIRST]
            while row != NIL:
                read += rows[row + TWIN]
                row = rows[row + SIBLING]
            number += 1
        number = first
        while number < last:
            row = rows[hits[number] + FIRST]
            while row != NIL:
                read += self.reach(row)
                row = rows[row + SIBLING]
            number += 1
        self.read = read

    def _judge(self, account: i64) -> None:
        """Evaluate an account; list it when its level changed, or when others must evaluate it."""
        rows = self.rows
        self.looks += 1
        if rows[account + MODE] == OUTSIDE:
            self.out.append(account)
            return
        if not self._evaluate(account):
            self.watch(account)
            self.out.append(account)
            return
        level = self._next_level(rows[account + LEVEL])
        below: i64 = 1 if self._below(3) else 0
        if level != rows[account + LEVEL] or below != rows[account + BELOW]:
            rows[account + LEVEL] = level
            rows[account + BELOW] = below
            self.out.append(account)
        self._fence(account)

    def _evaluate(self, account: i64) -> bool:
        """Set `equity` and `margin` to an account's at the present prices; False when they would not fit."""
        rows, price = self.rows, self.price
        equity = rows[account + KEEP]
        margin: i64 = 0
        row = rows[account + FIRST]
        while row != NIL:
            market = rows[row + WHEEL] >> 1
            value = rows[row + SLOPE] * price[market]
            equity += value
            if value < 0:
                value = -value
            if value >= MOST_VALUE:
                return False
            margin += self.requirement(market, value)
            row = rows[row + SIBLING]
        self.equity = equity
        self.margin = margin
        return True

    def _least(self, number: i64) -> i64:
        """The least equity that is not below a threshold: ceil(threshold * margin / 1e6), without a longer product."""
        threshold, margin = self.thresholds[number], self.margin
        return threshold * (margin // PPM) + (threshold * (margin % PPM) + PPM - 1) // PPM

    def _below(self, number: i64) -> bool:
        return self.margin > 0 and self.equity < self._least(number)

    def _next_level(self, level: i64) -> i64:
        """Worse at once, milder only where the level is left (R10 with hysteresis)."""
        entered: i64 = 0
        while entered < WORST and self._below(entered):
            entered += 1
        if entered >= level:
            return entered
        kept: i64 = 0
        while kept < WORST and self._below(WORST + kept):
            kept += 1
        return kept if kept < level else level

    # Fences

    def _fence(self, account: i64) -> None:
        """Hang every fence where the account, evaluated just now, could at the earliest change.

        For a threshold T the distance |equity - T * margin| is shared out over the positions so that all prices may
        move by the same fraction of themselves. A tick costs at most the position's slope times `costs`.
        """
        level, below = self.rows[account + LEVEL], self.rows[account + BELOW]
        worse: i64 = level
        if level == WORST:
            worse = -1 if below else WORST - 1
        better: i64 = -1
        if level > 0:
            better = WORST - 1 if below else WORST + level - 1
        falls: i64 = 0
        rises: i64 = 0
        if worse >= 0:
            falls = self._fraction(account, worse, self.equity - self._least(worse))
        if better >= 0:
            rises = self._fraction(account, better, self._least(better) - 1 - self.equity)
            if not self._asks_margin(account):
                rises = -1
        row = self.rows[account + FIRST]
        while row != NIL:
            if falls < 0 or rises < 0:
                price = self.price[self.rows[row + WHEEL] >> 1]
                self.hang(row, price, price)
            else:
                self._bound(row, worse, falls, better, rises)
            row = self.rows[row + SIBLING]

    def _asks_margin(self, account: i64) -> bool:
        """Whether the account has a requirement at any price, so that it cannot leave a level for want of one."""
        row = self.rows[account + FIRST]
        while row != NIL:
            if self.required[self.rows[row + WHEEL] >> 1]:
                return True
            row = self.rows[row + SIBLING]
        return False

    def _fraction(self, account: i64, threshold: i64, distance: i64) -> i64:
        """The share of its price, in 2^-SHARE_BITS, by which every price may move before the distance is used up.

        -1 where the ceilings of the requirement alone could use it up: then any price matters, in any direction.
        """
        rows = self.rows
        total: i64 = 1
        rounding: i64 = 0
        row = rows[account + FIRST]
        while row != NIL:
            market = rows[row + WHEEL] >> 1
            total += self._cost(row, threshold) * self.price[market]
            rounding += self.rounding[market]
            row = rows[row + SIBLING]
        distance -= (self.thresholds[threshold] * rounding + PPM - 1) // PPM
        if distance < 0:
            return -1
        while distance >= MOST_DISTANCE:
            distance >>= 1
            total = (total >> 1) + 1
        share: i64 = (distance << SHARE_BITS) // total
        return share if share < WHOLE_SHARE else WHOLE_SHARE

    def _cost(self, row: i64, threshold: i64) -> i64:
        """Quanta of distance that a tick of a position may cost at most, in its dearer direction."""
        slope = self.rows[row + SLOPE]
        place = ((self.rows[row + WHEEL] >> 1) * THRESHOLDS + threshold) * COSTS
        if slope < 0:
            return (-slope * self.costs[place + SHORT_RISES] + PPM - 1) // PPM
        falls, rises = self.costs[place + LONG_FALLS], self.costs[place + LONG_RISES]
        return (slope * (falls if falls > rises else rises) + PPM - 1) // PPM

    def _bound(self, row: i64, worse: i64, falls: i64, better: i64, rises: i64) -> None:
        """Hang a position's fences: `falls` of its price toward what is worse, `rises` toward what is better."""
        market = self.rows[row + WHEEL] >> 1
        price, long = self.price[market], self.rows[row + SLOPE] > 0
        low: i64 = 0
        high: i64 = MOST_TICKS
        if worse >= 0:
            room = price * falls >> SHARE_BITS
            steep = self.costs[(market * THRESHOLDS + worse) * COSTS + LONG_RISES] > 0
            if long:
                low = price - room
            if not long or steep:
                high = price + room
        if better >= 0:
            room = price * rises >> SHARE_BITS
            steep = self.costs[(market * THRESHOLDS + better) * COSTS + LONG_RISES] > 0
            if long and price + room < high:
                high = price + room
            if (not long or steep) and price - room > low:
                low = price - room
        self.hang(row, low, high)


def _share(amount: i64, rate_ppb: i64) -> i64:
    """ceil(amount * rate / 1e9), without a longer product."""
    return amount // PPB * rate_ppb + (amount % PPB * rate_ppb + PPB - 1) // PPB
