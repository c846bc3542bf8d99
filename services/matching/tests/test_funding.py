"""Funding by index: exact, once per interval, paid on touch (domain rule R18)."""

import pytest
from cleartide.contracts import FundingSettled, PositionChanged, SettleFunding
from cleartide.fold import Reject
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.funding import index_step
from services.matching.tests.support import HOUR, MARKET, Exchange, of, only


def pair() -> Exchange:
    """ann is long 1 and bob short 1 at 1000, so one lot is worth 1,000,000 quanta."""
    ex = Exchange()
    for account in ("ann", "bob"):
        ex.deposit(account, "1000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    return ex


def refused(ex: Exchange, rate: int, interval: int, market: str = MARKET) -> str:
    with pytest.raises(Reject) as verdict:
        ex.settle(rate, interval, market)
    return verdict.value.reason


def test_match_fnd_001_a_positive_rate_is_owed_by_longs_to_shorts() -> None:
    """MATCH-FND-001: 0.01 % of 1000 is 0.1."""
    ex = pair()
    settled = only(ex.settle(100_000, 1), FundingSettled)
    assert (settled.index_step_quanta, settled.funding_index_quanta) == (100, 100)
    assert (settled.mark_ticks, settled.rate_ppb, settled.interval_start) == (10_000, 100_000, HOUR)
    assert ex.state.accounts["ann"].holdings[MARKET].unsettled == -100_000
    assert ex.state.accounts["bob"].holdings[MARKET].unsettled == 100_000


def test_match_fnd_002_it_is_paid_when_the_position_is_touched_and_before_its_size_changes() -> None:
    """MATCH-FND-002"""
    ex = pair()
    ex.settle(100_000, 1)
    ex.place("bob", "sell", "2", "1000")
    changed = {e.account: e for e in of(ex.place("ann", "buy", "1", "1000"), PositionChanged)}
    assert changed["ann"].funding_quanta == -100_000
    assert changed["bob"].funding_quanta == 100_000
    assert changed["ann"].funding_index_quanta == 100
    assert ex.balance(f"funding:{MARKET}") == 0


def test_match_fnd_003_what_is_less_than_a_quantum_per_lot_is_carried() -> None:
    """MATCH-FND-003: 0.4 quanta per lot and hour: nothing, nothing, one, nothing, one."""
    ex = pair()
    steps = [only(ex.settle(400, hour), FundingSettled).index_step_quanta for hour in range(1, 6)]
    assert steps == [0, 0, 1, 0, 1]


@given(
    steps=st.lists(st.tuples(st.integers(1, 2**30), st.integers(-(10**8), 10**8)), min_size=1, max_size=50),
    unit=st.integers(1, 10**6),
)
def test_match_fnd_004_the_index_never_drifts_by_a_whole_quantum(steps: list[tuple[int, int]], unit: int) -> None:
    """MATCH-FND-004: after any number of steps 0 <= exact sum - index < 1."""
    index = carry = exact = 0
    for mark, rate in steps:
        step, carry = index_step(mark, unit, rate, carry)
        index += step
        exact += mark * unit * rate
        assert 0 <= exact - index * 10**9 == carry < 10**9


@given(
    lots=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20),
    steps=st.lists(st.tuples(st.integers(1, 2**24), st.integers(-(10**8), 10**8)), min_size=1, max_size=10),
)
def test_match_fnd_005_payments_sum_to_zero_whenever_each_is_made(
    lots: list[int], steps: list[tuple[int, int]]
) -> None:
    """MATCH-FND-005: every holder settles at another time; the last one holds the other side."""
    holders = [*lots, -sum(lots)]
    seen, paid, index, carry = [0] * len(holders), 0, 0, 0
    for number, (mark, rate) in enumerate(steps):
        step, carry = index_step(mark, 100, rate, carry)
        index += step
        touched = number % len(holders)
        paid += -holders[touched] * (index - seen[touched])
        seen[touched] = index
    assert paid + sum(-held * (index - at) for held, at in zip(holders, seen, strict=True)) == 0


def test_match_fnd_006_an_interval_is_settled_once() -> None:
    """MATCH-FND-006: a replayed command is skipped, a new command for a settled interval refused."""
    ex = pair()
    ex.settle(100_000, 2)
    number = ex.numbers["funding"]
    assert refused(ex, 100_000, 2) == "duplicate_interval"
    assert refused(ex, 100_000, 1) == "duplicate_interval"
    ex.restart()
    ex.numbers["funding"] = number - 1
    assert ex.settle(100_000, 2) == []
    assert ex.state.markets[MARKET].funding.index == 100


def test_match_fnd_007_a_rate_beyond_the_cap_is_refused() -> None:
    """MATCH-FND-007: 4 % an hour."""
    ex = pair()
    assert refused(ex, 40_000_001, 1) == "rate_above_cap"
    assert refused(ex, -40_000_001, 1) == "rate_above_cap"
    only(ex.settle(-40_000_000, 1), FundingSettled)


def test_match_fnd_008_without_market_or_mark_nothing_is_settled() -> None:
    """MATCH-FND-008"""
    ex = Exchange(price=None)
    assert refused(ex, 1, 1, "ETH-PERP") == "unknown_market"
    assert refused(ex, 1, 1) == "no_mark_price"


@pytest.mark.parametrize(("start", "micros"), [(HOUR, 2**52), (2**53 - 2 * HOUR, HOUR), (0, 2**63)])
def test_match_fnd_010_an_interval_beyond_all_readable_times_is_refused(start: int, micros: int) -> None:
    """MATCH-FND-010: its end, and that of the next, are times that every reader holds."""
    ex = pair()
    body = {"market": MARKET, "interval_start": start, "interval_micros": micros, "rate_ppb": 0, "samples": 0}
    with pytest.raises(Reject, match="overflow"):
        ex.send(SettleFunding, source="funding", **body)
    readable = {**body, "interval_start": 1, "interval_micros": 2**52 - 1}
    assert of(ex.send(SettleFunding, source="funding", **readable), FundingSettled)


def test_match_fnd_009_a_position_opened_after_the_interval_owes_nothing() -> None:
    """MATCH-FND-009"""
    ex = pair()
    ex.settle(100_000, 1)
    ex.deposit("cat")
    ex.place("cat", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    assert ex.state.accounts["cat"].holdings[MARKET].unsettled == 0
