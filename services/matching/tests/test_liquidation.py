"""Liquidation (domain rules R19 to R25). MM is 5 %, the liquidation fee at most 0.5 %, there are no other fees.

ann is long 1 from 1000 with 110 of cash: E = P - 890 and MM = P / 20, so she is due below 936.84; at 930 E = 40,
MM = 46.5, and closing 0.2 at the mark restores 1.05. Her bankruptcy price is 890.
"""

from typing import Any

import pytest
from cleartide.contracts import (
    LiquidationExecuted,
    LiquidationRejected,
    OrderClosed,
    PositionChanged,
    TradeExecuted,
    TransferApplied,
)

from services.matching.domain.margin import standing
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only


def long_position(side: str = "buy", cash: str = "110", **rules: Any) -> Exchange:
    """ann holds 1 on the given side from 1000."""
    ex = Exchange(taker_fee_ppb=0, maker_fee_ppb=0, **rules)
    ex.deposit("ann", cash)
    ex.deposit("bob", "100000")
    ex.place("bob", "sell" if side == "buy" else "buy", "1", "1000")
    ex.place("ann", side, "1", "1000")
    return ex


def insurance(ex: Exchange) -> int:
    return ex.balance(f"insurance:{MARKET}")


def test_match_liq_018_figures_beyond_what_readers_hold_are_told_as_the_bound() -> None:
    """MATCH-LIQ-018: three of the largest positions, each at the largest price that is taken."""
    ex = Exchange()
    ex.list(market="ETH-PERP")
    ex.list(market="SOL-PERP")
    for market in (MARKET, "ETH-PERP", "SOL-PERP"):
        ex.price("1000", market)
        ex.report("1000", "1000", buyer="ann", seller="bob", market=market)
        ex.price("4503599.6", market)
    rejected = only(ex.liquidate("ann"), LiquidationRejected)
    assert (rejected.reason, rejected.equity_quanta) == ("healthy", 2**53 - 1)
    done = of(ex.liquidate("bob"), LiquidationExecuted)
    assert [step.equity_before_quanta for step in done] == [1 - 2**53] * 3


@pytest.mark.parametrize(("cash", "due"), [("50", False), ("49.999999", True)])
def test_match_liq_001_equal_to_maintenance_is_safe_and_a_quantum_less_is_not(cash: str, due: bool) -> None:
    """MATCH-LIQ-001: 1 at 1000 requires 50."""
    ex = Exchange()
    ex.deposit("ann", cash)
    ex.report("1000", "1", buyer="ann")
    events = ex.liquidate("ann")
    assert bool(of(events, LiquidationExecuted)) is due
    assert [e.reason for e in of(events, LiquidationRejected)] == ([] if due else ["healthy"])


def test_match_liq_002_the_request_is_checked_against_the_state_as_it_is() -> None:
    """MATCH-LIQ-002"""
    ex = long_position()
    assert only(ex.liquidate("nobody"), LiquidationRejected).reason == "unknown_account"
    ex.deposit("cat")
    assert only(ex.liquidate("cat"), LiquidationRejected).reason == "no_position"
    ex.report("1000", "1", buyer="ann")
    assert only(ex.liquidate("outside"), LiquidationRejected).reason == "reserved_account"
    ex.price("930")
    ex.deposit("ann", "500")
    healthy = only(ex.liquidate("ann"), LiquidationRejected)
    assert (healthy.reason, healthy.maintenance_margin_quanta) == ("healthy", 93_000_000)


def test_match_liq_003_nobody_is_liquidated_on_a_stale_index() -> None:
    """MATCH-LIQ-003: declared stale, or silent for more than a minute."""
    ex = long_position()
    ex.price("930")
    ex.price(None)
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "stale_index"
    ex.price("930")
    ex.wait(60 * SECOND + 1)
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "stale_index"


def test_match_liq_004_all_orders_are_cancelled_first() -> None:
    """MATCH-LIQ-004"""
    ex = long_position(cash="150")
    ex.place("ann", "buy", "0.1", "900", client_order_id="one")
    ex.place("ann", "sell", "0.1", "1100", client_order_id="two")
    ex.price("870")
    events = ex.liquidate("ann")
    assert [(e.client_order_id, e.reason) for e in of(events, OrderClosed)] == [
        ("one", "liquidation"),
        ("two", "liquidation"),
    ]
    assert isinstance(events[0], OrderClosed) and isinstance(events[1], OrderClosed)


