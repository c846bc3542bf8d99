"""Stops, take-profits and trailing stops: when they fire, what becomes of them, and that they do it once (R26, R28)."""

from typing import Any

import pytest
from cleartide.contracts import (
    OrderAccepted,
    OrderArmed,
    OrderRejected,
    OrdersCanceled,
    OrderTriggered,
    TradeExecuted,
)
from cleartide.contracts.types import TriggerSource

from services.matching.domain.limits import MAX_ARMED_ORDERS
from services.matching.tests.support import MARKET, SECOND, Exchange, canceling, changing, of, only, placing
from services.matching.tests.waiting import SOURCES, closed, conditional, exchange, fired, show


def test_match_con_001_an_armed_order_is_answered_with_what_it_waits_for() -> None:
    """MATCH-CON-001: it is not in the book, and an account without a quote may have it."""
    ex = exchange()
    ex.deposit("eve", "0.000001")
    events = conditional(
        ex, "eve", "buy", "stop_limit", "3", price="1020", trigger_price="1010.5", client_order_id="s", post_only=True
    )
    armed = only(events, OrderArmed)
    assert (armed.order_id, armed.client_order_id, armed.order_type) == (3, "s", "stop_limit")
    assert (armed.trigger_source, armed.trigger_price_ticks, armed.price_ticks) == ("mark", 10_105, 10_200)
    assert (armed.size_lots, armed.post_only, armed.trail_ticks, armed.extreme_ticks) == (3_000, True, None, None)
    assert [event.type for event in events] == ["OrderArmed"]
    assert ex.state.markets[MARKET].book.bids.best_price is None
    assert ex.state.accounts["eve"].reserved == 0


def traces(ex: Exchange) -> set[str]:
    """The tables that what happened since the last commit would write."""
    changes = ex.repository.collect(ex.state)
    return {table.name for table in (*changes.rows, *changes.deletes)}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("order_type", "side", "not_yet", "then"),
    [
        ("stop_market", "buy", "1009.9", "1010"),
        ("stop_market", "sell", "990.1", "990"),
        ("take_profit_market", "buy", "990.1", "990"),
        ("take_profit_market", "sell", "1009.9", "1010"),
    ],
)
def test_match_con_002_it_fires_at_its_trigger_and_not_a_tick_before(
    source: TriggerSource, order_type: str, side: str, not_yet: str, then: str
) -> None:
    """MATCH-CON-002: every relation by every source; the prices of the other sources do nothing."""
    ex = exchange()
    conditional(ex, "ann", side, order_type, trigger_price=then, trigger_source=source, client_order_id="s")
    assert fired(show(ex, source, not_yet)) == []
    if source == "last":
        assert fired(ex.price(then)) == []
    else:
        assert fired(show(ex, "last", then)) == []
    event = only(show(ex, source, then), OrderTriggered)
    assert (event.client_order_id, event.trigger_source) == ("s", source)
    assert event.trigger_price_ticks == event.source_price_ticks == round(float(then) * 10)
    assert (event.trade_id is not None) == (source == "last")
    assert event.source_seq == ex.effects.seq


def test_match_con_003_a_fired_order_is_placed_under_its_own_number_and_trades() -> None:
    """MATCH-CON-003: triggered, accepted, traded, closed, in one batch of events."""
    ex = exchange()
    ex.place("cat", "buy", "5", "985")
    conditional(ex, "ann", "sell", "stop_market", "2", trigger_price="990", trigger_source="index", client_order_id="s")
    number = ex.state.accounts["ann"].orders["s"].order_id
    events = ex.price("988")
    mine = [event for event in events if getattr(event, "client_order_id", "") == "s"]
    assert [event.type for event in mine] == ["OrderTriggered", "OrderAccepted", "OrderClosed"]
    accepted, trade = only(events, OrderAccepted), only(events, TradeExecuted)
    assert (accepted.order_id, accepted.order_type, accepted.time_in_force) == (number, "stop_market", "ioc")
    assert (accepted.trigger_source, accepted.trigger_price_ticks) == ("index", 9_900)
    assert (trade.price_ticks, trade.size_lots, trade.sell_order_id) == (9_850, 2_000, number)
    assert closed(mine) == [("s", "filled", "filled")]
    assert ex.lots("ann") == 0


