"""Collateral beside cash in the health factor: weighted, at the index, moved at once by whatever moves it."""

from fractions import Fraction

import pytest
from cleartide.contracts import AssetChanged, CollateralSwapped, LeverageSet, Message
from cleartide.fold import Reject
from cleartide.money import quanta_from_text

from services.risk.tests.support import Venue, alerts, asset_spec, requests
from services.risk.views import account_view

BTC, ETH = "BTC-PERP", "ETH-PERP"


def venue(collateral: int = 20_000_000, cash: int = 0) -> Venue:
    """alice is long 1,000 lots from 100,000 ticks: value 100, requirement 5. She holds 20 of a dollar at 90 %: 18."""
    ex = Venue()
    ex.list_market(BTC)
    ex.list_market(ETH)
    ex.mark(BTC, 100_000)
    ex.mark(ETH, 1_000)
    ex.list_asset("USDT")
    ex.list_asset("ETH", index_market=ETH, decimals=3)
    if collateral:
        ex.collateral("alice", "USDT", collateral)
    ex.hold("alice", BTC, 1_000, quote=-100_000_000, cash=cash)
    return ex


def swapped(ex: Venue, kind: str, sold: int, bought: int) -> list[Message]:
    """alice sells some of her dollars at 90 % for cash."""
    account = ex.state.accounts["alice"]
    return ex.say(
        CollateralSwapped,
        account="alice",
        sold_asset="USDT",
        sold_units=sold,
        sold_balance_units=account.collateral["USDT"].units - sold,
        bought_asset="USDC",
        bought_units=bought,
        bought_balance_units=account.cash_quanta + bought,
        kind=kind,
    )


def test_collateral_counts_by_its_maintenance_weight() -> None:
    """RISK-COL-001: 18 of 5 required; an account is also told of without positions."""
    view = account_view(venue().state.accounts["alice"])
    assert (view["equity"], view["health_factor"]) == ("18.000000", "3.600000")
    assert view["collateral"] == [
        {"asset": "USDT", "amount": "20.000000", "price": "1", "weight_ppb": 900_000_000, "value": "18.000000"}
    ]


def test_an_alert_shows_the_collateral_that_it_counted() -> None:
    """RISK-COL-002: so that the reader can compute equity again."""
    ex = venue()
    ex.collateral("alice", "ETH", 25)
    (alert,) = alerts(ex.mark(BTC, 86_000))
    assert [held.asset for held in alert.collateral] == ["ETH", "USDT"]
    total = quanta_from_text(alert.cash) + quanta_from_text(alert.unsettled_funding)
    for position in alert.inputs:
        total += quanta_from_text(position.value) + quanta_from_text(position.quote)
    for held in alert.collateral:
        exact = Fraction(held.amount) * Fraction(held.price) * Fraction(held.weight_ppb, 10**9)
        assert quanta_from_text(held.value) == exact * 10**6 // 1
        total += quanta_from_text(held.value)
    assert quanta_from_text(alert.equity) == total


def test_the_index_behind_collateral_raises_alerts_in_other_markets() -> None:
    """RISK-COL-004: she trades bitcoin and holds ether; ether's index falls, its mark does not matter."""
    ex = venue(collateral=0)
    ex.collateral("alice", "ETH", 80_000)
    assert account_view(ex.state.accounts["alice"])["equity"] == "7200.000000"
    ex.collateral("alice", "ETH", 100)
    assert account_view(ex.state.accounts["alice"])["equity"] == "9.000000"
    assert not alerts(ex.mark(ETH, 1, index=840))
    (alert,) = alerts(ex.mark(ETH, 100_000, index=830))
    assert (alert.level, alert.equity) == ("watch", "7.470000")


def test_new_rules_of_an_asset_are_judged_at_once() -> None:
    """RISK-COL-005: for everybody who holds it and has a requirement."""
    ex = venue()
    ex.collateral("bob", "USDT", 1_000_000)
    spec = asset_spec("USDT", maintenance_weight_ppb=200_000_000)
    said = ex.say(AssetChanged, asset="USDT", spec=spec)
    assert [(alert.account, alert.level, alert.equity) for alert in alerts(said)] == [
        ("alice", "liquidatable", "4.000000")
    ]
    assert [request.account for request in requests(said)] == ["alice"]


def test_an_exchange_is_judged_once_with_both_sides() -> None:
    """RISK-COL-006: neither half of it alone is ever seen; who repays is not asked for again meanwhile."""
    ex = venue(collateral=7_000_000)
    assert alerts(swapped(ex, "swap", 5_000_000, 5_000_000)) == []
    assert account_view(ex.state.accounts["alice"])["equity"] == "6.800000"
    said = swapped(ex, "repayment", 2_000_000, 1)
    assert [alert.level for alert in alerts(said)] == ["critical"]
    assert requests(said) == []
    assert "USDT" not in ex.state.accounts["alice"].collateral


@pytest.mark.parametrize(("leverage", "initial"), [(None, "10.000000"), (4, "25.000000"), (50, "10.000000")])
def test_leverage_raises_the_initial_margin_that_is_shown(leverage: int | None, initial: str) -> None:
    """RISK-COL-007: health is the same."""
    ex = venue()
    assert ex.say(LeverageSet, account="alice", market=BTC, leverage=leverage) == []
    ex.restart()
    view = account_view(ex.state.accounts["alice"])
    assert (view["initial_margin"], view["health_factor"]) == (initial, "3.600000")
    assert view["positions"][0]["leverage"] == leverage


def test_an_asset_that_was_never_listed_is_refused() -> None:
    """RISK-COL-008: events are folded in order, so it cannot happen; if it does, it is not folded in silence."""
    ex = venue()
    with pytest.raises(Reject, match="unknown_asset"):
        ex.collateral("alice", "DOGE", 1)
    with pytest.raises(Reject, match="unknown_market"):
        ex.list_asset("DOGE", index_market="DOGE-PERP")


def test_collateral_and_assets_survive_a_restart() -> None:
    """RISK-COL-009: the next index finds whom it concerns."""
    ex = venue(collateral=0)
    ex.collateral("alice", "ETH", 100)
    ex.restart()
    assert [alert.level for alert in alerts(ex.mark(ETH, 1_000, index=700))] == ["watch"]


def test_the_alert_table_keeps_the_collateral() -> None:
    """RISK-COL-010: one row for each asset."""
    ex = venue()
    ex.mark(BTC, 88_000)
    ex.commit()
    assert ex.tables["alert_collateral"] == {(1, "USDT"): (1, "USDT", 20_000_000, "1", 900_000_000, 18_000_000)}