def test_match_liq_005_only_as_much_is_closed_as_restores_the_account() -> None:
    """MATCH-LIQ-005: 0.2 at 930; the fee of 0.5 % goes to the fund, the maker trades as always."""
    ex = long_position()
    ex.price("930")
    ex.place("bob", "buy", "1", "930")
    events = ex.liquidate("ann")
    done = only(events, LiquidationExecuted)
    assert (done.closed_lots, done.taken_over_lots, done.remaining_lots) == (200, 0, 800)
    assert (done.mark_ticks, done.bankruptcy_price_ticks) == (9300, 8900)
    assert (done.equity_before_quanta, done.maintenance_margin_before_quanta) == (40_000_000, 46_500_000)
    assert (done.fee_quanta, done.insurance_paid_quanta) == (930_000, 0)
    trade = only(events, TradeExecuted)
    assert (trade.origin, trade.seller, trade.sell_order_id, trade.taker_side) == ("liquidation", "ann", None, "sell")
    assert insurance(ex) == 930_000 and ex.balance("fees") == 0
    now = standing(ex.state.accounts["ann"])
    assert now.equity_quanta * 100 >= now.maintenance_margin_quanta * 105


def test_match_liq_006_worse_fills_are_followed_by_another_step() -> None:
    """MATCH-LIQ-006"""
    ex = long_position()
    ex.price("930")
    ex.place("bob", "buy", "1", "920")
    steps = of(ex.liquidate("ann"), LiquidationExecuted)
    assert [step.closed_lots for step in steps] == [200, 45]
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "healthy"


def test_match_liq_007_nothing_is_sold_below_the_bankruptcy_price() -> None:
    """MATCH-LIQ-007: the bid at 889.9 does not trade; above two thirds of MM the position then waits."""
    ex = long_position()
    ex.price("930")
    ex.place("bob", "buy", "1", "889.9")
    events = ex.liquidate("ann")
    done = only(events, LiquidationExecuted)
    assert (done.closed_lots, done.taken_over_lots, done.remaining_lots) == (0, 0, 1000)
    assert not of(events, TradeExecuted)


def test_match_liq_008_the_fee_never_takes_more_than_the_surplus_over_bankruptcy() -> None:
    """MATCH-LIQ-008: sold at 890.1 only 0.1 per unit is left for the fund."""
    ex = long_position()
    ex.price("930")
    ex.place("bob", "buy", "1", "890.1")
    done = of(ex.liquidate("ann"), LiquidationExecuted)[0]
    assert done.fee_quanta == done.closed_lots * 100
    assert ex.cash("ann") >= 0


def test_match_liq_009_beyond_help_the_fund_takes_the_position_at_the_bankruptcy_price() -> None:
    """MATCH-LIQ-009: at 910 E = 20 is below two thirds of 45.5; the book is empty; nothing is owed by the fund."""
    ex = long_position()
    ex.price("910")
    events = ex.liquidate("ann")
    done = only(events, LiquidationExecuted)
    assert (done.closed_lots, done.taken_over_lots, done.remaining_lots) == (0, 1000, 0)
    assert (done.bankruptcy_price_ticks, done.insurance_paid_quanta, done.fee_quanta) == (8900, 0, 0)
    trade = only(events, TradeExecuted)
    assert (trade.origin, trade.buyer, trade.price_ticks) == ("takeover", "insurance", 8900)
    assert [e.account for e in of(events, PositionChanged)] == ["insurance", "ann"]
    assert (ex.lots("ann"), ex.cash("ann"), ex.lots("insurance")) == (0, 0, 1000)
    assert ex.state.markets[MARKET].prices.last == 10_000


def test_match_liq_010_the_fund_pays_the_loss_to_the_mark() -> None:
    """MATCH-LIQ-010: at 880 the position is worth 10 less than its bankruptcy price."""
    ex = long_position()
    ex.insure("10")
    ex.price("880")
    events = ex.liquidate("ann")
    done = only(events, LiquidationExecuted)
    assert (done.taken_over_lots, done.insurance_paid_quanta, done.bankruptcy_price_ticks) == (1000, 10_000_000, 8900)
    paid = only(events, TransferApplied)
    assert (paid.account, paid.amount_quanta) == ("insurance", 10_000_000)
    assert insurance(ex) == 0
    assert standing(ex.state.accounts["insurance"]).equity_quanta == 0


