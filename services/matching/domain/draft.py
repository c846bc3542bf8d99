"""An order on its way to the book."""

from typing import NamedTuple

from services.matching.domain.accounts import Account, Holding


class Draft(NamedTuple):
    """An order as it was read from the terms: side +1 or -1, price in ticks, size in lots."""

    account: Account
    holding: Holding
    side: int
    price: int
    lots: int
    immediate: bool
    loss_per_lot: int

    @property
    def reach(self) -> int:
        """Lots to which the position would grow on the order's side, if it and all open orders there were filled."""
        open_lots = self.holding.bids if self.side > 0 else self.holding.asks
        return max(0, self.holding.lots * self.side + open_lots + self.lots)
