"""Mark price and premium (domain rules R13 to R17)."""

from typing import Any

import pytest
from cleartide.contracts import MarkPriceUpdated, PremiumSampled
from cleartide.fold import Reject
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain import mark_price as rule
from services.matching.tests.support import HOUR, MARKET, SECOND, Exchange, of, only

M = rule.MICRO_TICKS


def quoted(bid: str | None, ask: str | None, **rules: Any) -> Exchange:
    """A market at 1000 with one large order on the named sides."""
    ex = Exchange(**rules)
    ex.deposit("maker", "1000000")
    if bid is not None:
        ex.place("maker", "buy", "5", bid)
    if ask is not None:
        ex.place("maker", "sell", "5", ask)
    return ex


def mark(ex: Exchange, price: str | None) -> MarkPriceUpdated:
    return only(ex.price(price), MarkPriceUpdated)


def test_match_mrk_001_with_an_empty_book_the_mark_is_the_index() -> None:
    """MATCH-MRK-001: whatever the last trade was; index prices need not lie on the grid."""
    ex = Exchange()
    ex.report("900", "1", buyer="ann")
    updated = mark(ex, "1000.05")
    assert (updated.index_ticks, updated.mark_ticks, updated.last_ticks) == (10_001, 10_001, 9_000)
    assert (updated.best_bid_ticks, updated.best_ask_ticks, updated.open_interest_lots) == (None, None, 1000)


def test_match_mrk_002_the_mark_is_the_median_of_basis_book_and_funding_parts() -> None:
    """MATCH-MRK-002: the average of mid - index starts at +2, then decays; book 1002, index 1000."""
    ex = quoted("1001", "1003")
    assert mark(ex, "1000").mark_ticks == 10_020
    ex.wait(SECOND)
    updated = mark(ex, "1010")
    assert (updated.best_bid_ticks, updated.best_ask_ticks) == (10_010, 10_030)
    assert updated.mark_ticks == 10_100
    assert ex.state.markets[MARKET].prices.ema == rule.ema_step(20 * M, -80 * M, 1)


def test_match_mrk_003_the_mark_stays_within_the_band_around_the_index() -> None:
    """MATCH-MRK-003: a book at 1100 pulls no further than 2.5 %."""
    ex = quoted("1099", "1101")
    assert mark(ex, "1000").mark_ticks == 10_250
    assert rule.mark_ticks(10_001, [1 * M], 25_000_000) == 10_001 - 250


@pytest.mark.parametrize(("part", "ticks"), [(99_499_999, 99), (99_500_000, 100), (100_499_999, 100)])
def test_match_mrk_004_the_mark_is_rounded_half_up(part: int, ticks: int) -> None:
    """MATCH-MRK-004"""
    assert rule.mark_ticks(100, [part], 100_000_000) == ticks


@pytest.mark.parametrize(("values", "middle"), [([5], 5), ([5, 8], 6), ([-5, -8], -7), ([9, 1, 5], 5)])
def test_match_mrk_005_two_inputs_give_their_mean_floored(values: list[int], middle: int) -> None:
    """MATCH-MRK-005"""
    assert rule.median(values) == middle


def test_match_mrk_006_a_one_sided_book_leaves_the_basis_out() -> None:
    """MATCH-MRK-006: mean of bid 1010 and index 1000."""
    ex = quoted("1010", None)
    assert mark(ex, "1000").mark_ticks == 10_050
    assert ex.state.markets[MARKET].prices.ema is None


def test_match_mrk_007_the_average_takes_fixed_steps_with_truncation() -> None:
    """MATCH-MRK-007: the same bits on every machine."""
    assert rule.ema_step(0, 1_000_000, 1) == 6_644
    assert rule.ema_step(0, -1_000_000, 1) == -6_644
    assert rule.ema_step(0, 1_000_000, 150) == 632_072
    assert rule.ema_step(7, 1_000_000, 10**9) == rule.ema_step(7, 1_000_000, rule.EMA_MOST_STEPS)


@given(ema=st.integers(-(2**60), 2**60), sample=st.integers(-(2**60), 2**60), first=st.integers(0, 30))
def test_match_mrk_007_steps_add_up(ema: int, sample: int, first: int) -> None:
    """MATCH-MRK-007: 30 steps are the same in one go or in two."""
    assert rule.ema_step(rule.ema_step(ema, sample, first), sample, 30 - first) == rule.ema_step(ema, sample, 30)


def test_match_mrk_008_steps_are_counted_in_sequenced_time() -> None:
    """MATCH-MRK-008: three prices within one second step once; the fraction is kept."""
    ex = quoted("1001", "1003")
    ex.price("1000")
    start = ex.state.markets[MARKET].prices.ema
    assert start == 20 * M
    for _ in range(3):
        ex.wait(500_000)
        ex.price("1002")
    assert ex.state.markets[MARKET].prices.ema == rule.ema_step(start, 0, 1)
    ex.wait(500_000)
    ex.price("1002")
    assert ex.state.markets[MARKET].prices.ema == rule.ema_step(start, 0, 2)


