"""Whatever is asked of orders, in whatever order: what happens is what a plain list of orders says (see naive.py)."""

from typing import Any, Final, NamedTuple

from cleartide.contracts import (
    Instruction,
    Message,
    OrderAccepted,
    OrderAmended,
    OrderClosed,
    OrderRejected,
    SelfTradePrevented,
    TradeExecuted,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.tests.naive import Fact, Naive, Waiting
from services.matching.tests.support import MARKET, Exchange, canceling, changing, placing

OWNERS: Final = ("ann", "bob", "cat")
MODES: Final = ("expire_maker", "expire_taker", "expire_both", "decrement")


class Wish(NamedTuple):
    """What somebody wants next; `pick` chooses among open orders."""

    action: str
    who: int
    side: int
    price: int
    lots: int
    tif: str
    mode: str
    display: int
    pick: int
    wait: int


wishes: Final = st.lists(
    st.builds(
        Wish,
        action=st.sampled_from(["place"] * 8 + ["amend"] * 4 + ["cancel", "cancel_all", "batch", "wait"]),
        who=st.integers(0, 2),
        side=st.sampled_from([1, -1]),
        price=st.integers(-3, 3),
        lots=st.integers(1, 30),
        tif=st.sampled_from(["gtc", "gtc", "gtt", "ioc", "fok"]),
        mode=st.sampled_from(MODES),
        display=st.integers(0, 5),
        pick=st.integers(0, 50),
        wait=st.sampled_from([0, 1, 400_000, 1_000_000]),
    ),
    min_size=20,
    max_size=70,
)


class Both:
    """The exchange and the list, side by side."""

    def __init__(self, restart_every: int) -> None:
        self.ex, self.naive, self.restart_every = Exchange(), Naive(), restart_every
        self.names: dict[int, str] = {}
        self.number = 0
        for owner in OWNERS:
            self.ex.deposit(owner, "1000000")

    def act(self, wish: Wish) -> None:
        """One wish, and everything compared."""
        self.ex.wait(wish.wait)
        self.naive.begin(self.ex.effects.at)
        owner = OWNERS[wish.who]
        if wish.action == "cancel_all":
            self.naive.cancel(self.naive.names_of(owner))
            events = self.ex.cancel_all(owner)
        elif wish.action == "wait":
            events = self.ex.price("1000")
        elif wish.action == "batch":
            parts = [self.instruction(owner, wish), self.instruction(owner, wish._replace(action="amend"))]
            events = self.ex.submit(owner, *parts, self.instruction(owner, wish._replace(action="cancel")))
        else:
            events = self.single(owner, self.instruction(owner, wish))
        assert self.facts(events) == self.naive.facts
        self.compare()
        if self.restart_every and self.number % self.restart_every == 0:
            self.ex.restart()

    def single(self, owner: str, instruction: Instruction) -> list[Message]:
        """The instruction as a command of its own."""
        body = {name: value for name, value in instruction if name != "action"}
        if instruction.action == "place":
            return self.ex.place(owner, body.pop("side"), body.pop("size"), body.pop("price"), **body)
        if instruction.action == "cancel":
            return self.ex.cancel(owner, body["client_order_id"])
        return self.ex.amend(owner, body.pop("client_order_id"), **body)

    def instruction(self, owner: str, wish: Wish) -> Instruction:
        """What the wish means now; the list does it at once."""
        mine = self.naive.names_of(owner)
        if wish.action == "place" or wish.action == "batch" or not mine:
            return self.place(owner, wish)
        name = mine[wish.pick % len(mine)]
        if wish.action == "cancel":
            self.naive.cancel([name])
            return canceling(name)
        order = self.naive.find(name)
        assert order is not None
        price = order.price if wish.pick % 3 else 10_000 + wish.price
        display = order.terms["display"]
        size = max(1, order.terms["size"] + (0 if wish.pick % 5 == 0 else wish.lots - 15))
        size = min(size, display * 100) if display else size
        self.naive.amend(order, price, size)
        return changing(name, price=price_text(price), size=size_text(size))

    def place(self, owner: str, wish: Wish) -> Instruction:
        """A new order."""
        self.number += 1
        rests = wish.tif in ("gtc", "gtt")
        display = min(wish.display, wish.lots) if rests else 0
        expires_at = self.ex.effects.at + 1 + wish.pick * 100_000 if wish.tif == "gtt" else None
        terms: dict[str, Any] = {"time_in_force": wish.tif, "expires_at": expires_at, "display": display}
        waiting = Waiting(
            str(self.number),
            owner,
            wish.side,
            10_000 + wish.price,
            wish.lots,
            {**terms, "stp": wish.mode, "size": wish.lots},
        )
        self.naive.place(waiting)
        return placing(
            waiting.name,
            "buy" if wish.side > 0 else "sell",
            size_text(wish.lots),
            price_text(10_000 + wish.price),
            time_in_force=wish.tif,
            self_trade_prevention=wish.mode,
            expires_at=expires_at,
            display_size=size_text(display) if display else None,
        )

    def facts(self, events: list[Message]) -> list[Fact]:
        """The events in the list's words."""
        return [fact for event in events if (fact := self.fact(event)) is not None]

    def fact(self, event: Message) -> Fact | None:
        """One event in the list's words."""
        if isinstance(event, OrderAccepted):
            self.names[event.order_id] = event.client_order_id
            return ("accepted", event.client_order_id)
        if isinstance(event, OrderRejected):
            return ("rejected", event.client_order_id, event.reason)
        if isinstance(event, OrderClosed):
            return ("closed", event.client_order_id, event.reason, event.filled_lots)
        if isinstance(event, OrderAmended):
            sizes = (event.size_lots, event.remaining_lots)
            return ("amended", event.client_order_id, event.price_ticks, *sizes, event.kept_priority)
        if isinstance(event, SelfTradePrevented):
            names = (self.names[event.maker_order_id], self.names[event.taker_order_id])
            return ("prevented", *names, event.prevented_lots)
        if isinstance(event, TradeExecuted):
            assert event.buy_order_id is not None and event.sell_order_id is not None
            names = (self.names[event.buy_order_id], self.names[event.sell_order_id])
            return ("trade", event.price_ticks, event.size_lots, *names)
        return None

    def compare(self) -> None:
        """Depth and queues, on both sides."""
        book = self.ex.state.markets[MARKET].book
        for side in (1, -1):
            half = book.half(side)
            assert dict(half.levels()) == self.naive.depth(side)
            resting = [order for order in self.naive.orders if order.side == side]
            queue = sorted(resting, key=lambda order: (-order.price * side, order.place))
            assert [(order.client_order_id, order.remaining, order.shown) for order in half.orders()] == [
                (order.name, order.left, order.shown) for order in queue
            ]


def price_text(ticks: int) -> str:
    """Ticks of 0.1 as text."""
    return f"{ticks // 10}.{ticks % 10}"


def size_text(lots: int) -> str:
    """Lots of 0.001 as text."""
    return f"{lots / 1000:.3f}"


@settings(max_examples=150)
@given(wishes, st.sampled_from([0, 0, 1, 5]))
def test_match_lif_001_orders_live_as_a_plain_list_of_orders_says(steps: list[Wish], restart_every: int) -> None:
    """MATCH-LIF-001: GTT, FOK, self-trade modes, icebergs, amends, cancels and batches, with and without restarts."""
    both = Both(restart_every)
    for wish in steps:
        both.act(wish)
