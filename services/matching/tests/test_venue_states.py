"""How a market trades: which state may follow which, what each lets in, and that a restart comes back to it."""

from itertools import product
from typing import Any, get_args

import pytest
from cleartide.contracts import (
    HaltMarket,
    LiquidationRejected,
    MarketState,
    MarketStateChanged,
    OrderAccepted,
    OrderClosed,
    OrderRejected,
    PremiumSampled,
    TradeExecuted,
)
from cleartide.fold import Reject

from services.matching.domain.venue.lifecycle import enter
from services.matching.domain.venue.record import SYSTEM
from services.matching.domain.venue.status import TRANSITIONS
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only
from services.matching.tests.venue import delist, halt, operate, resume, state_of, states

STATES: tuple[MarketState, ...] = get_args(MarketState)


def bring(ex: Exchange, state: MarketState) -> Exchange:
    """Let the market come to a state."""
    if state in ("delisting", "delisted"):
        delist(ex, notice_seconds=0)
    elif state != "trading":
        enter(ex.state, ex.effects, ex.state.markets[MARKET], state, "test", SYSTEM)
    if state == "delisted":
        ex.price("1000")
    return ex


def in_state(state: MarketState) -> Exchange:
    """An exchange where ann is long 1 and bob short, bob has an offer, and the market has come to be in this state."""
    ex = Exchange()
    for account in ("ann", "bob", "cat"):
        ex.deposit(account)
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.place("bob", "sell", "0.1", "1010", client_order_id="rests")
    return bring(ex, state)


@pytest.mark.parametrize(("now", "wanted"), list(product(STATES, STATES)))
def test_venue_sta_001_a_state_follows_only_what_the_table_says(now: MarketState, wanted: MarketState) -> None:
    """VENUE-STA-001"""
    ex = in_state(now)
    market, before = ex.state.markets[MARKET], len(ex.effects.emitted)
    if wanted in TRANSITIONS[now]:
        enter(ex.state, ex.effects, market, wanted, "test", SYSTEM)
        assert market.status.state == wanted
        assert [
            (event.previous_state, event.state) for event in of(ex.effects.emitted[before:], MarketStateChanged)
        ] == [(now, wanted)]
    else:
        with pytest.raises(Exception, match="bad_transition"):
            enter(ex.state, ex.effects, market, wanted, "test", SYSTEM)
        assert market.status.state == now and len(ex.effects.emitted) == before


ORDERS: dict[str, dict[str, Any]] = {
    "limit": {},
    "ioc": {"time_in_force": "ioc"},
    "post_only": {"post_only": True},
    "reduce_only": {"reduce_only": True},
    "reduce_only ioc": {"reduce_only": True, "time_in_force": "ioc"},
}
ADMITTED: dict[MarketState, set[str]] = {
    "trading": set(ORDERS),
    "post_only": {"post_only", "reduce_only"},
    "auction": {"limit", "post_only", "reduce_only"},
    "reduce_only": {"reduce_only", "reduce_only ioc"},
    "halted": set(),
    "delisting": {"reduce_only", "reduce_only ioc"},
    "delisted": set(),
}


@pytest.mark.parametrize(("state", "kind"), list(product(STATES, ORDERS)))
def test_venue_sta_002_each_state_lets_in_what_it_says(state: MarketState, kind: str) -> None:
    """VENUE-STA-002: ann, who is long, sells; what is refused names the state."""
    ex = in_state(state)
    events = ex.place("ann", "sell", "0.5", "1005", **ORDERS[kind])
    if kind in ADMITTED[state]:
        only(events, OrderAccepted)
    else:
        assert only(events, OrderRejected).reason == f"market_{state}"


@pytest.mark.parametrize("state", STATES)
def test_venue_sta_003_orders_trade_as_they_come_only_where_the_market_matches(state: MarketState) -> None:
    """VENUE-STA-003: bob, who is short, buys back at a price that crosses ann's offer."""
    ex = in_state(state)
    ex.place("ann", "sell", "0.5", "1005", reduce_only=True)
    events = ex.place("bob", "buy", "0.5", "1006", reduce_only=True)
    assert bool(of(events, TradeExecuted)) == (state in ("trading", "reduce_only", "delisting"))


