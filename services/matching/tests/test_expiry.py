"""Good-till-time orders: they end at their time, before anything else happens then (domain rule R26)."""

from typing import Any

import pytest
from cleartide.contracts import OrderAccepted, OrderClosed, OrderRejected, TradeExecuted, TransferRejected
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.deadlines import Deadline, Deadlines
from services.matching.tests.flows import Step, act, flows, pause
from services.matching.tests.support import MARKET, SECOND, START, Exchange, of, only
from services.matching.tests.venue import halt, resume


@pytest.fixture
def ex() -> Exchange:
    exchange = Exchange()
    for account in ("ann", "bob"):
        exchange.deposit(account, "10000")
    return exchange


def test_match_gtt_001_an_order_rests_until_its_time_and_not_a_microsecond_longer(ex: Exchange) -> None:
    """MATCH-GTT-001: expires_at <= now is over."""
    end = START + SECOND
    accepted = only(ex.place("ann", "sell", "1", "1000", time_in_force="gtt", expires_at=end), OrderAccepted)
    assert (accepted.time_in_force, accepted.expires_at) == ("gtt", end)
    ex.wait(SECOND - 1)
    assert of(ex.place("bob", "buy", "0.4", "1000"), TradeExecuted)
    ex.wait(1)
    events = ex.place("bob", "buy", "0.4", "1000")
    assert not of(events, TradeExecuted)
    closed = events[0]
    assert isinstance(closed, OrderClosed)
    assert (closed.reason, closed.state, closed.filled_lots, closed.unfilled_lots) == ("expired", "expired", 400, 600)


def test_match_gtt_002_any_message_brings_the_time(ex: Exchange) -> None:
    """MATCH-GTT-002: also one that is refused, or about something else."""
    ex.place("ann", "buy", "1", "990", time_in_force="gtt", expires_at=START + 5)
    ex.place("ann", "buy", "1", "990", time_in_force="gtt", expires_at=START + 6)
    ex.wait(5)
    assert [e.reason for e in of(ex.price("1000"), OrderClosed)] == ["expired"]
    ex.wait(1)
    said = len(ex.effects.emitted)
    with pytest.raises(Reject):
        ex.list()
    assert [e.reason for e in of(ex.effects.emitted[said:], OrderClosed)] == ["expired"]


@pytest.mark.parametrize("state", ["halted", "post_only", "auction"])
def test_match_gtt_008_an_end_comes_also_while_the_market_does_not_match(ex: Exchange, state: str) -> None:
    """MATCH-GTT-008: of a resting order and of one that waits for a price; the auction after it is without them."""
    end: dict[str, Any] = {"time_in_force": "gtt", "expires_at": START + SECOND}
    ex.place("ann", "sell", "1", "1001", **end)
    ex.place("ann", "buy", "1", None, order_type="stop_market", trigger_price="1010", **end)
    if state == "auction":
        resume(halted(ex), auction_seconds=60)
        ex.place("bob", "buy", "1", "1001")
    else:
        halt(ex, state)
    ex.wait(SECOND)
    ended = of(ex.deposit("bob", "1"), OrderClosed)
    assert [(event.account, event.reason) for event in ended] == [("ann", "expired")] * 2
    assert not of(resume(ex), TradeExecuted)
    assert not of(ex.price("1010"), TradeExecuted)


def halted(ex: Exchange) -> Exchange:
    """The market has stopped."""
    halt(ex)
    return ex


def test_match_gtt_003_what_is_due_at_once_ends_by_time_then_by_number(ex: Exchange) -> None:
    """MATCH-GTT-003: whatever the order of placing, and across a restart."""
    for name, after in (("late", 30), ("first", 10), ("second", 10), ("middle", 20)):
        ex.place("ann", "buy", "0.1", "990", client_order_id=name, time_in_force="gtt", expires_at=START + after)
    ex.restart()
    ex.wait(40)
    events = of(ex.price("1000"), OrderClosed)
    assert [event.client_order_id for event in events] == ["first", "second", "middle", "late"]


