"""Placing, trading and cancelling orders, as a trader sees it."""

import pytest
from cleartide.contracts import OrderAccepted, OrderClosed, OrderRejected, PlaceOrder, TradeExecuted

from services.matching.domain.limits import CLIENT_IDS_REMEMBERED, MAX_OPEN_ORDERS
from services.matching.tests.support import HOUR, MARKET, SECOND, Exchange, of, only


@pytest.fixture
def ex() -> Exchange:
    """A market at 1000 with three funded accounts."""
    exchange = Exchange()
    for account in ("ann", "bob", "cat"):
        exchange.deposit(account, "10000")
    return exchange


def test_match_ord_001_an_order_that_crosses_nothing_rests(ex: Exchange) -> None:
    """MATCH-ORD-001"""
    events = ex.place("ann", "buy", "0.5", "999.9")
    accepted = only(events, OrderAccepted)
    assert (accepted.price_ticks, accepted.size_lots, accepted.time_in_force) == (9999, 500, "gtc")
    assert len(events) == 1
    assert ex.state.markets[MARKET].book.bids.best_price == 9999


def test_match_ord_002_a_crossing_order_trades_at_the_makers_price(ex: Exchange) -> None:
    """MATCH-ORD-002"""
    ex.place("ann", "sell", "1", "999")
    events = ex.place("bob", "buy", "1", "1001")
    trade = only(events, TradeExecuted)
    assert (trade.price_ticks, trade.size_lots, trade.quote_quanta) == (9990, 1000, 999_000_000)
    assert (trade.buyer, trade.seller, trade.taker_side, trade.origin) == ("bob", "ann", "buy", "book")
    assert [(e.account, e.reason) for e in of(events, OrderClosed)] == [("ann", "filled"), ("bob", "filled")]


def test_match_ord_003_equal_price_the_older_order_trades_first(ex: Exchange) -> None:
    """MATCH-ORD-003"""
    ex.place("ann", "sell", "1", "1000")
    ex.place("bob", "sell", "1", "1000")
    events = ex.place("cat", "buy", "1.5", "1000")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 1000), ("bob", 500)]


def test_match_ord_004_a_better_price_trades_first_whatever_its_age(ex: Exchange) -> None:
    """MATCH-ORD-004"""
    ex.place("ann", "buy", "1", "998")
    ex.place("bob", "buy", "1", "999")
    events = ex.place("cat", "sell", "2", "998")
    assert [(t.buyer, t.price_ticks) for t in of(events, TradeExecuted)] == [("bob", 9990), ("ann", 9980)]


def test_match_ord_005_a_partial_fill_keeps_the_makers_place(ex: Exchange) -> None:
    """MATCH-ORD-005"""
    ex.place("ann", "sell", "1", "1000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("cat", "buy", "0.4", "1000")
    events = ex.place("cat", "buy", "1", "1000")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 600), ("bob", 400)]


def test_match_ord_006_what_an_ioc_order_cannot_trade_is_dropped(ex: Exchange) -> None:
    """MATCH-ORD-006"""
    ex.place("ann", "sell", "0.3", "1000")
    events = ex.place("bob", "buy", "1", "1000", time_in_force="ioc")
    closed = of(events, OrderClosed)[-1]
    assert (closed.reason, closed.filled_lots, closed.unfilled_lots) == ("ioc_remainder", 300, 700)
    assert ex.state.markets[MARKET].book.bids.best_price is None


def test_match_ord_007_a_market_order_is_bounded_by_the_mark_and_never_rests(ex: Exchange) -> None:
    """MATCH-ORD-007"""
    ex.place("ann", "sell", "0.1", "1050")
    ex.place("ann", "sell", "0.1", "1050.1")
    events = ex.place("bob", "buy", "1")
    accepted = only(events, OrderAccepted)
    assert (accepted.price_ticks, accepted.time_in_force, accepted.order_type) == (10_500, "ioc", "market")
    assert [t.price_ticks for t in of(events, TradeExecuted)] == [10_500]
    assert of(events, OrderClosed)[-1].reason == "ioc_remainder"


def test_match_ord_007_the_bound_is_rounded_toward_the_mark() -> None:
    """MATCH-ORD-007: 5 % of 100.1 is off the grid on both sides."""
    ex = Exchange(price="100.1")
    ex.deposit("ann")
    buy, sell = ex.place("ann", "buy", "0.1")[0], ex.place("ann", "sell", "0.1")[0]
    assert isinstance(buy, OrderAccepted) and buy.price_ticks == 1051
    assert isinstance(sell, OrderAccepted) and sell.price_ticks == 951


@pytest.mark.parametrize("price", ["1000", None])
def test_match_ord_008_without_a_mark_price_nothing_is_accepted(price: str | None) -> None:
    """MATCH-ORD-008"""
    ex = Exchange(price=None)
    ex.deposit("ann")
    assert only(ex.place("ann", "buy", "1", price), OrderRejected).reason == "no_mark_price"


