"""Deposits, withdrawals, insurance funding and listing."""

import pytest
from cleartide.contracts import (
    InsuranceFunded,
    MarginBracket,
    MarketListed,
    TransferApplied,
    TransferRejected,
)
from cleartide.fold import Reject

from services.matching.tests.support import MARKET, Exchange, only


def holder(deposit: str = "1000") -> Exchange:
    """ann is long 1 from 1000."""
    ex = Exchange(taker_fee_ppb=0, maker_fee_ppb=0)
    ex.deposit("ann", deposit)
    ex.deposit("bob", "100000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    return ex


def reason(events: object) -> str:
    assert isinstance(events, list)
    return only(events, TransferRejected).reason


def test_match_trf_001_a_deposit_opens_the_account_and_is_announced() -> None:
    """MATCH-TRF-001"""
    ex = Exchange()
    applied = only(ex.deposit("ann", "12.345678"), TransferApplied)
    assert (applied.amount_quanta, applied.cash_quanta) == (12_345_678, 12_345_678)
    assert only(ex.deposit("ann", "1"), TransferApplied).cash_quanta == 13_345_678
    assert ex.balance("external") == -13_345_678


@pytest.mark.parametrize(
    ("account", "amount", "why"),
    [
        ("ann", "0.0000001", "off_grid"),
        ("ann", "0", "not_positive"),
        ("ann", "99999999999", "overflow"),
        ("ann", "5000000000", "balance_cap"),
        ("insurance", "1", "reserved_account"),
        ("outside", "1", "reserved_account"),
    ],
)
def test_match_trf_002_a_bad_transfer_is_refused_by_reason(account: str, amount: str, why: str) -> None:
    """MATCH-TRF-002"""
    ex = Exchange()
    assert reason(ex.deposit(account, amount)) == why
    assert reason(ex.withdraw("nobody", "1")) == "unknown_account"
    assert reason(ex.withdraw("outside", "1")) == "reserved_account"


def test_match_trf_003_an_idle_account_may_withdraw_everything_and_not_a_quantum_more() -> None:
    """MATCH-TRF-003"""
    ex = Exchange()
    ex.deposit("ann", "5")
    assert reason(ex.withdraw("ann", "5.000001")) == "exceeds_withdrawable"
    applied = only(ex.withdraw("ann", "5"), TransferApplied)
    assert (applied.amount_quanta, applied.cash_quanta) == (-5_000_000, 0)


def test_match_trf_004_initial_margin_stays_behind() -> None:
    """MATCH-TRF-004"""
    ex = holder()
    assert reason(ex.withdraw("ann", "900.000001")) == "exceeds_withdrawable"
    assert only(ex.withdraw("ann", "900"), TransferApplied).cash_quanta == 100_000_000


def test_match_trf_005_unrealized_profit_cannot_be_withdrawn() -> None:
    """MATCH-TRF-005: at 2000 the profit of 1000 would cover the margin of 200, but only cash goes out."""
    ex = holder()
    ex.price("2000")
    assert reason(ex.withdraw("ann", "1000.000001")) == "exceeds_withdrawable"
    assert only(ex.withdraw("ann", "1000"), TransferApplied).cash_quanta == 0


def test_match_trf_006_a_tenth_of_the_notional_stays_behind_whatever_the_leverage() -> None:
    """MATCH-TRF-006: initial margin is only 1 % here."""
    bracket = MarginBracket(
        upper_notional_quanta=None, initial_margin_ppb=10_000_000, maintenance_fraction_ppb=500_000_000
    )
    ex = Exchange(brackets=(bracket,), taker_fee_ppb=0, maker_fee_ppb=0)
    ex.deposit("ann", "1000")
    ex.deposit("bob", "1000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    assert reason(ex.withdraw("ann", "900.000001")) == "exceeds_withdrawable"
    assert only(ex.withdraw("ann", "900"), TransferApplied).cash_quanta == 100_000_000


def test_match_trf_007_open_orders_keep_their_margin_and_their_loss_to_the_mark() -> None:
    """MATCH-TRF-007: 1 at 1010 keeps 100 + 10."""
    ex = Exchange(taker_fee_ppb=0)
    ex.deposit("ann", "1000")
    ex.place("ann", "buy", "1", "1010")
    assert reason(ex.withdraw("ann", "890.000001")) == "exceeds_withdrawable"
    only(ex.withdraw("ann", "890"), TransferApplied)


def test_match_trf_008_insurance_money_goes_to_the_markets_fund() -> None:
    """MATCH-TRF-008"""
    ex = Exchange()
    ex.insure("100")
    funded = only(ex.insure("50"), InsuranceFunded)
    assert (funded.amount_quanta, funded.balance_quanta) == (50_000_000, 150_000_000)
    assert ex.balance(f"insurance:{MARKET}") == 150_000_000


@pytest.mark.parametrize(
    ("market", "amount", "why"),
    [
        ("ETH-PERP", "1", "unknown_market"),
        (MARKET, "0", "not_positive"),
        (MARKET, "0.0000001", "off_grid"),
        (MARKET, "5000000000", "balance_cap"),
    ],
)
def test_match_trf_009_bad_insurance_money_is_a_dead_letter(market: str, amount: str, why: str) -> None:
    """MATCH-TRF-009"""
    ex = Exchange()
    with pytest.raises(Reject) as verdict:
        ex.insure(amount, market)
    assert verdict.value.reason == why


def test_match_mkt_001_a_listed_market_says_what_a_lot_at_a_tick_is_worth() -> None:
    """MATCH-MKT-001"""
    ex = Exchange(listed=False)
    listed = only(ex.list(), MarketListed)
    assert (listed.market, listed.quanta_per_lot_tick) == (MARKET, 100)


def test_match_mkt_002_a_market_is_listed_once() -> None:
    """MATCH-MKT-002"""
    ex = Exchange()
    with pytest.raises(Reject) as verdict:
        ex.list(taker_fee_ppb=0)
    assert verdict.value.reason == "market_exists"
    assert ex.state.markets[MARKET].taker_fee_ppb == 450_000


def bracket(upper: int | None, initial: int = 100_000_000, maintenance: int = 500_000_000) -> MarginBracket:
    return MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=initial, maintenance_fraction_ppb=maintenance)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"tick_size": "0.0001", "lot_size": "0.0001"}, "off_grid"),
        ({"tick_size": "0"}, "bad_step"),
        ({"mark_band_ppb": 10**9}, "bad_spec"),
        ({"taker_fee_ppb": 10**9}, "bad_spec"),
        ({"brackets": (bracket(None, initial=0),)}, "bad_spec"),
        ({"brackets": (bracket(None, maintenance=10**9 + 1),)}, "bad_spec"),
        ({"brackets": (bracket(1000),)}, "bad_spec"),
        ({"brackets": (bracket(None), bracket(None))}, "bad_spec"),
        ({"brackets": (bracket(1000), bracket(1000), bracket(None))}, "bad_spec"),
    ],
)
def test_match_mkt_003_rules_that_cannot_be_traded_exactly_are_refused(rules: dict[str, object], why: str) -> None:
    """MATCH-MKT-003"""
    ex = Exchange(listed=False)
    with pytest.raises(Reject) as verdict:
        ex.list(**rules)
    assert verdict.value.reason == why
    assert not ex.state.markets
