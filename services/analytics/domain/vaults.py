"""What shares of the venue's vaults are worth, from what matching says of them (domain rule R36). Amounts in quanta."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from cleartide.rules.vaults import value_of_shares

from services.analytics.domain.ratio import ratio


class SharePrice(NamedTuple):
    """What all shares of a vault were worth (quanta) at an instant, how many there were, and the virtual ones.

    The price of a share is (assets + 1) / (shares + virtual shares), a ratio of integers (domain section 15.1).
    """

    vault: str
    at: int
    assets: int
    shares: int
    virtual_shares: int

    @property
    def million(self) -> int:
        """What a million shares cost, in quanta, floored (domain section 15.1)."""
        return (self.assets + 1) * 1_000_000 // (self.shares + self.virtual_shares)

    def change(self, later: "SharePrice") -> Decimal:
        """What a share gained until later, price / price - 1: a fraction with 12 places, cut (domain rule R35)."""
        now = (later.assets + 1) * (self.shares + self.virtual_shares)
        before = (self.assets + 1) * (later.shares + later.virtual_shares)
        return ratio(now - before, before)


def largest_drawdown(prices: Iterable[SharePrice]) -> Decimal:
    """The deepest fall of the price below the highest before it, 1 - price / highest, as in `performance`.

    A fraction: 0.05 is five per cent.
    """
    highest: SharePrice | None = None
    deepest = Decimal(0)
    for price in prices:
        fall = -highest.change(price) if highest is not None else Decimal(0)
        if highest is None or fall <= 0:
            highest = price
        deepest = max(deepest, fall)
    return deepest


@dataclass(slots=True)
class Vault:
    """One vault as its last step left it; boundary_*: what all its shares were worth, and how many, at the boundary."""

    vault: str
    strategy: str
    created_at: int
    virtual_shares: int
    reserve: int = 0
    fees_owed: int = 0
    shares: int = 0
    boundary_assets: int = 0
    boundary_shares: int = 0

    def bound(self, strategy_equity: int, at: int) -> SharePrice:
        """Fix what the shares are worth at a boundary, in quanta: max(0, reserve + max(0, strategy) - fees owed).

        A strategy that owes costs no more than went there (domain section 15.2).
        """
        self.boundary_assets = max(0, self.reserve + max(0, strategy_equity) - self.fees_owed)
        self.boundary_shares = self.shares
        return SharePrice(self.vault, at, self.boundary_assets, self.shares, self.virtual_shares)

    def worth_at_boundary(self, shares: int) -> int:
        """What an account's shares would have brought then, in quanta, before the fee of a withdrawal (15.1)."""
        return value_of_shares(shares, self.boundary_assets, self.boundary_shares, virtual_shares=self.virtual_shares)
