"""Fill-or-kill: everything at once, or nothing at all (domain rule R27)."""

import pytest
from cleartide.contracts import Message, OrderAccepted, OrderClosed, OrderRejected, TradeExecuted
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.tests.flows import MODES, TRADERS, Step, flows, perform
from services.matching.tests.support import Exchange, of, only
from services.matching.tests.venue import guarded


@pytest.fixture
def ex() -> Exchange:
    exchange = Exchange()
    for account in ("ann", "bob", "cat"):
        exchange.deposit(account, "10000")
    return exchange


def fok(ex: Exchange, account: str, side: str, size: str, price: str | None, **terms: object) -> list[Message]:
    return ex.place(account, side, size, price, time_in_force="fok", **terms)


def test_match_fok_001_it_fills_in_full_across_levels(ex: Exchange) -> None:
    """MATCH-FOK-001"""
    ex.place("ann", "sell", "1", "1000")
    ex.place("bob", "sell", "1", "1001")
    events = fok(ex, "cat", "buy", "1.5", "1001")
    assert only(events, OrderAccepted).time_in_force == "fok"
    assert [(t.price_ticks, t.size_lots) for t in of(events, TradeExecuted)] == [(10_000, 1000), (10_010, 500)]
    assert of(events, OrderClosed)[-1].reason == "filled"


@pytest.mark.parametrize(("size", "price"), [("2.001", "1001"), ("1.001", "1000.9"), ("0.001", "999.9")])
def test_match_fok_002_a_lot_too_much_and_nothing_happens(ex: Exchange, size: str, price: str) -> None:
    """MATCH-FOK-002: the order is refused, its id is not used up, and no row changes."""
    ex.place("ann", "sell", "1", "1000")
    ex.place("bob", "sell", "1", "1001")
    before = ex.kept()
    events = fok(ex, "cat", "buy", size, price, client_order_id="x")
    assert [only(events, OrderRejected).reason] == ["fok_not_fillable"]
    assert ex.kept() == before
    assert of(ex.place("cat", "buy", "1", "990", client_order_id="x"), OrderAccepted)


def test_match_fok_003_a_market_order_may_be_fill_or_kill(ex: Exchange) -> None:
    """MATCH-FOK-003: within the bound of a market order."""
    ex.place("ann", "sell", "1", "1050")
    assert only(fok(ex, "cat", "buy", "1.001", None), OrderRejected).reason == "fok_not_fillable"
    events = fok(ex, "cat", "buy", "1", None)
    assert only(events, OrderAccepted).time_in_force == "fok"
    assert of(events, TradeExecuted)


@pytest.mark.parametrize("mode", MODES)
def test_match_fok_004_own_orders_in_the_way_are_no_liquidity(ex: Exchange, mode: str) -> None:
    """MATCH-FOK-004: behind the first of them nothing counts, unless the order's mode removes them."""
    ex.place("ann", "sell", "1", "1000")
    ex.place("cat", "sell", "1", "1000.5", client_order_id="own")
    ex.place("bob", "sell", "1", "1001")
    events = fok(ex, "cat", "buy", "2", "1001", self_trade_prevention=mode)
    if mode == "expire_maker":
        assert [t.seller for t in of(events, TradeExecuted)] == ["ann", "bob"]
        assert "own" not in ex.state.accounts["cat"].orders
    else:
        assert only(events, OrderRejected).reason == "fok_not_fillable"
        assert "own" in ex.state.accounts["cat"].orders
        assert len(of(fok(ex, "cat", "buy", "1", "1001", self_trade_prevention=mode), TradeExecuted)) == 1


