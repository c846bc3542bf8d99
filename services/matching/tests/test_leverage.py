"""Chosen leverage and open interest raise initial margin, and never maintenance (domain rules R8, 3.2 and 3.6)."""

from typing import Any

import pytest
from cleartide.contracts import (
    AccountRequestRejected,
    GrantDelegate,
    LeverageSet,
    Message,
    OpenSubaccount,
    OrderAccepted,
    OrderRejected,
    SetLeverage,
    TransferApplied,
)
from cleartide.fold import Reject
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.margin import order_margin, standing
from services.matching.tests.support import MARKET, QUOTE, Exchange, only

FREE: dict[str, Any] = {"taker_fee_ppb": 0, "maker_fee_ppb": 0}


def exchange(deposit: str = "1000", **rules: Any) -> Exchange:
    """ann and bob without fees; 10 % initial, 5 % maintenance margin, at a mark of 1000."""
    ex = Exchange(**{**FREE, **rules})
    ex.deposit("ann", deposit)
    ex.deposit("bob", "1000000")
    return ex


def lever(ex: Exchange, leverage: int | None, **more: Any) -> list[Message]:
    return ex.send(SetLeverage, **{"account": "ann", "market": MARKET, "leverage": leverage, **more})


def refused(events: list[Message]) -> str:
    return only(events, AccountRequestRejected).reason


@pytest.mark.parametrize(("leverage", "initial"), [(10, 100), (9, 112), (5, 200), (1, 1000), (None, 100)])
def test_acc_lev_001_initial_margin_is_at_least_notional_over_leverage(leverage: int | None, initial: int) -> None:
    """ACC-LEV-001: rounded up; maintenance stays where it was."""
    ex = exchange()
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    maintenance = standing(ex.state.accounts["ann"]).maintenance_margin_quanta
    assert only(lever(ex, leverage), LeverageSet).leverage == leverage
    now = standing(ex.state.accounts["ann"])
    exact = 111_111_112 if leverage == 9 else initial * QUOTE
    assert (now.initial_margin_quanta, now.maintenance_margin_quanta) == (exact, maintenance)


@pytest.mark.parametrize(("size", "accepted"), [("5.000", True), ("5.001", False)])
def test_acc_lev_002_open_orders_are_margined_at_the_chosen_leverage(size: str, accepted: bool) -> None:
    """ACC-LEV-002: 1000 of equity at leverage 5 opens 5000 of notional, not a lot more."""
    ex = exchange()
    lever(ex, 5)
    events = ex.place("ann", "buy", size, "1000")
    assert bool([event for event in events if isinstance(event, OrderAccepted)]) == accepted
    if not accepted:
        assert only(events, OrderRejected).reason == "insufficient_margin"


def test_acc_lev_003_a_choice_that_the_account_cannot_pay_is_refused() -> None:
    """ACC-LEV-003: resting orders count; the last leverage that fits is accepted."""
    ex = exchange("500")
    ex.place("ann", "buy", "2", "1000")
    assert refused(lever(ex, 3)) == "insufficient_margin"
    assert ex.state.accounts["ann"].holdings[MARKET].leverage == 0
    assert only(lever(ex, 4), LeverageSet)


def test_acc_lev_004_an_account_below_its_margin_may_still_ask_for_less() -> None:
    """ACC-LEV-004: taking a low leverage back helps, so it is never refused."""
    ex = exchange("500")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    lever(ex, 2)
    ex.price("950")
    assert refused(lever(ex, 1)) == "insufficient_margin"
    assert only(lever(ex, 3), LeverageSet)
    assert only(lever(ex, None), LeverageSet)


