"""Where an auctioned order meets the book and the makers' quotes at once."""

from services.matching.domain.book import Order
from services.matching.domain.jit import telling
from services.matching.domain.jit.record import Auction
from services.matching.domain.output import Output
from services.matching.domain.settlement import Party
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import BookFloor, Taker


class AuctionFloor(BookFloor):
    """The best of both sides of the house: a quote only where it is better than the book, which has priority (R33).

    A quote trades at its own price, like an order in the book, and no order number stands behind it.
    """

    __slots__ = ("_auction",)

    def __init__(self, state: MatchingState, out: Output, taker: Taker, auction: Auction) -> None:
        super().__init__(state, out, taker)
        self._auction = auction

    def best(self) -> Order | None:
        """The next to trade."""
        resting, quotes = super().best(), self._auction.quotes
        if not quotes:
            return resting
        if resting is not None and (resting.price - quotes[0].price) * self._auction.order.side <= 0:
            return resting
        return quotes[0]

    def drop(self, maker: Order, reason: str) -> None:
        """What may not trade leaves, the book or the auction."""
        if maker.row:
            super().drop(maker, reason)
            return
        self._state.auctions.drop(self._auction, maker)
        telling.refused(self._out, self._auction.number, maker.account, maker.market, reason, maker.priority)

    def trade(self, taker: Taker, taking: Party, maker: Order, making: Party, lots: int) -> None:
        """Both trade at the maker's price."""
        if maker.row:
            super().trade(taker, taking, maker, making, lots)
            return
        self._deal(taker, taking, maker.price, making._replace(order_id=None), lots)
        self._auction.maker_lots += lots
        maker.remaining -= lots
        maker.shown = maker.remaining
        if maker.remaining:
            self._state.auctions.changed(self._auction, maker)
        else:
            self._state.auctions.drop(self._auction, maker)