def test_match_con_004_a_fired_limit_order_stands_behind_those_that_were_there() -> None:
    """MATCH-CON-004: armed first, but its place in the book is that of the moment it fires."""
    ex = exchange()
    conditional(
        ex, "ann", "sell", "stop_limit", price="1005", trigger_price="990", trigger_source="index", client_order_id="s"
    )
    ex.place("cat", "sell", "1", "1005")
    assert fired(ex.price("990")) == ["s"]
    events = ex.place("dan", "buy", "1.5", "1005")
    assert [(trade.seller, trade.size_lots) for trade in of(events, TradeExecuted)] == [("cat", 1_000), ("ann", 500)]


@pytest.mark.parametrize("source", SOURCES)
def test_match_con_005_an_order_whose_price_is_there_already_fires_at_once(source: TriggerSource) -> None:
    """MATCH-CON-005: it is armed and triggered by the same command."""
    ex = exchange()
    events = conditional(
        ex, "ann", "sell", "stop_market", trigger_price="1000", trigger_source=source, client_order_id="s"
    )
    assert [event.type for event in events] == ["OrderArmed", "OrderTriggered", "OrderAccepted", "OrderClosed"]
    assert only(events, OrderTriggered).source_price_ticks == 10_000


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"order_type": "stop_market"}, "insufficient_margin"),
        ({"order_type": "stop_limit", "price": "1030", "time_in_force": "fok"}, "insufficient_margin"),
        ({"order_type": "stop_limit", "price": "1030", "time_in_force": "fok", "size": "0.001"}, "fok_not_fillable"),
        ({"order_type": "stop_limit", "price": "1030", "post_only": True, "size": "0.001"}, "post_only_would_cross"),
    ],
)
def test_match_con_006_a_fired_order_that_may_not_work_is_rejected_for_good(terms: dict[str, Any], reason: str) -> None:
    """MATCH-CON-006: it ends as rejected, and no later price brings it back."""
    ex = exchange()
    ex.deposit("eve", "10")
    if reason != "fok_not_fillable":
        ex.place("cat", "sell", "1", "1020")
    order = {"size": "1", "trigger_price": "1010", "trigger_source": "index", "client_order_id": "s", **terms}
    ex.place("eve", "buy", order.pop("size"), order.pop("price", None), **order)
    events = ex.price("1010")
    assert [event.type for event in events if getattr(event, "account", "") == "eve"] == [
        "OrderTriggered",
        "OrderClosed",
    ]
    assert closed(events) == [("s", reason, "rejected")]
    ex.deposit("eve", "1000000")
    ex.restart()
    assert fired(ex.price("1000")) == fired(ex.price("1010")) == []
    assert not ex.state.accounts["eve"].orders


def test_match_con_007_trades_of_fired_orders_fire_further_ones_in_order() -> None:
    """MATCH-CON-007: one sale starts a cascade down the book; each step is due to the trade before it."""
    ex = exchange()
    for price in ("995", "990", "985", "980"):
        ex.place("cat", "buy", "0.5", price)
    for name, trigger in (("third", "985"), ("first", "995"), ("second", "990"), ("never", "979.9")):
        conditional(
            ex, "ann", "sell", "stop_market", "0.5",
            trigger_price=trigger, trigger_source="last", client_order_id=name,
        )  # fmt: skip
    events = ex.place("dan", "sell", "0.5", "995")
    assert fired(events) == ["first", "second", "third"]
    trades = of(events, TradeExecuted)
    assert [trade.price_ticks for trade in trades] == [9_950, 9_900, 9_850, 9_800]
    assert [event.trade_id for event in of(events, OrderTriggered)] == [trade.trade_id for trade in trades[:3]]


def test_match_con_008_every_trade_counts_not_only_the_last_of_a_command() -> None:
    """MATCH-CON-008: the market sweeps down to 980 and ends at 1010; the stop at 985 has seen it."""
    ex = exchange()
    for price in ("1000", "980"):
        ex.place("cat", "buy", "0.1", price)
    conditional(ex, "bob", "sell", "stop_market", trigger_price="985", trigger_source="last", client_order_id="dip")
    conditional(ex, "bob", "buy", "stop_market", trigger_price="1001", trigger_source="last", client_order_id="peak")
    events = ex.place("dan", "sell", "0.2", "980")
    assert fired(events) == ["dip"]
    assert fired(show(ex, "last", "1010")) == ["peak"]


