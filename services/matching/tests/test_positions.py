"""Signed quote accounting and fees (domain rules R4 to R6)."""

from cleartide.contracts import PositionChanged
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.positions import open_interest_change, realized
from services.matching.tests.support import Exchange, of

lots = st.integers(-(2**40), 2**40)
ticks = st.integers(1, 2**30)


def traders(*names: str) -> Exchange:
    ex = Exchange()
    for name in names:
        ex.deposit(name, "10000")
    return ex


def test_match_pos_001_opening_books_the_cost_as_signed_quote() -> None:
    """MATCH-POS-001"""
    ex = traders("ann", "bob")
    ex.place("bob", "sell", "1", "1000")
    buyer, seller = of(ex.place("ann", "buy", "1", "1000"), PositionChanged)
    assert (buyer.account, buyer.lots, buyer.quote_quanta) == ("ann", 1000, -1_000_000_000)
    assert (seller.account, seller.lots, seller.quote_quanta) == ("bob", -1000, 1_000_000_000)
    assert buyer.realized_pnl_quanta == seller.realized_pnl_quanta == 0


def test_match_pos_002_reducing_realizes_the_released_share_truncated() -> None:
    """MATCH-POS-002: of 3 lots bought for 3,000,100 one is sold at 10,000 ticks: released trunc(1,000,033.3)."""
    ex = traders("ann", "bob")
    for size, price in (("0.002", "1000"), ("0.001", "1000.1")):
        ex.place("bob", "sell", size, price)
        ex.place("ann", "buy", size, price)
    assert ex.quote("ann") == -3_000_100
    ex.place("bob", "buy", "0.001", "1000")
    changed = next(e for e in of(ex.place("ann", "sell", "0.001", "1000"), PositionChanged) if e.account == "ann")
    assert changed.realized_pnl_quanta == 1_000_000 - 1_000_033
    assert changed.quote_quanta == -3_000_100 + 1_000_033


def test_match_pos_003_a_flip_closes_everything_and_opens_the_rest_in_one_event() -> None:
    """MATCH-POS-003"""
    ex = traders("ann", "bob", "cat")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.place("cat", "buy", "3", "1010")
    changed = [e for e in of(ex.place("ann", "sell", "3", "1010"), PositionChanged) if e.account == "ann"]
    assert len(changed) == 1
    assert changed[0].realized_pnl_quanta == 10_000_000
    assert (changed[0].lots, changed[0].quote_quanta) == (-2000, 2_020_000_000)


def test_match_pos_004_fees_are_rounded_up_and_go_to_the_venue() -> None:
    """MATCH-POS-004: one lot at 1000.1: 450.045 and 150.015 quanta."""
    ex = traders("ann", "bob")
    ex.place("bob", "sell", "0.001", "1000.1")
    buyer, seller = of(ex.place("ann", "buy", "0.001", "1000.1"), PositionChanged)
    assert (buyer.fee_quanta, seller.fee_quanta) == (451, 151)
    assert ex.balance("fees") == 602
    assert buyer.cash_quanta == 10_000_000_000 - 451


def test_match_pos_005_cash_changes_by_profit_plus_funding_minus_fee() -> None:
    """MATCH-POS-005"""
    ex = traders("ann", "bob")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.settle(1_000_000, 1)
    before = ex.cash("ann")
    ex.place("bob", "buy", "1", "1005")
    changed = next(e for e in of(ex.place("ann", "sell", "1", "1005"), PositionChanged) if e.account == "ann")
    assert (changed.realized_pnl_quanta, changed.funding_quanta) == (5_000_000, -1_000_000)
    assert changed.cash_quanta == before + 5_000_000 - 1_000_000 - changed.fee_quanta
    assert changed.quote_quanta == 0


@given(lots=lots, delta=lots.filter(bool), cost=ticks, price=ticks, unit=st.integers(1, 10**6))
def test_match_pos_006_no_quantum_is_lost_whatever_the_fill(
    lots: int, delta: int, cost: int, price: int, unit: int
) -> None:
    """MATCH-POS-006: closing leaves no cost behind; a flip leaves exactly the cost of the new part."""
    quote, flow = -lots * cost * unit, -delta * price * unit
    profit = realized(lots, quote, delta, flow)
    after = quote + flow - profit
    if lots + delta == 0:
        assert after == 0 and profit == lots * (price - cost) * unit
    elif lots and (lots > 0) != (delta > 0) and abs(delta) > abs(lots):
        assert after == -(lots + delta) * price * unit
        assert profit == lots * (price - cost) * unit
    elif lots == 0 or (lots > 0) == (delta > 0):
        assert profit == 0
    else:
        assert after == -(lots + delta) * cost * unit


@given(buyer=lots, seller=lots, size=st.integers(1, 2**40))
def test_match_pos_007_open_interest_follows_the_long_side(buyer: int, seller: int, size: int) -> None:
    """MATCH-POS-007"""
    change = open_interest_change(buyer, size) + open_interest_change(seller, -size)
    longs = [max(0, position) for position in (buyer, seller)]
    after = [max(0, buyer + size), max(0, seller - size)]
    assert change == sum(after) - sum(longs)
    assert -size <= change <= size
