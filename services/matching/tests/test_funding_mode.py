"""The operator's hand on funding rates, as the sequencer takes it."""

import pytest
from cleartide.contracts import FundingSet, SetFunding
from cleartide.fold import Reject

from services.matching.tests.support import MARKET, Exchange, only


def order(ex: Exchange, funding_type: str, rate: int | None, market: str = MARKET) -> FundingSet:
    """Ann sets a rate."""
    body = {"market": market, "funding_type": funding_type, "hourly_rate_ppb": rate, "by": "ann", "note": "why"}
    return only(ex.send(SetFunding, source="operator", **body), FundingSet)


@pytest.mark.parametrize("rate", [-40_000_000, 0, 40_000_000])
def test_fund_mode_010_a_rate_is_set_within_the_cap_and_it_is_kept_who_did_it(rate: int) -> None:
    """FUND-MODE-010"""
    ex = Exchange()
    said = order(ex, "manual", rate)
    assert (said.market, said.funding_type, said.hourly_rate_ppb, said.by) == (MARKET, "manual", rate, "ann")
    assert order(ex, "automatic", None).change_id == said.change_id + 1
    changes = [row for row in ex.kept()["venue_changes"].values() if row[7] == "funding"]
    assert [(row[4], row[9]) for row in changes] == [("ann", f"manual {rate}"), ("ann", "automatic")]


@pytest.mark.parametrize(
    ("funding_type", "rate", "market", "reason"),
    [
        ("manual", 40_000_001, MARKET, "rate_above_cap"),
        ("emergency", -40_000_001, MARKET, "rate_above_cap"),
        ("emergency", None, MARKET, "rate_missing"),
        ("automatic", 0, MARKET, "rate_not_allowed"),
        ("manual", 0, "NONE-PERP", "unknown_market"),
    ],
)
def test_fund_mode_010_what_cannot_be_set(funding_type: str, rate: int | None, market: str, reason: str) -> None:
    """FUND-MODE-010: the reason says why, and nothing changes."""
    ex = Exchange()
    before = ex.kept()
    with pytest.raises(Reject) as refused:
        order(ex, funding_type, rate, market)
    assert refused.value.reason == reason
    assert ex.kept() == before


@pytest.mark.parametrize(("seconds", "good"), [(60, True), (3_600, True), (28_800, True), (90, False), (7 * 60, False)])
def test_fund_mode_011_an_interval_is_a_part_of_a_day_in_whole_minutes(seconds: int, good: bool) -> None:
    """FUND-MODE-011: and it comes back after a restart."""
    ex = Exchange(listed=False)
    if good:
        ex.list(funding_interval_seconds=seconds)
        ex.restart()
        assert ex.state.markets[MARKET].spec.funding_interval_seconds == seconds
    else:
        with pytest.raises(Reject, match="bad_spec"):
            ex.list(funding_interval_seconds=seconds)