def test_match_con_009_an_armed_order_expires_before_a_price_of_the_same_time() -> None:
    """MATCH-CON-009: expires_at <= now, whatever message brings the time."""
    ex = exchange()
    end = ex.effects.at + 10 * SECOND
    terms: dict[str, Any] = {
        "trigger_price": "990",
        "trigger_source": "index",
        "time_in_force": "gtt",
        "expires_at": end,
    }
    conditional(ex, "ann", "sell", "stop_market", client_order_id="a", **terms)
    conditional(ex, "ann", "sell", "stop_limit", client_order_id="b", price="989", **{**terms, "expires_at": end + 1})
    ex.wait(10 * SECOND)
    events = ex.price("990")
    assert closed(events)[0] == ("a", "expired", "expired")
    assert fired(events) == ["b"]
    ex.wait(1)
    assert closed(ex.price("995")) == [("b", "expired", "expired")]


def test_match_con_010_an_armed_order_is_cancelled_like_any_other() -> None:
    """MATCH-CON-010: by its id, or with all others; and a cancelled one does not fire."""
    ex = exchange()
    for name in ("a", "b", "c"):
        conditional(ex, "ann", "sell", "stop_market", trigger_price="990", client_order_id=name)
    ex.place("ann", "buy", "1", "900", client_order_id="d")
    assert closed(ex.cancel("ann", "b")) == [("b", "canceled", "canceled")]
    assert only(ex.cancel("ann", "b"), OrderRejected).reason == "unknown_order"
    events = ex.cancel_all("ann")
    assert [name for name, _, _ in closed(events)] == ["a", "c", "d"]
    assert only(events, OrdersCanceled).canceled == 3
    assert fired(ex.price("980")) == []


def test_match_con_011_other_terms_keep_the_number_and_count_at_once() -> None:
    """MATCH-CON-011: another trigger, size and limit; one whose new trigger is met already fires."""
    ex = exchange()
    terms: dict[str, Any] = {"trigger_price": "990", "trigger_source": "index"}
    conditional(ex, "ann", "sell", "stop_limit", price="985", client_order_id="a", **terms)
    conditional(ex, "ann", "sell", "stop_market", client_order_id="b", **terms)
    first = ex.state.accounts["ann"].orders["a"].order_id
    armed = only(ex.amend("ann", "a", trigger_price="980", size="0.5", price="975"), OrderArmed)
    assert (armed.order_id, armed.trigger_price_ticks, armed.size_lots, armed.price_ticks) == (first, 9_800, 500, 9_750)
    assert fired(ex.price("990")) == ["b"]
    ex.restart()
    events = ex.amend("ann", "a", trigger_price="990")
    assert fired(events) == ["a"]
    assert only(events, OrderAccepted).price_ticks == 9_750


