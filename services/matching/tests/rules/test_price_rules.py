"""Index, mark price, premium and funding as the sequencer sees them (domain rules R13 to R18)."""

from fractions import Fraction

import pytest
from cleartide.contracts import (
    ChangeMarket,
    FundingSettled,
    IndexSource,
    MarkPriceUpdated,
    OrderAccepted,
    OrderRejected,
    PremiumSampled,
    UpdateIndexPrice,
)
from cleartide.fold import Reject

from services.matching.domain import mark_price as rule
from services.matching.tests.rules.bench import hand_over, mark, one_quantum, order, pay_in
from services.matching.tests.support import HOUR, MARKET, SECOND, START, of, only

M = 1_000_000
"""Millionths of a tick in a tick."""


@pytest.mark.parametrize(("silence", "fresh"), [(60 * SECOND, True), (60 * SECOND + 1, False)])
def test_an_index_is_fresh_for_sixty_seconds(silence: int, fresh: bool) -> None:
    """RULE-R13-101: to the microsecond; afterwards only reduce-only orders are taken."""
    ex = one_quantum()
    pay_in(ex, "ann", 1_000)
    ex.wait(silence)
    assert bool(of(order(ex, "ann", "buy", 1, 1_000), OrderAccepted)) is fresh
    ex.price(None)
    assert only(order(ex, "ann", "buy", 1, 1_000), OrderRejected).reason == "index_stale"


@pytest.mark.parametrize(("text", "ticks"), [("1.0004", 1_000), ("1.0005", 1_001), ("1.0014", 1_001), ("0.0005", 1)])
def test_an_index_price_goes_to_the_nearest_tick(text: str, ticks: int) -> None:
    """RULE-R14-001: halves up; it need not lie on the grid."""
    assert only(one_quantum().price(text), MarkPriceUpdated).index_ticks == ticks


def test_an_index_below_half_a_tick_is_none() -> None:
    """RULE-R14-002"""
    with pytest.raises(Reject, match="not_positive"):
        one_quantum().price("0.0004")