def test_match_mrk_009_without_sources_the_last_mark_stands_and_says_that_it_is_stale() -> None:
    """MATCH-MRK-009"""
    ex = Exchange()
    stale = mark(ex, None)
    assert (stale.index_stale, stale.mark_ticks, stale.index_ticks) == (True, 10_000, 10_000)
    fresh = mark(ex, "1001")
    assert (fresh.index_stale, fresh.mark_ticks) == (False, 10_010)
    assert Exchange(price=None).price(None) == []


@pytest.mark.parametrize(
    ("price", "market", "why"),
    [("1", "ETH-PERP", "unknown_market"), ("0.01", MARKET, "not_positive"), ("200000000000", MARKET, "overflow")],
)
def test_match_mrk_010_a_price_that_cannot_be_used_is_a_dead_letter(price: str, market: str, why: str) -> None:
    """MATCH-MRK-010: and the mark stays."""
    ex = Exchange()
    with pytest.raises(Reject) as verdict:
        ex.price(price, market)
    assert verdict.value.reason == why
    assert ex.state.markets[MARKET].prices.mark == 10_000


def test_match_mrk_012_a_price_that_no_reader_could_hold_a_position_at_is_refused() -> None:
    """MATCH-MRK-012: ann's 1,000 are worth 2**52 quanta at 4503599.6 and not at 4503599.7; without her it passes."""
    ex = Exchange()
    ex.report("1000", "1000", buyer="ann")
    ex.price("4503599.6")
    with pytest.raises(Reject, match="overflow"):
        ex.price("4503599.7")
    assert ex.state.markets[MARKET].prices.index == 45_035_996
    ex.report("1000", "1000", seller="ann")
    assert mark(ex, "4503599.7").index_ticks == 45_035_997


def test_match_mrk_011_the_funding_part_shrinks_as_the_next_payment_comes_near() -> None:
    """MATCH-MRK-011: rate 1 %, the interval half over: + 0.5 %."""
    assert rule.funding_part(10_000, 10_000_000, HOUR // 2, HOUR) == 10_050 * M
    assert rule.funding_part(10_000, -3, 1, HOUR) == 10_000 * M
    assert rule.funding_part(10_000, 10_000_000, 0, 0) == 10_000 * M
    ex = Exchange()
    hour = ex.effects.at // HOUR
    ex.settle(10_000_000, hour - 1)
    ex.effects.at = hour * HOUR + HOUR // 2
    assert mark(ex, "1000").mark_ticks == 10_050
    ex.effects.at = (hour + 3) * HOUR
    assert mark(ex, "1000").mark_ticks == 10_000


def test_match_prm_001_the_first_fresh_price_of_a_minute_is_a_sample() -> None:
    """MATCH-PRM-001"""
    ex = Exchange(price=None)
    assert not of(ex.price(None), PremiumSampled)
    sample = only(ex.price("1000"), PremiumSampled)
    minute = ex.effects.at // 60_000_000 * 60_000_000
    assert (sample.minute, sample.premium_ppb, sample.index_ticks) == (minute, 0, 10_000)
    assert not of(ex.price("1000"), PremiumSampled)
    ex.wait(60 * SECOND)
    assert not of(ex.price(None), PremiumSampled)
    assert only(ex.price("1000"), PremiumSampled).minute == sample.minute + 60_000_000


def test_match_prm_002_the_impact_price_sweeps_a_fixed_notional() -> None:
    """MATCH-PRM-002: 503 at 1006 and 497 of what is offered at 1004 average 1005.005005..."""
    bids = [(10_060, 50_000), (10_040, 10**9)]
    assert rule.premium_ppb(bids, [], 10_000, 10**9) == 5_005_005
    assert rule.premium_ppb([], [(9_900, 10**9)], 10_000, 10**9) == -10_000_000
    assert rule.premium_ppb([(9_990, 10**9)], [(10_010, 10**9)], 10_000, 10**9) == 0


def test_match_prm_003_a_side_without_enough_depth_contributes_nothing() -> None:
    """MATCH-PRM-003"""
    assert rule.premium_ppb([(10_060, 50_000)], [], 10_000, 10**9) == 0
    assert rule.premium_ppb([], [], 10_000, 0) == 0


def test_match_prm_004_the_sample_is_held_within_the_cap() -> None:
    """MATCH-PRM-004: eight times the hourly cap of 0.01 %."""
    ex = quoted("1010", None, funding_cap_hourly_ppb=100_000)
    ex.wait(60 * SECOND)
    assert only(ex.price("1000"), PremiumSampled).premium_ppb == 800_000


@given(
    levels=st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**9)), max_size=6),
    index=st.integers(1, 10**6),
    notional=st.integers(1, 10**12),
)
def test_match_prm_005_a_swept_price_lies_between_the_best_and_the_worst_level(
    levels: list[tuple[int, int]], index: int, notional: int
) -> None:
    """MATCH-PRM-005"""
    bids = sorted(levels, reverse=True)
    premium = rule.premium_ppb(bids, [], index, notional)
    if sum(price * units for price, units in bids) < notional:
        assert premium == 0
    else:
        best, worst = bids[0][0], bids[-1][0]
        assert max(0, worst - index) * 10**9 // index <= premium <= max(0, best - index) * 10**9 // index