def test_match_gtt_004_an_order_that_is_gone_does_not_end_again(ex: Exchange) -> None:
    """MATCH-GTT-004: canceled, filled or amended away before its time."""
    for name in ("a", "b"):
        ex.place("ann", "sell", "0.1", "1000", client_order_id=name, time_in_force="gtt", expires_at=START + 10)
    ex.cancel("ann", "a")
    ex.place("bob", "buy", "0.1", "1000")
    ex.wait(10)
    assert not of(ex.price("1000"), OrderClosed)
    assert not len(ex.state.deadlines)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"time_in_force": "gtt"}, "expires_at_missing"),
        ({"time_in_force": "gtt", "expires_at": START}, "already_expired"),
        ({"time_in_force": "gtc", "expires_at": START + 1}, "expires_at_not_allowed"),
        ({"time_in_force": "ioc", "expires_at": START + 1}, "expires_at_not_allowed"),
        ({"time_in_force": "gtt", "expires_at": START + 1, "price": None}, "market_order_not_resting"),
    ],
)
def test_match_gtt_005_an_end_belongs_to_gtt_and_lies_ahead(
    ex: Exchange, terms: dict[str, object], reason: str
) -> None:
    """MATCH-GTT-005"""
    body: dict[str, Any] = {"price": "990", **terms}
    assert only(ex.place("ann", "buy", "1", **body), OrderRejected).reason == reason


@settings(max_examples=40)
@given(flows)
def test_match_gtt_006_after_no_command_is_an_order_open_beyond_its_time(steps: list[Step]) -> None:
    """MATCH-GTT-006: and what expires is said before anything that the command itself brings."""
    ex = Exchange()
    for account in ("ann", "bob", "cat", "dan"):
        ex.deposit(account, "60")
    for number, step in enumerate(steps):
        pause(ex, step)
        passed = ex.withdraw("nobody", "1")
        events = act(ex, number, step)
        orders = [order for account in ex.state.accounts.values() for order in account.orders.values()]
        assert not [order for order in orders if 0 < order.expires_at <= ex.commands[-1][0]]
        assert isinstance(passed[-1], TransferRejected)
        assert not [event for event in of(events, OrderClosed) if event.reason == "expired"]


@given(
    st.lists(st.tuples(st.sampled_from(["set", "drop", "due"]), st.integers(0, 30), st.integers(0, 8)), max_size=300)
)
def test_match_gtt_007_deadlines_come_up_as_from_a_sorted_set(steps: list[tuple[str, int, int]]) -> None:
    """MATCH-GTT-007: and what was dropped does not pile up."""
    deadlines, plain = Deadlines(), set[Deadline]()
    for action, at, number in steps:
        deadline = Deadline(at, "order_expiry", number)
        if action == "set":
            deadlines.set(deadline)
            plain.add(deadline)
        elif action == "drop":
            deadlines.drop(deadline)
            plain.discard(deadline)
        else:
            first = min(plain, default=None)
            wanted = first if first is not None and first.at <= at else None
            assert deadlines.due(at) == wanted
            plain.discard(wanted or deadline)
            deadlines.drop(wanted or deadline)
        assert len(deadlines) == len(plain)
        assert deadlines.next_at <= min((each.at for each in plain), default=deadlines.next_at)


def test_match_gtt_007_orders_that_are_canceled_at_once_leave_nothing_behind(ex: Exchange) -> None:
    """MATCH-GTT-007: their ends would come in years."""
    for number in range(1_000):
        terms = {"time_in_force": "gtt", "expires_at": START + 10**15 + number, "client_order_id": f"n{number}"}
        ex.place("ann", "buy", "0.1", "990", **terms)
        ex.cancel("ann", f"n{number}")
    assert ex.state.deadlines.held < 100
    assert ex.state.markets[MARKET].book.bids.best_price is None
