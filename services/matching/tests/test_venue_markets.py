"""Markets as configuration: new rules from a place in the sequence on, and an end at which every sum is exact."""

from typing import Any

import pytest
from cleartide.contracts import (
    JitAuctionOpened,
    MarginBracket,
    MarketChanged,
    MarketLimits,
    MarkPriceUpdated,
    OrderAccepted,
    OrderClosed,
    PositionChanged,
    PositionSettled,
    TransferApplied,
)
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.verify import verify
from services.matching.tests.flows import TRADERS, Step, flows, perform
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only, spec
from services.matching.tests.venue import LIMITS, change, delist, halt, state_of, states


def bracket(imf: int, fraction: int = 500_000_000, upper: int | None = None) -> MarginBracket:
    return MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=imf, maintenance_fraction_ppb=fraction)


def pair(ex: Exchange, size: str = "1", cash: str = "100000") -> Exchange:
    """ann long and bob short at 1000."""
    for name in ("ann", "bob"):
        ex.deposit(name, cash)
    ex.place("bob", "sell", size, "1000")
    ex.place("ann", "buy", size, "1000")
    return ex


def test_venue_mkt_001_new_rules_hold_from_here_on() -> None:
    """VENUE-MKT-001: a fee that is changed is paid by the next fill; the event names what differs and the version."""
    ex = pair(Exchange())
    ex.place("bob", "sell", "1", "1000")
    event = only(change(ex, taker_fee_ppb=1_000_000, limits=LIMITS), MarketChanged)
    assert event.changed == tuple(
        sorted(["taker_fee_ppb", *(f"limits.{name}" for name, value in LIMITS if value is not None)])
    )
    assert (event.spec_version, event.spec, event.quanta_per_lot_tick) == (
        2,
        spec(taker_fee_ppb=1_000_000, limits=LIMITS),
        100,
    )
    fill = of(ex.place("ann", "buy", "1", "1000"), PositionChanged)[0]
    assert (fill.account, fill.fee_quanta) == ("ann", 1_000_000)


def test_venue_mkt_002_a_restart_comes_back_with_the_new_rules() -> None:
    """VENUE-MKT-002: brackets that became fewer or more, limits that came and went, and the version."""
    ex = pair(Exchange())
    wide = (bracket(50_000_000, upper=10**9), bracket(60_000_000, upper=10**10), bracket(100_000_000))
    days: list[dict[str, Any]] = [{"brackets": wide, "limits": LIMITS}, {"limits": LIMITS}, {}]
    for version, rules in enumerate(days, start=1):
        change(ex, version, **rules)
        ex.restart()
        market = ex.state.markets[MARKET]
        assert market.spec == spec(**rules) and market.status.version == version + 1
        assert market.brackets == spec(**rules).brackets
        assert market.guards.position_cap == (10_000 if "limits" in rules else 2**40 - 1)


FIXED: dict[str, dict[str, Any]] = {
    "base": {"base": "XBT"},
    "quote": {"quote": "USDT"},
    "tick": {"tick_size": "0.2"},
    "lot": {"lot_size": "0.01"},
}


@pytest.mark.parametrize("rules", FIXED.values(), ids=FIXED)
def test_venue_mkt_003_names_and_steps_never_change(rules: dict[str, Any]) -> None:
    """VENUE-MKT-003: orders, positions and history are kept in them."""
    ex = Exchange()
    with pytest.raises(Reject, match="fixed_field"):
        change(ex, **rules)