def test_match_ord_009_with_a_stale_index_only_reducing_is_accepted(ex: Exchange) -> None:
    """MATCH-ORD-009"""
    ex.place("ann", "sell", "1", "1000")
    ex.place("bob", "buy", "1", "1000")
    ex.price(None)
    assert only(ex.place("bob", "sell", "1", "1000"), OrderRejected).reason == "index_stale"
    assert of(ex.place("bob", "sell", "1", "1000", reduce_only=True), OrderAccepted)


def test_match_ord_010_an_index_silent_for_a_minute_is_stale(ex: Exchange) -> None:
    """MATCH-ORD-010"""
    ex.wait(60 * SECOND)
    assert of(ex.place("ann", "buy", "1", "990"), OrderAccepted)
    ex.wait(1)
    assert only(ex.place("ann", "buy", "1", "990"), OrderRejected).reason == "index_stale"


def test_match_ord_011_post_only_rests_or_is_refused(ex: Exchange) -> None:
    """MATCH-ORD-011"""
    ex.place("ann", "sell", "1", "1000")
    events = ex.place("bob", "buy", "1", "1000", post_only=True)
    assert only(events, OrderRejected).reason == "post_only_would_cross"
    assert len(ex.place("bob", "buy", "1", "999.9", post_only=True)) == 1
    assert ex.state.markets[MARKET].book.bids.best_price == 9999


@pytest.mark.parametrize("more", [{"time_in_force": "ioc", "price": "990"}, {"price": None}])
def test_match_ord_012_post_only_cannot_be_immediate(ex: Exchange, more: dict[str, str | None]) -> None:
    """MATCH-ORD-012"""
    events = ex.place("bob", "buy", "1", post_only=True, **more)
    assert only(events, OrderRejected).reason == "post_only_not_resting"


def test_match_ord_013_cancel_by_the_clients_id(ex: Exchange) -> None:
    """MATCH-ORD-013"""
    ex.place("ann", "buy", "1", "990", client_order_id="mine")
    ex.place("bob", "sell", "0.4", "990")
    closed = only(ex.cancel("ann", "mine"), OrderClosed)
    assert (closed.reason, closed.filled_lots, closed.unfilled_lots) == ("canceled", 400, 600)
    assert only(ex.cancel("ann", "mine"), OrderRejected).reason == "unknown_order"
    assert only(ex.cancel("nobody", "mine"), OrderRejected).reason == "unknown_order"


def test_match_ord_013_cancel_needs_the_orders_own_market(ex: Exchange) -> None:
    """MATCH-ORD-013"""
    ex.place("ann", "buy", "1", "990", client_order_id="mine")
    assert only(ex.cancel("ann", "mine", market="ETH-PERP"), OrderRejected).reason == "unknown_order"


def test_match_ord_014_a_client_order_id_is_used_once(ex: Exchange) -> None:
    """MATCH-ORD-014: while the order lives and after it is gone; other accounts are not concerned."""
    ex.place("ann", "buy", "1", "990", client_order_id="x")
    assert only(ex.place("ann", "buy", "1", "990", client_order_id="x"), OrderRejected).reason == (
        "duplicate_client_order_id"
    )
    ex.cancel("ann", "x")
    assert only(ex.place("ann", "buy", "1", "990", client_order_id="x"), OrderRejected).reason == (
        "duplicate_client_order_id"
    )
    assert of(ex.place("bob", "buy", "1", "990", client_order_id="x"), OrderAccepted)


def test_match_ord_014_a_refused_order_does_not_use_up_its_id(ex: Exchange) -> None:
    """MATCH-ORD-014"""
    ex.place("ann", "buy", "0.0001", "990", client_order_id="x")
    assert of(ex.place("ann", "buy", "1", "990", client_order_id="x"), OrderAccepted)


@pytest.mark.parametrize("restarts", [False, True])
def test_match_ord_015_the_last_4096_ids_are_remembered_and_live_ones_always(ex: Exchange, restarts: bool) -> None:
    """MATCH-ORD-015: with and without restarts."""
    ex.checked = False
    ex.place("ann", "buy", "0.001", "900", client_order_id="live")
    ex.place("ann", "buy", "0.001", "900", client_order_id="gone")
    ex.cancel("ann", "gone")
    for number in range(CLIENT_IDS_REMEMBERED - 1):
        ex.place("ann", "buy", "0.001", "900", time_in_force="ioc", client_order_id=f"n{number}")
        if restarts and number % 1000 == 0:
            ex.restart()
    assert of(ex.place("ann", "buy", "0.001", "900", client_order_id="live"), OrderRejected)
    assert of(ex.place("ann", "buy", "0.001", "900", client_order_id="gone"), OrderRejected)
    ex.place("ann", "buy", "0.001", "900", time_in_force="ioc", client_order_id="last")
    if restarts:
        ex.restart()
    assert of(ex.place("ann", "buy", "0.001", "900", client_order_id="live"), OrderRejected)
    assert of(ex.place("ann", "buy", "0.001", "900", client_order_id="gone"), OrderAccepted)


