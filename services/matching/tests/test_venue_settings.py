"""Running the venue: modes, switches, limits, tiers, and a record of who changed what and when."""

from typing import Any

import pytest
from cleartide.contracts import MarketLimits, SetAccountTerms, SetVenueLimits, VenueChanged
from cleartide.fold import Reject

from services.matching import tables
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only
from services.matching.tests.venue import change, delist, halt, limits, mode, operate, resume, switch, terms, tier


def test_venue_set_001_the_mode_is_switched_while_nothing_is_open() -> None:
    """VENUE-SET-001: it begins as demo, and a restart keeps it."""
    ex = Exchange()
    event = only(mode(ex, "live"), VenueChanged)
    assert (event.scope, event.name, event.old, event.new) == ("venue", "mode", "demo", "live")
    ex.restart()
    assert ex.state.venue.mode == "live"
    with pytest.raises(Reject, match="nothing_changed"):
        mode(ex, "live")


@pytest.mark.parametrize(("now", "wanted"), [("demo", "live"), ("live", "demo")])
def test_venue_set_002_the_mode_stays_while_positions_are_open(now: str, wanted: str) -> None:
    """VENUE-SET-002: refused with open positions, whoever's; possible once they are closed."""
    ex = Exchange()
    if now == "live":
        mode(ex, "live")
    for name in ("ann", "bob"):
        ex.deposit(name)
    ex.place("bob", "sell", "0.001", "1000")
    ex.place("ann", "buy", "0.001", "1000")
    with pytest.raises(Reject, match="open_positions"):
        mode(ex, wanted)
    assert ex.state.venue.mode == now
    ex.place("bob", "buy", "0.001", "1000")
    ex.place("ann", "sell", "0.001", "1000")
    mode(ex, wanted)


def test_venue_set_003_an_unhealthy_venue_keeps_its_mode() -> None:
    """VENUE-SET-003: a switch that is on, or a trading market that has lost its index."""
    ex = Exchange()
    for name in ("kill_switch", "maintenance"):
        switch(ex, name)
        with pytest.raises(Reject, match="unhealthy"):
            mode(ex, "live")
        switch(ex, name, on=False)
    ex.wait(61 * SECOND)
    with pytest.raises(Reject, match="unhealthy"):
        mode(ex, "live")
    halt(ex)
    mode(ex, "live")


def test_venue_set_004_each_mode_has_its_own_limits() -> None:
    """VENUE-SET-004: those of the other mode do not count; each setting that differs is said on its own."""
    ex = Exchange()
    said = of(limits(ex, "live", max_position="100000", max_leverage=50), VenueChanged)
    assert [(event.scope, event.name, event.old, event.new) for event in said] == [
        ("mode:live", "max_position", "", "100000.000000"),
        ("mode:live", "max_leverage", "", "50"),
    ]
    limits(ex, "demo", max_leverage=100)
    ex.restart()
    assert ex.state.venue.limits["live"] == (100_000_000_000, 50, None)
    assert ex.state.venue.limits["demo"] == (None, 100, None)


def test_venue_set_005_every_change_is_kept_with_who_when_old_and_new() -> None:
    """VENUE-SET-005: of the venue and of markets, in one numbered record; the breaker's own changes as well."""
    ex = Exchange(limits=MarketLimits())
    operate(ex, SetAccountTerms, account="bob", standing="reduce_only", by="risk@desk", note="wash trades")
    ex.wait(SECOND)
    switch(ex, "kill_switch")
    change(ex, limits=MarketLimits(position_cap="7"))
    ex.restart()
    ex.wait(SECOND)
    ex.price("1100")
    ex.commit()
    rows = ex.rows(tables.venue.VENUE_CHANGES.name)
    assert [row["change_id"] for row in rows] == [1, 2, 3, 4, 5]
    assert [(row["source"], row["by"], row["scope"], row["name"], row["old"], row["new"]) for row in rows] == [
        ("operator", "", f"market:{MARKET}", "state", "", "trading"),
        ("operator", "risk@desk", "account:bob", "standing", "active", "reduce_only"),
        ("operator", "", "venue", "kill_switch", "off", "on"),
        ("operator", "", f"market:{MARKET}", "limits.position_cap", "", "7"),
        ("matching", "", f"market:{MARKET}", "state", "trading", "post_only"),
    ]
    assert rows[1]["note"] == "wash trades"
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert rows[4]["at"] == ex.effects.at and rows[4]["command_seq"] == ex.effects.seq


REFUSED: dict[str, tuple[Any, str]] = {
    "a switch that is so already": (lambda ex: switch(ex, "kill_switch", on=False), "nothing_changed"),
    "limits that are so already": (limits, "nothing_changed"),
    "a limit finer than a quantum": (lambda ex: limits(ex, max_position="0.0000001"), "off_grid"),
    "a tier nobody has set": (lambda ex: terms(ex, "ann", tier="gold"), "unknown_tier"),
    "terms that are so already": (lambda ex: terms(ex, "ann", standing="active"), "nothing_changed"),
    "terms of the venue's own account": (lambda ex: terms(ex, "insurance", standing="suspended"), "reserved_account"),
}


@pytest.mark.parametrize(("attempt", "reason"), REFUSED.values(), ids=REFUSED)
def test_venue_set_006_what_cannot_be_set_is_a_dead_letter_and_leaves_no_trace(attempt: Any, reason: str) -> None:
    """VENUE-SET-006"""
    ex = Exchange()
    ex.commit()
    with pytest.raises(Reject, match=reason):
        attempt(ex)
    ex.commit()
    assert len(ex.rows(tables.venue.VENUE_CHANGES.name)) == 1
    assert not ex.rows(tables.venue.VENUE_SETTINGS.name)


def test_venue_set_007_tiers_and_terms_survive_a_restart() -> None:
    """VENUE-SET-007"""
    ex = Exchange()
    tier(ex, per_minute=10, per_hour=100, per_day=1_000)
    tier(ex, "maker")
    terms(ex, "bob", tier="maker", standing="reduce_only")
    tier(ex, per_minute=20)
    before = ex.state.venue.tiers, ex.state.venue.terms
    ex.restart()
    assert (ex.state.venue.tiers, ex.state.venue.terms) == before
    assert before[0] == {"standard": (20, None, None), "maker": (None, None, None)}
    assert before[1] == {"bob": ("maker", "reduce_only")}


def test_venue_set_008_limits_hold_from_the_next_order_on() -> None:
    """VENUE-SET-008: effective in the sequence: what came before stays, what comes after is held to them."""
    ex = Exchange()
    ex.deposit("ann", "10000")
    ex.place("ann", "buy", "1", "990", client_order_id="before")
    operate(ex, SetVenueLimits, mode="demo", max_position="500")
    assert "before" in ex.state.accounts["ann"].orders
    ex.place("ann", "buy", "0.001", "990", client_order_id="after")
    assert list(ex.state.accounts["ann"].orders) == ["before"]


def test_venue_set_009_a_market_that_is_not_trading_does_not_hold_up_the_mode() -> None:
    """VENUE-SET-009: one that was never priced, one that has ended."""
    ex = Exchange(price=None)
    mode(ex, "live")
    ex.price("1000")
    delist(ex, notice_seconds=0)
    ex.price("1000")
    ex.wait(3_600 * SECOND)
    mode(ex, "demo")
    with pytest.raises(Reject, match="bad_transition"):
        resume(ex)
