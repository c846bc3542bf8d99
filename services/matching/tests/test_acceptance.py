"""The row of checks before the book: which comes first, what each refuses, and what is counted (rate caps, R9, R31)."""

from typing import Any, get_args

import pytest
from cleartide.contracts import MarketLimits, OpenSubaccount, OrderAccepted, OrderRejected, SetOrderTier
from cleartide.contracts.venue import AccountStanding
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching import tables
from services.matching.domain.acceptance.pipeline import CHECK_OF, REASONS
from services.matching.tests.support import MARKET, SECOND, START, Exchange, only
from services.matching.tests.venue import delist, guarded, halt, limits, operate, run_in, switch, terms, tier

MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND


def funded(ex: Exchange, *names: str) -> Exchange:
    for name in names or ("ann", "bob"):
        ex.deposit(name, "100000")
    return ex


def refusal(events: Any) -> str:
    return only(events, OrderRejected).reason


def try_order(ex: Exchange, account: str = "ann", **more: Any) -> bool:
    """Whether a small order far from the market is accepted."""
    return bool(
        [event for event in ex.place(account, "buy", "0.01", "950", **more) if isinstance(event, OrderAccepted)]
    )


def test_venue_acc_001_the_first_check_that_fails_answers() -> None:
    """VENUE-ACC-001: one order with a fault for every check, mended one fault at a time, in the order of the checks."""
    ex = funded(Exchange(limits=MarketLimits(max_order_size="5", position_cap="0.005")))
    order: dict[str, Any] = {"size": "6", "price": "1200.05", "post_only": True}
    tier(ex, per_minute=0)
    terms(ex, "ann", standing="suspended")
    switch(ex, "kill_switch")
    ex.withdraw("ann", "99999")

    def place() -> str:
        return refusal(ex.place("ann", "buy", **order))

    assert place() == "off_grid"
    order["price"] = "1200"
    assert place() == "account_suspended"
    terms(ex, "ann", standing="active")
    assert place() == "rate_minute"
    tier(ex, per_minute=10)
    assert place() == "above_max_size"
    order["size"] = "5"
    assert place() == "price_band"
    order["price"] = "1000"
    assert place() == "kill_switch"
    switch(ex, "kill_switch", on=False)
    assert place() == "insufficient_margin"
    ex.deposit("ann", "99999")
    assert place() == "position_cap"
    order["size"] = "0.005"
    only(ex.place("ann", "buy", **order), OrderAccepted)


def test_venue_acc_002_every_reason_belongs_to_one_check() -> None:
    """VENUE-ACC-002"""
    named = [reason for reasons in REASONS.values() for reason in reasons]
    assert len(named) == len(set(named))
    assert tuple(REASONS) == ("fields", "account", "rate", "risk", "market", "margin", "position")


def test_venue_acc_003_every_attempt_is_counted_by_what_became_of_it() -> None:
    """VENUE-ACC-003: per market, check and reason, across a restart; a market that is not listed counts as one."""
    ex = funded(guarded())
    try_order(ex)
    try_order(ex)
    ex.place("ann", "buy", "1", "1500")
    ex.place("ann", "buy", "0.0001", "1000")
    ex.place("ann", "buy", "1", "1000", market="NONE-A")
    ex.restart()
    ex.place("ann", "buy", "1", "1000", market="NONE-B")
    ex.commit()
    counts = {tuple(row.values())[:3]: row["attempts"] for row in ex.rows(tables.venue.ORDER_ATTEMPTS.name)}
    assert counts == {
        (MARKET, "accepted", ""): 2,
        (MARKET, "risk", "price_band"): 1,
        (MARKET, "fields", "off_grid"): 1,
        ("", "fields", "unknown_market"): 2,
    }


