"""Depth, slippage and statistics: what a trader reads off them, and that they are exact whatever the book."""

from decimal import Context, Decimal
from fractions import Fraction
from math import inf

import pytest
from cleartide.money import MoneyError
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestor.domain.liquidity.depth import DISTANCES, PlainRows, depth, spread_ppt, twice_mid
from services.ingestor.domain.liquidity.slippage import AMOUNTS, slippage
from services.ingestor.domain.liquidity.statistics import (
    deviation_ppt,
    distribution,
    funding_statistics,
    shares,
    turnover_ppb,
)
from services.ingestor.domain.liquidity.trades import Traded, candles, vwap
from services.ingestor.domain.liquidity.worth import PPT, Worth

LINEAR = Worth.of("0.1", "0.001")
INVERSE = Worth.of("0.1", "100", inverse=True)
WORTHS = [pytest.param(LINEAR, id="linear"), pytest.param(INVERSE, id="inverse")]
QUOTE = 10**6
DIGITS = Context(prec=60)

levels = st.dictionaries(st.integers(1, 4_000), st.integers(1, 10**7), min_size=1, max_size=40)


def sides(below: dict[int, int], above: dict[int, int]) -> tuple[PlainRows, PlainRows]:
    """A book around the price 600,000 ticks."""
    bids = PlainRows.of((600_000 - each, lots) for each, lots in below.items())
    return bids, PlainRows.of((600_000 + each, lots) for each, lots in above.items())


@pytest.mark.parametrize("worth", WORTHS)
@settings(max_examples=150)
@given(below=levels, above=levels)
def test_depth_is_what_lies_within_the_distance(worth: Worth, below: dict[int, int], above: dict[int, int]) -> None:
    """ING-LIQ-003"""
    bids, asks = sides(below, above)
    found, mid = depth(bids, asks, worth), Fraction(twice_mid(bids, asks), 2)
    for place, tenths in enumerate(DISTANCES):
        part = Fraction(tenths, 100_000)
        near = [(t, lots) for t, lots in bids.lots.items() if t >= mid * (1 - part)]
        far = [(t, lots) for t, lots in asks.lots.items() if t <= mid * (1 + part)]
        assert (found.bids[place], found.asks[place]) == (worth.total(near), worth.total(far))
    assert list(found.bids) == sorted(found.bids)
    assert list(found.asks) == sorted(found.asks)


@pytest.mark.parametrize("worth", WORTHS)
@settings(max_examples=150)
@given(below=levels, above=levels)
def test_slippage_is_that_of_a_walk_in_fractions(worth: Worth, below: dict[int, int], above: dict[int, int]) -> None:
    """ING-LIQ-004: the average price of exactly the money asked for; too thin a book says so."""
    bids, asks = sides(below, above)
    found, mid = slippage(bids, asks, worth), Fraction(twice_mid(bids, asks), 2)
    unit = Fraction(worth.numerator, worth.denominator)
    for fills, rows, sign in ((found.buys, asks.order, 1), (found.sells, bids.order[::-1], -1)):
        lots = asks.lots if sign == 1 else bids.lots
        for amount, fill in zip(AMOUNTS, fills, strict=True):
            left, base, last = Fraction(amount), Fraction(0), 0
            for ticks in rows:
                there = unit * worth.units(ticks, lots[ticks])
                taken = min(left, there)
                left, base, last = left - taken, base + taken / ticks, ticks
                if not left:
                    break
            if left:
                assert fill is None
                continue
            assert fill is not None
            exact = sign * (amount / base - mid) / mid * PPT
            assert abs(fill.slippage - exact) <= Fraction(1, 2) + Fraction(1, 10**9)
            assert abs(fill.impact - sign * (last - mid) / mid * PPT) <= Fraction(1, 2)


@given(below=levels, above=levels)
def test_more_money_never_costs_less(below: dict[int, int], above: dict[int, int]) -> None:
    """ING-LIQ-004"""
    found = slippage(*sides(below, above), LINEAR)
    for fills in (found.buys, found.sells):
        costs = [inf if fill is None else fill.slippage for fill in fills]
        assert costs == sorted(costs)


