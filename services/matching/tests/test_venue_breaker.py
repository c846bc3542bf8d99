"""The circuit breaker and the price bands, at the exact tick on both sides of each (R31, 14.1, 14.2)."""

from fractions import Fraction
from typing import Any

import pytest
from cleartide.contracts import (
    MarginBracket,
    MarketLimits,
    OrderAccepted,
    OrderClosed,
    OrderRejected,
    TradeExecuted,
)
from cleartide.money import MAX_PRICE_TICKS, MAX_SIZE_LOTS, PPB
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.parsing import Steps
from services.matching.domain.venue import breaker
from services.matching.domain.venue.guards import MICRO_TICKS, Guards
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only, spec
from services.matching.tests.venue import guarded, halt, resume, state_of, states

BANDS = MarketLimits(breaker_ppb=0)


def guards(imf_ppb: int = 100_000_000, **limits: Any) -> Guards:
    bracket = MarginBracket(
        upper_notional_quanta=None, initial_margin_ppb=imf_ppb, maintenance_fraction_ppb=500_000_000
    )
    return Guards(spec(brackets=(bracket,), limits=MarketLimits(**limits)), Steps("0.001", MAX_SIZE_LOTS, "size"))


def traders(ex: Exchange) -> Exchange:
    for account in ("ann", "bob"):
        ex.deposit(account, "100000")
    return ex


@pytest.mark.parametrize(("side", "allowed", "refused"), [("buy", "1099.9", "1100"), ("sell", "900.1", "900")])
def test_venue_band_001_a_limit_breaches_at_the_band_and_not_a_tick_before(
    side: str, allowed: str, refused: str
) -> None:
    """VENUE-BAND-001: mark 1000, d = 10 % of the first bracket's margin: a buy at 1100 or a sell at 900 is refused."""
    ex = traders(guarded())
    assert only(ex.place("ann", side, "1", refused), OrderRejected).reason == "price_band"
    only(ex.place("ann", side, "1", allowed), OrderAccepted)


@pytest.mark.parametrize(("side", "price"), [("buy", "0.1"), ("sell", "9000")])
def test_venue_band_002_the_harmless_side_never_breaches(side: str, price: str) -> None:
    """VENUE-BAND-002"""
    only(traders(guarded()).place("ann", side, "0.1", price), OrderAccepted)


def test_venue_band_003_the_band_is_at_least_the_markets_minimum() -> None:
    """VENUE-BAND-003: with 1 % initial margin d is the minimum of 2 %, with 10 % it is 10 %."""
    assert guards(10_000_000).limit_band(10_000) == (9_801, 10_199)
    assert guards(100_000_000).limit_band(10_000) == (9_001, 10_999)
    assert guards(10_000_000, band_ppb=30_000_000).limit_band(10_000) == (9_701, 10_299)


def test_venue_band_004_without_limits_there_is_no_band() -> None:
    """VENUE-BAND-004: a market listed without limits trades at any price, and never pauses."""
    ex = traders(Exchange())
    only(ex.place("ann", "buy", "0.1", "1900"), OrderAccepted)
    ex.price("2000")
    assert state_of(ex) == "trading"


@given(
    st.integers(1, MAX_PRICE_TICKS),
    st.integers(1, MAX_PRICE_TICKS * MICRO_TICKS),
    st.integers(1, PPB - 1),
    st.integers(0, PPB - 1),
    st.integers(-2, 2),
)
def test_venue_band_005_bands_are_those_of_exact_fractions(
    index: int, average: int, width: int, twap_width: int, offset: int
) -> None:
    """VENUE-BAND-005: both conditions of 14.2 are strict, whatever the numbers; so is 14.1."""
    rules = guards(width, band_ppb=0, twap_band_ppb=twap_width)
    d, w = Fraction(rules.band_ppb, PPB), Fraction(twap_width, PPB)
    low, high = rules.fill_band(index, average)
    for price in (low + offset, high + offset, index):
        if not 1 <= price <= MAX_PRICE_TICKS:
            continue
        within = abs(Fraction(price, index) - 1) < d
        if w:
            within = within and abs(Fraction(price * MICRO_TICKS, average) - 1) < w
        assert (low <= price <= high) == within
    lowest_sell, highest_buy = rules.limit_band(index)
    for price in (lowest_sell + offset, highest_buy + offset):
        if 1 <= price <= MAX_PRICE_TICKS:
            assert (price > highest_buy) == (price >= index * (1 + d))
            assert (price < lowest_sell) == (price <= index * (1 - d))


