"""The states of an order: every step is in the table, and a state that is an end has no way out."""

from typing import get_args

import pytest
from cleartide.contracts import OrderAccepted, OrderAmended, OrderClosed, TradeExecuted
from hypothesis import given, settings

from services.matching.domain.errors import InvariantBroken
from services.matching.domain.lifecycle import OPEN, TRANSITIONS, OrderState, Step, after, end_of
from services.matching.tests import flows
from services.matching.tests.support import Exchange

ENDS = {"filled", "canceled", "expired", "rejected"}
STATES = set(get_args(OrderState))


def test_match_sta_001_every_state_is_reached_and_every_end_is_final() -> None:
    """MATCH-STA-001"""
    assert set(TRANSITIONS) == set(get_args(Step))
    assert {state for ways in TRANSITIONS.values() for state in ways.values()} == STATES
    assert {state for ways in TRANSITIONS.values() for state in ways} == STATES - ENDS
    assert {"accepted", *OPEN} == STATES - ENDS


def test_match_sta_002_a_step_that_is_not_in_the_table_is_a_fault() -> None:
    """MATCH-STA-002: a filled order is neither canceled nor filled again, and an open one is not triggered."""
    wrong = [(state, step) for step, ways in TRANSITIONS.items() for state in get_args(OrderState) if state not in ways]
    assert len(wrong) == 8 * len(TRANSITIONS) - sum(map(len, TRANSITIONS.values()))
    for state, step in wrong:
        with pytest.raises(InvariantBroken, match="cannot"):
            after(state, step)


@pytest.mark.parametrize(
    ("reason", "step"),
    [("filled", "complete"), ("expired", "expire"), ("canceled", "cancel"), ("liquidation", "cancel")],
)
def test_match_sta_003_the_reason_says_how_an_order_ends(reason: str, step: str) -> None:
    """MATCH-STA-003"""
    assert end_of(reason) == step


@settings(max_examples=40)
@given(flows.flows)
def test_match_sta_004_events_tell_each_orders_life_in_order(steps: list[flows.Step]) -> None:
    """MATCH-STA-004: accepted once, then fills and changes, closed once in a state that fits, then silence."""
    ex = Exchange()
    for account in flows.TRADERS:
        ex.deposit(account, "60")
    lives: dict[int, str] = {}
    for number, step in enumerate(steps):
        for event in flows.perform(ex, number, step):
            if isinstance(event, OrderAccepted):
                assert lives.setdefault(event.order_id, "open") == "open"
            elif isinstance(event, OrderAmended):
                assert lives[event.order_id] == "open"
            elif isinstance(event, TradeExecuted):
                parties = {event.buy_order_id, event.sell_order_id} - {None}
                assert all(lives[order_id] == "open" for order_id in parties if order_id is not None)
            elif isinstance(event, OrderClosed):
                assert lives[event.order_id] == "open"
                assert (event.state == "filled") == (event.unfilled_lots == 0) == (event.reason == "filled")
                assert event.state in ENDS
                lives[event.order_id] = str(event.state)
    live = {order.order_id for account in ex.state.accounts.values() for order in account.orders.values()}
    assert live == {number for number, state in lives.items() if state == "open"}
