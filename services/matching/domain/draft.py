"""An order on its way to the book."""

from typing import NamedTuple

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.book import Order
from services.matching.domain.market import Market


class Draft(NamedTuple):
    """An order as it is wanted, not in the book yet, and the open order whose place it takes when it amends one.

    batched: it may take where takers are batched: it comes from a batch, was armed before, or only answers an auction.
    """

    account: Account
    holding: Holding
    order: Order
    replaced: Order | None = None
    batched: bool = False

    @property
    def market(self) -> Market:
        """Where it is to trade."""
        return self.holding.market

    @property
    def side(self) -> int:
        """+1 buys, -1 sells."""
        return self.order.side

    @property
    def lots(self) -> int:
        """Lots that it may still trade."""
        return self.order.remaining

    @property
    def added(self) -> int:
        """Lots that it opens beyond what is open already."""
        return self.lots - (self.replaced.remaining if self.replaced is not None else 0)

    @property
    def added_loss(self) -> int:
        """The loss to the mark that its fills bring, in quanta, beyond what is held back already (R9)."""
        loss = self.lots * self.order.loss_per_lot
        return loss - (self.replaced.remaining * self.replaced.loss_per_lot if self.replaced is not None else 0)

    @property
    def immediate(self) -> bool:
        """Whether it never rests."""
        return self.order.time_in_force in ("ioc", "fok")

    @property
    def reach(self) -> int:
        """Lots to which the position would grow on the order's side, if it and all open orders there were filled."""
        open_lots = self.holding.bids if self.side > 0 else self.holding.asks
        return max(0, self.holding.lots * self.side + open_lots + self.added)


def loss_per_lot(market: Market, side: int, price: int) -> int:
    """Quanta lost to the mark by each lot that fills at the limit (R9)."""
    return max(0, side * (price - market.prices.mark)) * market.unit