@pytest.mark.parametrize("standing", get_args(AccountStanding))
def test_venue_acc_004_an_account_may_be_restricted(standing: str) -> None:
    """VENUE-ACC-004: to reducing, or to no orders at all; cancelling and withdrawing go on."""
    ex = funded(Exchange())
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.place("ann", "buy", "0.1", "990", client_order_id="rests")
    if standing != "active":
        terms(ex, "ann", standing=standing)
    opens = only(ex.place("ann", "buy", "0.1", "980"), OrderAccepted if standing == "active" else OrderRejected)
    if isinstance(opens, OrderRejected):
        assert opens.reason == f"account_{standing}"
    allowed = standing != "suspended"
    only(ex.place("ann", "sell", "0.1", "1000", reduce_only=True), OrderAccepted if allowed else OrderRejected)
    ex.cancel("ann", "rests")
    assert "rests" not in ex.state.accounts["ann"].orders
    ex.withdraw("ann", "1")


def test_venue_acc_005_ten_a_minute_a_hundred_an_hour_a_thousand_a_day() -> None:
    """VENUE-ACC-005: the caps of the tier `standard`, each at its edge: the next order waits to the microsecond."""
    ex = funded(Exchange())
    ex.checked = False
    tier(ex, per_minute=10, per_hour=100, per_day=1_000)
    assert [try_order(ex) for _ in range(11)] == [True] * 10 + [False]
    ex.wait(MINUTE - 1)
    assert refusal(ex.place("ann", "buy", "0.01", "950")) == "rate_minute"
    ex.wait(1)
    for _ in range(9):
        assert all(try_order(ex, client_order_id=f"h{ex.effects.at}-{n}") for n in range(10))
        ex.wait(MINUTE)
        ex.price("1000")
    assert refusal(ex.place("ann", "buy", "0.01", "950")) == "rate_hour"
    ex.effects.at = START + HOUR - 1
    ex.price("1000")
    assert refusal(ex.place("ann", "buy", "0.01", "950")) == "rate_hour"
    ex.wait(1)
    ex.price("1000")
    assert try_order(ex)


def test_venue_acc_006_the_day_has_its_cap() -> None:
    """VENUE-ACC-006"""
    ex = funded(Exchange())
    tier(ex, per_day=3)
    assert [try_order(ex) for _ in range(4)] == [True, True, True, False]
    ex.wait(DAY - 1)
    ex.price("1000")
    assert refusal(ex.place("ann", "buy", "0.01", "950")) == "rate_day"
    ex.wait(1)
    assert try_order(ex)


def test_venue_acc_007_tiers_differ_and_one_without_caps_has_none() -> None:
    """VENUE-ACC-007: a market maker's tier is not held up; taken out of it, the account starts an empty window."""
    ex = funded(Exchange())
    tier(ex, per_minute=2)
    tier(ex, "maker")
    terms(ex, "bob", tier="maker")
    assert [try_order(ex) for _ in range(3)] == [True, True, False]
    assert all(try_order(ex, "bob") for _ in range(50))
    terms(ex, "bob", tier="standard")
    assert [try_order(ex, "bob") for _ in range(3)] == [True, True, False]


def test_venue_acc_008_an_order_that_is_refused_later_has_its_place_and_one_over_the_cap_has_none() -> None:
    """VENUE-ACC-008: so bad orders cannot be sent without end, and waiting always helps."""
    ex = funded(Exchange())
    tier(ex, per_minute=2)
    ex.place("ann", "buy", "9999", "1000")
    ex.place("ann", "buy", "9999", "1000")
    for _ in range(5):
        ex.wait(10 * SECOND)
        assert refusal(ex.place("ann", "buy", "0.01", "950")) == "rate_minute"
    ex.wait(10 * SECOND)
    assert try_order(ex)


