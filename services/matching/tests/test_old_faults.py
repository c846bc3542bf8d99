"""What the systems did wrong that this one replaces, one test each: a sequencer with the fault fails it."""

from typing import Any, Final

import pytest
from cleartide.contracts import (
    JitAuctionOpened,
    LiquidationExecuted,
    LiquidationRejected,
    OrderAccepted,
    OrderClosed,
    OrderTriggered,
    PositionChanged,
    PremiumSampled,
    RequestWithdrawal,
    TradeExecuted,
    TransferRejected,
)
from cleartide.rules.liquidation_price import PricedPosition, liquidation_price

from services.matching.domain.jit.pricing import SLOT_MICROS
from services.matching.domain.margin import standing
from services.matching.tests.bank import Bank
from services.matching.tests.support import HOUR, MARKET, SECOND, Exchange, of, only
from services.matching.views.margin import utilisation_ppm

TRADERS: Final = ("ann", "bob", "cat", "dan")


@pytest.fixture
def ex() -> Exchange:
    """Four traders with money, and no fees. One lot at one tick is 100 quanta."""
    exchange = Exchange(taker_fee_ppb=0, maker_fee_ppb=0)
    for name in TRADERS:
        exchange.deposit(name, "10000")
    return exchange


def test_match_flt_001_a_resting_order_is_met_untouched_or_filled_in_part(ex: Exchange) -> None:
    """MATCH-FLT-001: orders that nothing had matched, or not in full, were given a state that no search looked for."""
    ex.place("ann", "sell", "0.3", "1001", client_order_id="rests")
    for name, side, price in (("bob", "buy", "999"), ("cat", "sell", "1002")):
        ex.place(name, side, "0.1", price)
    for taker in ("bob", "cat", "dan"):
        assert only(ex.place(taker, "buy", "0.1", "1001"), TradeExecuted).seller == "ann"
    assert "rests" not in ex.state.accounts["ann"].orders


@pytest.mark.parametrize(
    ("side", "prices", "met"), [("buy", ("1003", "1001", "1002"), 10_010), ("sell", ("997", "999", "998"), 9_990)]
)
def test_match_flt_002_the_best_price_of_either_side_goes_first(
    ex: Exchange, side: str, prices: tuple[str, ...], met: int
) -> None:
    """MATCH-FLT-002: prices were always sorted downwards, so that a buyer took the dearest offer."""
    for maker, price in zip(("ann", "bob", "cat"), prices, strict=True):
        ex.place(maker, "sell" if side == "buy" else "buy", "0.1", price)
    assert only(ex.place("dan", side, "0.1"), TradeExecuted).price_ticks == met


def test_match_flt_003_nothing_trades_without_a_counterparty(ex: Exchange) -> None:
    """MATCH-FLT-003: the rest of a market order was filled by nobody, at a price from a cache."""
    ex.place("ann", "sell", "0.1", "1001")
    events = ex.place("bob", "buy", "0.5")
    assert [trade.size_lots for trade in of(events, TradeExecuted)] == [100]
    closed = [event for event in of(events, OrderClosed) if event.account == "bob"]
    assert [(event.reason, event.unfilled_lots) for event in closed] == [("ioc_remainder", 400)]
    assert (ex.lots("ann"), ex.lots("bob")) == (-100, 100)
    assert of(ex.place("cat", "buy", "0.5"), TradeExecuted) == []


def test_match_flt_004_both_sides_have_the_trade_and_a_filled_maker_is_over(ex: Exchange) -> None:
    """MATCH-FLT-004: makers got no trade and no position, and their filled orders stayed active."""
    made = only(ex.place("ann", "sell", "0.1", "1000"), OrderAccepted).order_id
    events = ex.place("bob", "buy", "0.1", "1000")
    trade = only(events, TradeExecuted)
    assert (trade.buyer, trade.seller, trade.sell_order_id) == ("bob", "ann", made)
    assert {event.account: event.lots for event in of(events, PositionChanged)} == {"ann": -100, "bob": 100}
    assert {event.account: event.state for event in of(events, OrderClosed)} == {"ann": "filled", "bob": "filled"}
    assert ex.state.accounts["ann"].orders == {}


