"""Isolated accounts, what an order's terms promise, bands, the breaker and caps (domain rules R12 and R26 to R32)."""

import pytest
from cleartide.contracts import (
    MarketLimits,
    OpenSubaccount,
    OrderAccepted,
    OrderAmended,
    OrderClosed,
    OrderRejected,
    OrderTriggered,
    SelfTradePrevented,
    TradeExecuted,
)

from services.matching.domain.margin import standing
from services.matching.tests.rules.bench import hand_over, mark, one_quantum, order, pay_in, thousandths
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only
from services.matching.tests.venue import state_of


def crowd(**limits: str | int) -> Exchange:
    """ann, bob and cat have more than they need; a market with limits if there are any."""
    ex = one_quantum(limits=MarketLimits(**limits)) if limits else one_quantum()  # type: ignore[arg-type]
    for name in ("ann", "bob", "cat"):
        pay_in(ex, name, 100_000_000)
    return ex


def test_an_isolated_position_is_an_account_of_its_own() -> None:
    """RULE-R12-001: it trades its market alone, and its loss to the last quantum is not its owner's."""
    ex = crowd()
    ex.list(market="ETH-PERP")
    ex.price("1000", market="ETH-PERP")
    ex.send(OpenSubaccount, account="ann", name="btc", margin_mode="isolated", market=MARKET)
    pay_in(ex, "ann--btc", 1_000)
    events = order(ex, "ann--btc", "buy", 1, 1_000, market="ETH-PERP")
    assert only(events, OrderRejected).reason == "isolated_market"
    hand_over(ex, "ann--btc", "bob", 7, 1_000)
    mark(ex, 999)
    accounts = ex.state.accounts
    assert (standing(accounts["ann--btc"]).equity_quanta, standing(accounts["ann"]).equity_quanta) == (
        1_000 - 7,
        100_000_000,
    )


@pytest.mark.parametrize(("micros", "rests"), [(SECOND - 1, True), (SECOND, False)])
def test_a_gtt_order_is_over_when_its_time_has_come(micros: int, rests: bool) -> None:
    """RULE-R26-004: expires_at <= now; one that would be over already is refused."""
    ex = crowd()
    now = ex.effects.at
    order(ex, "ann", "sell", 1, 1_000, time_in_force="gtt", expires_at=now + SECOND)
    ex.wait(micros)
    assert bool(of(order(ex, "bob", "buy", 1, 1_000), TradeExecuted)) is rests
    at = ex.effects.at
    late = order(ex, "ann", "sell", 1, 2_000, time_in_force="gtt", expires_at=at)
    assert only(late, OrderRejected).reason == "already_expired"
    only(order(ex, "ann", "sell", 1, 2_000, time_in_force="gtt", expires_at=at + 1), OrderAccepted)


@pytest.mark.parametrize(
    ("change", "keeps"), [({"size": "0.004"}, True), ({"size": "0.006"}, False), ({"price": "1.001"}, False)]
)
def test_less_keeps_the_place_and_all_else_loses_it(change: dict[str, str], keeps: bool) -> None:
    """RULE-R26-005"""
    ex = crowd()
    order(ex, "ann", "sell", 5, 1_000, client_order_id="a")
    order(ex, "cat", "sell", 5, 1_000 if "size" in change else 1_001)
    assert only(ex.amend("ann", "a", **change), OrderAmended).kept_priority is keeps
    (trade,) = of(order(ex, "bob", "buy", 1, 1_001), TradeExecuted)
    assert (trade.seller == "ann") is keeps


@pytest.mark.parametrize(("total", "open_lots"), [("0.003", 1), ("0.002", None), ("0.001", None)])
def test_a_total_that_has_traded_already_cancels(total: str, open_lots: int | None) -> None:
    """RULE-R26-006: the total counts what is filled, here 2 lots."""
    ex = crowd()
    order(ex, "ann", "sell", 5, 1_000, client_order_id="a")
    order(ex, "bob", "buy", 2, 1_000)
    events = ex.amend("ann", "a", size=total)
    assert [event.remaining_lots for event in of(events, OrderAmended)] == ([open_lots] if open_lots else [])
    assert [event.reason for event in of(events, OrderClosed)] == ([] if open_lots else ["canceled"])


@pytest.mark.parametrize(("lots", "filled"), [(5, True), (6, False)])
def test_a_fill_or_kill_order_fills_to_the_lot_or_not_at_all(lots: int, filled: bool) -> None:
    """RULE-R27-002"""
    ex = crowd()
    order(ex, "bob", "sell", 5, 1_000)
    events = order(ex, "ann", "buy", lots, 1_000, time_in_force="fok")
    assert bool(of(events, TradeExecuted)) is filled
    assert [event.reason for event in of(events, OrderRejected)] == ([] if filled else ["fok_not_fillable"])