def test_match_ord_016_an_own_order_in_the_way_is_removed_and_the_new_one_goes_on(ex: Exchange) -> None:
    """MATCH-ORD-016"""
    ex.place("ann", "sell", "1", "999", client_order_id="old")
    ex.place("bob", "sell", "1", "1000")
    events = ex.place("ann", "buy", "1", "1000")
    first = of(events, OrderClosed)[0]
    assert (first.client_order_id, first.reason) == ("old", "self_trade")
    trade = only(events, TradeExecuted)
    assert (trade.seller, trade.price_ticks) == ("bob", 10_000)


@pytest.mark.parametrize(
    ("size", "price", "reason"),
    [
        ("1", "1000.05", "off_grid"),
        ("0.0005", "1000", "off_grid"),
        ("0", "1000", "not_positive"),
        ("1", "0.0", "not_positive"),
        ("1", "200000000000", "overflow"),
        ("2000000000", "1000", "overflow"),
    ],
)
def test_match_ord_017_numbers_off_the_grid_are_refused_by_reason(
    ex: Exchange, size: str, price: str, reason: str
) -> None:
    """MATCH-ORD-017"""
    assert only(ex.place("ann", "buy", size, price), OrderRejected).reason == reason


def test_match_ord_018_no_order_and_no_position_grows_beyond_the_caps(ex: Exchange) -> None:
    """MATCH-ORD-018"""
    assert only(ex.place("ann", "buy", "1200000", "1000"), OrderRejected).reason == "notional_cap"
    assert only(ex.place("ann", "sell", "1200000", "1"), OrderRejected).reason == "notional_cap"
    assert only(ex.place("ann", "sell", "1099511628", "0.1"), OrderRejected).reason == "overflow"


def test_match_ord_018_the_position_cap_counts_open_orders() -> None:
    """MATCH-ORD-018"""
    ex = Exchange(price="0.1", tick_size="0.1", lot_size="0.00001")
    ex.deposit("ann", "4000000")
    assert of(ex.place("ann", "buy", "10000000", "0.1"), OrderAccepted)
    assert only(ex.place("ann", "buy", "1000000", "0.1"), OrderRejected).reason == "position_cap"


def test_match_ord_018_a_balance_near_its_bound_takes_no_more_trades() -> None:
    """MATCH-ORD-018"""
    ex = Exchange()
    ex.deposit("ann", "4500000000")
    assert only(ex.place("ann", "buy", "5000", "1000"), OrderRejected).reason == "balance_cap"


def test_match_ord_018_a_maker_whose_balance_has_grown_to_the_bound_leaves_the_book() -> None:
    """MATCH-ORD-018"""
    ex = Exchange()
    ex.deposit("ann", "1000")
    ex.deposit("bob", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.deposit("ann", "4503598000")
    events = ex.place("bob", "sell", "1", "1000")
    assert [(e.account, e.reason) for e in of(events, OrderClosed)] == [("ann", "balance_cap")]
    assert not of(events, TradeExecuted)


@pytest.mark.parametrize(
    ("account", "market", "reason"),
    [
        ("nobody", MARKET, "unknown_account"),
        ("ann", "ETH-PERP", "unknown_market"),
        ("insurance", MARKET, "reserved_account"),
        ("outside", MARKET, "reserved_account"),
    ],
)
def test_match_ord_019_unknown_and_reserved_names_are_refused(
    ex: Exchange, account: str, market: str, reason: str
) -> None:
    """MATCH-ORD-019"""
    assert only(ex.place(account, "buy", "1", "990", market=market), OrderRejected).reason == reason


def test_match_ord_020_an_account_has_at_most_1000_resting_orders(ex: Exchange) -> None:
    """MATCH-ORD-020: immediate orders are still accepted."""
    ex.checked = False
    for _ in range(MAX_OPEN_ORDERS):
        assert of(ex.place("ann", "buy", "0.001", "900"), OrderAccepted)
    assert only(ex.place("ann", "buy", "0.001", "900"), OrderRejected).reason == "too_many_orders"
    assert of(ex.place("ann", "buy", "0.001", "900", time_in_force="ioc"), OrderAccepted)


def test_match_ord_021_a_limit_order_has_a_price_and_a_market_order_has_none(ex: Exchange) -> None:
    """MATCH-ORD-021"""
    body = {"account": "ann", "market": MARKET, "side": "buy", "size": "1"}
    events = ex.send(PlaceOrder, order_type="limit", client_order_id="a", **body)
    assert only(events, OrderRejected).reason == "price_missing"
    events = ex.send(PlaceOrder, order_type="market", client_order_id="b", price="1000", **body)
    assert only(events, OrderRejected).reason == "price_not_allowed"


def test_match_ord_022_order_numbers_rise_and_are_never_reused(ex: Exchange) -> None:
    """MATCH-ORD-022: also across a restart."""
    first = only(ex.place("ann", "buy", "1", "990"), OrderAccepted).order_id
    ex.restart()
    ex.wait(HOUR // 3600)
    assert only(ex.place("ann", "buy", "1", "990"), OrderAccepted).order_id == first + 1