def test_venue_acc_009_cancels_are_never_held_up() -> None:
    """VENUE-ACC-009"""
    ex = funded(Exchange())
    try_order(ex, client_order_id="mine")
    tier(ex, per_minute=0)
    assert not try_order(ex)
    ex.cancel("ann", "mine")
    assert not ex.state.accounts["ann"].orders


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40 * SECOND), st.booleans()), max_size=40),
    st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 9)),
)
def test_venue_acc_010_windows_are_those_of_counting_everything(
    steps: list[tuple[int, bool]], caps: tuple[int | None, int | None]
) -> None:
    """VENUE-ACC-010: against a list of all orders, with restarts in between."""
    ex = funded(Exchange())
    ex.checked = False
    minute, hour = caps
    if caps != (None, None):
        operate(ex, SetOrderTier, tier="standard", per_minute=minute, per_hour=hour)
    taken: list[int] = []
    for wait, restart in steps:
        ex.wait(wait)
        ex.price("1000")
        if restart:
            ex.restart()
        full = any(
            cap is not None and sum(at > ex.effects.at - span for at in taken) >= cap
            for cap, span in ((minute, MINUTE), (hour, HOUR))
        )
        assert try_order(ex) == (not full)
        if not full:
            taken.append(ex.effects.at)


def test_venue_acc_011_leverage_is_bounded_by_the_market_and_the_mode() -> None:
    """VENUE-ACC-011: E >= N / L with the order added, to the quantum; the lower of both limits counts."""
    ex = guarded(max_leverage=5)
    ex.deposit("ann", "200")
    assert refusal(ex.place("ann", "buy", "1.001", "1000")) == "leverage_cap"
    only(ex.place("ann", "buy", "1", "1000"), OrderAccepted)
    ex = guarded(max_leverage=5)
    limits(ex, max_leverage=4)
    ex.deposit("ann", "249.999999")
    assert refusal(ex.place("ann", "buy", "1", "1000")) == "leverage_cap"
    ex.deposit("ann", "0.000001")
    only(ex.place("ann", "buy", "1", "1000"), OrderAccepted)


def test_venue_acc_019_leverage_is_over_all_markets_together() -> None:
    """VENUE-ACC-019: one where margin asks for more already counts with the others."""
    ex = guarded(max_leverage=10)
    ex.list(market="ETH-PERP", base="ETH", limits=MarketLimits(max_leverage=2))
    ex.price("1000", market="ETH-PERP")
    ex.deposit("ann", "700")
    only(ex.place("ann", "buy", "2", "1000"), OrderAccepted)
    assert refusal(ex.place("ann", "buy", "1.001", "1000", market="ETH-PERP")) == "leverage_cap"
    only(ex.place("ann", "buy", "1", "1000", market="ETH-PERP"), OrderAccepted)


def test_venue_acc_020_a_market_that_was_only_looked_at_bounds_no_leverage() -> None:
    """VENUE-ACC-020: an order that was refused there leaves nothing behind, neither before a restart nor after it."""
    ex = guarded(max_leverage=5)
    ex.list(market="ETH-PERP", base="ETH")
    ex.price("1000", market="ETH-PERP")
    ex.deposit("ann", "10")
    refusals = []
    for restarted in (False, True):
        assert refusal(ex.place("ann", "buy", "1", "1000")) == "leverage_cap"
        if restarted:
            ex.restart()
        refusals.append(refusal(ex.place("ann", "buy", "1", "1050", market="ETH-PERP")))
    assert refusals == ["insufficient_margin", "insufficient_margin"]


