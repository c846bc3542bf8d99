"""Every account's position in one market: signed lots at a signed cost, updated inside the fill (rules R4 to R6)."""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from services.matching.engine.book import fetch, zeros

# The words of an account.
LOTS: Final = 0
COST: Final = 1
REALIZED: Final = 2
FEES: Final = 3
WORDS: Final = 4

PPB: Final = 1_000_000_000

# No order has more than ORDER_LOTS lots or ticks, so one that runs through the book moves no account by more than that
# many lots and, position turned over, ORDER_MONEY (lots * ticks). Caps that leave room for it keep sums within 64 bits.
ORDER_LOTS: Final = (1 << 28) - 1
CAP_LOTS: Final = 1 << 31
ORDER_MONEY: Final = 1 << 60
CAP_MONEY: Final = 3 << 60


@final
class Positions:
    """Positions of accounts numbered from 0. Amounts are in lots * ticks; what was bought has a negative cost."""

    def __init__(self, accounts: int) -> None:
        self.words: Final[vec[i64]] = zeros(accounts * WORDS)

    def expect(self, account: i64) -> None:
        """An account will soon trade: its words are fetched."""
        fetch(self.words, account * WORDS)

    def has_room(self, account: i64, orders: i64) -> bool:
        """Whether the account stays below the caps whatever the next orders do to it."""
        at = account * WORDS
        lots, money = CAP_LOTS - orders * ORDER_LOTS, CAP_MONEY - orders * ORDER_MONEY
        held, realized = self.words[at + LOTS], self.words[at + REALIZED]
        return -lots < held < lots and -money < realized < money and self.words[at + FEES] < money

    def reducible(self, account: i64, side: i64, lots: i64) -> i64:
        """How many of `lots` bought (side 1) or sold (-1) would reduce the position."""
        against = -side * self.words[account * WORDS + LOTS]
        if against <= 0:
            return 0
        return against if against < lots else lots

    def fill(self, account: i64, lots: i64, price: i64, fee_ppb: i64) -> None:
        """One side of a fill: `lots` bought, or sold when negative, at `price`; the fee is rounded up (R6)."""
        words, at = self.words, account * WORDS
        held, cost, flow = words[at + LOTS], words[at + COST], -lots * price
        words[at + LOTS] = held + lots
        if held == 0 or (held > 0) == (lots > 0):
            words[at + COST] = cost + flow
        else:
            kept = self._kept(held, cost, lots, price)
            words[at + COST] = kept
            words[at + REALIZED] += cost + flow - kept
        if fee_ppb != 0:
            paid = flow if flow > 0 else -flow
            words[at + FEES] += paid // PPB * fee_ppb + (paid % PPB * fee_ppb + PPB - 1) // PPB

    def _kept(self, held: i64, cost: i64, lots: i64, price: i64) -> i64:
        """The cost of what stays open: Q - trunc(Q * |d| / |s|), or that of the rest of a flip (R5).

        Q * |d| may not fit: with Q = a * |s| + b the released part is a * |d| + trunc(b * |d| / |s|).
        """
        size, closed = held if held > 0 else -held, lots if lots > 0 else -lots
        if closed > size:
            return -(held + lots) * price
        amount = cost if cost > 0 else -cost
        released = amount // size * closed + amount % size * closed // size
        return cost - released if cost > 0 else cost + released