def test_match_flt_005_an_order_without_an_end_stays_open(ex: Exchange) -> None:
    """MATCH-FLT-005: what had no expiry was left out, because nothing is greater than null."""
    ex.place("ann", "sell", "0.1", "1000", client_order_id="endless")
    ex.wait(10_000 * HOUR)
    ex.price("1000")
    ex.restart()
    assert list(ex.state.accounts["ann"].orders) == ["endless"]
    assert only(ex.place("bob", "buy", "0.1", "1000"), TradeExecuted).seller == "ann"


def test_match_flt_006_nobody_trades_with_themselves(ex: Exchange) -> None:
    """MATCH-FLT-006"""
    ex.place("ann", "sell", "0.1", "1000")
    assert of(ex.place("ann", "buy", "0.1", "1000"), TradeExecuted) == []


@pytest.mark.parametrize("again", ["buy", "sell"])
def test_match_flt_007_a_closed_position_is_gone(ex: Exchange, again: str) -> None:
    """MATCH-FLT-007: a full close left a position of nothing with its side turned round."""
    ex.report("1000", "0.1", buyer="ann", seller="bob")
    ex.report("1010", "0.1", buyer="bob", seller="ann")
    ex.commit()
    assert ex.tables["positions"] == {}
    assert (ex.cash("ann"), ex.cash("bob")) == (10_001_000_000, 9_999_000_000)
    parties = ("ann", "bob") if again == "buy" else ("bob", "ann")
    ex.report("1020", "0.1", buyer=parties[0], seller=parties[1])
    assert (ex.lots(parties[0]), ex.quote(parties[0])) == (100, -100 * 10_200 * 100)
    assert (ex.lots(parties[1]), ex.quote(parties[1])) == (-100, 100 * 10_200 * 100)


@pytest.mark.parametrize("lots", [100, 300])
def test_match_flt_008_a_rise_is_the_longs_profit_by_size(ex: Exchange, lots: int) -> None:
    """MATCH-FLT-008: profit was counted as a loss."""
    size = f"0.{lots}"
    ex.report("1000", size, buyer="ann", seller="bob")
    ex.price("1010")
    gains = {name: standing(ex.state.accounts[name]).equity_quanta - 10_000_000_000 for name in ("ann", "bob")}
    assert gains == {"ann": lots * 10_000, "bob": -lots * 10_000}


def test_match_flt_009_funding_is_by_size_and_by_rate(ex: Exchange) -> None:
    """MATCH-FLT-009: everybody paid the same, whatever they held, and at a constant rate."""
    ex.report("1000", "0.1", buyer="ann", seller="cat")
    ex.report("1000", "0.3", buyer="bob", seller="cat")
    before = {name: standing(ex.state.accounts[name]).equity_quanta for name in TRADERS}
    ex.settle(100_000, 1)
    ex.settle(200_000, 2)
    paid = {name: before[name] - standing(ex.state.accounts[name]).equity_quanta for name in TRADERS}
    assert paid == {"ann": 30_000, "bob": 90_000, "cat": -120_000, "dan": 0}


@pytest.mark.parametrize(("bid", "ask", "premium"), [("999", "1001", 0), ("1005", "1006", 5_000_000)])
def test_match_flt_010_a_premium_is_the_books_distance_from_the_index(
    ex: Exchange, bid: str, ask: str, premium: int
) -> None:
    """MATCH-FLT-010: the oracle's price was compared with itself, so that every rate was the same."""
    ex.place("ann", "buy", "2", bid)
    ex.place("bob", "sell", "2", ask)
    ex.wait(60 * SECOND)
    assert only(ex.price("1000"), PremiumSampled).premium_ppb == premium


def test_match_flt_011_no_balance_goes_below_zero_and_what_is_locked_is_not_available() -> None:
    """MATCH-FLT-011: amounts were added to balances without a look, and locked ones were left out of it."""
    ex = Bank()
    ex.deposit("ann", "100")
    assert only(ex.withdraw("ann", "100.000001"), TransferRejected).reason == "exceeds_withdrawable"
    ex.send(RequestWithdrawal, account="ann", asset="USDC", amount="60", destination="0x1")
    assert only(ex.withdraw("ann", "40.000001"), TransferRejected).reason == "exceeds_withdrawable"
    ex.withdraw("ann", "40")
    assert ex.cash("ann") == 0


def test_match_flt_012_different_assets_are_added_by_what_they_are_worth() -> None:
    """MATCH-FLT-012: one BTC and one USDC were two. At 1000 and a weight of 0.9 they are 901."""
    ex = Bank()
    ex.deposit("ann", "1")
    ex.bring("ann", "BTC", "1")
    assert standing(ex.state.accounts["ann"]).equity_quanta == 901_000_000


