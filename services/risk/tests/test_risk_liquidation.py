"""When an account is handed over for liquidation, and when it is left alone."""

import pytest
from cleartide.contracts import MarkPriceUpdated
from cleartide.fold import Reject

from services.risk.tests.support import alerts, mark_body, requests
from services.risk.tests.test_risk_alerts import BTC, ETH, venue_with_long


def test_equal_to_maintenance_is_safe() -> None:
    """RISK-HF-003 equal to maintenance is not liquidatable; one quantum less is."""
    venue = venue_with_long(5_000_000)
    assert venue.state.accounts["alice"].level.name == "CRITICAL"
    assert not requests(venue.transfer("alice", 5_000_000))
    assert [request.account for request in requests(venue.transfer("alice", 4_999_999))] == ["alice"]


def test_a_request_says_what_it_was_decided_on() -> None:
    """RISK-LIQ-001: account, market, equity, requirement, mark price, and the event it had seen."""
    venue = venue_with_long(20_000_000)
    said = venue.mark(BTC, 84_000)
    request = requests(said)[0]
    assert [message.type for message in said] == ["RiskAlertRaised", "LiquidateAccount"]
    assert (request.market, request.equity, request.maintenance_margin) == (BTC, "4.000000", "4.200000")
    assert (request.mark_price_ticks, request.observed_seq) == (84_000, venue.effects.seq)


def test_only_one_request_is_open_at_a_time() -> None:
    """RISK-LIQ-002: until matching answers, nothing more is asked for the account."""
    venue = venue_with_long(20_000_000)
    assert requests(venue.mark(BTC, 84_000))
    assert not requests(venue.mark(BTC, 83_000))
    assert not requests(venue.transfer("alice", 19_000_000))
    assert not requests(venue.hold("alice", BTC, 900, quote=-90_000_000, cash=18_000_000))


def test_what_several_steps_leave_below_maintenance_is_asked_for_at_the_next_price() -> None:
    """RISK-LIQ-003: one request may be answered step by step; nothing is asked for in between."""
    venue = venue_with_long(20_000_000)
    venue.mark(BTC, 81_000)
    for lots, cash in ((600, 12_400_000), (500, 10_500_000)):
        assert not requests(venue.hold("alice", BTC, lots, quote=-100_000 * lots, cash=cash))
        assert not requests(venue.executed("alice", BTC, closed_lots=100))
    assert requests(venue.mark(BTC, 81_000))
    venue.hold("alice", BTC, 100, quote=-10_000_000, cash=2_900_000)
    assert [alert.level for alert in alerts(venue.executed("alice", BTC, closed_lots=400))] == []
    assert venue.state.accounts["alice"].level.name == "NONE"
    assert not venue.mark(BTC, 81_000)


def test_a_rejected_request_waits_for_the_next_price() -> None:
    """RISK-LIQ-004: asking again at once would loop; any next price of one of its markets asks again."""
    venue = venue_with_long(20_000_000)
    venue.mark(BTC, 84_000)
    assert not requests(venue.rejected("alice", BTC))
    assert requests(venue.mark(BTC, 84_000))


def test_a_trade_alone_asks_for_nothing() -> None:
    """RISK-LIQ-005: a position that is below maintenance from its first fill alerts at once, the next price asks."""
    venue = venue_with_long(20_000_000)
    said = venue.hold("bob", BTC, 1_000, quote=-100_000_000, cash=4_000_000)
    assert [alert.level for alert in alerts(said)] == ["liquidatable"]
    assert not requests(said)
    assert [request.account for request in requests(venue.mark(BTC, 100_000))] == ["bob"]


def test_a_rejected_account_that_recovered_is_left_alone() -> None:
    """RISK-LIQ-006: the level may linger in its hysteresis; a request needs equity below maintenance now."""
    venue = venue_with_long(20_000_000)
    venue.mark(BTC, 84_000)
    venue.rejected("alice", BTC)
    assert not venue.mark(BTC, 84_250)
    assert venue.state.accounts["alice"].level.name == "LIQUIDATABLE"
    assert not alerts(said := venue.mark(BTC, 84_000))
    assert requests(said)


def test_a_stale_index_liquidates_nobody() -> None:
    """RISK-LIQ-007: the alert is raised, the request waits until every market of the account is fresh again."""
    venue = venue_with_long(20_000_000)
    venue.list_market(ETH)
    venue.mark(ETH, 100_000)
    venue.hold("alice", ETH, 1, quote=-100_000, cash=20_000_000)
    venue.mark(ETH, 100_000, stale=True)
    said = venue.mark(BTC, 84_000)
    assert [alert.level for alert in alerts(said)] == ["liquidatable"]
    assert not requests(said)
    assert not requests(venue.mark(BTC, 83_900))
    assert [request.market for request in requests(venue.mark(ETH, 100_000))] == [BTC]


def test_a_stale_index_in_a_market_not_held_does_not_matter() -> None:
    """RISK-LIQ-008: staleness protects only those who hold the market."""
    venue = venue_with_long(20_000_000)
    venue.list_market(ETH)
    venue.mark(ETH, 100_000, stale=True)
    assert requests(venue.mark(BTC, 84_000))


@pytest.mark.parametrize(("eth_lots", "market"), [(999, BTC), (1_000, BTC), (1_001, ETH)])
def test_the_position_with_the_largest_requirement_is_closed_first(eth_lots: int, market: str) -> None:
    """RISK-LIQ-009: largest maintenance margin, then market id (R20)."""
    venue = venue_with_long(20_000_000)
    venue.list_market(ETH)
    venue.mark(ETH, 100_000)
    venue.hold("alice", ETH, eth_lots, quote=-100_000 * eth_lots, cash=20_000_000)
    assert [request.market for request in requests(venue.transfer("alice", 1_000_000))] == [market]


def test_no_requirement_is_never_liquidated() -> None:
    """RISK-LIQ-010: debt without a position has nothing to close."""
    venue = venue_with_long(20_000_000)
    assert not requests(venue.hold("alice", BTC, 0, quote=0, cash=-1_000_000))
    assert not venue.transfer("alice", -2_000_000)


def test_a_price_of_an_unknown_market_is_refused_before_anything_changes() -> None:
    """RISK-IN-001: it goes to the dead letters."""
    venue = venue_with_long(20_000_000)
    with pytest.raises(Reject, match="unknown_market"):
        venue.say(MarkPriceUpdated, **mark_body("SOL-PERP", 1, stale=False))
    assert set(venue.state.markets) == {BTC}
