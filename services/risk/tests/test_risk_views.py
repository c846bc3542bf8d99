"""What an answer shows."""

from typing import Any

import pytest
from cleartide.service import QueryError

from services.risk.queries import queries
from services.risk.tests.support import Venue
from services.risk.tests.test_risk_alerts import BTC, ETH, venue_with_long
from services.risk.views import account_view, histogram, levels_view, riskiest_first

QUERIES = queries(500)


def test_an_account_is_shown_at_the_marks_in_force() -> None:
    """RISK-VIEW-001: figures are computed when asked, though no bound was crossed since the last evaluation."""
    venue = venue_with_long(20_000_000)
    venue.settle_funding(BTC, 10)
    venue.mark(BTC, 98_765)
    assert account_view(venue.state.accounts["alice"]) == {
        "account": "alice",
        "level": None,
        "cash": "20.000000",
        "unsettled_funding": "-0.010000",
        "health_factor": "3.797904",
        "equity": "18.755000",
        "initial_margin": "9.876500",
        "maintenance_margin": "4.938250",
        "account_seq": 0,
        "liquidating": False,
        "last_request": None,
        "positions": [
            {
                "market": BTC,
                "size": "1.000",
                "mark_price": "9876.5",
                "index_stale": False,
                "value": "98.765000",
                "unrealized_pnl": "-1.235000",
                "maintenance_margin": "4.938250",
                "leverage": None,
                "liquidation_price": "8422.2",
            }
        ],
        "collateral": [],
    }


def test_a_missing_price_is_shown_as_missing() -> None:
    """RISK-VIEW-002: no figure is made up for a market without a price."""
    venue = Venue()
    venue.list_market(BTC)
    venue.hold("alice", BTC, 1, quote=-1, cash=1)
    shown = account_view(venue.state.accounts["alice"])
    assert (shown["health_factor"], shown["equity"], shown["positions"][0]["mark_price"]) == (None, None, None)


def test_accounts_are_listed_riskiest_first() -> None:
    """RISK-VIEW-003: by health factor, then id; without requirement or price last; the histogram counts the rest."""
    venue = venue_with_long(20_000_000)
    venue.list_market(ETH)
    venue.hold("zoe", BTC, 1_000, quote=-100_000_000, cash=5_100_000)
    venue.hold("bob", BTC, 1_000, quote=-100_000_000, cash=5_100_000)
    venue.hold("unpriced", ETH, 1, quote=-1, cash=1)
    venue.transfer("idle", -5)
    accounts = list(venue.state.accounts.values())
    assert [account.account for account in riskiest_first(accounts)] == ["bob", "zoe", "alice", "idle", "unpriced"]
    assert {column["below"]: column["accounts"] for column in histogram(accounts) if column["accounts"]} == {
        "1.050000": 2,
        "5.000000": 1,
    }
    assert levels_view({0: 3, 3: 2}) == {"none": 3, "watch": 0, "warning": 0, "critical": 2, "liquidatable": 0}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("accounts", {"limit": 501}),
        ("accounts", {"limit": 0}),
        ("accounts", {"level": "resolved"}),
        ("alerts", {"limit": 501}),
    ],
)
async def test_a_question_out_of_bounds_is_refused(name: str, params: dict[str, Any]) -> None:
    """RISK-VIEW-004: lists are bounded to 500 rows, levels are the four that exist."""
    with pytest.raises(QueryError) as refused:
        await QUERIES[name](None, params)
    assert refused.value.code == "bad_parameters"