@pytest.mark.parametrize(
    ("index", "parts", "ticks"),
    [
        (1_000, [1_000 * M + M // 2], 1_001),
        (1_000, [1_000 * M + M // 2 - 1], 1_000),
        (1_000, [1_000 * M, 1_001 * M], 1_001),
        (1_000, [1_000 * M, 1_001 * M - 1], 1_000),
        (1_000, [1_002 * M, 1_000 * M, 1_001 * M], 1_001),
        (1_039, [1_080 * M], 1_064),
        (1_039, [900 * M], 1_014),
        (1_040, [1_080 * M], 1_066),
        (1_040, [900 * M], 1_014),
        (1, [1], 1),
    ],
)
def test_the_mark_is_a_median_in_a_band_rounded_half_up(index: int, parts: list[int], ticks: int) -> None:
    """RULE-R14-003: of two parts the mean, floored to a millionth; a band of 2.5 % is 25 of 1,039 and 26 of 1,040."""
    assert rule.mark_ticks(index, parts, 25_000_000) == ticks


@pytest.mark.parametrize(("last", "ticks"), [(0, 1_004), (1_004, 1_004), (1_007, 1_005), (1_001, 1_003)])
def test_the_book_gives_the_median_of_bid_ask_and_last(last: int, ticks: int) -> None:
    """RULE-R14-004: bid 1,003 and ask 1,005, between an index of 1,000 and an average basis of + 40."""
    ex = one_quantum(mark_band_ppb=50_000_000)
    pay_in(ex, "maker", 10_000)
    if last:
        hand_over(ex, "cat", "dan", 1, last)
    order(ex, "maker", "buy", 1, 1_003)
    order(ex, "maker", "sell", 1, 1_005)
    ex.state.markets[MARKET].prices.ema = 40 * M
    mark(ex, 1_000)
    assert ex.state.markets[MARKET].prices.mark == ticks


@pytest.mark.parametrize(("side", "last", "ticks"), [("buy", 0, 1_004), ("buy", 1_001, 1_002), ("sell", 1_020, 1_010)])
def test_one_side_of_the_book_counts_with_the_last_trade(side: str, last: int, ticks: int) -> None:
    """RULE-R14-007: a bid at 1,008 or an ask at 1,020, and the last trade; the basis is left out."""
    ex = one_quantum()
    pay_in(ex, "maker", 10_000)
    if last:
        hand_over(ex, "cat", "dan", 1, last)
    order(ex, "maker", side, 1, 1_008 if side == "buy" else 1_020)
    mark(ex, 1_000)
    assert ex.state.markets[MARKET].prices.mark == ticks


@pytest.mark.parametrize(
    ("rate", "left", "part"),
    [
        (1_000_000, HOUR, 1_001_000_000),
        (1_000_000, HOUR // 2, 1_000_500_000),
        (333_333, HOUR // 7, 1_000_047_618),
        (-333_333, HOUR // 7, 999_952_382),
        (0, HOUR, 1_000_000_000),
    ],
)
def test_the_funding_part_counts_what_is_left_of_the_interval(rate: int, left: int, part: int) -> None:
    """RULE-R14-005: I * (1 + rate * left / interval) in millionths of a tick; the change is truncated."""
    assert rule.funding_part(1_000, rate, left, HOUR) == part


def test_time_left_runs_to_the_end_of_the_interval_after_the_settled_one() -> None:
    """RULE-R14-006: full at the settlement of the last interval's end, none an hour later, never more than all."""
    ex = one_quantum()
    ex.settle(10_000_000, START // HOUR - 1)
    begin = START // HOUR * HOUR
    seen = []
    for at in (begin, begin + HOUR // 2, begin + HOUR, begin + 2 * HOUR):
        ex.effects.at = max(at, START)
        mark(ex, 1_000)
        seen.append(ex.state.markets[MARKET].prices.mark)
    late = (START - begin) / HOUR
    assert seen == [round(1_000 + 10 * (1 - late)), 1_005, 1_000, 1_000]


@pytest.mark.parametrize(
    ("ema", "sample", "steps", "after"),
    [
        (0, M, 1, 6_644),
        (0, -M, 1, -6_644),
        (0, M, 2, 13_244),
        (M, M, 5, M),
        (M, 0, 1, 993_355),
        (-M, 0, 1, -993_355),
        (M, 0, 150, 367_833),
        (7, 9, 0, 7),
        (0, 10**9, 1, 6_644_494),
    ],
)
def test_the_average_takes_truncated_steps_of_a_second(ema: int, sample: int, steps: int, after: int) -> None:
    """RULE-R15-001: each step keeps 0.993355506; the result is truncated, above and below zero."""
    exact = ema
    for _ in range(steps):
        exact = int(exact * Fraction(993_355_506, 10**9) + sample * Fraction(6_644_494, 10**9))
    assert rule.ema_step(ema, sample, steps) == exact == after


def test_seconds_are_counted_on_the_sequenced_clock() -> None:
    """RULE-R15-002: 999,999 microseconds are no step, and their rest is not lost."""
    ex = one_quantum()
    pay_in(ex, "maker", 10_000)
    order(ex, "maker", "buy", 1, 1_003)
    order(ex, "maker", "sell", 1, 1_005)
    prices = ex.state.markets[MARKET].prices
    seen = []
    for wait, ticks in ((0, 1_000), (999_999, 1_004), (1, 1_004), (2 * SECOND, 1_004)):
        ex.wait(wait)
        mark(ex, ticks)
        seen.append(prices.ema)
    kept = [4 * M]
    for _ in range(3):
        kept.append(int(kept[-1] * Fraction(993_355_506, 10**9)))
    assert seen == [kept[0], kept[0], kept[1], kept[3]]


def test_price_events_carry_the_sequenced_time_and_their_number() -> None:
    """RULE-R16-001: time is the command's place in the stream, whatever its sender's clock says."""
    ex = one_quantum()
    ex.wait(7)
    updated = only(ex.price("1"), MarkPriceUpdated)
    assert updated.occurred_at == START + 7
    assert only(ex.price("1"), MarkPriceUpdated).seq == updated.seq + 1


def test_price_events_carry_the_times_of_their_sources_and_the_version_of_the_rules() -> None:
    """RULE-R16-002, RULE-R16-003: of those that count; of a stale index there are none."""
    ex = one_quantum()
    ages = (("one", 7, ""), ("two", 3, ""), ("three", 5, ""), ("four", 1, "outlier"), ("five", 9, "stale"))
    sources = tuple(
        IndexSource(venue=name, price="1", weight=1, age_micros=age, rejected=why) for name, age, why in ages
    )

    def said(price: str | None) -> MarkPriceUpdated:
        body = {"market": MARKET, "price": price, "sources": sources}
        return only(ex.send(UpdateIndexPrice, source="ingestor", **body), MarkPriceUpdated)

    first, told, stale = said("1"), ex.commands[-1][1].occurred_at, said(None)
    assert (first.sourced_from, first.sourced_to, first.spec_version) == (told - 7, told - 3, 1)
    assert (stale.sourced_from, stale.sourced_to) == (None, None)
    dearer = ex.state.markets[MARKET].spec.model_copy(update={"taker_fee_ppb": 7})
    ex.send(ChangeMarket, source="operator", spec=dearer, expected_version=1)
    ex.restart()
    assert said("1").spec_version == 2


def sampled(side: str, ticks: int, index: int, **rules: int) -> int:
    """The premium of a book with one deep order."""
    ex = one_quantum(impact_notional_quanta=100_000, **rules)
    pay_in(ex, "maker", 1_000_000)
    order(ex, "maker", side, 1_000, ticks)
    ex.wait(60 * SECOND)
    return only(ex.price(f"{index / 1_000:.3f}"), PremiumSampled).premium_ppb


@pytest.mark.parametrize(
    ("side", "ticks", "index", "premium"),
    [
        ("buy", 901, 900, 1_111_111),
        ("sell", 899, 900, -1_111_111),
        ("buy", 900, 900, 0),
        ("sell", 901, 900, 0),
        ("buy", 899, 900, 0),
    ],
)
def test_a_premium_is_the_impact_price_over_the_index(side: str, ticks: int, index: int, premium: int) -> None:
    """RULE-R17-101: in ppb, truncated toward zero on both sides."""
    assert sampled(side, ticks, index) == premium


@pytest.mark.parametrize(("cap", "premium"), [(138_889, 1_111_111), (138_888, 1_111_104)])
def test_a_sample_is_held_within_eight_times_the_hourly_cap(cap: int, premium: int) -> None:
    """RULE-R17-102: on both sides."""
    assert sampled("buy", 901, 900, funding_cap_hourly_ppb=cap) == premium
    assert sampled("sell", 899, 900, funding_cap_hourly_ppb=cap) == -premium


@pytest.mark.parametrize(
    ("notional", "premium"),
    [(101_000, 10_000_000), (101_001, 9_999_900), (151_000, 6_666_666), (151_001, 0), (1, 10_000_000), (0, 0)],
)
def test_the_impact_price_sweeps_the_notional_exactly(notional: int, premium: int) -> None:
    """RULE-R17-103: 100 lots at 1,010 and 50 at 1,000; the last level in part; too thin is nothing."""
    bids = [(1_010, 100), (1_000, 50)]
    assert rule.premium_ppb(bids, [], 1_000, notional) == premium


def test_a_minute_is_sampled_once_by_its_first_price() -> None:
    """RULE-R17-104: the last microsecond of a minute still belongs to it."""
    ex = one_quantum()
    first = START // (60 * SECOND) * 60 * SECOND
    ex.effects.at = first + 60 * SECOND - 1
    assert of(ex.price("1"), PremiumSampled) == []
    ex.wait(1)
    assert only(ex.price("1"), PremiumSampled).minute == first + 60 * SECOND


def test_funding_is_paid_at_the_mark_of_its_instant() -> None:
    """RULE-R18-001: lots * mark * u * rate, paid by longs, at the index of the settlement and not of the payment."""
    ex = one_quantum()
    hand_over(ex, "ann", "bob", 3, 1_000)
    mark(ex, 1_100)
    assert only(ex.settle(10_000_000, 1), FundingSettled).index_step_quanta == 11
    mark(ex, 900)
    hand_over(ex, "cat", "dan", 3, 900)
    hand_over(ex, "bob", "ann", 3, 1_000)
    assert (ex.cash("ann"), ex.cash("bob"), ex.cash("cat")) == (-33, 33, 0)
    assert ex.balance(f"funding:{MARKET}") == 0


def test_funding_of_an_interval_is_settled_once() -> None:
    """RULE-R18-002: the key is (market, interval); an older one and the same one are refused."""
    ex = one_quantum()
    ex.settle(1_000_000, 5)
    for hour in (5, 4):
        with pytest.raises(Reject, match="duplicate_interval"):
            ex.settle(1_000_000, hour)
    ex.settle(1_000_000, 6)
    assert ex.state.markets[MARKET].funding.index == 2


@pytest.mark.parametrize("sign", [1, -1])
def test_a_rate_at_the_cap_is_settled_and_one_more_is_not(sign: int) -> None:
    """RULE-R18-003: the hourly cap, in either direction."""
    ex = one_quantum(funding_cap_hourly_ppb=777)
    with pytest.raises(Reject, match="rate_above_cap"):
        ex.settle(sign * 778, 1)
    assert of(ex.settle(sign * 777, 1), FundingSettled)


def test_funding_is_due_for_the_size_held_at_the_instant() -> None:
    """RULE-R18-004: opened before, whole; opened after, nothing; and it counts in equity before it is paid."""
    ex = one_quantum()
    pay_in(ex, "ann", 100_000)
    hand_over(ex, "ann", "bob", 3, 1_000)
    ex.settle(1_000_000, 1)
    hand_over(ex, "ann", "cat", 5, 1_000)
    assert ex.cash("ann") == 100_000 - 3
    assert ex.state.accounts["bob"].holdings[MARKET].unsettled == 3
    assert ex.state.accounts["cat"].holdings[MARKET].unsettled == 0
