"""Margin at entry and at fills (domain rules R9, R10 and 3.11). IM is 10 %, MM 5 %, taker fee 0.045 %."""

import pytest
from cleartide.contracts import OrderAccepted, OrderClosed, OrderRejected, TradeExecuted
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.margin import no_riskier, standing
from services.matching.tests.support import MARKET, Exchange, of, only


@pytest.mark.parametrize(("deposit", "accepted"), [("100.45", True), ("100.449999", False)])
def test_match_mgn_001_an_order_needs_initial_margin_and_taker_fee_to_the_quantum(deposit: str, accepted: bool) -> None:
    """MATCH-MGN-001: 1 at 1000 needs 100 + 0.45."""
    ex = Exchange()
    ex.deposit("ann", deposit)
    events = ex.place("ann", "buy", "1", "1000")
    assert bool(of(events, OrderAccepted)) is accepted
    if not accepted:
        assert only(events, OrderRejected).reason == "insufficient_margin"


def test_match_mgn_002_open_orders_count_on_the_worse_side() -> None:
    """MATCH-MGN-002: a buy and a sell of the same size need the margin of one; two buys of two."""
    ex = Exchange()
    ex.deposit("ann", "150")
    assert of(ex.place("ann", "buy", "1", "999", client_order_id="first"), OrderAccepted)
    assert of(ex.place("ann", "sell", "1", "1001"), OrderAccepted)
    assert only(ex.place("ann", "buy", "1", "999"), OrderRejected).reason == "insufficient_margin"
    ex.cancel("ann", "first")
    assert of(ex.place("ann", "buy", "1", "999"), OrderAccepted)


