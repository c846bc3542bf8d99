"""Collateral turned into cash: on request, to repay a debt, and before a position is liquidated."""

from typing import Any

import pytest
from cleartide.contracts import (
    CollateralChanged,
    CollateralSwapped,
    LiquidationExecuted,
    LiquidationRejected,
    PositionChanged,
    TransferApplied,
)

from services.matching.domain.margin import standing
from services.matching.tests.bank import PERCENT, Bank, refused
from services.matching.tests.support import QUOTE, SECOND, of, only


def trader(**rules: Any) -> Bank:
    """ann holds a BTC, worth 900 at maintenance, and no cash; bob has plenty."""
    ex = Bank(**rules)
    ex.bring("ann", "BTC", "1")
    ex.deposit("bob", "1000000")
    return ex


def long(ex: Bank, size: str = "5", price: str = "1000") -> None:
    """ann buys from bob."""
    ex.place("bob", "sell", size, price)
    ex.place("ann", "buy", size, price)


def test_acc_swp_001_a_swap_pays_the_index_less_the_fee_exactly() -> None:
    """ACC-SWP-001: 0.1 BTC at 1000 less 1 %; the pool has what the account has not."""
    ex = trader()
    events = ex.swap("ann", "BTC", "0.1", "USDC")
    done = only(events, CollateralSwapped)
    assert (done.sold_units, done.sold_balance_units) == (10_000_000, 90_000_000)
    assert (done.bought_units, done.bought_balance_units, done.kind) == (99 * QUOTE, 99 * QUOTE, "swap")
    assert not of(events, TransferApplied) and not of(events, CollateralChanged)
    assert ex.balance_of("pool:swap:BTC") == 10_000_000
    assert ex.balance_of("pool:swap:USDC") == 99_901 * QUOTE


def test_acc_swp_002_any_listed_asset_for_any_other() -> None:
    """ACC-SWP-002: the higher fee of the two is kept; 1 BTC buys 9.9 ETH, and back 0.98 BTC."""
    ex = trader()
    ex.fund("swap", "ETH", "50")
    assert only(ex.swap("ann", "BTC", "1", "ETH"), CollateralSwapped).bought_units == 9_900_000_000
    assert only(ex.swap("ann", "ETH", "9.9", "BTC"), CollateralSwapped).bought_units == 98_010_000
    assert only(ex.swap("bob", "USDC", "100", "ETH"), CollateralSwapped).bought_units == 1_000_000_000


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"sell": "BTC", "amount": "1.00000001", "buy": "USDC"}, "exceeds_balance"),
        ({"sell": "ETH", "amount": "1", "buy": "USDC"}, "exceeds_balance"),
        ({"sell": "USDC", "amount": "1", "buy": "BTC"}, "exceeds_balance"),
        ({"sell": "BTC", "amount": "1", "buy": "ETH"}, "exceeds_pool"),
        ({"sell": "BTC", "amount": "1", "buy": "BTC"}, "same_asset"),
        ({"sell": "BTC", "amount": "1", "buy": "DOGE"}, "unknown_asset"),
        ({"sell": "BTC", "amount": "0.1", "buy": "USDC", "least_amount": "99.000001"}, "below_least_amount"),
        ({"sell": "BTC", "amount": "0.1", "buy": "USDC", "actor": "eve"}, "not_permitted"),
        ({"sell": "BTC", "amount": "0.000000001", "buy": "USDC"}, "off_grid"),
    ],
)
def test_acc_swp_003_a_swap_that_cannot_be_made_changes_nothing(body: dict[str, Any], why: str) -> None:
    """ACC-SWP-003"""
    ex = trader()
    assert refused(ex.swap("ann", **body)) == why
    assert ex.units("ann", "BTC") == 100_000_000


def test_acc_swp_004_without_a_fresh_price_nothing_is_exchanged() -> None:
    """ACC-SWP-004"""
    ex = trader()
    ex.wait(61 * SECOND)
    assert refused(ex.swap("ann", "BTC", "0.1", "USDC")) == "index_stale"
    ex.price("1000")
    assert only(ex.swap("ann", "BTC", "0.1", "USDC"), CollateralSwapped)


