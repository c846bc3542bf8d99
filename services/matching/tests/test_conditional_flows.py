"""Random flows of conditional and linked orders: everything fires exactly when it is due, once, also with restarts."""

from collections import Counter
from contextlib import suppress
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from cleartide.contracts import (
    BookChanged,
    Message,
    OrderAccepted,
    OrderArmed,
    OrderClosed,
    OrderTriggered,
    PlaceInstruction,
)
from cleartide.contracts.types import Side
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.conditional import following
from services.matching.tests import venue
from services.matching.tests.support import SECOND, Exchange, canceling, changing, of
from services.matching.tests.trigger_reader import TriggerReader

OWNERS: Final = ("ann", "bob", "cat")
KINDS: Final = (
    "stop_market",
    "stop_limit",
    "take_profit_market",
    "take_profit_limit",
    "trailing_stop",
    "trailing_stop",
)
SOURCES: Final = ("mark", "last", "index")
SIDES: Final[tuple[Side, ...]] = ("buy", "sell")


class Wish(NamedTuple):
    """What happens next; the numbers mean what `act` makes of them."""

    action: str
    who: int
    side: Side
    kind: int
    source: int
    price: int
    away: int
    flags: int


wishes: Final = st.lists(
    st.builds(
        Wish,
        action=st.sampled_from(
            ["arm"] * 8 + ["order"] * 5 + ["price"] * 5 + ["cancel", "amend", "amend", "bracket", "bracket"]
            + ["report", "stale", "silence", "batch", "cancel_all", "halt", "auction", "resume", "resume"]
        ),
        who=st.integers(0, 2),
        side=st.sampled_from(SIDES),
        kind=st.integers(0, 5),
        source=st.integers(0, 2),
        price=st.integers(-30, 30),
        away=st.integers(1, 25),
        flags=st.integers(0, 15),
    ),
    min_size=20,
    max_size=70,
)  # fmt: skip