@pytest.mark.parametrize(("side", "trigger", "near"), [("buy", 1_005, 1_004), ("sell", 995, 996)])
@pytest.mark.parametrize("armed_first", [True, False])
def test_a_trigger_is_met_at_its_tick_and_not_a_tick_before(
    side: str, trigger: int, near: int, armed_first: bool
) -> None:
    """RULE-R28-001: by a price that comes, and by one that is there when the order comes."""
    ex = crowd()
    terms = {"order_type": "stop_market", "trigger_price": thousandths(trigger)}
    if armed_first:
        order(ex, "ann", side, 1, None, **terms)
    before = len(ex.effects.emitted)
    mark(ex, near)
    if not armed_first:
        order(ex, "ann", side, 1, None, **terms)
    assert not of(ex.effects.emitted[before:], OrderTriggered)
    mark(ex, trigger)
    if not armed_first:
        order(ex, "cat", side, 1, None, **terms)
    fired = of(ex.effects.emitted[before:], OrderTriggered)
    assert [event.account for event in fired] == (["ann"] if armed_first else ["ann", "cat"])


@pytest.mark.parametrize(
    ("mode", "closed", "traded"),
    [
        ("expire_maker", ["ann", "bob"], 3),
        ("expire_taker", ["ann"], 0),
        ("expire_both", ["ann", "ann"], 0),
        ("decrement", ["ann", "bob"], 2),
    ],
)
def test_the_new_orders_mode_decides(mode: str, closed: list[str], traded: int) -> None:
    """RULE-R29-002: ann's 1 stands before bob's 3; she buys 3. Of decrement both lose 1, and nothing of it traded."""
    ex = crowd()
    order(ex, "ann", "sell", 1, 1_000)
    order(ex, "bob", "sell", 2 if mode == "decrement" else 3, 1_000)
    events = order(ex, "ann", "buy", 3, 1_000, self_trade_prevention=mode)
    assert sum(trade.size_lots for trade in of(events, TradeExecuted)) == traded
    assert [event.prevented_lots for event in of(events, SelfTradePrevented)] == ([1] if mode == "decrement" else [])
    ended = [event.account for event in of(events, OrderClosed)]
    assert ended[: len(closed)] == closed
    assert ex.lots("ann") == traded


@pytest.mark.parametrize(("side", "inside", "outside"), [("buy", 1_099, 1_100), ("sell", 901, 900)])
def test_a_limit_breaches_at_the_band(side: str, inside: int, outside: int) -> None:
    """RULE-R31-001: d is the first bracket's initial margin, 10 %; the harmless side has no band."""
    ex = crowd(breaker_ppb=0)
    assert only(order(ex, "ann", side, 1, outside), OrderRejected).reason == "price_band"
    only(order(ex, "ann", side, 1, inside), OrderAccepted)
    harmless = "sell" if side == "buy" else "buy"
    only(order(ex, "cat", harmless, 1, 5_000 if side == "buy" else 1), OrderAccepted)


@pytest.mark.parametrize(("index", "state"), [(1_099, "trading"), (1_100, "post_only"), (900, "post_only")])
def test_the_breaker_trips_at_ten_percent_from_the_average(index: int, state: str) -> None:
    """RULE-R31-002: of the index, for 60 s to the microsecond."""
    ex = crowd(breaker_ppb=100_000_000)
    mark(ex, index)
    assert state_of(ex) == state
    if state == "trading":
        return
    assert ex.state.markets[MARKET].status.ends_at == ex.effects.at + 60 * SECOND


def test_open_interest_reaches_its_cap_and_not_a_lot_more() -> None:
    """RULE-R32-001: who opens is refused; who takes over or closes is not."""
    ex = crowd(open_interest_cap="0.005", breaker_ppb=0)
    order(ex, "bob", "sell", 9, 1_000)
    events = order(ex, "ann", "buy", 6, 1_000)
    assert [trade.size_lots for trade in of(events, TradeExecuted)] == [5]
    assert only(events, OrderClosed).reason == "open_interest_cap"
    order(ex, "cat", "buy", 5, 999)
    assert [trade.size_lots for trade in of(order(ex, "ann", "sell", 5, 999), TradeExecuted)] == [5]


def test_a_position_reaches_its_cap_and_not_a_lot_more() -> None:
    """RULE-R32-002: open orders of its side count."""
    ex = crowd(position_cap="0.005", breaker_ppb=0)
    only(order(ex, "ann", "buy", 2, 999), OrderAccepted)
    assert only(order(ex, "ann", "buy", 4, 999), OrderRejected).reason == "position_cap"
    only(order(ex, "ann", "buy", 3, 999), OrderAccepted)