def test_acc_swp_005_a_swap_leaves_the_margin_that_is_needed() -> None:
    """ACC-SWP-005: USDT counts 95 %, SOL 70 %: the exchange costs equity, and is refused where it is needed."""
    ex = trader()
    ex.bring("cat", "USDT", "1000")
    ex.fund("swap", "SOL", "1000")
    ex.place("cat", "buy", "9", "1000")
    assert refused(ex.swap("cat", "USDT", "300", "SOL")) == "insufficient_margin"
    assert only(ex.swap("cat", "USDT", "100", "SOL"), CollateralSwapped)
    assert only(ex.swap("cat", "USDT", "900", "USDC"), CollateralSwapped), "into cash it costs nothing"


def test_acc_swp_006_a_debt_is_repaid_when_the_last_position_closes() -> None:
    """ACC-SWP-006: 50 of loss are paid by the fewest units that bring 50 after the fee."""
    ex = trader()
    long(ex)
    ex.place("bob", "buy", "5", "990")
    events = ex.place("ann", "sell", "5", "990")
    assert only([event for event in of(events, PositionChanged) if event.account == "ann"], PositionChanged)
    done = only(events, CollateralSwapped)
    assert (done.account, done.kind, done.sold_units) == ("ann", "repayment", 5_050_506)
    assert done.bought_units == 50_000_009
    assert (ex.cash("ann"), ex.units("ann", "BTC")) == (9, 94_949_494)


def test_acc_swp_007_while_a_position_is_open_nothing_is_sold() -> None:
    """ACC-SWP-007: a loss on part of the position is owed, and counts against equity."""
    ex = trader()
    long(ex)
    ex.place("bob", "buy", "2", "990")
    assert not of(ex.place("ann", "sell", "2", "990"), CollateralSwapped)
    assert ex.cash("ann") == -20 * QUOTE


def test_acc_swp_008_the_asset_with_the_highest_weight_goes_first() -> None:
    """ACC-SWP-008: 10 USDT, then BTC; what is not needed is not touched."""
    ex = trader()
    ex.bring("ann", "USDT", "10")
    ex.bring("ann", "SOL", "10")
    long(ex)
    ex.place("bob", "buy", "5", "990")
    sold = of(ex.place("ann", "sell", "5", "990"), CollateralSwapped)
    assert [(done.sold_asset, done.bought_units) for done in sold] == [("USDT", 10 * QUOTE), ("BTC", 40_000_009)]
    assert ex.units("ann", "SOL") == 10 * 10**9


def test_acc_swp_009_a_pool_that_cannot_pay_leaves_a_debt_that_is_tried_again() -> None:
    """ACC-SWP-009: with the next payment into the pool, also after a restart; the pool never goes below zero."""
    ex = trader()
    long(ex)
    ex.drain("swap", "USDC", "99980")
    ex.place("bob", "buy", "5", "990")
    events = ex.place("ann", "sell", "5", "990")
    assert only(events, CollateralSwapped).bought_units == 19_999_999, "one unit brings 9.9 quanta"
    assert (ex.cash("ann"), ex.balance_of("pool:swap:USDC")) == (-30_000_001, 1)
    ex.restart()
    assert ex.state.treasury.debtors == {"ann"}
    assert only(ex.fund("swap", "USDC", "1000"), CollateralSwapped).bought_units >= 30 * QUOTE
    assert not ex.state.treasury.debtors
    assert ex.cash("ann") >= 0


def test_acc_swp_010_a_debt_that_waits_for_a_price_is_paid_with_the_next_one() -> None:
    """ACC-SWP-010: a market of its own goes on trading while BTC has no fresh price."""
    ex = trader()
    ex.place("bob", "sell", "50", "100", market="ETH-PERP")
    ex.place("ann", "buy", "50", "100", market="ETH-PERP")
    ex.wait(61 * SECOND)
    ex.price("100", "ETH-PERP")
    ex.place("bob", "buy", "50", "99", market="ETH-PERP")
    events = ex.place("ann", "sell", "50", "99", market="ETH-PERP", reduce_only=True)
    assert not of(events, CollateralSwapped)
    assert (ex.cash("ann"), ex.state.treasury.debtors) == (-50 * QUOTE, {"ann"})
    assert only(ex.price("1000"), CollateralSwapped).kind == "repayment"
    assert ex.cash("ann") >= 0