def test_match_liq_011_a_fund_that_cannot_pay_leaves_the_position_and_says_so() -> None:
    """MATCH-LIQ-011: one quantum is missing."""
    ex = long_position()
    ex.insure("9.999999")
    ex.price("880")
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (done.taken_over_lots, done.insurance_paid_quanta, done.remaining_lots) == (0, 0, 1000)
    assert insurance(ex) == 9_999_999


def test_match_liq_012_a_short_is_bought_back_the_same_way() -> None:
    """MATCH-LIQ-012: E = 1110 - P, bankrupt at 1110."""
    ex = long_position("sell")
    ex.price("1070")
    ex.place("bob", "sell", "1", "1075")
    first = of(ex.liquidate("ann"), LiquidationExecuted)[0]
    assert first.closed_lots < 0 and first.remaining_lots < 0
    assert first.bankruptcy_price_ticks == 11_100
    ex.cancel("bob", f"c{ex.numbers['gateway']}")
    ex.price("1100")
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert done.remaining_lots == 0 and ex.lots("insurance") < 0
    assert ex.cash("ann") >= 0


def test_match_liq_013_a_deficit_beyond_every_price_is_covered_by_the_fund() -> None:
    """MATCH-LIQ-013: a short that could not be bought back even at one tick; the fund pays loss and deficit."""
    ex = long_position("sell")
    ex.report("0.1", "1", seller="cat")
    ex.insure("5000")
    ex.report("3000", "1", buyer="cat")
    ex.report("100", "0.01", seller="cat")
    assert ex.cash("cat") < 0
    done = only(ex.liquidate("cat"), LiquidationExecuted)
    assert (done.bankruptcy_price_ticks, done.remaining_lots) == (1, 0)
    assert ex.cash("cat") == 0
    assert insurance(ex) == 5_000_000_000 - done.insurance_paid_quanta


def test_match_liq_014_the_largest_requirement_goes_first_and_the_hint_does_not_matter() -> None:
    """MATCH-LIQ-014: then the rest, market by market, each at its share of equity."""
    ex = long_position()
    ex.list(market="ETH-PERP", taker_fee_ppb=0, maker_fee_ppb=0)
    ex.price("1000", "ETH-PERP")
    ex.report("1000", "2", buyer="ann", market="ETH-PERP")
    ex.price("910")
    events = ex.liquidate("ann", MARKET)
    steps = of(events, LiquidationExecuted)
    assert [step.market for step in steps] == ["ETH-PERP", MARKET]
    assert ex.lots("ann") == ex.lots("ann", "ETH-PERP") == 0
    assert 0 <= ex.cash("ann") <= 2 * 300_000


def test_match_liq_015_a_stale_market_is_not_traded_but_the_others_are() -> None:
    """MATCH-LIQ-015"""
    ex = long_position()
    ex.list(market="ETH-PERP", taker_fee_ppb=0, maker_fee_ppb=0)
    ex.price("1000", "ETH-PERP")
    ex.report("1000", "2", buyer="ann", market="ETH-PERP")
    ex.price("910")
    ex.price(None, "ETH-PERP")
    steps = of(ex.liquidate("ann", "ETH-PERP"), LiquidationExecuted)
    assert [step.market for step in steps] == [MARKET]
    assert ex.lots("ann", "ETH-PERP") == 2000


def test_match_liq_016_makers_short_of_margin_do_not_trade_with_a_liquidation() -> None:
    """MATCH-LIQ-016"""
    ex = long_position()
    ex.deposit("cat", "100")
    ex.place("cat", "buy", "1", "930")
    ex.report("930", "5", buyer="cat")
    ex.price("930")
    events = ex.liquidate("ann")
    closed = only(events, OrderClosed)
    assert (closed.account, closed.reason) == ("cat", "insufficient_margin")
    assert not of(events, TradeExecuted)


@pytest.mark.parametrize("price", ["935", "925", "915", "900", "890", "880", "860"])
def test_match_liq_017_the_fund_never_loses_on_a_book_liquidation(price: str) -> None:
    """MATCH-LIQ-017: whatever the depth, only fees come in and nobody ends below zero by it."""
    ex = long_position()
    ex.price(price)
    for offset in range(5):
        ex.place("bob", "buy", "0.15", str(int(float(price)) - 5 * offset))
    steps = of(ex.liquidate("ann"), LiquidationExecuted)
    assert all(step.insurance_paid_quanta == 0 for step in steps)
    assert insurance(ex) == sum(step.fee_quanta for step in steps) >= 0
