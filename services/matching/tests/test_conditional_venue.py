"""Conditional orders in a venue that halts, pauses, ends markets, switches things off and stops accounts."""

from typing import Any

import pytest
from cleartide.contracts import OrderRejected, OrderTriggered, TradeExecuted
from cleartide.contracts.types import TriggerSource

from services.matching.tests import venue
from services.matching.tests.support import SECOND, of, only
from services.matching.tests.waiting import SOURCES, closed, conditional, exchange, fired


@pytest.mark.parametrize("state", ["halted", "post_only"])
@pytest.mark.parametrize("source", SOURCES)
def test_match_con_024_while_a_market_does_not_match_its_triggers_rest(source: TriggerSource, state: str) -> None:
    """MATCH-CON-024: then they go by the price that is there; what was passed in between does not count."""
    ex = exchange()
    passed: dict[str, Any] = {"trigger_price": "970", "trigger_source": source, "client_order_id": "passed"}
    conditional(ex, "ann", "sell", "stop_market", "0.1", **passed)
    conditional(ex, "ann", "sell", "stop_market", "0.1", **{**passed, "trigger_price": "990", "client_order_id": "due"})
    venue.halt(ex, state)
    for price in ("960", "980"):
        ex.price(price)
        assert fired(ex.report(price, "0.001", buyer="cat", seller="dan")) == []
    if state != "halted":
        late = {**passed, "trigger_price": "1000", "client_order_id": "late", "reduce_only": True}
        assert fired(conditional(ex, "ann", "sell", "stop_market", "0.1", **late)) == []
        ex.restart()
    events = venue.resume(ex)
    assert fired(events) == (["due"] if state == "halted" else ["late", "due"])
    assert fired(ex.price("970")) + fired(ex.report("970", "0.001", buyer="cat", seller="dan")) == ["passed"]


def test_match_con_025_a_trailing_stop_follows_only_what_it_may_fire_at() -> None:
    """MATCH-CON-025: a peak in a halted market is not its best price."""
    ex = exchange()
    terms: dict[str, Any] = {"trail_amount": "20", "trigger_source": "index", "client_order_id": "t"}
    conditional(ex, "ann", "sell", "trailing_stop", **terms)
    venue.halt(ex)
    ex.price("1050")
    ex.price("1010")
    venue.resume(ex)
    assert fired(ex.price("990.1")) == []
    assert only(ex.price("990"), OrderTriggered).extreme_ticks == 10_100


def test_match_con_026_the_end_of_a_market_is_the_end_of_what_waits_there() -> None:
    """MATCH-CON-026: with entries and their exits; other markets' orders stay."""
    ex = exchange()
    ex.list(market="ETH-PERP")
    ex.price("1000", market="ETH-PERP")
    conditional(ex, "ann", "sell", "stop_market", trigger_price="900", client_order_id="here")
    conditional(ex, "ann", "sell", "stop_market", trigger_price="900", client_order_id="there", market="ETH-PERP")
    exits = {"stop_loss": {"trigger_price": "890"}}
    ex.place("cat", "buy", "1", "950", client_order_id="entry", **exits)
    venue.delist(ex, 10)
    ex.wait(11 * SECOND)
    events = ex.price("1000")
    assert sorted(closed(events)) == [
        ("entry", "market_delisted", "canceled"),
        ("here", "market_delisted", "canceled"),
    ]
    assert list(ex.state.accounts["ann"].orders) == ["there"]
    assert not ex.state.conditional.brackets


def test_match_con_027_an_order_is_let_in_when_it_is_armed_and_judged_when_it_fires() -> None:
    """MATCH-CON-027: switches, the account's standing and its rate when it comes; all of them but the rate later on."""
    ex = exchange()
    venue.tier(ex, per_minute=2)
    stop: dict[str, Any] = {"trigger_source": "index", "trigger_price": "990"}
    conditional(ex, "ann", "sell", "stop_market", "0.5", client_order_id="reduces", reduce_only=True, **stop)
    conditional(ex, "ann", "sell", "stop_market", "0.5", client_order_id="opens", **stop)
    assert only(conditional(ex, "ann", "sell", "stop_market", **stop), OrderRejected).reason == "rate_minute"
    venue.switch(ex, "kill_switch")
    assert only(conditional(ex, "bob", "sell", "stop_market", **stop), OrderRejected).reason == "kill_switch"
    ex.place("bob", "buy", "0.5", "990", reduce_only=True)
    events = ex.price("990")
    assert fired(events) == ["reduces", "opens"]
    ends = [end for end in closed(events) if end[0] in ("reduces", "opens")]
    assert ends == [("reduces", "filled", "filled"), ("opens", "kill_switch", "rejected")]


@pytest.mark.parametrize("standing", ["suspended", "reduce_only"])
def test_match_con_028_an_account_that_may_not_trade_any_more_does_not_by_its_stops(standing: str) -> None:
    """MATCH-CON-028"""
    ex = exchange()
    conditional(ex, "ann", "buy", "stop_market", trigger_price="1010", trigger_source="index", client_order_id="s")
    venue.terms(ex, "ann", standing=standing)
    assert closed(ex.price("1010")) == [("s", f"account_{standing}", "rejected")]


def test_match_con_029_orders_collected_for_an_auction_are_one_cancels_other_too() -> None:
    """MATCH-CON-029: two of a group cross in the auction, and one of them trades."""
    ex = exchange()
    venue.resume(ex, auction_seconds=10)
    for name, price in (("near", "990"), ("far", "995")):
        ex.place("ann", "sell", "0.5", price, client_order_id=name, oco_group="either")
    ex.place("cat", "buy", "1", "1000")
    ex.wait(11 * SECOND)
    events = ex.price("1000")
    assert [(trade.seller, trade.size_lots) for trade in of(events, TradeExecuted)] == [("ann", 500)]
    assert ("far", "oco", "canceled") in closed(events)
