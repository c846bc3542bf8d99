"""Orders that wait for a price: a list, every one of which looks at every price (R28, 12.5, 12.6)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from services.matching.tests.model.numbers import down, up

if TYPE_CHECKING:
    from services.matching.tests.model.world import Order, World


@dataclass(eq=False)
class Met:
    """A price met an order's trigger: prices in ticks, and the trade that made it, if a trade did."""

    number: int
    trigger: int
    price: int
    trade_id: int | None
    extreme: int | None


@dataclass(frozen=True)
class Moved:
    """A position moved, so reduce-only orders may have lost their purpose."""

    account: str
    market: str


@dataclass
class Armed:
    """An armed order. way: +1 fires at or above, -1 at or below. level: the trigger, None for one that trails.

    It trails by `amount` ticks or by `share`, behind the best price that it has seen. parent: whose exit it is, or 0.
    """

    order: "Order"
    source: str
    way: int
    level: int | None
    amount: int | None = None
    share: Fraction | None = None
    extreme: int | None = None
    due: Met | None = None
    parent: int = 0

    def look(self, price: int) -> int | None:
        """Where it fires, if this price meets it."""
        trigger = self.level
        if trigger is None:
            better = min if self.way > 0 else max
            self.extreme = price if self.extreme is None else better(self.extreme, price)
            trigger = self._behind(self.extreme)
        return trigger if self.way * (price - trigger) >= 0 else None

    def _behind(self, extreme: int) -> int:
        """The first whole tick at which it has come back so far."""
        if self.amount is not None:
            return extreme + self.way * self.amount
        exact = extreme * (1 + self.way * (self.share or Fraction(0)))
        return up(exact) if self.way > 0 else down(exact)


def see(world: "World", market: str, source: str, price: int, trade_id: int | None = None) -> None:
    """Everything that waits for this price looks; what is met is due, nearest trigger first, falling before rising.

    Nothing looks while the market does not match: what fired would only be refused.
    """
    if not world.markets[market].matches:
        return
    met: list[tuple[int, int, int]] = []
    for number, armed in world.armed.items():
        if (armed.order.market, armed.source) == (market, source) and armed.due is None:
            trigger = armed.look(price)
            if trigger is not None:
                met.append((armed.way, armed.way * trigger, number))
    for way, key, number in sorted(met):
        make_due(world, world.armed[number], way * key, price, trade_id)


def make_due(world: "World", armed: Armed, trigger: int, price: int, trade_id: int | None) -> None:
    """To be placed after the command, in its turn."""
    armed.due = Met(armed.order.number, trigger, price, trade_id, armed.extreme)
    world.pending.append(armed.due)