def test_venue_acc_012_beyond_the_leverage_one_may_still_close() -> None:
    """VENUE-ACC-012"""
    ex = guarded()
    ex.deposit("ann", "200")
    ex.deposit("bob", "10000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    limits(ex, max_leverage=2)
    assert refusal(ex.place("ann", "buy", "0.001", "990")) == "leverage_cap"
    only(ex.place("ann", "sell", "1", "1000"), OrderAccepted)


def test_venue_acc_013_a_position_is_bounded_by_the_mode() -> None:
    """VENUE-ACC-013: its value at the mark with open orders, at the exact quantum."""
    ex = funded(Exchange())
    limits(ex, max_position="1000")
    only(ex.place("ann", "buy", "0.4", "990"), OrderAccepted)
    assert refusal(ex.place("ann", "buy", "0.601", "990")) == "position_limit"
    only(ex.place("ann", "buy", "0.6", "990"), OrderAccepted)


def test_venue_acc_014_who_has_lost_the_days_limit_may_only_reduce_until_the_day_is_over() -> None:
    """VENUE-ACC-014: profit, funding and fees; at the limit, not before; the next UTC day begins at zero."""
    ex = funded(Exchange())
    limits(ex, max_daily_loss="11.35")
    ex.place("bob", "sell", "2", "1000")
    ex.place("ann", "buy", "2", "1000")
    ex.place("bob", "buy", "1", "990")
    assert try_order(ex)
    ex.place("ann", "sell", "1", "990")
    lost = ex.state.venue.results.loss("ann", ex.effects.at)
    assert lost == 10_000_000 + 900_000 + 445_500
    assert try_order(ex)
    limits(ex, max_daily_loss="11.3455")
    assert refusal(ex.place("ann", "buy", "0.01", "950")) == "daily_loss"
    ex.restart()
    assert refusal(ex.place("ann", "buy", "0.01", "950")) == "daily_loss"
    only(ex.place("ann", "sell", "0.1", "1000", reduce_only=True), OrderAccepted)
    ex.wait(DAY - ex.effects.at % DAY)
    ex.price("1000")
    assert try_order(ex)


@pytest.mark.parametrize("name", ["kill_switch", "maintenance"])
def test_venue_acc_015_a_switch_stops_orders_while_reducing_cancelling_and_withdrawing_go_on(name: str) -> None:
    """VENUE-ACC-015: resting orders stay, so that there is somebody to reduce with; and a restart keeps the switch."""
    ex = funded(Exchange())
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.place("bob", "buy", "1", "995", client_order_id="rests")
    switch(ex, name)
    ex.restart()
    assert refusal(ex.place("ann", "buy", "0.1", "990")) == name
    assert refusal(ex.place("ann", "sell", "0.1", "1010")) == name
    ex.place("ann", "sell", "0.6", "995", reduce_only=True)
    assert ex.lots("ann") == 400
    ex.withdraw("ann", "1")
    ex.cancel("bob", "rests")
    assert not ex.state.accounts["bob"].orders
    switch(ex, name, on=False)
    assert try_order(ex)


@pytest.mark.parametrize("state", ["halted", "reduce_only", "delisting"])
def test_venue_acc_016_what_the_market_refuses_is_counted_under_the_market(state: str) -> None:
    """VENUE-ACC-016"""
    ex = funded(Exchange())
    if state == "delisting":
        delist(ex)
    else:
        halt(ex, state)
    assert CHECK_OF[refusal(ex.place("ann", "buy", "0.1", "990"))] == "market"
    assert ex.state.venue.attempts[MARKET, "market", f"market_{state}"] == 1


def test_venue_acc_017_limits_that_nobody_meets_change_nothing() -> None:
    """VENUE-ACC-017: the same orders, accepted and filled the same with every kind of limit set far away."""
    plain, held = funded(Exchange()), funded(Exchange())
    run_in(held, "ann")
    for ex in (plain, held):
        ex.place("bob", "sell", "2", "1000")
        ex.place("ann", "buy", "3", "1001")
        ex.place("ann", "sell", "1", "1000", reduce_only=True)
    assert plain.cash("ann") == held.cash("ann") and plain.lots("ann") == held.lots("ann")


def test_venue_acc_018_sub_accounts_share_their_parents_windows_and_restrictions() -> None:
    """VENUE-ACC-018: a second account in the family is no second allowance."""
    ex = funded(Exchange(), "ann", "bob")
    ex.send(OpenSubaccount, account="ann", name="two")
    ex.deposit("ann--two", "1000")
    tier(ex, per_minute=2)
    assert try_order(ex) and try_order(ex, "ann--two")
    assert not try_order(ex) and not try_order(ex, "ann--two")
    assert try_order(ex, "bob")
    ex.wait(MINUTE)
    terms(ex, "ann", standing="suspended")
    assert refusal(ex.place("ann--two", "buy", "0.01", "950")) == "account_suspended"