def test_acc_lev_005_a_bad_choice_is_refused_with_the_reason() -> None:
    """ACC-LEV-005"""
    ex = exchange()
    ex.send(OpenSubaccount, account="ann", name="btc", margin_mode="isolated", market=MARKET)
    ex.send(GrantDelegate, account="ann", delegate="dora", trade=False)
    ex.list(market="ETH-PERP", base="ETH")
    assert refused(lever(ex, 11)) == "leverage_too_high"
    assert refused(lever(ex, 2, account="nobody")) == "unknown_account"
    assert refused(lever(ex, 2, market="DOGE-PERP")) == "unknown_market"
    assert refused(lever(ex, 2, account="ann--btc", market="ETH-PERP")) == "isolated_market"
    assert refused(lever(ex, 2, actor="dora")) == "not_permitted"
    assert refused(lever(ex, 2, account="insurance")) == "reserved_account"


def test_acc_lev_006_what_a_low_leverage_asks_for_cannot_be_withdrawn() -> None:
    """ACC-LEV-006: R11 takes the same initial margin, also after a restart."""
    ex = exchange()
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    lever(ex, 2)
    ex.restart()
    assert ex.withdraw("ann", "500.000001")[0].type == "TransferRejected"
    assert only(ex.withdraw("ann", "500"), TransferApplied).cash_quanta == 500 * QUOTE
    lever(ex, None)
    ex.restart()
    assert ex.state.accounts["ann"].holdings[MARKET].leverage == 0


def test_acc_oi_001_initial_margin_rises_with_open_interest_and_maintenance_does_not() -> None:
    """ACC-OI-001: halfway between the bounds 10 % become 55 %; at the upper bound the whole notional."""
    ex = exchange("1000000", oi_scale_lower_quanta=1_000 * QUOTE, oi_scale_upper_quanta=3_000 * QUOTE)
    expected = {"1": 100, "2": 1_100, "3": 3_000, "4": 4_000}
    for size, initial in expected.items():
        ex.place("bob", "sell", "1", "1000")
        ex.place("ann", "buy", "1", "1000")
        now = standing(ex.state.accounts["ann"])
        assert now.initial_margin_quanta == initial * QUOTE
        assert now.maintenance_margin_quanta == int(size) * 50 * QUOTE


def test_acc_oi_002_open_interest_is_valued_at_the_index() -> None:
    """ACC-OI-002: 1.5 lots' worth of open interest at an index of 2000 is halfway up."""
    bounds = {"oi_scale_lower_quanta": 1_000 * QUOTE, "oi_scale_upper_quanta": 3_000 * QUOTE}
    ex = exchange("1000000", mark_band_ppb=0, **bounds)
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    assert order_margin(ex.state.accounts["ann"])[1] == 100 * QUOTE
    ex.price("2000")
    assert order_margin(ex.state.accounts["ann"])[1] == 1_100 * QUOTE


def test_acc_oi_003_bounds_the_wrong_way_round_are_refused_and_a_restart_keeps_them() -> None:
    """ACC-OI-003"""
    ex = exchange(oi_scale_lower_quanta=5, oi_scale_upper_quanta=9)
    ex.restart()
    assert ex.state.markets[MARKET].spec.oi_scale_upper_quanta == 9
    with pytest.raises(Reject, match="bad_spec"):
        ex.list(market="ETH-PERP", oi_scale_lower_quanta=2, oi_scale_upper_quanta=1)


@given(st.integers(1, 12), st.integers(0, 3), st.lists(st.integers(500, 1_500), max_size=6))
def test_acc_lev_007_whatever_is_chosen_maintenance_and_equity_never_move(
    leverage: int, size: int, prices: list[int]
) -> None:
    """ACC-LEV-007: against an account that chooses nothing."""
    ex = exchange("5000")
    ex.deposit("cat", "5000")
    for account in ("ann", "cat"):
        if size:
            ex.place("bob", "sell", str(size), "1000")
            ex.place(account, "buy", str(size), "1000")
    lever(ex, min(leverage, 10))
    for price in prices:
        ex.price(str(price))
        ann, cat = (standing(ex.state.accounts[name]) for name in ("ann", "cat"))
        assert (ann.equity_quanta, ann.maintenance_margin_quanta) == (cat.equity_quanta, cat.maintenance_margin_quanta)
        assert ann.initial_margin_quanta >= cat.initial_margin_quanta