def test_acc_swp_011_collateral_is_sold_before_positions_are_closed() -> None:
    """ACC-SWP-011: cash counts in full, BTC at 90 %: selling some restores health, and the position stays."""
    ex = trader(mark_band_ppb=0)
    ex.bring("ann", "USDT", "150")
    ex.draw("ann", "BTC", "0.3")
    long(ex, "3")
    ex.change("BTC", initial_weight_ppb=0, maintenance_weight_ppb=20 * PERCENT)
    ex.price("951")
    before = standing(ex.state.accounts["ann"])
    assert 0 < before.equity_quanta < before.maintenance_margin_quanta
    events = ex.liquidate("ann")
    answer = only(events, LiquidationRejected)
    assert answer.reason == "collateral_sold"
    assert 100 * answer.equity_quanta >= 105 * answer.maintenance_margin_quanta
    sold = of(events, CollateralSwapped)
    assert [(done.sold_asset, done.kind) for done in sold] == [("USDT", "liquidation"), ("BTC", "liquidation")]
    assert ex.lots("ann") == 3000
    assert 0 < ex.units("ann", "BTC") < 70_000_000


def test_acc_swp_012_a_liquidation_ends_with_the_debt_repaid() -> None:
    """ACC-SWP-012: positions are closed, then collateral pays; the insurance fund is not asked while there is any."""
    ex = trader(mark_band_ppb=0)
    ex.insure("1000")
    long(ex, "8")
    ex.deposit("cat", "100000")
    ex.place("cat", "buy", "8", "890")
    ex.price("890")
    events = ex.liquidate("ann")
    assert of(events, LiquidationExecuted)
    assert sum(event.insurance_paid_quanta for event in of(events, LiquidationExecuted)) == 0
    now = standing(ex.state.accounts["ann"])
    assert now.equity_quanta >= now.maintenance_margin_quanta
    if not ex.lots("ann"):
        assert ex.cash("ann") >= 0


def test_acc_swp_013_a_loss_beyond_all_collateral_falls_to_the_fund() -> None:
    """ACC-SWP-013: everything is sold first, to the last unit."""
    ex = trader(mark_band_ppb=0)
    ex.insure("100000")
    long(ex, "8")
    ex.price("500")
    events = ex.liquidate("ann")
    assert sum(event.insurance_paid_quanta for event in of(events, LiquidationExecuted)) > 0
    assert (ex.lots("ann"), ex.units("ann", "BTC")) == (0, 0)
    assert 0 <= ex.cash("ann") < 8_000 * 100, "less than a tick of the position"


def test_acc_swp_014_a_debt_is_tried_again_with_an_accounts_payment_into_the_pool() -> None:
    """ACC-SWP-014: the pool has nothing until bob gives it something."""
    ex = trader()
    long(ex)
    ex.drain("swap", "USDC", "100000")
    ex.place("bob", "buy", "5", "990")
    assert not of(ex.place("ann", "sell", "5", "990"), CollateralSwapped)
    assert ex.cash("ann") == -50 * QUOTE
    assert only(ex.give("bob", "swap", "USDC", "1000"), CollateralSwapped).kind == "repayment"
    assert ex.cash("ann") >= 0


@pytest.mark.parametrize("restarted", [False, True])
def test_acc_swp_015_whoever_gets_collateral_while_he_owes_repays_with_the_next_price(restarted: bool) -> None:
    """ACC-SWP-015: a position that was reported closed at a loss, and nothing to pay it from until a bitcoin comes."""
    ex = Bank()
    ex.deposit("bob", "1000000")
    ex.report("1000", "1", buyer="ann", seller="bob")
    ex.report("900", "1", buyer="bob", seller="ann")
    assert ex.cash("ann") == -100 * QUOTE
    ex.bring("ann", "BTC", "1")
    if restarted:
        ex.restart()
    assert only(ex.price("1000"), CollateralSwapped).kind == "repayment"
    assert ex.cash("ann") >= 0


def test_acc_swp_016_who_is_short_of_margin_makes_no_exchange_that_leaves_him_less_healthy() -> None:
    """ACC-SWP-016: USDT counts in full for health and for nothing else; sold at 1 % it costs health (3.11)."""
    ex = Bank(mark_band_ppb=0)
    ex.deposit("ann", "100")
    ex.deposit("bob", "1000000")
    ex.change("USDT", initial_weight_ppb=0, maintenance_weight_ppb=100 * PERCENT, conversion_fee_ppb=PERCENT)
    ex.bring("ann", "USDT", "100")
    long(ex, "1")
    ex.price("950")
    assert standing(ex.state.accounts["ann"]).equity_quanta == 150 * QUOTE
    assert refused(ex.swap("ann", "USDT", "1", "USDC")) == "insufficient_margin"
    ex.change("USDT", maintenance_weight_ppb=98 * PERCENT)
    assert only(ex.swap("ann", "USDT", "1", "USDC"), CollateralSwapped), "now it is healthier with cash"