def test_venue_band_006_a_fill_that_would_harm_the_taker_stops_the_taker() -> None:
    """VENUE-BAND-006: index 1000, and a book that holds the mark above it: the offer at 1100 may not be taken."""
    ex = traders(Exchange(limits=BANDS))
    ex.deposit("cat", "100000")
    ex.place("cat", "sell", "1", "1100", client_order_id="far")
    ex.place("cat", "buy", "0.1", "1020")
    ex.place("bob", "sell", "0.1", "1021")
    ex.price("1000")
    assert ex.state.markets[MARKET].prices.mark > 10_000
    events = ex.place("ann", "buy", "0.5", "1100")
    assert [trade.price_ticks for trade in of(events, TradeExecuted)] == [10_210]
    closed = of(events, OrderClosed)[-1]
    assert (closed.account, closed.reason, closed.unfilled_lots) == ("ann", "price_band", 400)
    assert "far" in ex.state.accounts["cat"].orders


@pytest.mark.parametrize(("index", "trades"), [("1111.1", True), ("1111.2", False)])
def test_venue_band_007_a_fill_that_would_harm_the_maker_removes_the_maker(index: str, trades: bool) -> None:
    """VENUE-BAND-007: |1000 / I - 1| < 10 % holds at 1111.1 and not a tick higher: the forgotten offer leaves."""
    ex = traders(Exchange(limits=BANDS))
    ex.place("bob", "sell", "0.1", "1000", client_order_id="forgotten")
    ex.price(index)
    events = ex.place("ann", "buy", "0.1", "1000")
    assert bool(of(events, TradeExecuted)) == trades
    if not trades:
        assert only(events, OrderClosed).reason == "price_band"
        assert ex.state.markets[MARKET].book.bids.best_price == 10_000


def test_venue_band_008_a_fill_stays_within_half_of_the_average() -> None:
    """VENUE-BAND-008: |p / average - 1| < 50 %, strict, to the tick; the average is 2000 while the index is 1040."""
    ex = traders(Exchange(price="2000", limits=MarketLimits(breaker_ppb=0, twap_band_ppb=500_000_000)))
    ex.price("1040")
    assert ex.state.markets[MARKET].fill_band == (10_001, 11_439)


