"""Intervals close once each, in order, whatever the events and the silences between them."""

import random

import pytest
from cleartide.contracts import FundingRatePublished
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.funding.domain.rate import HOUR_MICROS, MINUTE_MICROS, interval_rate, terms_of
from services.funding.domain.state import MOST_CLOSED_AT_ONCE
from services.funding.repository import RATES, SETTLEMENTS, SUMS
from services.funding.settings import FundingSettings
from services.funding.tests.support import BTC, ETH, START, Venue, market_spec, published, settlements


def test_the_first_event_of_the_next_hour_closes_the_hour() -> None:
    """FUND-INT-001: rate published and settlement asked for, at the end of the hour and not before."""
    venue = Venue()
    venue.list_market(BTC)
    for minute in range(60):
        assert not venue.sample(BTC, minute, 1_000_000 + minute)
    assert not venue.tick(BTC, START + HOUR_MICROS - 1)
    said = venue.tick(BTC, START + HOUR_MICROS)
    rate = published(said)[0]
    assert [message.type for message in said] == ["FundingRatePublished", "SettleFunding"]
    assert (rate.interval_start, rate.interval_micros, rate.samples) == (START, HOUR_MICROS, 60)
    assert (rate.average_premium_ppb, rate.rate_ppb) == (1_000_029, (1_000_029 - 500_000) // 8)
    asked = settlements(said)[0]
    assert asked.model_dump(include={"market", "interval_start", "interval_micros", "rate_ppb", "samples"}) == (
        rate.model_dump(include={"market", "interval_start", "interval_micros", "rate_ppb", "samples"})
    )
    assert not venue.tick(BTC, START + HOUR_MICROS + 1)


def test_a_missing_minute_counts_zero() -> None:
    """FUND-INT-002: half the samples, half the mean."""
    venue = Venue()
    venue.list_market(BTC)
    for minute in range(30):
        venue.sample(BTC, minute, 6_000_000)
    assert published(venue.tick(BTC, START + HOUR_MICROS))[0].average_premium_ppb == 3_000_000


def test_every_elapsed_hour_is_closed_in_order() -> None:
    """FUND-INT-003: after a silence each hour is published, those without samples at rate 0, all markets."""
    venue = Venue()
    venue.list_market(ETH)
    venue.list_market(BTC)
    venue.sample(BTC, 0, 60_000_000)
    said = published(venue.tick(BTC, START + 3 * HOUR_MICROS + 5))
    hours = [(rate.interval_start - START) // HOUR_MICROS for rate in said]
    assert list(zip(hours, (rate.market for rate in said), strict=True)) == [
        (0, BTC), (0, ETH), (1, BTC), (1, ETH), (2, BTC), (2, ETH),
    ]  # fmt: skip
    assert [rate.rate_ppb for rate in said] == [62_500, 0, 0, 0, 0, 0]


def test_a_market_without_a_price_has_no_funding() -> None:
    """FUND-INT-012: the first interval is the one that holds the market's first price, not its listing."""
    venue = Venue()
    venue.list_only(BTC)
    venue.list_market(ETH)
    venue.tick(BTC, START + 2 * HOUR_MICROS + 1)
    closed = [(rate.market, rate.interval_start) for rate in published(venue.tick(BTC, START + 3 * HOUR_MICROS))]
    assert closed == [(BTC, START + 2 * HOUR_MICROS), (ETH, START + 2 * HOUR_MICROS)]


def test_a_long_silence_is_worked_off_in_bounded_steps() -> None:
    """FUND-INT-004: no event closes without bound, nothing is lost, and samples of today wait for their hour."""
    venue = Venue()
    venue.list_market(BTC)
    hours = 3 * MOST_CLOSED_AT_ONCE + 10
    rates = published(venue.sample(BTC, hours * 60, 60_000_000))
    assert len(rates) == MOST_CLOSED_AT_ONCE
    for second in range(4):
        rates += published(venue.tick(BTC, START + hours * HOUR_MICROS + second))
    assert [rate.interval_start for rate in rates] == [START + hour * HOUR_MICROS for hour in range(hours)]
    assert published(venue.tick(BTC, START + (hours + 1) * HOUR_MICROS))[0].samples == 1


def test_a_sample_belongs_to_the_interval_of_its_minute() -> None:
    """FUND-INT-005: a sample of the last minute still counts though its event already ends the interval."""
    venue = Venue()
    venue.list_market(BTC)
    rate = published(venue.sample(BTC, 59, 60_000_000, late_by=MINUTE_MICROS + 1))[0]
    assert (rate.interval_start, rate.samples) == (START, 1)


@pytest.mark.parametrize(
    ("market", "minute", "reason"),
    [
        ("XRP-PERP", 61, "unknown_market"),
        (BTC, 61, "duplicate_sample"),
        (BTC, 59, "interval_not_open"),
        (ETH, 61, "interval_not_open"),
    ],
)
def test_a_sample_that_cannot_count_is_refused(market: str, minute: int, reason: str) -> None:
    """FUND-INT-006: unknown market, a minute twice, a closed interval, no price yet: dead letter, nothing changed."""
    venue = Venue()
    venue.list_market(BTC)
    venue.list_only(ETH)
    venue.sample(BTC, 61, 5)
    with pytest.raises(Reject, match=reason):
        venue.sample(market, minute, 7)
    assert published(venue.tick(BTC, START + 2 * HOUR_MICROS))[0].average_premium_ppb == 0
    assert published(venue.effects.emitted)[1].samples == 1


def test_a_sandbox_interval_of_a_minute() -> None:
    """FUND-INT-007: with 60 s intervals each minute pays a sixtieth of the hourly rate."""
    venue = Venue(MINUTE_MICROS)
    venue.list_market(BTC)
    venue.sample(BTC, 0, 0)
    rate = published(venue.tick(BTC, START + MINUTE_MICROS))[0]
    assert (rate.interval_micros, rate.rate_ppb) == (MINUTE_MICROS, 12_500 // 60)


def test_the_setting_is_whole_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """FUND-INT-008: CLEARTIDE_FUNDING_INTERVAL_SECONDS is an hour by default and refuses part minutes."""
    assert FundingSettings().funding_interval_micros == HOUR_MICROS
    monkeypatch.setenv("CLEARTIDE_FUNDING_INTERVAL_SECONDS", "90")
    with pytest.raises(ValueError, match="multiple of 60"):
        FundingSettings()


def test_a_market_keeps_the_interval_it_began_with() -> None:
    """FUND-INT-009: another setting applies to markets listed later; no time is paid twice."""
    venue = Venue()
    venue.list_market(BTC)
    venue.restart(MINUTE_MICROS)
    venue.list_market(ETH, START + 5)
    said = published(venue.tick(BTC, START + HOUR_MICROS))
    assert {(rate.market, rate.interval_micros) for rate in said} == {(BTC, HOUR_MICROS), (ETH, MINUTE_MICROS)}
    assert len(said) == 61


def test_new_terms_apply_to_the_open_interval() -> None:
    """FUND-INT-010: a market listed again keeps its samples and is closed under its new terms."""
    venue = Venue()
    venue.list_market(BTC)
    venue.sample(BTC, 0, 0)
    venue.list_market(BTC, START + 1, interest_8h_ppb=80_000)
    assert published(venue.tick(BTC, START + HOUR_MICROS))[0].rate_ppb == 10_000


def test_what_matching_settled_is_kept() -> None:
    """FUND-DB-001: mark price and index step stand beside the rate; said twice, kept once."""
    venue = Venue()
    venue.list_market(BTC)
    venue.tick(BTC, START + HOUR_MICROS)
    for late in (1, 2):
        venue.settled(BTC, START, START + HOUR_MICROS + late)
        venue.restart()
    kept = venue.tables[SETTLEMENTS.name]
    assert kept == {(BTC, START): (BTC, START, 1, 2, 3, 4, START + HOUR_MICROS + 1)}
    assert set(venue.tables[RATES.name]) == {(BTC, START)}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), minutes=st.sampled_from((1, 2, 60)))
def test_each_interval_is_settled_exactly_once_with_its_own_samples(seed: int, minutes: int) -> None:
    """FUND-INT-011: random samples, gaps, silences and restarts; every interval once, at the rate of R17."""
    dice, interval = random.Random(seed), minutes * MINUTE_MICROS
    venue, taken = Venue(interval), dict[tuple[str, int], list[int]]()
    for market in (BTC, ETH):
        venue.list_market(market)
    minute = 0
    for _ in range(60):
        minute += dice.choice((1, 1, 1, 2, dice.randint(0, 3 * minutes)))
        market, premium = dice.choice((BTC, ETH)), dice.randint(-(10**7), 10**7)
        try:
            venue.sample(market, minute, premium, late_by=dice.randrange(MINUTE_MICROS))
            taken.setdefault((market, START + minute // minutes * interval), []).append(premium)
        except Reject as refused:
            assert refused.reason == "duplicate_sample"
        if dice.random() < 0.2:
            venue.restart(interval)
    venue.tick(BTC, START + (minute + minutes) * MINUTE_MICROS)
    _check(published(venue.effects.emitted), taken, interval)
    assert [s.rate_ppb for s in settlements(venue.effects.emitted)] == [
        rate.rate_ppb for rate in published(venue.effects.emitted)
    ]
    venue.restart(interval)
    assert not venue.tables[SUMS.name]


def _check(rates: list[FundingRatePublished], taken: dict[tuple[str, int], list[int]], interval: int) -> None:
    terms = terms_of(market_spec(BTC))
    for market in (BTC, ETH):
        mine = [rate for rate in rates if rate.market == market]
        assert [rate.interval_start for rate in mine] == [START + i * interval for i in range(len(mine))]
        for rate in mine:
            premiums = taken.pop((market, rate.interval_start), [])
            expected = interval_rate(sum(premiums), len(premiums), interval // MINUTE_MICROS, interval, terms)
            assert (rate.average_premium_ppb, rate.rate_ppb, rate.samples) == (*expected, len(premiums))
    assert not taken
