"""Trades of another engine, reported on trades.<market>."""

import pytest
from cleartide.contracts import PositionChanged, TradeExecuted
from cleartide.fold import Reject

from services.matching.tests.support import MARKET, Exchange, of, only


def refused(ex: Exchange, price: str = "1000", size: str = "1", **more: str) -> str:
    """The reason why a report became a dead letter; nothing may have changed."""
    before = dict(ex.state.accounts)
    with pytest.raises(Reject) as verdict:
        ex.report(price, size, **more)
    assert ex.state.accounts == before
    return verdict.value.reason


def test_match_out_001_a_two_sided_report_moves_both_accounts() -> None:
    """MATCH-OUT-001: also accounts that were never heard of, and before there is any price."""
    ex = Exchange(price=None)
    events = ex.report("1000", "1", buyer="ann", seller="bob", trade_id="t-7")
    trade = only(events, TradeExecuted)
    assert (trade.buyer, trade.seller, trade.origin, trade.outside_trade_id) == ("ann", "bob", "outside", "t-7")
    assert (trade.buy_order_id, trade.sell_order_id, trade.taker_side) == (None, None, "buy")
    assert (ex.lots("ann"), ex.lots("bob")) == (1000, -1000)


@pytest.mark.parametrize(("side", "lots"), [("buyer", 1000), ("seller", -1000)])
def test_match_out_002_the_side_not_named_is_the_outside_account(side: str, lots: int) -> None:
    """MATCH-OUT-002"""
    ex = Exchange()
    trade = only(ex.report("1000", "1", **{side: "ann"}), TradeExecuted)
    assert (ex.lots("ann"), ex.lots("outside")) == (lots, -lots)
    assert trade.taker_side == {"buyer": "buy", "seller": "sell"}[side]


def test_match_out_003_no_fee_and_no_margin_check() -> None:
    """MATCH-OUT-003: it already happened."""
    ex = Exchange()
    for changed in of(ex.report("1000", "50", buyer="ann"), PositionChanged):
        assert (changed.fee_quanta, changed.cash_quanta) == (0, 0)
    assert ex.balance("fees") == 0


def test_match_out_004_a_trade_is_applied_once_per_source() -> None:
    """MATCH-OUT-004: under whatever message id it comes again."""
    ex = Exchange()
    ex.report("1000", "1", buyer="ann", trade_id="t1")
    assert refused(ex, buyer="ann", trade_id="t1") == "duplicate"
    ex.restart()
    with pytest.raises(Reject):
        ex.report("1000", "1", buyer="ann", trade_id="t1")
    ex.report("1000", "1", buyer="ann", trade_id="t1", source="other")
    assert ex.lots("ann") == 2000


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ({"market": "ETH-PERP", "buyer": "ann"}, "unknown_market"),
        ({"price": "1000.05", "buyer": "ann"}, "off_grid"),
        ({"size": "0", "buyer": "ann"}, "not_positive"),
        ({"size": "2000000", "buyer": "ann"}, "notional_cap"),
        ({"size": "2000000000", "buyer": "ann"}, "overflow"),
        ({}, "no_participant"),
        ({"buyer": "ann", "seller": "ann"}, "self_trade"),
        ({"buyer": "outside"}, "reserved_account"),
        ({"buyer": "ann", "seller": "insurance"}, "reserved_account"),
    ],
)
def test_match_out_005_a_report_that_cannot_be_applied_is_a_dead_letter_with_its_reason(
    report: dict[str, str], why: str
) -> None:
    """MATCH-OUT-005"""
    assert refused(Exchange(), **report) == why


def test_match_out_006_positions_and_balances_stay_within_bounds() -> None:
    """MATCH-OUT-006"""
    ex = Exchange(price=None)
    ex.report("0.1", "1000000000", buyer="ann")
    assert refused(ex, "0.1", "200000000", buyer="ann") == "position_cap"
    for _ in range(3):
        ex.report("1000000000", "1", buyer="bob")
    assert refused(ex, "1000000000", "1", buyer="bob") == "balance_cap"


def test_match_out_007_reported_prices_are_last_prices() -> None:
    """MATCH-OUT-007"""
    ex = Exchange()
    ex.report("1003", "1", buyer="ann")
    assert ex.state.markets[MARKET].prices.last == 10_030


def test_match_out_008_a_cheap_trade_cannot_make_a_position_too_large_at_the_mark() -> None:
    """MATCH-OUT-008: 2,000,000 at 0.1 costs 200,000 and would be worth 2e9."""
    ex = Exchange()
    assert refused(ex, "0.1", "2000000", buyer="ann") == "notional_cap"
    ex.report("0.1", "1000000", buyer="ann")