def test_venue_band_009_liquidations_know_no_band() -> None:
    """VENUE-BAND-009: their bound is the bankruptcy price (6.7); a forgotten bid serves them as well as any."""
    ex = Exchange(limits=BANDS)
    ex.deposit("ann", "106")
    ex.deposit("bob", "100000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.place("bob", "buy", "1", "1000")
    ex.price("900")
    assert ex.state.markets[MARKET].fill_band[1] < 10_000
    assert only(ex.liquidate("ann"), TradeExecuted).price_ticks == 10_000


@pytest.mark.parametrize(("price", "trips"), [("1099.9", False), ("1100", True), ("900.1", False), ("900", True)])
def test_venue_brk_001_a_tenth_trips_and_a_tick_less_does_not(price: str, trips: bool) -> None:
    """VENUE-BRK-001: |I / average - 1| >= 10 %, inclusive, in both directions."""
    ex = guarded()
    ex.wait(SECOND)
    events = ex.price(price)
    assert states(events) == ([("post_only", "circuit_breaker")] if trips else [])
    if trips:
        assert ex.state.markets[MARKET].status.ends_at == ex.effects.at + 60 * SECOND


def test_venue_brk_002_the_pause_ends_by_itself_after_its_time() -> None:
    """VENUE-BRK-002: with the first price at or after 60 s, and not a microsecond earlier."""
    ex = guarded()
    ex.price("1100")
    ex.wait(60 * SECOND - 1)
    assert states(ex.price("1100")) == []
    ex.wait(1)
    assert states(ex.price("1100")) == [("trading", "post_only_over")]


def test_venue_brk_003_one_move_is_counted_once_and_a_further_one_makes_the_pause_longer() -> None:
    """VENUE-BRK-003: the average begins anew at the price that tripped; the next tenth counts from there."""
    ex = guarded()
    ex.price("1200")
    first = ex.state.markets[MARKET].status.ends_at
    ex.wait(30 * SECOND)
    assert states(ex.price("1319.9")) == []
    assert ex.state.markets[MARKET].status.ends_at == first
    ex.wait(SECOND)
    assert states(ex.price("1400")) == [("post_only", "circuit_breaker")]
    assert ex.state.markets[MARKET].status.ends_at == ex.effects.at + 60 * SECOND


def test_venue_brk_004_a_slow_move_does_not_trip() -> None:
    """VENUE-BRK-004: half of the average fades in about five minutes, so 1 % a minute goes through."""
    ex = guarded()
    price = 10_000
    for _ in range(60):
        for _ in range(60):
            ex.wait(SECOND)
            ex.price(f"{price / 10:.1f}")
        price += 100
    assert state_of(ex) == "trading"


def test_venue_brk_005_trading_does_not_begin_again_on_a_stale_index() -> None:
    """VENUE-BRK-005: the pause lasts until there is a price again (R13)."""
    ex = guarded()
    ex.price("1100")
    ex.wait(61 * SECOND)
    assert states(ex.price(None)) == []
    assert states(ex.price("1100")) == [("trading", "post_only_over")]


@pytest.mark.parametrize("state", ["halted", "reduce_only", "post_only"])
def test_venue_brk_006_the_breaker_leaves_the_operators_states_alone(state: str) -> None:
    """VENUE-BRK-006: what the operator has stopped does not begin again by itself."""
    ex = guarded()
    halt(ex, state)
    ex.price("1200")
    ex.wait(120 * SECOND)
    ex.price("1200")
    assert state_of(ex) == state


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [(0, 9_000_000_000), (SECOND, 9_003_333_333), (150 * SECOND, 9_500_000_000), (300 * SECOND, 10_000_000_000)],
)
def test_venue_brk_007_the_average_takes_what_was_in_force_and_floors(elapsed: int, expected: int) -> None:
    """VENUE-BRK-007: 10000 ticks in force for a while upon an average of 9000: (I * dt + avg * (T - dt)) / T (8.6)."""
    assert breaker.average(9_000_000_000, 10_000, elapsed) == expected


def test_venue_brk_008_a_new_price_counts_only_once_it_has_been_in_force() -> None:
    """VENUE-BRK-008: after a silence the jump is judged against what was known before it."""
    ex = guarded()
    ex.wait(3_600 * SECOND)
    assert states(ex.price("1100")) == [("post_only", "circuit_breaker")]


def test_venue_brk_009_a_restart_keeps_the_average() -> None:
    """VENUE-BRK-009"""
    ex, twin = guarded(), guarded()
    for exchange in (ex, twin):
        for price in ("1010", "1020", "1033.3"):
            exchange.wait(7 * SECOND)
            exchange.price(price)
    ex.restart()
    for exchange in (ex, twin):
        exchange.wait(SECOND)
        exchange.price("1105")
    assert ex.state.markets[MARKET].prices.average == twin.state.markets[MARKET].prices.average
    assert ex.state.markets[MARKET].fill_band == twin.state.markets[MARKET].fill_band
    assert state_of(ex) == state_of(twin)


@given(st.lists(st.tuples(st.integers(1, 400 * SECOND), st.integers(1, 20_000)), min_size=1, max_size=30))
def test_venue_brk_010_the_average_lies_between_the_prices_it_is_made_of(steps: list[tuple[int, int]]) -> None:
    """VENUE-BRK-010"""
    value, seen, index = 10_000 * MICRO_TICKS, [10_000], 10_000
    for elapsed, price in steps:
        value = breaker.average(value, index, elapsed)
        assert min(seen) * MICRO_TICKS - len(seen) <= value <= max(seen) * MICRO_TICKS
        index = price
        seen.append(price)


@pytest.mark.parametrize("restarts", [False, True])
def test_venue_brk_011_what_trades_after_a_trip_is_judged_by_the_average_that_began_anew(restarts: bool) -> None:
    """VENUE-BRK-011: at once and without another price, and whether or not the sequencer has started again."""
    ex = traders(guarded(twap_band_ppb=30_000_000))
    ex.price("1100")
    assert state_of(ex) == "post_only"
    if restarts:
        ex.restart()
    resume(ex)
    ex.place("ann", "sell", "0.1", "1100")
    assert only(ex.place("bob", "buy", "0.1", "1100"), TradeExecuted).price_ticks == 11_000
