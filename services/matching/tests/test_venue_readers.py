"""What the other services make of a market that changes and ends: they read the very events that matching says."""

from cleartide.contracts import TRADING_EVENTS, MarginBracket, Message

from services.analytics.app import SERVICE as ANALYTICS
from services.earnings.app import SERVICE as EARNINGS
from services.funding.app import SERVICE as FUNDING
from services.matching.tests.support import HOUR, MARKET, SECOND, Exchange
from services.matching.tests.venue import change, delist
from services.risk.app import SERVICE as RISK
from tests.support.fold_bench import TradingBench


def ended() -> Exchange:
    """ann long and bob short, funding due; margins are raised, then the market is delisted at 1050."""
    ex = Exchange()
    ex.deposit("ann", "400")
    ex.deposit("bob", "400")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.settle(50_000, 1)
    raised = MarginBracket(
        upper_notional_quanta=None, initial_margin_ppb=600_000_000, maintenance_fraction_ppb=600_000_000
    )
    change(ex, brackets=(raised,))
    delist(ex, notice_seconds=60)
    ex.wait(60 * SECOND)
    ex.price("1050")
    ex.wait(2 * HOUR)
    ex.deposit("ann", "1")
    return ex


def told(ex: Exchange) -> list[Message]:
    """The trading events among what was said, numbered as their stream numbers them."""
    events = [event for event in ex.effects.emitted if isinstance(event, TRADING_EVENTS)]
    return [event.model_copy(update={"seq": number}) for number, event in enumerate(events, start=1)]


def test_venue_rdr_001_risk_judges_by_the_new_margins_and_lets_go_of_settled_positions() -> None:
    """VENUE-RDR-001: the alert comes with the change of rules, and goes with the position."""
    risk = TradingBench(RISK.fold)
    risk.feed(told(ended()))
    levels = [(alert["account"], alert["level"]) for alert in risk.published if alert["type"] == "RiskAlertRaised"]
    assert levels == [
        ("ann", "warning"),
        ("bob", "warning"),
        ("bob", "liquidatable"),
        ("ann", "resolved"),
        ("bob", "resolved"),
    ]
    assert not risk.rows("positions")


def test_venue_rdr_002_earnings_count_the_settlement_as_the_last_fill() -> None:
    """VENUE-RDR-002: the day's equity is the cash that is left, to the quantum (R34)."""
    ex, earnings = ended(), TradingBench(EARNINGS.fold)
    earnings.feed(told(ex))
    rows = [*earnings.rows("earnings_days"), *earnings.rows("earnings_open_days")]
    days = {row["account"]: row["equity_end_quanta"] for row in sorted(rows, key=lambda row: row["day"])}
    assert days["ann"] == ex.cash("ann") and days["bob"] == ex.cash("bob")
    assert not earnings.rows("earnings_positions")


def test_venue_rdr_003_funding_ends_with_the_market() -> None:
    """VENUE-RDR-003: no rate is published and no settlement asked for afterwards."""
    funding = TradingBench(FUNDING.fold)
    funding.feed(told(ended()))
    assert not funding.published
    assert funding.state.next_close is None


def test_venue_rdr_004_analytics_show_no_open_interest_any_more() -> None:
    """VENUE-RDR-004"""
    analytics = TradingBench(ANALYTICS.fold)
    analytics.feed(told(ended()))
    (market,) = [row for row in analytics.rows("markets") if row["market"] == MARKET]
    assert market["open_interest_lots"] == 0