def test_venue_mkt_004_rules_written_against_an_older_version_are_refused() -> None:
    """VENUE-MKT-004: nobody overwrites what somebody else has changed meanwhile."""
    ex = Exchange()
    change(ex, taker_fee_ppb=1)
    with pytest.raises(Reject, match="version_conflict"):
        change(ex, 1, taker_fee_ppb=2)
    change(ex, 2, taker_fee_ppb=2)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a market that is not listed": ({"market": "ETH-PERP"}, "unknown_market"),
    "the same rules": ({}, "nothing_changed"),
    "a fee of everything": ({"taker_fee_ppb": 10**9}, "bad_spec"),
    "a band of everything": ({"limits": MarketLimits(band_ppb=10**9)}, "bad_spec"),
    "a cap off the grid": ({"limits": MarketLimits(position_cap="0.0005")}, "off_grid"),
    "sizes that contradict each other": (
        {"limits": MarketLimits(min_order_size="2", max_order_size="1")},
        "bad_spec",
    ),
}


@pytest.mark.parametrize(("rules", "reason"), BAD.values(), ids=BAD)
def test_venue_mkt_005_rules_that_cannot_be_are_refused_and_change_nothing(rules: dict[str, Any], reason: str) -> None:
    """VENUE-MKT-005"""
    ex = pair(Exchange())
    with pytest.raises(Reject, match=reason):
        change(ex, **rules)
    market = ex.state.markets[MARKET]
    assert market.spec == spec() and market.status.version == 1
    assert market.taker_fee_ppb == spec().taker_fee_ppb


