"""One market's price-time book: best price in O(1), adding and removing in O(log levels)."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import NamedTuple

from cleartide.contracts.types import OrderType, SelfTradePrevention, TimeInForce

from services.matching.domain.lifecycle import OrderState


class Order:
    """One order. `side` is +1 for buy and -1 for sell; sizes in lots, price in ticks, times in microseconds (0: none).

    remaining: open, of which `shown` are in the book for all to see; `display` is shown at a time, 0 shows all.
    prevented: lots that self-trade prevention took off; so filled = size - remaining - prevented.
    quote: what the fills sum to, in quanta. loss_per_lot: quanta lost to the mark per lot filled at the limit, as it
    stood at entry (domain rule R9). priority: among the orders of a price the smaller number trades first.
    """

    __slots__ = (
        "account",
        "client_order_id",
        "display",
        "expires_at",
        "level",
        "loss_per_lot",
        "market",
        "newer",
        "older",
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
        self.level: Level | None = None
        self.older: Order | None = None
        self.newer: Order | None = None

    @property
    def filled(self) -> int:
        """Lots that have traded."""
        return self.size - self.remaining - self.prevented


class Level:
    """The orders of one price, oldest first, as a linked list. `lots` are those shown."""

    __slots__ = ("key", "lots", "newest", "oldest", "price")

    def __init__(self, key: int, price: int) -> None:
        self.key, self.price, self.lots = key, price, 0
        self.oldest: Order | None = None
        self.newest: Order | None = None


class HalfBook:
    """One side. Levels are keyed so that the best one is always the last of an ascending list."""

    __slots__ = ("_book", "_keys", "_levels", "_side")

    def __init__(self, side: int, book: "Book") -> None:
        self._side, self._book = side, book
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}

    @property
    def best_price(self) -> int | None:
        """Price of the best level in ticks."""
        return self._keys[-1] * self._side if self._keys else None

    @property
    def best_order(self) -> Order | None:
        """The oldest order of the best level: the next one to trade."""
        return self._levels[self._keys[-1]].oldest if self._keys else None

    def levels(self) -> Iterator[tuple[int, int]]:
        """(price, shown lots) from the best level on."""
        for key in reversed(self._keys):
            level = self._levels[key]
            yield level.price, level.lots

    def lots_at(self, key: int) -> int:
        """Displayed lots of a level by its key; 0 where there is none."""
        level = self._levels.get(key)
        return level.lots if level is not None else 0

    def orders(self) -> Iterator[Order]:
        """Every order in priority."""
        for queue in self.queues():
            yield from queue

    def queues(self) -> Iterator[Iterator[Order]]:
        """The orders of each level by priority, from the best level on; the book must not change meanwhile."""
        for key in reversed(self._keys):
            yield _chain(self._levels[key].oldest)

    def add(self, order: Order) -> None:
        """Put an order behind all others of its price, and show of it what is to be seen."""
        if not order.shown:
            order.shown = min(order.display or order.remaining, order.remaining)
        key = order.price * self._side
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = Level(key, order.price)
            insort(self._keys, key)
        self._book.touch(level)
        order.level, order.older = level, level.newest
        if level.newest is None:
            level.oldest = order
        else:
            level.newest.newer = order
        level.newest = order
        level.lots += order.shown

    def reduce(self, order: Order, lots: int) -> None:
        """Part of what a resting order shows traded; it keeps its place while it still shows something."""
        assert order.level is not None and lots <= order.shown
        self._book.touch(order.level)
        order.remaining -= lots
        order.shown -= lots
        order.level.lots -= lots

    def shrink(self, order: Order, lots: int) -> None:
        """Make a resting order smaller; it keeps its place, and what it does not show goes first."""
        assert order.level is not None and lots < order.remaining
        self._book.touch(order.level)
        order.remaining -= lots
        hidden = order.shown - min(order.shown, order.remaining)
        order.shown -= hidden
        order.level.lots -= hidden

    def remove(self, order: Order) -> None:
        """Take an order out of the book."""
        level = order.level
        assert level is not None
        self._book.touch(level)
        if order.older is None:
            level.oldest = order.newer
        else:
            order.older.newer = order.newer
        if order.newer is None:
            level.newest = order.older
        else:
            order.newer.older = order.older
        level.lots -= order.shown
        order.level = order.older = order.newer = None
        order.shown = 0
        if level.oldest is None:
            del self._levels[level.key]
            del self._keys[bisect_left(self._keys, level.key)]


def _chain(order: Order | None) -> Iterator[Order]:
    while order is not None:
        yield order
        order = order.newer


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
        self.bids = HalfBook(1, self)
        self.asks = HalfBook(-1, self)

    def half(self, side: int) -> HalfBook:
        """The side on which an order of this side rests."""
        return self.bids if side > 0 else self.asks

    def touch(self, level: Level) -> None:
        """A level is about to change."""
        touched = self.touched
        if level.key not in touched:
            if not touched:
                self.changed.append(self)
            touched[level.key] = level.lots

    def take_changes(self) -> "Changes":
        """What has changed since the last call, each side best first; what came back to what it was has not."""
        changes = Changes([], [])
        for key in sorted(self.touched, reverse=True):
            bid = key > 0
            lots = (self.bids if bid else self.asks).lots_at(key)
            if lots != self.touched[key]:
                (changes.bids if bid else changes.asks).append((abs(key), lots))
        self.touched.clear()
        return changes


class Changes(NamedTuple):
    """Changed levels as (price, displayed lots); no lots: the level is gone."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