def test_a_buyer_of_one_level_pays_half_the_spread_and_the_fee() -> None:
    """ING-LIQ-004"""
    bids, asks = PlainRows.of([(99, 10**9)]), PlainRows.of([(101, 10**9)])
    fill = slippage(bids, asks, LINEAR).buys[0]
    assert fill is not None
    assert (fill.slippage, fill.impact, fill.levels) == (PPT // 100, PPT // 100, 1)
    assert fill.cost(500_000) == PPT // 100 + 5 * 10**8, "a taker fee of 5 bps"
    assert spread_ppt(bids, asks) == PPT // 50


def test_a_distance_of_exactly_a_level_counts() -> None:
    """ING-LIQ-003"""
    bids, asks = PlainRows.of([(9_999, 1), (9_990, 2)]), PlainRows.of([(10_001, 1), (10_010, 2)])
    found = depth(bids, asks, Worth.of("1", "1"))
    assert found.bids[2:4] == (9_999 * QUOTE, (9_999 + 2 * 9_990) * QUOTE)
    assert found.asks[2:4] == (10_001 * QUOTE, (10_001 + 2 * 10_010) * QUOTE)
    assert (found.bid_reach, found.ask_reach) == (PPT // 1_000, PPT // 1_000)


def test_small_steps_lose_nothing_before_the_sum() -> None:
    """ING-LIQ-003: a lot at a tick may be worth far less than a quantum."""
    worth = Worth.of("0.0000001", "0.01")
    assert worth.total([(3, 1)] * 1_000) == 3_000 // 1_000
    assert worth.total([(3, 1)]) == 0
    with pytest.raises(MoneyError, match="bad_step"):
        Worth.of("0", "1")


@settings(max_examples=200)
@given(st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=60))
def test_the_deviation_of_rates_is_the_true_one(rates: list[int]) -> None:
    """ING-LIQ-005"""
    found = funding_statistics(rates)
    assert found is not None
    mean = Fraction(sum(rates), len(rates))
    variance = sum(((rate - mean) ** 2 for rate in rates), Fraction(0)) / len(rates)
    exact = DIGITS.sqrt(DIGITS.divide(Decimal(variance.numerator * 10**6), Decimal(variance.denominator)))
    assert abs(Decimal(found.deviation) - exact) <= Decimal("0.5000001")
    assert abs(found.mean - mean * 1_000) <= Fraction(1, 2)
    middle = Fraction(len(rates) - 1, 2)
    bottom = sum((place - middle) ** 2 for place in range(len(rates)))
    slope = sum((place - middle) * rate for place, rate in enumerate(rates)) / bottom if bottom else Fraction(0)
    assert abs(found.trend - slope * 1_000) <= Fraction(1, 2)


def test_a_tiny_variance_keeps_its_root() -> None:
    """ING-LIQ-005: for a variance of 1e-9, ten Newton steps gave 0.00195 instead of 0.0000316."""
    found = funding_statistics([31_623, -31_623])
    assert found is not None
    assert (found.mean, found.deviation) == (0, 31_623_000), "0.000031623"
    assert funding_statistics([]) is None


def test_percentiles_lie_between_their_neighbours() -> None:
    """ING-LIQ-006"""
    found = distribution([*range(1, 101)])
    assert found is not None
    assert (found.count, found.least, found.largest) == (100, 1, 100)
    assert (found.mean, found.median, found.p5, found.p95, found.p99) == (51, 51, 6, 95, 99)
    assert distribution([]) is None


def test_ratios_and_deviations() -> None:
    """ING-LIQ-006"""
    assert turnover_ppb(50, 200) == 250_000_000
    assert turnover_ppb(50, 0) is None
    assert deviation_ppt(10_001, 10_000) == 10**8, "one basis point"
    assert deviation_ppt(9_999, 10_000) == -(10**8)
    with pytest.raises(ValueError, match="must be positive"):
        deviation_ppt(1, 0)


@given(st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 10**15), min_size=1))
def test_shares_add_up_to_the_whole(quanta: dict[str, int]) -> None:
    """ING-LIQ-007"""
    found = shares(quanta, {}, 1)
    assert sum(share.ppb for share in found) == (10**9 if sum(quanta.values()) else 0)
    assert [share.quanta for share in found] == sorted(quanta.values(), reverse=True)
    assert all(share.partial for share in found)


def test_a_book_that_ends_before_the_distance_is_partial() -> None:
    """ING-LIQ-007"""
    found = shares({"deep": 300, "short": 100}, {"deep": 100, "short": 99}, 100)
    assert [(each.venue, each.ppb, each.partial) for each in found] == [
        ("deep", 750_000_000, False),
        ("short", 250_000_000, True),
    ]


def test_the_average_of_inverse_contracts_is_money_over_base() -> None:
    """ING-LIQ-002: 100 dollars at 100 and 100 dollars at 200 are 1.5 coins, so 133.33 a coin."""
    trades = [Traded(0, 1_000, 1, True), Traded(1, 2_000, 1, False)]
    assert vwap(trades, INVERSE, 100) == 133_333
    assert vwap(trades, LINEAR, 100) == 150_000
    assert vwap([], LINEAR) is None
    (candle,) = candles(trades, INVERSE, 60)
    assert (candle.bought_lots, candle.sold_lots, candle.volume_lots) == (1, 1, 2)