@pytest.mark.parametrize(
    ("order_type", "terms", "change", "reason"),
    [
        ("stop_market", {"trigger_price": "990"}, {"price": "985"}, "price_not_allowed"),
        ("stop_market", {"trigger_price": "990"}, {"trail_amount": "5"}, "trail_not_allowed"),
        ("stop_market", {"trigger_price": "990"}, {"trigger_price": "990"}, "nothing_to_amend"),
        ("stop_market", {"trigger_price": "990"}, {"trigger_price": "990.05"}, "off_grid"),
        ("trailing_stop", {"trail_amount": "9"}, {"trigger_price": "990"}, "trigger_not_allowed"),
        ("trailing_stop", {"trail_amount": "9"}, {"trail_rate_ppb": 10**9}, "trail_out_of_range"),
        ("trailing_stop", {"trail_amount": "9"}, {"trail_rate_ppb": 1, "trail_amount": "1"}, "trail_ambiguous"),
    ],
)
def test_match_con_012_terms_that_do_not_go_with_the_order_are_refused(
    order_type: str, terms: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    """MATCH-CON-012"""
    ex = exchange()
    conditional(ex, "ann", "sell", order_type, client_order_id="s", **terms)
    ex.commit()
    rejected = only(ex.amend("ann", "s", **change), OrderRejected)
    assert (rejected.reason, rejected.action) == (reason, "amend")
    assert traces(ex) == {"applied_ids"}


def test_match_con_013_reduce_only_orders_go_with_the_position() -> None:
    """MATCH-CON-013: closed or turned, there is nothing left to reduce; orders that may open stay."""
    ex = exchange()
    terms: dict[str, Any] = {"trigger_price": "900", "reduce_only": True}
    conditional(ex, "ann", "sell", "stop_market", client_order_id="stop", **terms)
    conditional(ex, "ann", "sell", "take_profit_market", client_order_id="profit", **{**terms, "trigger_price": "1100"})
    conditional(ex, "ann", "sell", "stop_market", client_order_id="open", trigger_price="900")
    conditional(ex, "bob", "buy", "stop_market", client_order_id="other", **{**terms, "trigger_price": "1100"})
    ex.place("cat", "buy", "5", "1000")
    assert closed(ex.place("ann", "sell", "1", "1000")) == [(f"c{ex.numbers['gateway']}", "filled", "filled")]
    events = ex.place("ann", "sell", "3", "1000")
    assert closed(events)[1:] == [("stop", "reduce_only", "canceled"), ("profit", "reduce_only", "canceled")]
    assert list(ex.state.accounts["ann"].orders) == ["open"]
    assert list(ex.state.accounts["bob"].orders) == ["other"]
    ex.place("dan", "sell", "3", "1000")
    events = ex.place("bob", "buy", "2", "1000")
    assert ex.lots("bob") == 0 and closed(events)[-1] == ("other", "reduce_only", "canceled")


def test_match_con_014_an_account_has_so_many_conditional_orders_and_no_more() -> None:
    """MATCH-CON-014: exits of a bracket count, one that fires makes room, and a restart forgets none."""
    ex = exchange()
    for number in range(MAX_ARMED_ORDERS - 2):
        conditional(ex, "ann", "sell", "stop_market", "0.001", trigger_price=str(900 - number))
    exits = {"take_profit": {"trigger_price": "1100"}, "stop_loss": {"trigger_price": "890"}}
    ex.place("ann", "buy", "1", "950", client_order_id="entry", **exits)
    ex.restart()
    late: dict[str, Any] = {"trigger_price": "900", "client_order_id": "late"}
    assert only(conditional(ex, "ann", "sell", "stop_market", **late), OrderRejected).reason == (
        "too_many_conditional_orders"
    )
    assert only(ex.place("ann", "buy", "1", "950", **exits), OrderRejected).reason == "too_many_conditional_orders"
    ex.cancel("ann", "entry")
    only(conditional(ex, "ann", "sell", "stop_market", **late), OrderArmed)


@pytest.mark.parametrize(
    ("order_type", "terms", "reason"),
    [
        ("stop_market", {}, "trigger_missing"),
        ("stop_market", {"trigger_price": "990.05"}, "off_grid"),
        ("stop_market", {"trigger_price": "0"}, "not_positive"),
        ("stop_market", {"trigger_price": "990", "size": "0.0001"}, "off_grid"),
        ("stop_market", {"trigger_price": "990", "price": "985"}, "price_not_allowed"),
        ("stop_market", {"trigger_price": "990", "trail_amount": "5"}, "trail_not_allowed"),
        ("stop_market", {"trigger_price": "990", "post_only": True}, "post_only_not_resting"),
        ("stop_market", {"trigger_price": "990", "display_size": "0.5"}, "display_not_resting"),
        ("stop_market", {"trigger_price": "990", "time_in_force": "gtt"}, "expires_at_missing"),
        ("stop_market", {"trigger_price": "990", "expires_at": 2**50}, "expires_at_not_allowed"),
        ("stop_market", {"trigger_price": "990", "time_in_force": "gtt", "expires_at": 1}, "already_expired"),
        ("stop_limit", {"trigger_price": "990"}, "price_missing"),
        ("stop_limit", {"trigger_price": "990", "price": "985.01"}, "off_grid"),
        ("stop_limit", {"trigger_price": "990", "price": "9", "post_only": True, "time_in_force": "ioc"},
         "post_only_not_resting"),
        ("take_profit_market", {}, "trigger_missing"),
        ("take_profit_limit", {"trigger_price": "990"}, "price_missing"),
        ("trailing_stop", {}, "trail_missing"),
        ("trailing_stop", {"trail_amount": "5", "trail_rate_ppb": 1}, "trail_ambiguous"),
        ("trailing_stop", {"trail_amount": "0.05"}, "off_grid"),
        ("trailing_stop", {"trail_amount": "0"}, "not_positive"),
        ("trailing_stop", {"trail_rate_ppb": 0}, "trail_out_of_range"),
        ("trailing_stop", {"trail_rate_ppb": 10**9}, "trail_out_of_range"),
        ("trailing_stop", {"trail_amount": "5", "trigger_price": "990"}, "trigger_not_allowed"),
        ("trailing_stop", {"trail_amount": "5", "price": "990"}, "price_not_allowed"),
        ("limit", {"price": "985", "trigger_price": "990"}, "trigger_not_allowed"),
        ("market", {"trail_amount": "5"}, "trigger_not_allowed"),
        ("stop_market", {"trigger_price": "990", "client_order_id": "used"}, "duplicate_client_order_id"),
        ("stop_market", {"trigger_price": "990", "market": "XRP-PERP"}, "unknown_market"),
    ],
)  # fmt: skip
def test_match_con_015_terms_that_do_not_go_together_are_refused(
    order_type: str, terms: dict[str, Any], reason: str
) -> None:
    """MATCH-CON-015: each with its reason, and without a trace."""
    ex = exchange()
    conditional(ex, "ann", "sell", "stop_market", trigger_price="900", client_order_id="used")
    ex.commit()
    order = {"size": "1", **terms}
    events = conditional(ex, "ann", "sell", order_type, order.pop("size"), **order)
    assert only(events, OrderRejected).reason == reason
    assert len(events) == 1
    assert traces(ex) == {"applied_ids", "order_attempts"}


@pytest.mark.parametrize(("account", "side"), [("cat", "sell"), ("ann", "buy"), ("bob", "sell")])
def test_match_con_016_a_reduce_only_stop_needs_something_to_reduce(account: str, side: str) -> None:
    """MATCH-CON-016"""
    ex = exchange()
    events = conditional(ex, account, side, "stop_market", trigger_price="900", reduce_only=True)
    assert only(events, OrderRejected).reason == "reduce_only"


def test_match_con_017_while_the_index_is_stale_only_trades_fire() -> None:
    """MATCH-CON-017: mark and index triggers wait for the next good price, also those that are armed meanwhile."""
    ex = exchange()
    for source in SOURCES:
        terms: dict[str, Any] = {"trigger_price": "990", "trigger_source": source, "reduce_only": True}
        conditional(ex, "ann", "sell", "stop_market", "0.1", client_order_id=source, **terms)
    assert fired(ex.price(None)) == []
    late: dict[str, Any] = {"trigger_price": "1000", "reduce_only": True, "client_order_id": "armed"}
    assert fired(conditional(ex, "ann", "sell", "stop_market", "0.1", **late)) == []
    ex.report("985", "0.001", buyer="cat", seller="dan")
    assert fired(ex.effects.emitted[-4:]) == ["last"]
    assert fired(ex.price("991")) == ["armed"]
    assert fired(ex.price("990")) == ["mark", "index"]


def test_match_con_018_a_silent_index_is_as_good_as_none() -> None:
    """MATCH-CON-018: an order that is armed after 60 s of silence does not go by the old price."""
    ex = exchange()
    ex.wait(61 * SECOND)
    events = conditional(ex, "ann", "sell", "stop_market", trigger_price="1000", reduce_only=True)
    assert [event.type for event in events] == ["OrderArmed"]
    assert len(fired(ex.price("999"))) == 1


def test_match_con_019_trades_reported_from_outside_are_last_prices() -> None:
    """MATCH-CON-019"""
    ex = exchange()
    conditional(ex, "ann", "sell", "stop_market", trigger_price="990", trigger_source="last", client_order_id="s")
    assert fired(ex.report("990", "0.001", buyer="cat", seller="dan")) == ["s"]


def test_match_con_020_a_liquidation_leaves_the_stops_that_it_leaves_a_position() -> None:
    """MATCH-CON-020: orders that hold margin are cancelled; what is armed holds none, and goes with the position."""
    ex = exchange()
    ex.deposit("eve", "150")
    ex.place("dan", "sell", "1", "1000")
    ex.place("eve", "buy", "1", "1000")
    conditional(ex, "eve", "sell", "stop_market", trigger_price="800", reduce_only=True, client_order_id="stop")
    ex.place("eve", "buy", "0.001", "880", client_order_id="rest")
    ex.price("868")
    ex.place("cat", "buy", "0.3", "889")
    events = ex.liquidate("eve")
    assert ("rest", "liquidation", "canceled") in closed(events)
    assert ex.lots("eve") > 0 and list(ex.state.accounts["eve"].orders) == ["stop"]


def test_match_con_021_a_stop_is_never_lost_between_two_prices() -> None:
    """MATCH-CON-021: a gap of 90 % fires what it jumped over, and a spike fires though the price is back at once."""
    ex = exchange()
    conditional(ex, "ann", "sell", "stop_market", trigger_price="990", trigger_source="index", client_order_id="gap")
    conditional(ex, "ann", "buy", "stop_market", trigger_price="1100", trigger_source="index", client_order_id="spike")
    assert fired(ex.price("100")) == ["gap"]
    assert fired(ex.price("1100")) == ["spike"]
    assert fired(ex.price("1000")) == []


def test_match_con_022_ids_of_armed_orders_are_taken() -> None:
    """MATCH-CON-022: while it waits, while it works, and as long as it is remembered."""
    ex = exchange()
    terms: dict[str, Any] = {"trigger_price": "990", "trigger_source": "index", "client_order_id": "s"}
    conditional(ex, "ann", "sell", "stop_limit", price="1500", **terms)
    assert only(ex.place("ann", "buy", "1", "900", client_order_id="s"), OrderRejected).reason == (
        "duplicate_client_order_id"
    )
    ex.price("990")
    assert closed(ex.cancel("ann", "s")) == [("s", "canceled", "canceled")]
    ex.restart()
    assert only(conditional(ex, "ann", "sell", "stop_market", **terms), OrderRejected).reason == (
        "duplicate_client_order_id"
    )


def test_match_con_023_an_order_of_a_batch_fires_after_the_batch() -> None:
    """MATCH-CON-023: it can still be moved out of the way, or cancelled, by what comes behind it."""
    ex = exchange()
    stop = {"order_type": "stop_market", "trigger_price": "1000"}
    events = ex.submit(
        "ann",
        placing("moved", "sell", "1", None, **stop),
        placing("gone", "sell", "1", None, **stop),
        placing("due", "sell", "1", None, **stop),
        changing("moved", trigger_price="900"),
        canceling("gone"),
    )
    assert fired(events) == ["due"]
    assert fired(ex.price("900")) == ["moved"]


def test_match_con_031_a_trailing_stop_met_within_a_batch_is_cancelled_but_not_changed() -> None:
    """MATCH-CON-031: alone or beside others, with another distance or another size; then it fires as it was."""
    for others in (0, 1):
        ex = exchange()
        trail: dict[str, Any] = {"trigger_source": "last", "trail_amount": "10"}
        for name in ("fires", "gone"):
            conditional(ex, "ann", "sell", "trailing_stop", client_order_id=name, **trail)
        for number in range(others):
            conditional(
                ex, "cat", "sell", "trailing_stop", client_order_id=f"c{number}", **trail | {"trail_amount": "90"}
            )
        ex.place("bob", "buy", "0.5", "985")
        events = ex.submit(
            "ann",
            placing("sale", "sell", "0.5", "985"),
            changing("fires", trail_amount="500"),
            changing("fires", size="0.1"),
            canceling("gone"),
        )
        assert [(e.action, e.reason) for e in of(events, OrderRejected)] == [("amend", "already_triggered")] * 2
        assert fired(events) == ["fires"]
        assert ("gone", "canceled", "canceled") in closed(events)
