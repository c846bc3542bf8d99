"""One market's price-time book: orders with all their terms, kept in priority by the engine's packed book."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from cleartide.contracts.types import OrderType, SelfTradePrevention, TimeInForce

from services.matching.domain.lifecycle import OrderState
from services.matching.engine.book import ASKS, BIDS, NEVER, NIL
from services.matching.engine.book import Book as Packed

_PRICE: Final = attrgetter("price")


class Order:
    """One order. `side` is +1 for buy and -1 for sell; sizes in lots, price in ticks, times in microseconds (0: none).

    remaining: open, of which `shown` are in the book for all to see; `display` is shown at a time, 0 shows all.
    prevented: lots that self-trade prevention took off; so filled = size - remaining - prevented.
    quote: what the fills sum to, in quanta. loss_per_lot: quanta lost to the mark per lot filled at the limit, as it
    stood at entry (domain rule R9). priority: among the orders of a price the smaller number trades first. row: its
    place in the packed book, NIL outside.
    """

    __slots__ = (
        "account",
        "client_order_id",
        "display",
        "expires_at",
        "loss_per_lot",
        "market",
        "order_id",
        "order_type",
        "placed_at",
        "post_only",
        "prevented",
        "prevention",
        "price",
        "priority",
        "quote",
        "reduce_only",
        "remaining",
        "row",
        "shown",
        "side",
        "size",
        "state",
        "time_in_force",
    )

    def __init__(
        self,
        *,
        order_id: int,
        account: str,
        market: str,
        client_order_id: str,
        side: int,
        price: int,
        size: int,
        remaining: int,
        reduce_only: bool,
        loss_per_lot: int,
        order_type: OrderType = "limit",
        time_in_force: TimeInForce = "gtc",
        post_only: bool = False,
        prevention: SelfTradePrevention = "expire_maker",
        expires_at: int = 0,
        display: int = 0,
        shown: int = 0,
        prevented: int = 0,
        quote: int = 0,
        priority: int = 0,
        state: OrderState = "accepted",
        placed_at: int = 0,
    ) -> None:
        self.order_id, self.account, self.market = order_id, account, market
        self.client_order_id, self.side, self.price = client_order_id, side, price
        self.size, self.remaining = size, remaining
        self.reduce_only, self.loss_per_lot = reduce_only, loss_per_lot
        self.order_type, self.time_in_force, self.post_only = order_type, time_in_force, post_only
        self.prevention, self.expires_at, self.display = prevention, expires_at, display
        self.shown, self.prevented, self.quote = shown, prevented, quote
        self.priority, self.state, self.placed_at = priority, state, placed_at
        self.row = NIL

    @property
    def filled(self) -> int:
        """Lots that have traded."""
        return self.size - self.remaining - self.prevented


class HalfBook:
    """One side. To the packed book a price is a key that is smaller the better it is: a bid's is below zero."""

    __slots__ = ("_book", "_half", "_orders", "_packed", "_side")

    def __init__(self, side: int, book: "Book", packed: Packed) -> None:
        self._side, self._book, self._packed = side, book, packed
        self._half = BIDS if side > 0 else ASKS
        self._orders: dict[int, Order] = {}

    @property
    def best_price(self) -> int | None:
        """Price of the best level in ticks."""
        key = self._packed.best_key(self._half)
        return None if key == NEVER else -key * self._side

    @property
    def best_order(self) -> Order | None:
        """The oldest order of the best level: the next one to trade."""
        return self._orders.get(self._packed.best(self._half))

    def levels(self) -> Iterator[tuple[int, int]]:
        """(price, shown lots) from the best level on."""
        return ((abs(key), lots) for key, lots in self._packed.depth(self._half))

    def lots_at(self, key: int) -> int:
        """Displayed lots of a level by its key; 0 where there is none."""
        return self._packed.lots_at(self._half, key)

    def orders(self) -> Iterator[Order]:
        """Every order in priority; the book must not change meanwhile."""
        row = self._packed.best(self._half)
        while row != NIL:
            yield self._orders[row]
            row = self._packed.after(row)

    def queues(self) -> Iterator[Iterator[Order]]:
        """The orders of each level by priority, from the best level on; the book must not change meanwhile."""
        return (queue for _, queue in groupby(self.orders(), _PRICE))

    def add(self, order: Order) -> None:
        """Put an order behind all others of its price, and show of it what is to be seen."""
        if not order.shown:
            order.shown = min(order.display or order.remaining, order.remaining)
        order.row = self._packed.add(self._half, self._touched(order), order.shown)
        self._orders[order.row] = order

    def reduce(self, order: Order, lots: int) -> None:
        """Part of what a resting order shows traded; it keeps its place while it still shows something."""
        assert order.row != NIL and lots <= order.shown
        self._touched(order)
        order.remaining -= lots
        self._show_less(order, lots)

    def shrink(self, order: Order, lots: int) -> None:
        """Make a resting order smaller; it keeps its place, and what it does not show goes first."""
        assert order.row != NIL and lots < order.remaining
        self._touched(order)
        order.remaining -= lots
        self._show_less(order, order.shown - min(order.shown, order.remaining))

    def hide(self, order: Order) -> None:
        """Show no more of a resting order than what is shown at a time; it keeps its place."""
        assert order.row != NIL and order.display > 0
        self._touched(order)
        self._show_less(order, order.shown - min(order.shown, order.display))

    def remove(self, order: Order) -> None:
        """Take an order out of the book."""
        assert order.row != NIL
        self._touched(order)
        self._packed.remove(order.row)
        del self._orders[order.row]
        order.row, order.shown = NIL, 0

    def _show_less(self, order: Order, lots: int) -> None:
        order.shown -= lots
        self._packed.reduce(order.row, lots)

    def _touched(self, order: Order) -> int:
        """The key of the order's level, which is about to change."""
        key, touched = -order.price * self._side, self._book.touched
        if key not in touched:
            if not touched:
                self._book.changed.append(self._book)
            touched[key] = self._packed.lots_at(self._half, key)
        return key


class Book:
    """Both sides of one market, and which levels have changed since they were last told.

    touched: the key of each such level with the lots that it had then. A book joins `changed` with its first touch, so
    that nobody has to look through all markets. seq: the number of the last change that was told.
    """

    __slots__ = ("asks", "bids", "changed", "market", "seq", "touched")

    def __init__(self, market: str, changed: "list[Book]") -> None:
        self.market, self.changed = market, changed
        self.touched: dict[int, int] = {}
        self.seq = 0
        packed = Packed()
        self.bids = HalfBook(1, self, packed)
        self.asks = HalfBook(-1, self, packed)

    def half(self, side: int) -> HalfBook:
        """The side on which an order of this side rests."""
        return self.bids if side > 0 else self.asks

    def take_changes(self) -> "Changes":
        """What has changed since the last call, each side best first; what came back to what it was has not."""
        changes = Changes([], [])
        for key in sorted(self.touched):
            bid = key < 0
            lots = (self.bids if bid else self.asks).lots_at(key)
            if lots != self.touched[key]:
                (changes.bids if bid else changes.asks).append((abs(key), lots))
        self.touched.clear()
        return changes


class Changes(NamedTuple):
    """Changed levels as (price, displayed lots); no lots: the level is gone."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