class Bench:
    """The exchange, and the reader who follows it."""

    def __init__(self, deposit: str = "100000", exchange: type[Exchange] = Exchange) -> None:
        self.ex, self.reader = exchange(), TriggerReader()
        for owner in OWNERS:
            self.ex.deposit(owner, deposit)
        self.reader.read(self.ex.effects.emitted)

    def act(self, number: int, wish: Wish) -> None:
        """One wish, and what the reader makes of its events."""
        self.ex.wait(1 + wish.flags * 100_000)
        said = len(self.ex.effects.emitted)
        with suppress(Reject):
            self._send(f"o{number}", OWNERS[wish.who], wish)
        self.reader.read(self.ex.effects.emitted[said:])

    def _send(self, name: str, owner: str, wish: Wish) -> None:
        ex, price = self.ex, f"{1000 + wish.price}"
        match wish.action:
            case "arm":
                size = f"{wish.away / 1000:.3f}"
                ex.place(owner, wish.side, size, client_order_id=name, **self.condition(wish))
            case "order" | "bracket":
                terms = bracket(wish) if wish.action == "bracket" else {}
                terms |= {"oco_group": f"g{wish.flags}"} if wish.flags < 3 else {}
                terms |= {"time_in_force": "ioc"} if wish.flags == 7 else {}
                ex.place(owner, wish.side, f"{wish.away / 500:.3f}", price, client_order_id=name, **terms)
            case "price":
                ex.price(price)
            case "stale":
                ex.price(None)
            case "halt":
                venue.halt(ex, ("halted", "post_only", "reduce_only")[wish.kind % 3])
            case "auction":
                venue.resume(ex, auction_seconds=1 + wish.flags // 4)
            case "resume":
                venue.resume(ex)
            case "silence":
                ex.wait(61 * SECOND)
            case "report":
                ex.report(price, f"{wish.away / 1000:.3f}", buyer=owner, seller=OWNERS[(wish.who + 1) % 3])
            case "cancel_all":
                ex.cancel_all(owner)
            case "batch":
                first, second = self.condition(wish), self.condition(wish._replace(price=-wish.price))
                target = self.pick(owner, wish)
                ex.submit(
                    owner,
                    PlaceInstruction(action="place", client_order_id=f"{name}a", side=wish.side, size="0.01", **first),
                    PlaceInstruction(action="place", client_order_id=f"{name}b", side=wish.side, size="0.01", **second),
                    changing(f"{name}a", trigger_price=f"{1000 + wish.away}"),
                    changing(target, trigger_price=price),
                    canceling(f"{name}b"),
                )
            case "cancel":
                ex.cancel(owner, self.pick(owner, wish))
            case _:
                ex.amend(owner, self.pick(owner, wish), **change(wish, price))

    def condition(self, wish: Wish) -> dict[str, Any]:
        """The terms of a conditional order."""
        kind = KINDS[wish.kind]
        terms: dict[str, Any] = {"order_type": kind, "trigger_source": SOURCES[wish.source]}
        if kind != "trailing_stop":
            terms["trigger_price"] = f"{1000 + wish.price}"
        elif wish.flags % 2:
            terms["trail_amount"] = f"{wish.away}"
        else:
            terms["trail_rate_ppb"] = wish.away * 999_999
        if kind.endswith("limit"):
            terms["price"] = f"{1000 + wish.price + wish.away - 12}"
        if wish.flags == 3:
            terms |= {"time_in_force": "gtt", "expires_at": self.ex.effects.at + wish.away * 100_000}
        terms |= {"oco_group": f"g{wish.flags}"} if wish.flags < 3 else {}
        terms |= {"reduce_only": True} if wish.flags in (4, 5) else {}
        return terms

    def pick(self, owner: str, wish: Wish) -> str:
        """One of the owner's open orders."""
        names = sorted(self.ex.state.accounts[owner].orders)
        return names[wish.away % len(names)] if names else "none"


def bracket(wish: Wish) -> dict[str, Any]:
    """Exits around the entry's price."""
    sign = 1 if wish.side == "buy" else -1
    source = {"trigger_source": SOURCES[wish.source]}
    profit = {"trigger_price": f"{1000 + wish.price + sign * wish.away}", **source}
    loss = {"trigger_price": f"{1000 + wish.price - sign * wish.kind}", **source}
    if wish.flags % 2:
        loss["limit_price"] = f"{1000 + wish.price - sign * 2 * wish.away}"
    return {"take_profit": profit, "stop_loss": loss} if wish.flags % 5 else {"stop_loss": loss}


def change(wish: Wish, price: str) -> dict[str, Any]:
    """What an amendment asks for."""
    return (
        {"trigger_price": price},
        {"size": f"{wish.away / 100:.2f}"},
        {"trail_amount": f"{wish.away}"},
        {"trail_rate_ppb": wish.away * 1_000_001},
        {"price": price, "size": "0.005"},
        {"trigger_price": price, "size": "0.003"},
    )[wish.kind]


def run(
    steps: list[Wish], restart_every: int = 0, deposit: str = "100000", exchange: type[Exchange] = Exchange
) -> Bench:
    bench = Bench(deposit, exchange)
    for number, wish in enumerate(steps):
        bench.act(number, wish)
        if restart_every and number % restart_every == 0:
            bench.ex.restart()
    bench.ex.commit()
    return bench


@settings(max_examples=150, deadline=None)
@given(wishes)
def test_match_cfl_001_what_is_due_by_the_published_prices_fires_then_and_only_then(steps: list[Wish]) -> None:
    """MATCH-CFL-001: by a reader's list, searched for every price and trade; in order, once, nothing left over."""
    run(steps)


@settings(max_examples=60, deadline=None)
@given(wishes, st.integers(1, 5))
def test_match_cfl_002_restarts_make_no_difference_to_what_fires(steps: list[Wish], restart_every: int) -> None:
    """MATCH-CFL-002: poor accounts, so that fired orders are also refused; the same events and rows."""
    steady, restarted = run(steps, deposit="60"), run(steps, restart_every, deposit="60")
    assert steady.ex.effects.emitted == restarted.ex.effects.emitted
    assert steady.ex.tables == restarted.ex.tables


class Interrupted(Exchange):
    """Loses its memory between any two steps of a command, and again before it has done anything."""

    def between_steps(self) -> None:
        self.restart()
        self.restart()


@settings(max_examples=25, deadline=None)
@given(wishes)
def test_match_cfl_008_nor_do_restarts_between_the_steps_of_a_command(steps: list[Wish]) -> None:
    """MATCH-CFL-008: one order a step: the same events and rows as of an exchange that is never interrupted; and but
    for the books, whose changes are told a step at a time, the same events as when a command is one step."""
    whole = run(steps, deposit="60")
    with patch.multiple(following, FIRED_IN_A_STEP=1, PLACED_IN_A_STEP=1):
        steady, interrupted = run(steps, deposit="60"), run(steps, deposit="60", exchange=Interrupted)
    assert steady.ex.effects.emitted == interrupted.ex.effects.emitted
    assert steady.ex.tables == interrupted.ex.tables
    assert not steady.ex.rows("fired_orders")
    assert without_books(steady.ex.effects.emitted) == without_books(whole.ex.effects.emitted)


def without_books(events: list[Message]) -> list[dict[str, Any]]:
    """What is said on EVENTS, but for the numbers of the sayings."""
    return [event.model_dump(exclude={"id", "seq"}) for event in events if not isinstance(event, BookChanged)]


@settings(max_examples=60, deadline=None)
@given(wishes)
def test_match_cfl_003_each_order_has_one_life(steps: list[Wish]) -> None:
    """MATCH-CFL-003: armed, triggered at most once, accepted at most once, closed once or still open."""
    bench = run(steps)
    events = bench.ex.effects.emitted
    begun = {event.order_id for event in of(events, OrderArmed)} | {
        event.order_id for event in of(events, OrderAccepted)
    }
    ended = Counter(event.order_id for event in of(events, OrderClosed))
    assert max(ended.values(), default=1) == 1
    live = {order.order_id for account in bench.ex.state.accounts.values() for order in account.orders.values()}
    assert begun == set(ended) | live and not set(ended) & live
    assert max(Counter(event.order_id for event in of(events, OrderAccepted)).values(), default=1) == 1
    assert max(Counter(event.order_id for event in of(events, OrderTriggered)).values(), default=1) == 1
    assert {row["order_id"] for row in bench.ex.rows("triggers")} == {
        row["order_id"] for row in bench.ex.rows("orders") if row["state"] == "armed"
    }


def test_match_cfl_004_the_reader_finds_a_missed_and_a_needless_trigger() -> None:
    """MATCH-CFL-004: the judge is judged: without one event, or with one twice, he objects."""
    ex = Exchange()
    ex.deposit("ann", "1000")
    ex.place("ann", "sell", "1", order_type="stop_market", trigger_price="990")
    ex.price("990")
    events: list[Message] = ex.effects.emitted
    triggered = of(events, OrderTriggered)
    assert objects(events) is False
    assert objects([event for event in events if event not in triggered])
    assert objects([*events, *triggered])
    assert objects([event.model_copy(update={"source_price_ticks": 1}) if event in triggered else event
                    for event in events])  # fmt: skip


def objects(events: list[Message]) -> bool:
    """Whether a reader finds fault with these events."""
    try:
        TriggerReader().read(events)
    except AssertionError:
        return True
    return False