def test_match_flt_013_who_uses_nothing_is_in_no_danger(ex: Exchange) -> None:
    """MATCH-FLT-013: worth divided by nothing was said to be a health of nothing."""
    assert utilisation_ppm(100, 0) == 0
    assert only(ex.liquidate("ann"), LiquidationRejected).reason == "no_position"


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("cash", ["101", "500", "952", "1000"])
def test_match_flt_014_whatever_leverage_margin_allows_is_healthy(ex: Exchange, side: str, cash: str) -> None:
    """MATCH-FLT-014: percents were compared with basis points, and 1.05 times the money was too much."""
    ex.deposit("eve", cash)
    ex.place("ann", "sell" if side == "buy" else "buy", "1", "1000")
    only(ex.place("eve", side, "1", "1000"), TradeExecuted)
    assert only(ex.liquidate("eve"), LiquidationRejected).reason == "healthy"


def test_match_flt_015_a_liquidation_tells_what_it_has_closed(ex: Exchange) -> None:
    """MATCH-FLT-015: the size was set to nothing before it was written down."""
    ex.deposit("eve", "110")
    ex.place("bob", "sell", "1", "1000")
    ex.place("eve", "buy", "1", "1000")
    ex.price("930")
    ex.place("bob", "buy", "1", "930")
    done = of(ex.liquidate("eve"), LiquidationExecuted)
    assert sum(step.closed_lots for step in done) == 1_000 - ex.lots("eve") > 0
    assert done[-1].remaining_lots == ex.lots("eve")


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("cash", [101, 200, 500, 900])
def test_match_flt_016_there_is_a_liquidation_price_at_every_leverage(ex: Exchange, side: str, cash: int) -> None:
    """MATCH-FLT-016: the formula fell below zero for every leverage that was allowed."""
    ex.deposit("eve", str(cash))
    ex.place("ann", "sell" if side == "buy" else "buy", "1", "1000")
    ex.place("eve", side, "1", "1000")
    account = ex.state.accounts["eve"]
    held = account.holdings[MARKET]
    position = PricedPosition(held.lots * held.market.unit, held.market.prices.mark, held.market.brackets)
    ticks = liquidation_price(standing(account), position)
    assert ticks is not None and (0 < ticks < 10_000 if side == "buy" else ticks > 10_000)


def test_match_flt_017_a_slow_fall_reaches_a_trailing_stop(ex: Exchange) -> None:
    """MATCH-FLT-017: the distance shrank with each look, so that 2 % behind 1000 was 960.4 and then less."""
    ex.report("1000", "1", buyer="ann", seller="bob")
    ex.place("cat", "buy", "1", "970")
    terms: dict[str, Any] = {"order_type": "trailing_stop", "trail_rate_ppb": 20_000_000, "trigger_source": "index"}
    ex.place("ann", "sell", "1", reduce_only=True, **terms)
    fired = []
    for price in range(1000, 978, -1):
        ex.wait(SECOND)
        fired += [(price, event.trigger_price_ticks) for event in of(ex.price(str(price)), OrderTriggered)]
    assert fired == [(980, 9_800)]


def test_match_flt_018_a_stop_that_may_not_work_is_not_tried_again(ex: Exchange) -> None:
    """MATCH-FLT-018: an execution that failed stayed pending, and was tried again in every loop."""
    ex.deposit("eve", "1")
    ex.place("eve", "buy", "1", order_type="stop_market", trigger_price="1001", trigger_source="index")
    closed = only(ex.price("1001"), OrderClosed)
    assert (closed.account, closed.state, closed.reason) == ("eve", "rejected", "insufficient_margin")
    ex.deposit("eve", "10000")
    for price in ("1002", "1000", "1001"):
        assert of(ex.price(price), OrderTriggered) == []


def test_match_flt_019_a_running_auction_survives_a_restart(ex: Exchange) -> None:
    """MATCH-FLT-019: auctions and quotes were kept in memory."""
    number = only(ex.auction("ann", "buy", "0.1", "1010", start="1000", end="1005"), JitAuctionOpened).auction_id
    ex.offer("bob", number, "1001", "0.1")
    ex.restart()
    ex.wait(10 * SLOT_MICROS)
    trade = only(ex.deposit("dan", "1"), TradeExecuted)
    assert (trade.buyer, trade.seller, trade.price_ticks) == ("ann", "bob", 10_010)
