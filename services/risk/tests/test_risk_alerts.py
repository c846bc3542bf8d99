"""What an account's owner is told, and what the alert lets him check."""

from cleartide.contracts import RiskAlertRaised
from cleartide.money import quanta_from_text

from services.risk.tests.support import Venue, alerts

BTC, ETH = "BTC-PERP", "ETH-PERP"


def venue_with_long(cash: int) -> Venue:
    """alice is long 1,000 lots from 100,000 ticks: value 100, requirement 5; so her health is cash / 5."""
    venue = Venue()
    venue.list_market(BTC)
    venue.mark(BTC, 100_000)
    venue.transfer("alice", cash)
    venue.hold("alice", BTC, 1_000, quote=-100_000_000, cash=cash)
    return venue


def test_an_alert_carries_what_it_was_computed_from() -> None:
    """RISK-ALERT-001: positions, marks, values, requirement, cash, funding, equity, health factor and cause."""
    venue = venue_with_long(20_000_000)
    venue.settle_funding(BTC, 100)
    alert = alerts(venue.mark(BTC, 85_000))[0]
    assert alert.model_dump(exclude={"id", "type", "version", "seq", "occurred_at", "source", "inputs"}) == {
        "causation_id": "",
        "correlation_id": "",
        "account": "alice",
        "account_seq": 1,
        "level": "warning",
        "previous_level": None,
        "health_factor": "1.152941",
        "equity": "4.900000",
        "maintenance_margin": "4.250000",
        "cash": "20.000000",
        "unsettled_funding": "-0.100000",
        "cause_id": "matching-events-6",
        "collateral": (),
        "kind": "health",
        "market": None,
        "value": None,
        "threshold": None,
        "formula": "",
    }
    assert [one.model_dump() for one in alert.inputs] == [
        {
            "market": BTC,
            "lots": 1_000,
            "mark_ticks": 85_000,
            "value": "85.000000",
            "quote": "-100.000000",
            "maintenance_margin": "4.250000",
        }
    ]
    assert alert.subject == "risk.alerts.warning.alice"


def test_only_a_change_of_level_alerts() -> None:
    """RISK-ALERT-002: prices that leave the level as it is say nothing."""
    venue = venue_with_long(20_000_000)
    told = [len(alerts(venue.mark(BTC, ticks))) for ticks in (86_400, 86_300, 86_600, 86_400, 85_200)]
    assert told == [1, 0, 0, 0, 0]


def test_alerts_are_numbered_per_account_without_gaps() -> None:
    """RISK-ALERT-003: account_seq counts from 1, each alert names the level before it, leaving all says resolved."""
    venue = venue_with_long(20_000_000)
    told: list[RiskAlertRaised] = []
    for ticks in (86_400, 85_000, 84_400, 84_000, 90_000, 86_400):
        told += alerts(venue.mark(BTC, ticks))
    assert [alert.account_seq for alert in told] == list(range(1, len(told) + 1))
    assert [(alert.previous_level, alert.level) for alert in told] == [
        (None, "watch"),
        ("watch", "warning"),
        ("warning", "critical"),
        ("critical", "liquidatable"),
        ("liquidatable", "resolved"),
        (None, "watch"),
    ]


def test_closing_the_last_position_resolves() -> None:
    """RISK-ALERT-004: without a position there is no requirement and no health factor."""
    venue = venue_with_long(6_500_000)
    alert = alerts(venue.hold("alice", BTC, 0, quote=0, cash=6_400_000))[0]
    assert (alert.level, alert.previous_level, alert.health_factor, alert.inputs) == ("resolved", "watch", None, ())


def test_funding_and_transfers_move_health_at_once() -> None:
    """RISK-ALERT-005: unsettled funding counts before it reaches cash; a deposit lifts the account out."""
    venue = venue_with_long(8_000_000)
    alert = alerts(venue.settle_funding(BTC, 1_000))[0]
    assert (alert.level, alert.equity, alert.unsettled_funding) == ("watch", "7.000000", "-1.000000")
    assert [alert.level for alert in alerts(venue.transfer("alice", 9_000_000))] == ["resolved"]


def test_one_position_can_carry_another() -> None:
    """RISK-HF-004: equity and requirement are sums over all markets; a hedge is margined on both sides."""
    venue = venue_with_long(20_000_000)
    venue.list_market(ETH)
    venue.mark(ETH, 100_000)
    venue.hold("alice", ETH, -1_000, quote=100_000_000, cash=20_000_000)
    venue.mark(BTC, 90_000)
    alert = alerts(venue.mark(ETH, 98_000))[0]
    total = quanta_from_text(alert.cash) + 90_000_000 - 100_000_000 + 100_000_000 - 98_000_000
    assert quanta_from_text(alert.equity) == total == 12_000_000
    assert [one.maintenance_margin for one in alert.inputs] == ["4.500000", "4.900000"]
    assert (alert.previous_level, alert.level) == ("warning", "watch")


def test_the_riskiest_account_is_told_first() -> None:
    """RISK-ALERT-006: alerts of one event come lowest health factor first, then by account id."""
    venue = venue_with_long(20_000_000)
    for account, cash in (("dave", 18_000_000), ("carol", 17_000_000), ("bob", 18_000_000)):
        venue.hold(account, BTC, 1_000, quote=-100_000_000, cash=cash)
    assert [alert.account for alert in alerts(venue.mark(BTC, 86_400))] == ["carol", "bob", "dave", "alice"]


def test_the_venues_own_accounts_are_not_watched() -> None:
    """RISK-ALERT-007: outside and insurance have no health factor and are never liquidated."""
    venue = venue_with_long(20_000_000)
    for account in ("outside", "insurance"):
        assert not venue.transfer(account, -1_000_000)
        assert not venue.hold(account, BTC, 1_000, quote=-200_000_000, cash=0)
    assert not venue.mark(BTC, 99_000)
    assert set(venue.state.accounts) == {"alice"}


def test_a_market_without_a_price_is_judged_at_its_first_one() -> None:
    """RISK-HF-005: no health factor is made up before every market has a mark price."""
    venue = Venue()
    venue.list_market(BTC)
    assert not venue.hold("alice", BTC, 1_000, quote=-100_000_000, cash=6_500_000)
    assert [alert.level for alert in alerts(venue.mark(BTC, 100_000))] == ["watch"]


def test_new_margin_rules_are_judged_at_once() -> None:
    """RISK-HF-006: a higher requirement for a market reaches everyone who holds it."""
    venue = venue_with_long(20_000_000)
    alert = alerts(
        venue.list_market(BTC, brackets=((50_000_000, 100_000_000, 500_000_000), (None, 10**9, 500_000_000)))
    )
    assert [(one.level, one.maintenance_margin) for one in alert] == [("liquidatable", "27.500000")]
