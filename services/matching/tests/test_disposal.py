"""How the fund gets rid of what it took over: it quotes before it takes (domain rule R23; the numbers as in waterfall).

ann is long 1 from 1,000 with 110 of cash: at 910 she is beyond help, and the fund takes her position at 890.
"""

from typing import Any

import pytest
from cleartide.contracts import (
    HaltMarket,
    InsuranceChanged,
    InsuranceQuoted,
    LiquidationExecuted,
    Message,
    OrderAccepted,
    OrderClosed,
    OrderRejected,
    OrdersCanceled,
    PositionDeleveraged,
    TradeExecuted,
)
from cleartide.rules.accounts import INSURANCE
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.book import Order
from services.matching.domain.waterfall import quotes
from services.matching.tests.flows import Step, flows
from services.matching.tests.ruled import holds, insurance, ruled
from services.matching.tests.support import MARKET, SECOND, Exchange, of, only
from services.matching.tests.test_waterfall_flows import KINDS, opened, run

MINUTE = 60 * SECOND


def taken(**changes: Any) -> tuple[Exchange, list[Message]]:
    """A fund of 1,000 that has just taken 1 over at a mark of 910, and what was said."""
    ex = ruled(**changes)
    holds(ex, "ann", "110")
    ex.insure("1000")
    ex.price("910")
    return ex, ex.liquidate("ann")


def quote(ex: Exchange) -> Order | None:
    """The fund's order in the book."""
    return quotes.resting(ex.state, ex.state.markets[MARKET])


def standing_quote(ex: Exchange) -> Order:
    """The same where there must be one."""
    order = quote(ex)
    assert order is not None
    return order


def test_match_dsp_001_a_tenth_is_quoted_at_the_mark_as_soon_as_the_fund_has_the_position() -> None:
    """MATCH-DSP-001: post-only and reduce-only, told as an order and with why."""
    ex, events = taken()
    assert only(events, LiquidationExecuted).taken_over_lots == 1_000
    said, accepted = only(events, InsuranceQuoted), only(events, OrderAccepted)
    assert (said.side, said.price_ticks, said.size_lots, said.held_lots) == ("sell", 9_100, 100, 1_000)
    assert (said.mark_ticks, said.reason, said.order_id) == (9_100, "taken_over", accepted.order_id)
    assert (accepted.account, accepted.client_order_id) == (INSURANCE, "disposal-BTC-PERP")
    assert (accepted.post_only, accepted.reduce_only, accepted.time_in_force) == (True, True, "gtt")
    assert ex.state.markets[MARKET].book.asks.best_price == 9_100
    assert events.index(only(events, LiquidationExecuted)) < events.index(accepted) < events.index(said)


@pytest.mark.parametrize(("bid", "price"), [("905.5", 9_100), ("910", 9_101), ("912", 9_121)])
def test_match_dsp_002_a_quote_never_trades_at_once(bid: str, price: int) -> None:
    """MATCH-DSP-002: bids at the mark or better stay; what is left after a minute is for them."""
    ex, _ = taken(market_rules={"mark_band_ppb": 0})
    ex.place("bob", "buy", "0.1", "910")
    ex.place("bob", "buy", "5", bid)
    for wanted, sold in ((90, 0), (81, 90)):
        ex.wait(MINUTE)
        events = ex.price("910")
        assert sum(trade.size_lots for trade in of(events, TradeExecuted)) == sold
        assert (standing_quote(ex).price, standing_quote(ex).size) == (price, wanted)
        assert standing_quote(ex).filled == 0


def test_match_dsp_003_who_takes_the_quote_pays_the_fund() -> None:
    """MATCH-DSP-003: 0.1 at 910 that was taken at 890 brings 2; the quote is gone until the next minute."""
    ex, _ = taken()
    events = ex.place("cat", "buy", "0.04", "910") if ex.deposit("cat", "1000") else []
    trade, change = only(events, TradeExecuted), only(events, InsuranceChanged)
    assert (trade.seller, trade.price_ticks, trade.size_lots, trade.origin) == (INSURANCE, 9_100, 40, "book")
    assert (change.change_quanta, change.balance_quanta, change.reason) == (800_000, 1_000_800_000, "disposal")
    assert events[-1] is change
    events = ex.place("cat", "buy", "0.06", "910")
    assert only(events, InsuranceChanged).balance_quanta == insurance(ex) == 1_002_000_000
    assert (ex.lots(INSURANCE), ex.cash(INSURANCE), quote(ex)) == (900, 0, None)
    assert not of(ex.price("910"), InsuranceQuoted)