def test_match_mgn_003_reduce_only_orders_need_no_margin() -> None:
    """MATCH-MGN-003: a full position stands, and closing orders beyond its size are still accepted."""
    ex = Exchange()
    ex.deposit("ann", "101")
    ex.deposit("bob", "10000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    assert of(ex.place("ann", "sell", "1", "1010", reduce_only=True), OrderAccepted)
    assert of(ex.place("ann", "sell", "1", "1020", reduce_only=True), OrderAccepted)
    assert of(ex.place("ann", "sell", "1", "1030"), OrderAccepted)
    assert of(ex.place("ann", "sell", "1.5", "1040"), OrderRejected)


@pytest.mark.parametrize(("deposit", "accepted"), [("110.4545", True), ("110.4544", False)])
def test_match_mgn_004_the_loss_to_the_mark_of_a_crossing_price_is_needed_too(deposit: str, accepted: bool) -> None:
    """MATCH-MGN-004: buying 1 at 1010 with the mark at 1000 loses 10 at once; fee 0.4545."""
    ex = Exchange()
    ex.deposit("ann", deposit)
    assert bool(of(ex.place("ann", "buy", "1", "1010"), OrderAccepted)) is accepted


def test_match_mgn_005_a_resting_orders_loss_to_the_mark_stays_reserved() -> None:
    """MATCH-MGN-005: two orders at 1010 need 2 * (100 + 10); freed by a cancel and by fills."""
    ex = Exchange()
    ex.deposit("ann", "220.7")
    ex.deposit("bob", "10000")
    assert of(ex.place("ann", "buy", "1", "1010", client_order_id="first"), OrderAccepted)
    assert of(ex.place("ann", "buy", "1", "1010"), OrderAccepted)
    assert ex.state.accounts["ann"].reserved == 20_000_000
    ex.cancel("ann", "first")
    assert ex.state.accounts["ann"].reserved == 10_000_000
    ex.place("bob", "sell", "0.25", "1010")
    assert ex.state.accounts["ann"].reserved == 7_500_000


@pytest.mark.parametrize(("deposit", "accepted"), [("220.4545", True), ("220.4544", False)])
def test_match_mgn_005_a_later_order_needs_what_is_reserved_for_the_earlier_ones(deposit: str, accepted: bool) -> None:
    """MATCH-MGN-005"""
    ex = Exchange()
    ex.deposit("ann", deposit)
    ex.place("ann", "buy", "1", "1010")
    assert bool(of(ex.place("ann", "buy", "1", "1010"), OrderAccepted)) is accepted


def short_of_margin() -> Exchange:
    """ann is long 1 from 1000 with 110 of cash; at 950 she holds E = 59.55 against IM 95 and MM 47.5."""
    ex = Exchange()
    ex.deposit("ann", "110")
    ex.deposit("bob", "100000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.price("950")
    return ex


def test_match_mgn_006_below_initial_margin_an_account_may_only_reduce() -> None:
    """MATCH-MGN-006"""
    ex = short_of_margin()
    assert only(ex.place("ann", "buy", "0.1", "950"), OrderRejected).reason == "insufficient_margin"
    assert only(ex.place("ann", "sell", "1.1", "950"), OrderRejected).reason == "insufficient_margin"
    ex.place("bob", "buy", "1", "949")
    events = ex.place("ann", "sell", "0.5", "949")
    assert only(events, TradeExecuted).size_lots == 500


def test_match_mgn_007_a_reducing_fill_that_makes_the_account_riskier_is_not_made() -> None:
    """MATCH-MGN-007: E / MM is 1.254; closing half at 890 leaves 1.236, which is riskier, and at 900 leaves 1.446."""
    ex = short_of_margin()
    ex.place("bob", "buy", "0.5", "890")
    events = ex.place("ann", "sell", "0.5", "880")
    closed = of(events, OrderClosed)[-1]
    assert (closed.account, closed.reason, closed.filled_lots) == ("ann", "insufficient_margin", 0)
    ex.place("bob", "buy", "0.5", "900")
    assert only(ex.place("ann", "sell", "0.5", "900"), TradeExecuted).size_lots == 500


def test_match_mgn_008_a_maker_that_can_no_longer_afford_its_order_leaves_the_book() -> None:
    """MATCH-MGN-008: the order was funded when it came; the mark has moved since."""
    ex = Exchange()
    ex.deposit("ann", "210")
    ex.deposit("bob", "100000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.place("ann", "buy", "0.9", "950")
    ex.price("930")
    events = ex.place("bob", "sell", "1", "930")
    assert [(e.account, e.reason) for e in of(events, OrderClosed)] == [("ann", "insufficient_margin")]
    assert not of(events, TradeExecuted)
    assert ex.state.markets[MARKET].book.asks.best_price == 9300


def test_match_mgn_008_a_maker_with_exactly_the_initial_margin_trades() -> None:
    """MATCH-MGN-008"""
    ex = Exchange(maker_fee_ppb=0)
    ex.deposit("ann", "100")
    ex.deposit("bob", "1000")
    ex.place("ann", "buy", "1", "1000", post_only=True)
    assert only(ex.place("bob", "sell", "1", "1000"), TradeExecuted).buyer == "ann"


def test_match_mgn_009_unsettled_funding_and_profit_count_in_equity() -> None:
    """MATCH-MGN-009"""
    ex = Exchange()
    ex.deposit("ann", "200")
    ex.deposit("bob", "1000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.price("1010")
    ex.settle(10_000_000, 1)
    equity = standing(ex.state.accounts["ann"]).equity_quanta
    assert equity == 200_000_000 - 450_000 + 10_000_000 - 10_100_000


@given(
    equity=st.integers(-1000, 1000),
    maintenance=st.integers(0, 1000),
    new_equity=st.integers(-1000, 1000),
    new_maintenance=st.integers(0, 1000),
)
def test_match_mgn_010_no_riskier_means_less_requirement_and_no_worse_health(
    equity: int, maintenance: int, new_equity: int, new_maintenance: int
) -> None:
    """MATCH-MGN-010: against the rule in fractions."""
    verdict = no_riskier(equity, maintenance, new_equity, new_maintenance)
    if not maintenance and not new_maintenance:
        assert verdict is (new_equity > equity)
    elif new_maintenance > maintenance:
        assert not verdict
    elif not new_maintenance:
        assert verdict is (new_equity >= 0)
    else:
        assert verdict is (new_equity / new_maintenance >= equity / maintenance)
