"""Alerts beside health: what they begin and end at, limits of an account's own, and what its owner answers."""

from typing import Any

import pytest
from cleartide.contracts import (
    AlertAnswered,
    LiquidateAccount,
    MarkPriceUpdated,
    Message,
    RiskAlertRaised,
    RiskLimitsSet,
    TransferApplied,
)
from hypothesis import given
from hypothesis import strategies as st

from services.risk.domain.measures import Figure, is_beyond
from services.risk.repository import ALERT_ANSWERS, ALERT_FLAGS, LIMITS
from services.risk.tests.support import Venue, mark_body
from services.risk.tests.test_risk_alerts import BTC, venue_with_long

NO_LIMITS: dict[str, Any] = {
    "max_position_quanta": None,
    "max_leverage": None,
    "max_daily_loss_quanta": None,
    "max_drawdown_quanta": None,
    "max_value_at_risk_quanta": None,
}
MILLION = 10**12


def limit(venue: Venue, **limits: Any) -> list[Message]:
    """alice sets limits."""
    return venue.say(RiskLimitsSet, account="alice", **{**NO_LIMITS, **limits})


def told(messages: list[Message]) -> list[tuple[str, str]]:
    """Kind and level of the alerts that are not about health."""
    return [(one.kind, one.level) for one in messages if isinstance(one, RiskAlertRaised) and one.kind != "health"]


def rich_venue(cash: int = 20 * MILLION, open_interest: int = 0) -> Venue:
    """alice has cash and no position, in a market whose thousand lots are worth 100."""
    venue = Venue()
    venue.list_market(BTC)
    venue.say(MarkPriceUpdated, **{**mark_body(BTC, 100_000, False), "open_interest_lots": open_interest})
    venue.transfer("alice", cash)
    return venue


def hold(venue: Venue, lots: int, cash: int = 20 * MILLION) -> list[Message]:
    return venue.hold("alice", BTC, lots, quote=-lots * 100_000, cash=cash)


@given(value=st.integers(0, 10**15), threshold=st.integers(0, 10**15))
def test_an_alert_ends_only_well_below_where_it_begins(value: int, threshold: int) -> None:
    """RISK-WATCH-001: begins above the threshold, ends at 95 % of it; what began holds until then."""
    figure = Figure("large_position", BTC, value, threshold)
    assert is_beyond(figure, active=False) == (value > threshold)
    assert is_beyond(figure, active=True) == (100 * value > 95 * threshold)
    if is_beyond(figure, active=False):
        assert is_beyond(figure, active=True)


def test_a_large_position_is_told_and_resolved_once() -> None:
    """RISK-WATCH-002: above 1,000,000 quote; with the figure, the threshold, the formula and the account's inputs."""
    venue = rich_venue()
    assert told(hold(venue, 10_000_000)) == []
    [alert] = hold(venue, 10_000_001)
    assert isinstance(alert, RiskAlertRaised)
    assert (alert.kind, alert.market, alert.level, alert.previous_level) == ("large_position", BTC, "warning", None)
    assert (alert.value, alert.threshold, alert.formula) == ("1000000.100000", "1000000.000000", "|lots| * mark")
    assert alert.inputs[0].value == alert.value
    assert told(hold(venue, 9_600_000)) == []
    assert told(hold(venue, 9_500_000)) == [("large_position", "resolved")]
    hold(venue, 20_000_000)
    assert told(hold(venue, 0)) == [("large_position", "resolved")]


def test_high_leverage() -> None:
    """RISK-WATCH-003: notional above 25 times equity."""
    venue = rich_venue()
    assert told(hold(venue, 1_000, cash=4_000_000)) == []
    assert told(hold(venue, 1_000, cash=3_999_999)) == [("high_leverage", "warning")]
    assert told(venue.transfer("alice", 9_000_000)) == [("high_leverage", "resolved")]


def test_concentration() -> None:
    """RISK-WATCH-004: more than a quarter of the market's open interest, from 100,000 quote on."""
    venue = rich_venue(open_interest=4_000_000)
    assert told(hold(venue, 1_000_000)) == []
    assert told(hold(venue, 1_000_004)) == [("concentration", "warning")]
    small = rich_venue(open_interest=100)
    assert told(hold(small, 100)) == []


def test_unusual_activity() -> None:
    """RISK-WATCH-005: more than 300 fills in one minute; over with the first fill of a quieter one."""
    venue = rich_venue()
    heard: list[tuple[str, str]] = []
    at = venue.effects.at // 60_000_000 * 60_000_000 + 60_000_000
    for number in range(302):
        venue.effects.at = at + number - 1_000_000
        heard += told(hold(venue, 1_000 + number % 2))
    assert heard == [("unusual_activity", "warning")]
    venue.effects.at = at + 60_000_000
    assert told(hold(venue, 1_000)) == [("unusual_activity", "resolved")]


def test_a_stale_price_is_told_to_the_venue() -> None:
    """RISK-WATCH-006: an index that has been stale for a minute is an alert of account `venue`, until it is fresh."""
    venue = venue_with_long(20_000_000)
    heard = []
    for second in range(62):
        heard += [(second, one) for one in told(venue.mark(BTC, 100_000, stale=True))]
    assert heard == [(60, ("stale_price", "warning"))]
    assert venue.state.accounts["venue"].account_seq == 1
    venue.restart()
    assert told(venue.mark(BTC, 100_000, stale=True)) == []
    assert told(venue.mark(BTC, 100_000)) == [("stale_price", "resolved")]


