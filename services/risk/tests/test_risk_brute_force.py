"""Leaving accounts alone until their box is crossed tells exactly what judging everyone would tell."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.risk.tests.scenario import Scenario


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), markets=st.integers(1, 5), accounts=st.integers(1, 12), assets=st.integers(0, 6))
def test_same_alerts_and_requests_as_brute_force(seed: int, markets: int, accounts: int, assets: int) -> None:
    """RISK-BOX-001, RISK-LIQ-002, RISK-COL-003: brackets, funding, collateral, transfers, stale prices and answers."""
    scenario = Scenario(seed, markets=markets, accounts=accounts, most_positions=3, assets=assets)
    for _ in range(150):
        scenario.step()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1))
def test_a_restart_changes_nothing(seed: int) -> None:
    """RISK-BOX-002: boxes and due accounts are rebuilt from the tables; what follows is the same."""
    scenario = Scenario(seed, markets=3, accounts=10, most_positions=3, assets=5)
    for _ in range(6):
        for _ in range(25):
            scenario.step()
        scenario.venue.restart()
    assert scenario.said


@pytest.mark.timeout(600)
def test_ten_thousand_accounts_through_a_crash() -> None:
    """RISK-BOX-007: 10,000 accounts, 64 markets, 3,000 ticks with a 20 % crash: no difference, few looked at."""
    scenario = Scenario(7, markets=64, accounts=10_000, most_positions=3, least_price=20_000)
    for account in sorted(scenario.brute.accounts):
        scenario.transfer(account, worst_percent=130, best_percent=900)
    already_said = scenario.said
    looked_at = [
        _run(scenario, drift, volatility, ticks)
        for drift, volatility, ticks in ((0.0, 0.0003, 1_500), (-0.2, 0.004, 1_000), (0.05, 0.002, 500))
    ]
    holders = sum(len(market.holders) for market in scenario.brute.markets.values()) // 64
    assert scenario.said - already_said > 3_000
    assert looked_at[0] < 1_500 * holders // 40


def _run(scenario: Scenario, drift: float, volatility: float, ticks: int) -> int:
    """Every market in turn, all drifting together; returns how many accounts the service looked at."""
    markets, boxes = sorted(scenario.prices), scenario.venue.state.watch.looks
    for tick in range(ticks):
        scenario.move(markets[tick % len(markets)], scenario.random.gauss(drift * len(markets) / ticks, volatility))
        scenario.answer_some()
    return scenario.venue.state.watch.looks - boxes