def test_match_fok_005_makers_that_could_not_trade_are_not_counted(ex: Exchange) -> None:
    """MATCH-FOK-005: short of margin, or reduce-only with less than it shows; they stay where they are."""
    ex.place("cat", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    ex.deposit("poor", "101")
    ex.place("poor", "sell", "1", "1000")
    ex.withdraw("poor", "0.9")
    ex.price("1010")
    ex.place("ann", "sell", "3", "1002", reduce_only=True)
    book = list(ex.state.markets["BTC-PERP"].book.asks.levels())
    assert only(fok(ex, "bob", "buy", "1.001", "1002"), OrderRejected).reason == "fok_not_fillable"
    assert list(ex.state.markets["BTC-PERP"].book.asks.levels()) == book
    events = fok(ex, "bob", "buy", "1", "1002")
    gone = of(events, OrderClosed)[0]
    assert (gone.account, gone.reason) == ("poor", "insufficient_margin")
    assert [(t.seller, t.size_lots) for t in of(events, TradeExecuted)] == [("ann", 1000)]


def test_match_fok_005_the_fee_of_a_first_fill_counts_at_the_second(ex: Exchange) -> None:
    """MATCH-FOK-005: 100.1 carries a position of 1 and one maker fee of 0.075, but not two."""
    ex.deposit("poor", "101")
    for _ in range(2):
        ex.place("poor", "sell", "0.5", "1000")
    ex.withdraw("poor", "0.9")
    assert only(fok(ex, "bob", "buy", "1", "1000"), OrderRejected).reason == "fok_not_fillable"
    assert len(ex.state.accounts["poor"].orders) == 2
    assert of(fok(ex, "bob", "buy", "0.5", "1000"), TradeExecuted)


def test_match_fok_006_a_reduce_only_order_beyond_the_position_cannot_fill(ex: Exchange) -> None:
    """MATCH-FOK-006"""
    ex.place("ann", "sell", "2", "1000")
    ex.place("cat", "buy", "1", "1000")
    ex.place("bob", "buy", "2", "1000")
    ex.place("bob", "buy", "2", "999")
    assert only(fok(ex, "cat", "sell", "1.001", "999", reduce_only=True), OrderRejected).reason == "fok_not_fillable"
    assert of(fok(ex, "cat", "sell", "1", "999", reduce_only=True), TradeExecuted)


def test_match_fok_007_hidden_size_counts(ex: Exchange) -> None:
    """MATCH-FOK-007: what an iceberg hides is there to be taken."""
    ex.place("ann", "sell", "1", "1000", display_size="0.1")
    events = fok(ex, "cat", "buy", "1", "1000")
    assert sum(t.size_lots for t in of(events, TradeExecuted)) == 1000


def test_match_fok_005_caps_at_the_fill_are_counted() -> None:
    """MATCH-FOK-005: an account at its position cap and a market at its open interest cap give no more."""
    ex = guarded(position_cap="1", open_interest_cap="1.5")
    for account in ("ann", "bob", "cat", "dan"):
        ex.deposit(account, "10000")
    ex.place("ann", "sell", "0.8", "1000")
    ex.place("bob", "sell", "0.8", "1000")
    assert only(fok(ex, "cat", "buy", "1.001", "1000"), OrderRejected).reason == "position_cap"
    assert of(fok(ex, "cat", "buy", "1", "1000"), OrderAccepted)
    assert only(fok(ex, "dan", "buy", "0.501", "1000"), OrderRejected).reason == "fok_not_fillable"
    assert of(fok(ex, "dan", "buy", "0.5", "1000"), OrderAccepted)


@settings(max_examples=120)
@given(
    flows,
    st.tuples(st.sampled_from(TRADERS), st.sampled_from(["buy", "sell"]), st.integers(1, 900), st.integers(-30, 30)),
    st.sampled_from(MODES),
    st.booleans(),
)
def test_match_fok_008_it_fills_exactly_when_an_immediate_order_would(
    steps: list[Step], wish: tuple[str, str, int, int], mode: str, reduce_only: bool
) -> None:
    """MATCH-FOK-008: makers and takers short of margin, reduce-only ones, icebergs and own orders included."""
    trader, side, lots, offset = wish
    terms = {"self_trade_prevention": mode, "reduce_only": reduce_only, "client_order_id": "last"}
    outcomes = []
    for time_in_force in ("ioc", "fok"):
        ex = Exchange()
        for account in TRADERS:
            ex.deposit(account, "60")
        for number, step in enumerate(steps):
            perform(ex, number, step)
        ex.price("1000")
        before = ex.kept()
        size, price = f"{lots / 1000:.3f}", f"{1000 + offset}"
        events = ex.place(trader, side, size, price, time_in_force=time_in_force, **terms)
        outcomes.append((events, before, ex.kept()))
    (immediate, _, _), (killed, before, after) = outcomes
    closed = [event for event in of(immediate, OrderClosed) if event.client_order_id == "last"]
    if closed and closed[0].reason == "filled":
        assert [
            event.model_copy(update={"time_in_force": "ioc"}) if isinstance(event, OrderAccepted) else event
            for event in killed
        ] == immediate
    elif closed:
        assert only(killed, OrderRejected).reason == "fok_not_fillable"
        assert after == before
    else:
        assert [event.model_dump() for event in killed] == [event.model_dump() for event in immediate]