def test_limits_of_an_accounts_own_are_watched_at_every_price() -> None:
    """RISK-LIMIT-001: size, leverage, loss of the day and from the top; a price alone breaks them."""
    venue = venue_with_long(20_000_000)
    assert told(limit(venue, max_position_quanta=101_000_000, max_leverage=6, max_daily_loss_quanta=5_000_000)) == []
    assert told(venue.mark(BTC, 101_001)) == [("position_limit", "warning")]
    assert told(venue.mark(BTC, 95_000)) == [("position_limit", "resolved"), ("leverage_limit", "warning")]
    assert told(venue.mark(BTC, 94_999)) == [("daily_loss_limit", "warning")]
    assert told(limit(venue)) == [("daily_loss_limit", "resolved"), ("leverage_limit", "resolved")]
    assert told(venue.mark(BTC, 120_000)) == []


def test_a_loss_is_of_the_day_and_a_drawdown_from_the_top() -> None:
    """RISK-LIMIT-002: at midnight UTC the day's loss begins anew, the drawdown goes on; money paid out is neither."""
    venue = venue_with_long(20_000_000)
    limit(venue, max_daily_loss_quanta=4_000_000, max_drawdown_quanta=6_000_000)
    assert told(venue.transfer("alice", 12_000_000)) == []
    venue.mark(BTC, 101_000)
    assert told(venue.mark(BTC, 97_000)) == []
    venue.effects.at = (venue.effects.at // 86_400_000_000 + 1) * 86_400_000_000
    assert told(venue.mark(BTC, 97_000)) == []
    assert told(venue.mark(BTC, 94_999)) == [("drawdown_limit", "warning")]
    assert told(venue.mark(BTC, 92_999)) == [("daily_loss_limit", "warning")]


def test_value_at_risk_has_a_limit() -> None:
    """RISK-LIMIT-003: the one-day value at risk of today's positions, from the hours on record."""
    venue = venue_with_long(20_000_000)
    hour = venue.effects.at // 3_600_000_000
    venue.state.markets[BTC].hours.update({hour - 60 + n: 100_000 - (n % 30) * 100 for n in range(60)})
    assert told(limit(venue, max_value_at_risk_quanta=100_000)) == [("value_at_risk_limit", "warning")]
    assert told(limit(venue, max_value_at_risk_quanta=10_000_000)) == [("value_at_risk_limit", "resolved")]
    limit(venue, max_value_at_risk_quanta=2_800_000)
    venue.mark(BTC, 100_000)
    assert told(venue.mark(BTC, 150_000)) == []
    venue.effects.at += 3_600_000_000
    assert told(venue.mark(BTC, 150_000)) == [("value_at_risk_limit", "warning")]


def test_all_kinds_share_the_accounts_numbers_and_none_asks_for_liquidation() -> None:
    """RISK-WATCH-007: account_seq is gapless over all kinds; what is not about health never liquidates."""
    venue = venue_with_long(6_000_000)
    heard = limit(venue, max_position_quanta=1) + venue.mark(BTC, 99_000) + venue.mark(BTC, 99_900)
    mine = [one for one in venue.effects.emitted if isinstance(one, RiskAlertRaised)]
    assert [one.account_seq for one in mine] == list(range(1, len(mine) + 1))
    assert {one.kind for one in mine} == {"health", "position_limit"}
    assert not [one for one in heard if isinstance(one, LiquidateAccount)]


def test_an_answer_is_kept_for_an_alert_that_was_raised() -> None:
    """RISK-ANSWER-001: who acknowledged or resolved which alert, with a note; for one never raised nothing is kept."""
    venue = venue_with_long(7_000_000)
    body = {"account": "alice", "answer": "acknowledge", "note": "topping up", "actor": "dora"}
    assert venue.say(AlertAnswered, alert=1, **body) == []
    venue.say(AlertAnswered, alert=2, **body)
    venue.commit()
    at = venue.effects.at - 1_000_000
    assert list(venue.tables[ALERT_ANSWERS.name].values()) == [("alice", 1, "acknowledge", "topping up", "dora", at)]


def test_limits_and_flags_survive_a_restart() -> None:
    """RISK-LIMIT-004: what holds is not told again, and ends as if there had been no restart."""
    venue = venue_with_long(20_000_000)
    limit(venue, max_position_quanta=99_000_000, max_drawdown_quanta=1)
    venue.restart()
    assert (len(venue.tables[LIMITS.name]), len(venue.tables[ALERT_FLAGS.name])) == (1, 1)
    assert told(venue.mark(BTC, 100_000)) == []
    assert told(venue.mark(BTC, 90_000)) == [("position_limit", "resolved"), ("drawdown_limit", "warning")]
    limit(venue)
    venue.commit()
    assert (len(venue.tables[LIMITS.name]), len(venue.tables[ALERT_FLAGS.name])) == (0, 0)


@pytest.mark.parametrize("kind", ["socialized_loss"])
def test_a_shared_loss_is_a_loss(kind: str) -> None:
    """RISK-LIMIT-005: what the venue takes to cover a deficit counts as lost, not as paid out."""
    venue = venue_with_long(20_000_000)
    limit(venue, max_daily_loss_quanta=500_000)
    body = {"account": "alice", "amount_quanta": -600_000, "cash_quanta": 19_400_000}
    assert told(venue.say(TransferApplied, kind=kind, **body)) == [("daily_loss_limit", "warning")]