def test_match_dsp_004_what_nobody_took_in_a_minute_is_taken_from_the_book_and_no_more() -> None:
    """MATCH-DSP-004: 60 of 100 were quoted in vain; a part that was quoted with success leaves nothing to take."""
    ex, _ = taken()
    ex.deposit("cat", "1000")
    ex.place("cat", "buy", "0.04", "910")
    ex.place("bob", "buy", "5", "909")
    ex.wait(MINUTE)
    events = ex.price("910")
    assert [trade.size_lots for trade in of(events, TradeExecuted)] == [60]
    assert [closed.reason for closed in of(events, OrderClosed)] == ["renewed"]
    assert only(events, InsuranceQuoted).reason == "minute_began"
    assert standing_quote(ex).size == 90
    ex.place("cat", "buy", "0.09", "920", time_in_force="ioc")
    ex.wait(MINUTE)
    events = ex.price("910")
    assert not of(events, TradeExecuted)
    assert only(events, InsuranceQuoted).size_lots == 81


@pytest.mark.parametrize(("index", "moved"), [("914.5", False), ("914.6", True), ("905.5", False), ("905.4", True)])
def test_match_dsp_005_a_quote_that_is_left_behind_by_more_than_the_fee_is_renewed(index: str, moved: bool) -> None:
    """MATCH-DSP-005: half a percent of the new mark; a nearer one keeps its place."""
    ex, _ = taken(market_rules={"mark_band_ppb": 0})
    first = standing_quote(ex)
    events = ex.price(index)
    assert (standing_quote(ex) is not first) is moved
    if moved:
        assert only(events, OrderClosed).reason == only(events, InsuranceQuoted).reason == "mark_moved"
        assert standing_quote(ex).price == ex.state.markets[MARKET].prices.mark
        assert events.index(only(events, OrderClosed)) == 0
    assert standing_quote(ex).remaining == 100


def test_match_dsp_006_the_quote_holds_no_mark_back() -> None:
    """MATCH-DSP-006: it is alone in the book; the mark after a fall is the one without it. A part stays a part."""
    ex, _ = taken()
    ex.deposit("cat", "1000")
    ex.place("cat", "buy", "0.03", "910")
    twin = ruled()
    twin.price("910")
    twin.report("910", "0.03", buyer="cat", seller="bob")
    for price in ("900", "890", "895.5"):
        ex.price(price)
        twin.price(price)
        assert ex.state.markets[MARKET].prices.mark == twin.state.markets[MARKET].prices.mark
    assert standing_quote(ex).remaining == 70


def test_match_dsp_007_nothing_is_quoted_without_a_fresh_index_or_while_trading_pauses() -> None:
    """MATCH-DSP-007: declared stale, silent for as long as an index may be, halted, or fresh again too lately."""
    ex, _ = taken(grace_micros=0)
    assert only(ex.price(None), OrderClosed).reason == "index_stale"
    ex.price("910")
    assert quote(ex) is None
    ex.wait(MINUTE)
    ex.price("910")
    end = standing_quote(ex).expires_at
    assert end - ex.effects.at <= 2 * MINUTE
    ex.wait(end - ex.effects.at)
    assert only(ex.deposit("cat", "1"), OrderClosed).reason == "expired"
    ex.price("910")
    assert standing_quote(ex)
    ex.send(HaltMarket, source="operator", market=MARKET)
    assert only(ex.price("910"), OrderClosed).reason == "market_paused"


def test_match_dsp_008_a_grace_takes_the_quote_back() -> None:
    """MATCH-DSP-008: whoever could not answer yet is not traded with either."""
    ex = ruled(grace_micros=10 * SECOND)
    holds(ex, "ann", "110")
    ex.insure("1000")
    ex.price("910")
    ex.wait(10 * SECOND)
    ex.liquidate("ann")
    ex.wait(61 * SECOND)
    ex.price("910")
    assert quote(ex) is None
    ex.wait(MINUTE)
    ex.price("910")
    assert standing_quote(ex).size == 100


def test_match_dsp_009_in_danger_the_quote_goes_before_the_position_is_given_up() -> None:
    """MATCH-DSP-009: 98 bear 1 at 880, and at 818 no more."""
    ex = ruled(market_rules={"mark_band_ppb": 0})
    holds(ex, "ann", "110")
    ex.insure("98")
    ex.price("880")
    ex.liquidate("ann")
    ex.price("820.5")
    assert standing_quote(ex).side == -1
    events = ex.price("818")
    closed = [event.reason for event in of(events, OrderClosed)]
    assert closed == ["deleveraged"]
    assert only(events, PositionDeleveraged).against == INSURANCE
    assert (quote(ex), ex.lots(INSURANCE)) == (None, 0)


