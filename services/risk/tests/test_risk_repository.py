"""State and rows are the same thing written twice."""

from dataclasses import fields
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.risk.domain.state import Account, Market, RiskState
from services.risk.repository import ALERT_INPUTS, ALERTS, POSITIONS
from services.risk.tests.scenario import Scenario
from services.risk.tests.support import Venue
from services.risk.tests.test_risk_alerts import BTC, venue_with_long

DERIVED = {"row", "due", "holders", "wheel", "fits"}


def facts(state: RiskState) -> dict[str, Any]:
    """Everything of a state that is not derived from the rest."""
    return {
        "alerts": state.alerts,
        "markets": {name: _stored(market) for name, market in state.markets.items()},
        "accounts": {name: _stored(account) for name, account in state.accounts.items()},
        "positions": {
            (name, market): (position.lots, position.quote_quanta, position.funding_index_quanta)
            for name, account in state.accounts.items()
            for market, position in account.positions.items()
        },
        "holders": {name: set(market.holders) for name, market in state.markets.items()},
    }


def _stored(held: Account | Market) -> dict[str, Any]:
    return {f.name: getattr(held, f.name) for f in fields(held) if f.name not in DERIVED | {"positions"}}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1))
def test_what_was_collected_restores_the_same_state(seed: int) -> None:
    """RISK-DB-001: restore(collect(state)) is the state, and collecting again has nothing to say."""
    scenario = Scenario(seed, markets=3, accounts=8, most_positions=3)
    for step in range(60):
        scenario.step()
        if step % 20 == 0:
            scenario.venue.commit()
    before = facts(scenario.venue.state)
    scenario.venue.restart()
    assert facts(scenario.venue.state) == before
    assert not scenario.venue.repository.collect(scenario.venue.state).rows


def test_every_alert_is_kept_with_its_inputs() -> None:
    """RISK-DB-002: the alert table is the full record, numbered without gaps like the stream."""
    venue = venue_with_long(20_000_000)
    venue.mark(BTC, 85_000)
    venue.commit()
    venue.mark(BTC, 84_000)
    venue.commit()
    assert sorted(venue.tables[ALERTS.name]) == [(1,), (2,)]
    assert venue.tables[ALERT_INPUTS.name][(1, BTC)] == (
        1, BTC, 1_000, 85_000, 85_000_000, -100_000_000, 4_250_000,
    )  # fmt: skip


def test_a_closed_position_leaves_no_row() -> None:
    """RISK-DB-003: opened and closed, in one batch or in two."""
    venue = venue_with_long(20_000_000)
    venue.commit()
    venue.hold("alice", BTC, 0, quote=0, cash=20_000_000)
    venue.hold("bob", BTC, 5, quote=-5, cash=1)
    venue.hold("bob", BTC, 0, quote=0, cash=1)
    venue.commit()
    assert not venue.tables[POSITIONS.name]


def test_fewer_brackets_leave_no_old_ones() -> None:
    """RISK-DB-004: a market listed again with other brackets is restored with those alone."""
    venue = Venue()
    venue.list_market(BTC, brackets=((5, 10**9, 10**9), (None, 10**9, 10**9)))
    venue.commit()
    venue.list_market(BTC)
    venue.restart()
    assert [bracket.upper_notional_quanta for bracket in venue.state.markets[BTC].brackets] == [None]


def test_an_open_request_survives_a_restart() -> None:
    """RISK-LIQ-011: after a restart the account is still waiting for its answer."""
    venue = venue_with_long(20_000_000)
    venue.mark(BTC, 84_000)
    venue.restart()
    assert not venue.mark(BTC, 83_000)
    venue.rejected("alice", BTC)
    venue.restart()
    assert [message.type for message in venue.mark(BTC, 83_000)] == ["LiquidateAccount"]