@pytest.mark.parametrize("state", STATES[:-1])
def test_venue_sta_004_cancelling_always_works(state: MarketState) -> None:
    """VENUE-STA-004"""
    ex = in_state(state)
    assert only(ex.cancel("bob", "rests"), OrderClosed).reason == "canceled"


@pytest.mark.parametrize("state", STATES)
def test_venue_sta_005_withdrawing_always_works(state: MarketState) -> None:
    """VENUE-STA-005"""
    ex = in_state(state)
    before = ex.cash("cat")
    ex.withdraw("cat", "12.5")
    assert ex.cash("cat") == before - 12_500_000


@pytest.mark.parametrize("state", STATES)
def test_venue_sta_006_a_restart_comes_back_to_the_state(state: MarketState) -> None:
    """VENUE-STA-006: and it does and refuses the same as before."""
    ex, twin = in_state(state), in_state(state)
    ex.restart()
    assert vars_of(ex) == vars_of(twin)
    for exchange in (ex, twin):
        exchange.place("ann", "sell", "0.5", "1005", reduce_only=True)
        exchange.wait(61 * SECOND)
        exchange.price("1001")
    assert [event.model_dump() for event in ex.effects.emitted] == [
        event.model_dump() for event in twin.effects.emitted
    ]


def vars_of(ex: Exchange) -> tuple[Any, ...]:
    market = ex.state.markets[MARKET]
    status = market.status
    return status.state, status.since, status.ends_at, status.version, market.fill_band, dict(ex.state.venue.ends)


@pytest.mark.parametrize("state", ["post_only", "auction", "halted", "delisted"])
def test_venue_sta_007_nobody_is_liquidated_where_nothing_matches(state: MarketState) -> None:
    """VENUE-STA-007: risk asks again at a later price. In a delisted market there is no position left."""
    ex = Exchange()
    ex.deposit("ann", "106")
    ex.deposit("bob", "1000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    bring(ex, state)
    ex.price("940")
    reason = only(ex.liquidate("ann"), LiquidationRejected).reason
    assert reason == ("no_position" if state == "delisted" else "market_paused")


@pytest.mark.parametrize("state", ["post_only", "auction", "halted"])
def test_venue_sta_008_where_nothing_matches_the_book_says_nothing_of_the_price(state: MarketState) -> None:
    """VENUE-STA-008: the mark is the index, and no premium is sampled (10.12)."""
    ex = in_state(state)
    ex.wait(60 * SECOND)
    events = ex.price("1001")
    assert ex.state.markets[MARKET].prices.mark == 10010
    assert not of(events, PremiumSampled)


def test_venue_sta_009_the_operator_halts_and_resumes_and_is_named() -> None:
    """VENUE-STA-009: the events say who and why."""
    ex = in_state("trading")
    said = operate(ex, HaltMarket, market=MARKET, state="halted", by="ann@desk", note="odd fills")
    event = only(said, MarketStateChanged)
    assert (event.reason, event.by, event.note, event.ends_at) == ("operator", "ann@desk", "odd fills", None)
    assert states(resume(ex)) == [("trading", "operator")]


def test_venue_sta_010_what_cannot_be_done_is_a_dead_letter_and_changes_nothing() -> None:
    """VENUE-STA-010: an unknown market, the state it is in, a market that has ended."""
    ex = in_state("trading")
    with pytest.raises(Reject, match="unknown_market"):
        halt(ex, market="ETH-PERP")
    with pytest.raises(Reject, match="bad_transition"):
        resume(ex)
    delist(ex, notice_seconds=0)
    ex.wait(1)
    ex.price("1000")
    assert state_of(ex) == "delisted"
    with pytest.raises(Reject, match="bad_transition"):
        resume(ex)