def test_match_dsp_010_a_liquidation_may_buy_what_the_fund_sells() -> None:
    """MATCH-DSP-010: they are not one family (R29); both results are told in one change of the fund."""
    ex, _ = taken(disposal_ppb=1_000_000_000)
    holds(ex, "dan", "45", "sell", "0.5")
    ex.place("bob", "buy", "0.1", "1030")
    ex.price("1040")
    assert standing_quote(ex).price >= 10_400
    events = ex.liquidate("dan")
    trade = of(events, TradeExecuted)[0]
    assert (trade.seller, trade.buyer, trade.origin) == (INSURANCE, "dan", "liquidation")
    change = only(events, InsuranceChanged)
    assert (change.reason, change.balance_quanta) == ("liquidation", insurance(ex))
    assert ex.cash(INSURANCE) == 0


def test_match_dsp_011_a_position_that_turns_is_offered_on_the_other_side() -> None:
    """MATCH-DSP-011: it held 1 long, and takes 3 short over from dan, who cannot pay what it quotes."""
    ex, _ = taken(market_rules={"mark_band_ppb": 0})
    holds(ex, "dan", "330", "sell", "3")
    ex.price("1115")
    events = ex.liquidate("dan")
    assert only(events, LiquidationExecuted).taken_over_lots == -3_000
    assert ex.lots(INSURANCE) == -2_000
    assert (standing_quote(ex).side, standing_quote(ex).remaining) == (1, 200)
    assert [closed.reason for closed in of(events, OrderClosed)] == ["reduce_only"]


def test_match_dsp_012_a_market_may_leave_the_fund_with_what_it_has() -> None:
    """MATCH-DSP-012: a share of nothing is not offered."""
    ex, events = taken(disposal_ppb=0)
    ex.wait(MINUTE)
    assert not of([*events, *ex.price("910")], InsuranceQuoted)


def test_match_dsp_013_a_restart_finds_the_quote_where_it_was() -> None:
    """MATCH-DSP-013: the same order at the same place, and the same goes on."""
    steady, _ = taken()
    again, _ = taken()
    again.commit()
    again.restart()
    for ex in (steady, again):
        ex.price("905")
        ex.wait(MINUTE)
        ex.price("905")
        ex.commit()
    assert steady.tables == again.tables
    assert steady.effects.emitted == again.effects.emitted
    assert standing_quote(again).remaining == standing_quote(steady).remaining


def test_match_dsp_016_nobody_takes_back_or_changes_what_the_fund_quotes() -> None:
    """MATCH-DSP-016: one by one, all at once, or under another name."""
    ex, _ = taken()
    name = standing_quote(ex).client_order_id
    for actor in (None, "bob", INSURANCE):
        assert only(ex.cancel(INSURANCE, name, actor=actor), OrderRejected).reason == "not_permitted"
        assert only(ex.amend(INSURANCE, name, price="1", actor=actor), OrderRejected).reason == "not_permitted"
    answer = only(ex.cancel_all(INSURANCE), OrdersCanceled)
    assert (answer.canceled, answer.reason) == (0, "not_permitted")
    assert (standing_quote(ex).price, standing_quote(ex).remaining) == (9_100, 100)


def check(ex: Exchange) -> None:
    """One quote at most, of no more than the position, on the side that reduces it, and not in the way of anybody."""
    mine = list(ex.state.accounts[INSURANCE].orders.values()) if INSURANCE in ex.state.accounts else []
    assert len(mine) <= 1
    for order in mine:
        assert order.post_only and order.reduce_only and order.expires_at > ex.effects.at
        assert 0 < order.remaining <= order.size


@settings(max_examples=25, deadline=None)
@given(st.integers(0, len(KINDS) - 1), flows)
def test_match_dsp_014_whatever_happens_the_fund_has_one_quote_at_most_and_only_reduces(
    kind: int, steps: list[Step]
) -> None:
    """MATCH-DSP-014: no trade by a quote makes its position larger, and events tell where every quote went."""
    ex = opened(kind)
    said, first = list[Message](), 0
    for number in range(0, len(steps), 10):
        run(ex, steps[number : number + 10])
        check(ex)
        said = ex.effects.emitted
    quoted = {event.order_id: event for event in of(said, InsuranceQuoted)}
    accepted = {event.order_id: event for event in of(said, OrderAccepted) if event.account == INSURANCE}
    closed = {event.order_id: event for event in of(said, OrderClosed) if event.account == INSURANCE}
    assert set(quoted) == set(accepted)
    live = quote(ex)
    assert set(quoted) - set(closed) == ({live.order_id} if live is not None else set())
    for event in quoted.values():
        assert (event.side == "sell") == (event.held_lots > 0)
        assert event.size_lots <= abs(event.held_lots)
        assert (event.price_ticks - event.mark_ticks) * (1 if event.side == "sell" else -1) >= 0
    for trade in of(said, TradeExecuted)[first:]:
        for order_id, side in ((trade.sell_order_id, "sell"), (trade.buy_order_id, "buy")):
            if order_id in quoted:
                assert quoted[order_id].side == side
                assert trade.price_ticks == quoted[order_id].price_ticks
