"""A reader of the events who keeps armed orders in a list, and compares every price with each of them, in fractions.

He knows nothing but what is published. What he finds due must be triggered, in his order, by the same price, before
the command is over; nothing else may be.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from cleartide.contracts import (
    MarketStateChanged,
    MarkPriceUpdated,
    Message,
    OrderAccepted,
    OrderArmed,
    OrderClosed,
    OrderTriggered,
    TradeExecuted,
)
from cleartide.money import PPB

SILENCE: Final = 60_000_000
ENDS_OF_ARMED: Final = ("canceled", "expired", "oco", "reduce_only", "market_delisted")
READ: Final[tuple[type[Message], ...]] = (
    MarkPriceUpdated,
    MarketStateChanged,
    OrderAccepted,
    OrderArmed,
    OrderClosed,
    OrderTriggered,
    TradeExecuted,
)
"""What he reads; he passes over everything else."""
MATCHING: Final = ("trading", "reduce_only", "delisting")


class Expected(NamedTuple):
    """An order that must be triggered, with everything that the event says."""

    order_id: int
    trigger: int
    price: int
    trade_id: int | None
    extreme: int | None


class Armed:
    """An armed order, the best price that it has seen, and whether it is due. way: +1 fires at or above, -1 below."""

    __slots__ = ("due", "extreme", "level", "terms", "trigger", "watches", "way")

    def __init__(self, terms: OrderArmed, extreme: int | None) -> None:
        side = 1 if terms.side == "buy" else -1
        self.terms, self.extreme, self.due = terms, extreme, False
        self.way = -side if terms.order_type.startswith("take_profit") else side
        self.watches, self.level = (terms.market, terms.trigger_source), terms.trigger_price_ticks
        self.trigger = self.level if extreme is None else self._behind(extreme)

    def meets(self, price: int) -> bool:
        """Whether it fires at this price, which it has seen now. `trigger`: where it fires, in ticks."""
        if self.level is None and (self.extreme is None or self.way * (price - self.extreme) < 0):
            self.extreme, self.trigger = price, self._behind(price)
        return self.trigger is not None and self.way * (price - self.trigger) >= 0

    def _behind(self, extreme: int) -> int:
        """Where a trailing order fires."""
        if self.terms.trail_ticks is not None:
            return extreme + self.way * self.terms.trail_ticks
        exact = extreme * (1 + self.way * Fraction(self.terms.trail_rate_ppb or 0, PPB))
        return -(-exact // 1) if self.way > 0 else exact // 1


class TriggerReader:
    """Feed it the events of one command after the other."""

    def __init__(self) -> None:
        self.armed: dict[int, Armed] = {}
        self.due: list[Expected] = []
        self.prices: dict[tuple[str, str], int] = {}
        self.fresh: dict[str, int] = {}
        self.resting: set[str] = set()
        self.fired: set[int] = set()
        self.met = 0

    def read(self, events: Sequence[Message]) -> None:
        """The events of one command, after which nothing may be due."""
        for event in events:
            if isinstance(event, MarkPriceUpdated):
                self._mark(event)
            elif isinstance(event, TradeExecuted) and event.origin != "takeover":
                self._see(event.market, "last", event.price_ticks, event.trade_id)
            elif isinstance(event, MarketStateChanged):
                self._state(event)
            elif isinstance(event, OrderArmed):
                self._arm(event)
            elif isinstance(event, OrderAccepted):
                assert event.order_id not in self.armed, "placed without a trigger"
            elif isinstance(event, OrderClosed):
                self._drop(event)
            elif isinstance(event, OrderTriggered):
                self._triggered(event)
        assert self.due == [], f"due and not triggered: {self.due}"

    def _mark(self, event: MarkPriceUpdated) -> None:
        if event.index_stale:
            self.fresh.pop(event.market, None)
            return
        self.fresh[event.market] = event.occurred_at
        self._see(event.market, "mark", event.mark_ticks, None)
        self._see(event.market, "index", event.index_ticks, None)

    def _state(self, event: MarketStateChanged) -> None:
        """While a market does not match its triggers rest; then they are compared with what is there."""
        rested = event.market in self.resting
        if event.state not in MATCHING:
            self.resting.add(event.market)
            return
        self.resting.discard(event.market)
        for source in ("mark", "index", "last"):
            price = self._live(event.market, source, event.occurred_at)
            if rested and price is not None:
                self._see(event.market, source, price, None)

    def _see(self, market: str, source: str, price: int, trade_id: int | None) -> None:
        self.prices[market, source] = price
        if market in self.resting:
            return
        found, watches = [], (market, source)
        for number, order in self.armed.items():
            if order.watches == watches and not order.due and order.meets(price):
                found.append((order.way, order.way * (order.trigger or 0), number))
        for way, key, number in sorted(found):
            self._expect(Expected(number, way * key, price, trade_id, self.armed[number].extreme))

    def _expect(self, expected: Expected) -> None:
        self.due.append(expected)
        self.armed[expected.order_id].due = True

    def _arm(self, event: OrderArmed) -> None:
        known = self.armed.get(event.order_id)
        assert known is not None or event.order_id not in self.fired
        price = self._live(event.market, event.trigger_source, event.occurred_at)
        trails = event.trigger_price_ticks is None
        order = Armed(event, None if not trails else known.extreme if known else price)
        assert event.extreme_ticks == order.extreme
        if known is not None and known.due:
            if known.level == order.level and not self._was_amended(known, event):
                known.terms = event
                return
            self._forget(event.order_id)
        self.armed[event.order_id] = order
        if order.level is not None and price is not None and order.way * (price - order.level) >= 0:
            self._expect(Expected(event.order_id, order.level, price, None, None))

    @staticmethod
    def _was_amended(known: Armed, event: OrderArmed) -> bool:
        """An exit that grows is said again, and stays due; only its size differs."""
        return event.parent_order_id is None or known.terms.size_lots >= event.size_lots

    def _live(self, market: str, source: str, at: int) -> int | None:
        if market in self.resting:
            return None
        if source != "last":
            fresh = self.fresh.get(market)
            if fresh is None or at - fresh > SILENCE:
                return None
        return self.prices.get((market, source))

    def _triggered(self, event: OrderTriggered) -> None:
        assert event.order_id not in self.fired, "fired twice"
        assert self.due, f"triggered and not due: {event}"
        said = (
            event.order_id,
            event.trigger_price_ticks,
            event.source_price_ticks,
            event.trade_id,
            event.extreme_ticks,
        )
        assert said == tuple(self.due.pop(0))
        self.fired.add(event.order_id)
        self.met += 1
        del self.armed[event.order_id]

    def _drop(self, event: OrderClosed) -> None:
        if self.armed.pop(event.order_id, None) is not None:
            assert event.reason in ENDS_OF_ARMED, f"armed and closed for {event.reason}"
            self._forget(event.order_id)

    def _forget(self, order_id: int) -> None:
        self.due = [entry for entry in self.due if entry.order_id != order_id]
