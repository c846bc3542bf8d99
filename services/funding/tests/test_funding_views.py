"""What an answer shows, and that state and rows are the same thing written twice."""

from typing import Any

import pytest
from cleartide.service import QueryError

from services.funding.domain.rate import HOUR_MICROS, MINUTE_MICROS
from services.funding.domain.state import FundingState
from services.funding.queries import QUERIES
from services.funding.tests.support import BTC, ETH, START, Venue
from services.funding.views import prediction_view, rate_text, rate_view


def test_the_predicted_rate_is_that_of_the_mean_so_far() -> None:
    """FUND-VIEW-001: minutes begun without a sample count 0, minutes to come do not count; time left in seconds."""
    venue = Venue()
    venue.list_market(BTC)
    for minute in (0, 1, 3):
        venue.sample(BTC, minute, 4_000_000)
    shown = prediction_view(venue.state.markets[BTC], START + 3 * MINUTE_MICROS + 1)
    assert (shown["minutes_begun"], shown["samples"], shown["average_premium_ppb"]) == (4, 3, 3_000_000)
    assert shown["predicted_rate"] == rate_text((3_000_000 - 500_000) // 8) == "0.000312500"
    assert (shown["interval_end"], shown["seconds_left"]) == (START + HOUR_MICROS, 57 * 60)


def test_a_prediction_before_and_after_its_interval() -> None:
    """FUND-VIEW-002: without samples 0; past the end nothing is left and all slots count."""
    venue = Venue()
    venue.list_market(BTC)
    assert prediction_view(venue.state.markets[BTC], START)["predicted_rate_ppb"] == 0
    venue.sample(BTC, 0, 60_000_000)
    shown = prediction_view(venue.state.markets[BTC], START + 2 * HOUR_MICROS)
    assert (shown["minutes_begun"], shown["seconds_left"], shown["average_premium_ppb"]) == (60, 0, 1_000_000)
    venue.tick(BTC, START + HOUR_MICROS)
    assert prediction_view(venue.state.markets[BTC], START + HOUR_MICROS)["rate"] == rate_text(62_500)


def test_before_the_first_price_there_is_nothing_to_predict() -> None:
    """FUND-VIEW-007: figures are null until the market has a price."""
    venue = Venue()
    venue.list_only(BTC)
    shown = prediction_view(venue.state.markets[BTC], START)
    assert (shown["rate"], shown["interval_start"], shown["predicted_rate"], shown["seconds_left"]) == (None,) * 4


@pytest.mark.parametrize("settled_at", [None, 5])
def test_a_rate_shows_its_settlement_once_there_is_one(settled_at: int | None) -> None:
    """FUND-VIEW-003: a published rate stands alone until matching has settled it."""
    names = (
        "interval_start",
        "interval_micros",
        "average_premium_ppb",
        "rate_ppb",
        "samples",
        "published_at",
        "funding_type",
    )
    row: dict[str, Any] = dict.fromkeys(names, -7) | dict.fromkeys(
        ("mark_ticks", "index_step_quanta", "funding_index_quanta"), settled_at and 1
    )
    shown = rate_view(row | {"settled_at": settled_at})
    assert shown["rate"] == "-0.000000007"
    assert (shown["settlement"] is None) == (settled_at is None)


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 501}, {"before": -1}])
async def test_a_question_out_of_bounds_is_refused(params: dict[str, Any]) -> None:
    """FUND-VIEW-004: lists are bounded to 500 rows."""
    with pytest.raises(QueryError):
        await QUERIES["rates"](None, {"market": BTC} | params)


def test_what_was_collected_restores_the_same_state() -> None:
    """FUND-DB-002: restore(collect(state)) is the state, and collecting again has nothing to say."""
    venue = Venue()
    venue.list_market(BTC)
    venue.list_market(ETH)
    for minute in (0, 10, 70, 71):
        venue.sample(BTC, minute, minute)
    before = facts(venue.state)
    venue.restart()
    assert facts(venue.state) == before
    assert not venue.repository.collect(venue.state).rows


def facts(state: FundingState) -> dict[str, Any]:
    return {"next_close": state.next_close} | {name: vars(market) for name, market in state.markets.items()}