def test_venue_mkt_006_higher_margins_that_would_liquidate_somebody_are_refused() -> None:
    """VENUE-MKT-006: at the exact quantum of maintenance; who is due already does not hold it up."""
    ex = Exchange()
    ex.deposit("ann", "150.45")
    ex.deposit("bob", "100000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    assert ex.cash("ann") == 150_000_000
    with pytest.raises(Reject, match="would_liquidate"):
        change(ex, brackets=(bracket(300_000_002),))
    assert ex.state.markets[MARKET].spec == spec()
    change(ex, brackets=(bracket(300_000_000),))
    ex.price("880")
    change(ex, 2, brackets=(bracket(400_000_000),))


def test_venue_mkt_007_a_delisted_market_first_only_reduces_then_settles_at_the_mark() -> None:
    """VENUE-MKT-007: orders are cancelled, every position becomes cash at the final mark, funding included."""
    ex = pair(Exchange())
    ex.settle(100_000, 1)
    ex.place("bob", "buy", "0.1", "900", client_order_id="rests")
    cash = {name: ex.cash(name) for name in ("ann", "bob")}
    assert states(delist(ex, notice_seconds=60)) == [("delisting", "operator")]
    ex.wait(60 * SECOND - 1)
    assert states(ex.price("1010")) == []
    ex.wait(1)
    events = ex.price("1020")
    assert states(events) == [("delisted", "settled")]
    assert only(events, OrderClosed).reason == "market_delisted"
    mark = ex.state.markets[MARKET].prices.mark
    profit, funding = (mark - 10_000) * 1000 * 100, 100_000
    settled = {event.account: event for event in of(events, PositionSettled)}
    assert list(settled) == ["ann", "bob"]
    assert settled["ann"].realized_pnl_quanta == profit and settled["ann"].funding_quanta == -funding
    assert ex.cash("ann") == cash["ann"] + profit - funding == settled["ann"].cash_quanta
    assert ex.cash("bob") == cash["bob"] - profit + funding == settled["bob"].cash_quanta
    assert settled["ann"].funding_index_quanta == settled["bob"].funding_index_quanta == 100
    assert ex.balance(f"settlement:{MARKET}") == ex.balance(f"funding:{MARKET}") == 0
    ex.commit()
    assert not ex.rows("positions") and not ex.rows("orders")


def test_venue_mkt_008_after_its_end_a_market_has_no_prices_orders_or_trades() -> None:
    """VENUE-MKT-008: and its name is not given out again."""
    ex = pair(Exchange())
    delist(ex, notice_seconds=0)
    ex.price("1000")
    ex.restart()
    assert not of(ex.price("1200"), MarkPriceUpdated)
    with pytest.raises(Reject, match="market_delisted"):
        ex.report("1000", "1", buyer="ann")
    with pytest.raises(Reject, match="market_delisted"):
        change(ex, taker_fee_ppb=1)
    with pytest.raises(Reject, match="market_exists"):
        ex.list()
    ex.withdraw("ann", f"{ex.cash('ann') / 10**6:.6f}")


def test_venue_mkt_009_who_owes_more_than_he_has_is_covered_by_the_markets_insurance() -> None:
    """VENUE-MKT-009: as in a liquidation (R25); the fund is never overdrawn."""
    ex = pair(Exchange(), cash="120")
    ex.insure("50")
    delist(ex, notice_seconds=0)
    events = ex.price("860")
    mark = ex.state.markets[MARKET].prices.mark
    owed = (10_000 - mark) * 1000 * 100 + 450_000 - 120_000_000
    assert only(events, TransferApplied).amount_quanta == owed
    assert ex.cash("ann") == 0 and ex.balance(f"insurance:{MARKET}") == 50_000_000 - owed


def test_venue_mkt_010_another_markets_price_is_clock_enough() -> None:
    """VENUE-MKT-010: the end comes in sequenced time, also when the market's own index is silent."""
    ex = pair(Exchange())
    ex.list(market="ETH-PERP", base="ETH")
    delist(ex, notice_seconds=60)
    ex.wait(61 * SECOND)
    assert states(ex.price("50", market="ETH-PERP")) == [("delisted", "settled")]


def test_venue_mkt_011_a_delisting_can_be_stopped_while_the_notice_runs() -> None:
    """VENUE-MKT-011: by halting; then the market may trade on or be delisted anew."""
    ex = pair(Exchange())
    delist(ex, notice_seconds=60)
    halt(ex)
    ex.wait(100 * SECOND)
    ex.price("1000")
    assert state_of(ex) == "halted" and ex.lots("ann") == 1000


@settings(max_examples=40, deadline=None)
@given(flows, st.integers(1, 30_000))
def test_venue_mkt_012_whatever_was_open_the_settlement_is_exact(steps: list[Step], last: int) -> None:
    """VENUE-MKT-012: after a random day: no lots, no cost, no funding owed, and every quantum accounted for."""
    ex = Exchange()
    for trader in TRADERS:
        ex.deposit(trader, "300")
    ex.insure("50")
    for number, step in enumerate(steps):
        perform(ex, number, step)
    before = sum(ex.state.ledger.account(name).balance for name in ex.state.ledger.accounts)
    delist(ex, notice_seconds=0)
    ex.price(f"{last / 10:.1f}")
    verify(ex.state)
    market = ex.state.markets[MARKET]
    assert market.open_interest == 0 and market.funding_pot.balance == 0
    assert not any(account.orders for account in ex.state.accounts.values())
    assert before == sum(ex.state.ledger.account(name).balance for name in ex.state.ledger.accounts) == 0
    ex.restart()
    verify(ex.state)


def test_venue_mkt_014_an_auction_ends_with_its_market() -> None:
    """VENUE-MKT-014: the order that was auctioned is closed with the others, and its quotes are gone."""
    ex = pair(Exchange())
    auction = only(ex.auction("ann", "buy", "1", "1100", start="1000", end="1001"), JitAuctionOpened).auction_id
    ex.offer("bob", auction, "1001", "1")
    delist(ex, notice_seconds=0)
    closed = only(ex.price("1000"), OrderClosed)
    assert (closed.order_id, closed.reason) == (auction, "market_delisted")
    ex.commit()
    assert not ex.state.auctions.running and not ex.rows("orders")


def test_venue_mkt_013_orders_that_wait_stay_under_new_rules() -> None:
    """VENUE-MKT-013: they were accepted under the old ones; each fill is checked under those in force."""
    ex = pair(Exchange())
    only(ex.place("ann", "buy", "1", "950", client_order_id="waits"), OrderAccepted)
    change(ex, limits=MarketLimits(max_order_size="0.5"))
    assert "waits" in ex.state.accounts["ann"].orders
