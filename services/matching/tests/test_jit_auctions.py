"""Just-in-time auctions: what taker and makers get, what is refused, and that nothing of it is lost or made."""

from typing import Any

import pytest
from cleartide.contracts import (
    AuctionOffered,
    HaltMarket,
    JitAuctionOpened,
    JitAuctionSettled,
    JitQuoteAccepted,
    JitQuoteRejected,
    OrderClosed,
    OrderRejected,
    PositionChanged,
    ResumeMarket,
    TradeExecuted,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.jit import quoting
from services.matching.domain.jit.pricing import SLOT_MICROS, interpolated
from services.matching.tests.support import MARKET, QUOTE, SECOND, Events, Exchange, of, only

MAKERS = ("dan", "eve", "fay")


@pytest.fixture
def ex() -> Exchange:
    exchange = Exchange()
    for account in ("ann", *MAKERS, "clock"):
        exchange.deposit(account, "100000")
    return exchange


def call(ex: Exchange, side: str = "buy", size: str = "1", price: str = "1100", **terms: Any) -> int:
    """ann's order is auctioned, from 1,000.0 to 1,001.0 (or down to 999.0); returns the auction's number."""
    course = {"start": "1000", "end": "1001" if side == "buy" else "999", **terms}
    only(ex.auction("ann", side, size, price, **course), JitAuctionOpened)
    return ex.state.counters.orders


def tick(ex: Exchange, slots: float) -> Events:
    """So many slots pass, and then somebody says something."""
    ex.wait(int(slots * SLOT_MICROS))
    return ex.deposit("clock", "1")


def fills(events: Events) -> list[tuple[int, int, str]]:
    """(price, lots, seller) of each trade."""
    return [(trade.price_ticks, trade.size_lots, trade.seller) for trade in of(events, TradeExecuted)]


def reason(events: Events) -> str:
    return only(events, OrderRejected).reason


def test_match_jit_001_what_the_book_gives_at_the_start_price_is_taken_at_once(ex: Exchange) -> None:
    """MATCH-JIT-001: and there is no auction when that is all."""
    ex.place("dan", "sell", "0.4", "1000")
    ex.place("dan", "sell", "0.4", "1000.1")
    events = ex.auction("ann", "buy", "0.4", "1100", start="1000", end="1001")
    assert fills(events) == [(10_000, 400, "dan")]
    assert [closed.reason for closed in of(events, OrderClosed)] == ["filled", "filled"]
    assert not of(events, JitAuctionOpened) and not ex.state.auctions.running


def test_match_jit_002_an_auctioned_order_is_open_outside_the_book_with_its_margin(ex: Exchange) -> None:
    """MATCH-JIT-002: open size and loss to the mark are kept until it is over, less what has traded."""
    ex.place("dan", "sell", "0.4", "1000")
    call(ex, price="1010")
    account = ex.state.accounts["ann"]
    holding = account.holdings[MARKET]
    (order,) = account.orders.values()
    assert (order.state, order.row, order.remaining) == ("partially_filled", 0, 600)
    assert (holding.lots, holding.bids, account.reserved) == (400, 600, 600 * 100 * 100)
    assert ex.state.markets[MARKET].book.bids.best_price is None
    ex.place("eve", "sell", "0.1", "1000.1")
    tick(ex, 1)
    assert (holding.lots, holding.bids, account.reserved) == (500, 500, 500 * 100 * 100)
    tick(ex, 10)
    assert (holding.lots, holding.bids, account.reserved, account.orders) == (500, 0, 0, {})


def test_match_jit_003_the_parties_and_the_makers_are_told(ex: Exchange) -> None:
    """MATCH-JIT-003: makers hear everything but whose order it is."""
    ex.place("dan", "sell", "0.4", "1000.7")
    said = len(ex.effects.emitted)
    ex.auction("ann", "buy", "0.5", "1100", start="1000", end="1001", slots=4)
    opened = only(ex.effects.emitted[said:], JitAuctionOpened)
    offered = only(ex.effects.emitted[said:], AuctionOffered)
    same = ("auction_id", "market", "side", "size_lots", "start_ticks", "end_ticks", "offsets", "slots", "slot_micros")
    assert {name: getattr(opened, name) for name in same} == {name: getattr(offered, name) for name in same}
    assert (opened.account, opened.best_opposite_ticks, opened.limit_ticks) == ("ann", 10_007, 11_000)
    assert (offered.subject, offered.opened_at, offered.slot_micros) == (f"auctions.{MARKET}", ex.effects.at, 400_000)
    assert "ann" not in offered.model_dump_json()


def test_match_jit_004_a_quote_trades_at_its_own_price_without_an_order(ex: Exchange) -> None:
    """MATCH-JIT-004: both pay their fees; the maker's side has no order number."""
    number = call(ex)
    accepted = only(ex.offer("dan", number, "1000.2", "0.3"), JitQuoteAccepted)
    assert (accepted.quote_id, accepted.price_ticks, accepted.size_lots) == (1, 10_002, 300)
    events = tick(ex, 2)
    trade = only(events, TradeExecuted)
    assert (trade.price_ticks, trade.size_lots, trade.buy_order_id, trade.sell_order_id) == (10_002, 300, number, None)
    assert (trade.taker_side, trade.origin) == ("buy", "book")
    fees = {move.account: move.fee_quanta for move in of(events, PositionChanged)}
    quote = 300 * 10_002 * 100
    assert fees == {"ann": -(-quote * 450 // 10**6), "dan": -(-quote * 150 // 10**6)}


def test_match_jit_005_slots_that_pass_in_silence_come_in_their_places(ex: Exchange) -> None:
    """MATCH-JIT-005: among all that is due. An ask that ends at slot 4 trades at 3, one that ends at 3 does not."""
    opened_at = ex.effects.at
    call(ex)
    for slot, size in ((3, "0.1"), (4, "0.2")):
        ends = {"time_in_force": "gtt", "expires_at": opened_at + slot * SLOT_MICROS}
        ex.place("dan", "sell", size, "1000.3", **ends)
    events = tick(ex, 9)
    assert fills(events) == [(10_003, 200, "dan")]
    closed = [(event.account, event.filled_lots, event.reason) for event in of(events, OrderClosed)]
    assert closed == [("dan", 0, "expired"), ("dan", 200, "filled")]


def test_match_jit_006_offsets_follow_the_index(ex: Exchange) -> None:
    """MATCH-JIT-006: at each slot the index in force; the mark's own rules do not matter."""
    number = call(ex, start="-1", end="1", offsets=True)
    ex.offer("dan", number, "1003.5", "0.1")
    assert fills(tick(ex, 5)) == []
    ex.price("1004")
    assert fills(tick(ex, 2)) == [(10_035, 100, "dan")]


def test_match_jit_007_what_cannot_be_auctioned_is_refused_with_the_reason(ex: Exchange) -> None:
    """MATCH-JIT-007: and nothing has changed."""
    assert reason(ex.auction("ann", "buy", "1", "1000", time_in_force="gtc")) == "auction_not_immediate"
    assert reason(ex.auction("ann", "buy", "1", "1000", time_in_force="fok")) == "auction_not_immediate"
    post = {"time_in_force": "gtc", "post_only": True}
    assert reason(ex.auction("ann", "buy", "1", "1000", **post)) == "auction_not_immediate"
    assert reason(ex.auction("ann", "buy", "1", "1000", start="1")) == "auction_incomplete"
    assert reason(ex.auction("ann", "buy", "1", "1000", offsets=True)) == "auction_incomplete"
    assert reason(ex.auction("ann", "buy", "1", "1000", start="1000", end="999")) == "auction_backwards"
    assert reason(ex.auction("ann", "sell", "1", "1000", start="1000", end="1001")) == "auction_backwards"
    assert reason(ex.auction("ann", "buy", "1", "1000", start="1000.05", end="1001")) == "off_grid"
    assert reason(ex.auction("ann", "buy", "1", "1000", start="-5", end="1001")) == "not_positive"
    assert reason(ex.auction("ann", "buy", "1", "1000", start="1", end="99999999999999")) == "overflow"
    assert reason(ex.auction("ann", "buy", "1", "1000", oco_group="g")) == "auction_not_allowed"
    stop = {"order_type": "stop_market", "trigger_price": "1010"}
    assert reason(ex.auction("ann", "buy", "1", **stop)) == "auction_not_allowed"
    assert not ex.state.auctions.running and not ex.state.accounts["ann"].orders
    only(ex.auction("ann", "buy", "1"), JitAuctionOpened)


def test_match_jit_008_a_quote_is_judged_when_it_comes(ex: Exchange) -> None:
    """MATCH-JIT-008: every quote is answered, and a refused one leaves nothing behind."""
    number = call(ex)
    ex.deposit("poor", "1")
    ex.list(market="ETH-PERP")
    ex.price("1000", market="ETH-PERP")

    def why(account: str, price: str = "1000", size: str = "1", auction: int = number, **more: Any) -> str:
        refusal = only(ex.offer(account, auction, price, size, **more), JitQuoteRejected)
        assert (refusal.quote_id, refusal.auction_id, refusal.account) == (None, auction, account)
        return refusal.reason

    assert why("nobody") == "unknown_account"
    assert why("insurance") == "reserved_account"
    assert why("dan", market="NO-PERP") == "unknown_market"
    assert why("dan", market="ETH-PERP") == "unknown_auction"
    assert why("dan", auction=number + 1) == "unknown_auction"
    assert why("dan", actor="eve") == "not_permitted"
    assert why("ann") == "self_trade"
    assert why("dan", price="1000.05") == "off_grid"
    assert why("dan", size="0") == "not_positive"
    assert why("dan", price="1001.1") == "price_beyond_end"
    assert why("poor") == "insufficient_margin"
    assert not ex.state.auctions.running[number].quotes and ex.state.auctions.quotes == 0


def test_match_jit_009_a_maker_may_only_make_its_quote_better(ex: Exchange) -> None:
    """MATCH-JIT-009: then it takes the place of the old one, behind those of the same price."""
    number = call(ex)
    ex.offer("dan", number, "1000.5", "0.3")
    ex.offer("eve", number, "1000.4", "0.2")
    for price, size in (("1000.6", "1"), ("1000.5", "0.3"), ("1000.5", "0.2")):
        assert only(ex.offer("dan", number, price, size), JitQuoteRejected).reason == "not_better"
    only(ex.offer("dan", number, "1000.5", "0.301"), JitQuoteAccepted)
    better = only(ex.offer("dan", number, "1000.4", "0.1"), JitQuoteAccepted)
    assert (better.quote_id, better.replaced_quote_id) == (4, 3)
    assert fills(tick(ex, 4)) == [(10_004, 200, "eve"), (10_004, 100, "dan")]


def test_match_jit_010_an_auction_holds_so_many_quotes(ex: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """MATCH-JIT-010: the work of a slot is bounded; who stands there may still improve."""
    monkeypatch.setattr(quoting, "MOST_QUOTES", 2)
    number = call(ex)
    for maker in ("dan", "eve"):
        ex.offer(maker, number, "1000.5", "0.1")
    assert only(ex.offer("fay", number, "1000.1", "0.1"), JitQuoteRejected).reason == "too_many_quotes"
    only(ex.offer("dan", number, "1000.1", "0.1"), JitQuoteAccepted)


def test_match_jit_011_a_maker_that_cannot_afford_its_quote_any_more_leaves(ex: Exchange) -> None:
    """MATCH-JIT-011: with the number of its quote; the next one trades."""
    ex.deposit("poor", "101")
    number = call(ex, size="2")
    ex.offer("poor", number, "1000.1", "1")
    ex.offer("dan", number, "1000.1", "0.5")
    ex.withdraw("poor", "50")
    events = tick(ex, 1)
    left = only(events, JitQuoteRejected)
    assert (left.quote_id, left.account, left.reason) == (1, "poor", "insufficient_margin")
    assert fills(events) == [(10_001, 500, "dan")]


def test_match_jit_012_a_taker_that_cannot_afford_a_fill_any_more_ends_its_auction() -> None:
    """MATCH-JIT-012: the mark fell while it ran, and what ann holds elsewhere is worth less."""
    ex = Exchange()
    for account, amount in (("ann", "202"), ("dan", "100000"), ("clock", "1")):
        ex.deposit(account, amount)
    ex.place("dan", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    number = call(ex, price="1001")
    ex.offer("dan", number, "1000", "1")
    ex.price("990")
    events = tick(ex, 1)
    assert only(events, JitAuctionSettled).reason == only(events, OrderClosed).reason == "insufficient_margin"
    assert ex.lots("ann") == 1_000


def test_match_jit_013_a_reduce_only_order_takes_no_more_than_the_position(ex: Exchange) -> None:
    """MATCH-JIT-013: and its auction is over when there is nothing left to reduce."""
    ex.place("dan", "sell", "0.5", "1000")
    ex.place("ann", "buy", "0.5", "1000")
    number = call(ex, side="sell", price="900", reduce_only=True)
    assert ex.state.accounts["ann"].holdings[MARKET].asks == 0
    ex.offer("dan", number, "1000", "0.8")
    events = tick(ex, 1)
    assert [(trade.size_lots, trade.buyer) for trade in of(events, TradeExecuted)] == [(500, "dan")]
    assert only(events, JitAuctionSettled).reason == "reduce_only"
    assert ex.lots("ann") == 0


def test_match_jit_014_a_cancel_ends_the_auction_and_a_change_is_refused(ex: Exchange) -> None:
    """MATCH-JIT-014: it is settled with what it has got; its quotes are gone with it."""
    ex.place("dan", "sell", "0.4", "1000")
    number = call(ex, client_order_id="c")
    ex.offer("dan", number, "1000.5", "0.1")
    assert reason(ex.amend("ann", "c", price="1001")) == "in_auction"
    assert reason(ex.amend("ann", "c", size="0.9")) == "in_auction"
    events = ex.cancel("ann", "c")
    assert [event.type for event in events] == ["JitAuctionSettled", "OrderClosed"]
    settled = only(events, JitAuctionSettled)
    assert (settled.filled_lots, settled.unfilled_lots, settled.reason) == (400, 600, "canceled")
    assert settled.improvement_quanta == 400 * 10 * 100
    assert only(ex.offer("dan", number, "1000.4", "0.1"), JitQuoteRejected).reason == "unknown_auction"
    assert tick(ex, 20)[0].type == "TransferApplied"
    ex.commit()
    assert not ex.rows("jit_auctions") and not ex.rows("jit_quotes")


def test_match_jit_015_a_liquidation_has_no_auction_and_ends_the_accounts_own(ex: Exchange) -> None:
    """MATCH-JIT-015"""
    ex.insure("1000")
    ex.deposit("leo", "160")
    ex.place("dan", "sell", "1", "1000")
    ex.place("leo", "buy", "1", "1000")
    ex.auction("leo", "buy", "0.5", "1000", start="800", end="900", slots=150)
    ex.place("dan", "buy", "5", "845")
    ex.price("820")
    events = ex.liquidate("leo")
    assert only(events, JitAuctionSettled).reason == "liquidation"
    assert not of(events, JitAuctionOpened)
    assert of(events, TradeExecuted)[0].origin == "liquidation"


def test_match_jit_016_while_the_market_waits_nothing_trades_and_time_goes_on(ex: Exchange) -> None:
    """MATCH-JIT-016"""
    number = call(ex)
    ex.offer("dan", number, "1000.1", "0.1")
    ex.send(HaltMarket, source="operator", market=MARKET, state="halted")
    assert fills(tick(ex, 5)) == []
    ex.send(ResumeMarket, source="operator", market=MARKET)
    assert fills(tick(ex, 1)) == [(10_001, 100, "dan")]
    ex.send(HaltMarket, source="operator", market=MARKET, state="halted")
    assert only(tick(ex, 9), OrderClosed).reason == "ioc_remainder"


def test_match_jit_017_two_auctions_of_one_side_are_served_by_their_slots(ex: Exchange) -> None:
    """MATCH-JIT-017: at the same instant the older one first."""
    ex.deposit("bob", "100000")
    first = call(ex)
    only(ex.auction("bob", "buy", "1", "1100", start="1000", end="1001"), JitAuctionOpened)
    ex.place("dan", "sell", "1.5", "1000.2")
    events = tick(ex, 2)
    assert [(trade.buyer, trade.size_lots) for trade in of(events, TradeExecuted)] == [("ann", 1_000), ("bob", 500)]
    assert only(events, JitAuctionSettled).auction_id == first


def test_match_jit_018_own_orders_in_the_way_follow_the_orders_mode(ex: Exchange) -> None:
    """MATCH-JIT-018: they were placed while the auction ran."""
    call(ex, self_trade_prevention="expire_taker")
    ex.place("ann", "sell", "0.1", "1000.3")
    assert [event.type for event in tick(ex, 2)] == ["TransferApplied"]
    events = tick(ex, 1)
    assert only(events, OrderClosed).reason == "self_trade"


def test_match_jit_019_a_restart_in_the_middle_changes_nothing(ex: Exchange) -> None:
    """MATCH-JIT-019: margin, quotes and the slot to come return."""
    number = call(ex, price="1010")
    ex.offer("dan", number, "1000.6", "0.1")
    ex.offer("eve", number, "1000.6", "0.1")
    tick(ex, 2)
    ex.restart()
    account = ex.state.accounts["ann"]
    assert (account.holdings[MARKET].bids, account.reserved) == (1_000, 1_000 * 100 * 100)
    assert ex.state.auctions.running[number].next_slot == 3
    assert fills(tick(ex, 3)) == []
    ex.restart()
    assert fills(tick(ex, 1)) == [(10_006, 100, "dan"), (10_006, 100, "eve")]
    assert only(ex.offer("fay", number, "1000.7", "0.1"), JitQuoteAccepted).quote_id == 3


def test_match_jit_022_a_quote_of_the_number_of_a_groups_order_ends_nothing(ex: Exchange) -> None:
    """MATCH-JIT-022: quotes are numbered by themselves; the group of the order of that number goes on."""
    ex.place("eve", "sell", "0.1", "1000.9", oco_group="g")
    ex.place("eve", "sell", "0.2", "1000.6", oco_group="g")
    number = call(ex)
    tick(ex, 5)
    assert only(ex.offer("dan", number, "1000.4", "0.1"), JitQuoteAccepted).quote_id == 1
    events = tick(ex, 1)
    assert fills(events) == [(10_004, 100, "dan"), (10_006, 200, "eve")]
    assert [closed.reason for closed in of(events, OrderClosed)] == ["filled", "oco"]


actions = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "quote", "quote", "wait", "wait", "restart", "index"]),
        st.sampled_from(MAKERS),
        st.integers(-3, 14),
        st.integers(1, 300),
        st.integers(0, 3 * SLOT_MICROS),
    ),
    max_size=30,
)


@settings(max_examples=150)
@given(actions, st.integers(1, 12), st.integers(-2, 8), st.integers(0, 12), st.booleans())
def test_match_jit_020_fills_are_those_of_a_plain_auction(
    steps: list[tuple[str, str, int, int, int]], slots: int, start: int, rise: int, offsets: bool
) -> None:
    """MATCH-JIT-020: counted the plain way, slot by slot, with rich accounts; however often the service restarts."""
    ex = Exchange()
    for account in ("ann", *MAKERS, "clock"):
        ex.deposit(account, "1000000")
    plain = Plain(slots, start, start + rise, offsets, ex.effects.at)
    base = 0 if offsets else 10_000
    ex.auction("ann", "buy", "1", "1000.9", slots=slots, offsets=offsets, **course(base + start, base + start + rise))
    number, got = ex.state.counters.orders, []
    for action, maker, offset, lots, wait in [*steps, ("wait", "clock", 0, 1, 20 * SLOT_MICROS)]:
        before = len(ex.effects.emitted)
        if action == "wait":
            ex.wait(wait)
            plain.reach(ex.effects.at)
            ex.deposit("clock", "1")
        elif action == "restart":
            ex.restart()
        elif action == "index":
            ex.price(f"{1000 + offset / 10:.1f}")
            plain.index = 10_000 + offset
        else:
            price = 10_000 + offset
            if action == "ask":
                ex.place(maker, "sell", f"{lots / 1000:.3f}", f"{price / 10:.1f}")
                plain.asks.append((price, lots, maker))
            elif of(ex.offer(maker, number, f"{price / 10:.1f}", f"{lots / 1000:.3f}"), JitQuoteAccepted):
                plain.quote(price, lots, maker)
        got += fills(ex.effects.emitted[before:])
    assert got == plain.fills
    assert ex.lots("ann") == sum(lots for _, lots, _ in plain.fills)
    assert not ex.state.auctions.running


def course(start: int, end: int) -> dict[str, str]:
    return {"start": f"{start / 10:.1f}", "end": f"{end / 10:.1f}"}


class Plain:
    """A buyer's auction of 1,000 lots with a limit of 10,009: at each slot, sort all that is offered and take."""

    def __init__(self, slots: int, start: int, end: int, offsets: bool, opened_at: int) -> None:
        self.slots, self.start, self.end, self.offsets, self.opened_at = slots, start, end, offsets, opened_at
        self.index, self.left, self.slot = 10_000, 1_000, 1
        self.asks: list[tuple[int, int, str]] = []
        self.quotes: list[tuple[int, int, str]] = []
        self.fills: list[tuple[int, int, str]] = []

    def quote(self, price: int, lots: int, maker: str) -> None:
        self.quotes = [held for held in self.quotes if held[2] != maker] + [(price, lots, maker)]

    def reach(self, at: int) -> None:
        while self.left and self.slot <= self.slots + 1 and self.opened_at + self.slot * SLOT_MICROS <= at:
            base = self.index if self.offsets else 10_000
            price = min(base + interpolated(self.start, self.end, self.slot, self.slots), 10_009)
            self._take(price)
            self.slot += 1

    def _take(self, price: int) -> None:
        offers = [(at, 0, place, "asks") for place, (at, _, _) in enumerate(self.asks)]
        offers += [(at, 1, place, "quotes") for place, (at, _, _) in enumerate(self.quotes)]
        for at, _, place, kind in sorted(offers):
            held: list[tuple[int, int, str]] = getattr(self, kind)
            _, lots, maker = held[place]
            taken = min(lots, self.left)
            if at > price or not taken:
                continue
            self.left -= taken
            self.fills.append((at, taken, maker))
            held[place] = (at, lots - taken, maker)
        self.asks = [held for held in self.asks if held[1]]
        self.quotes = [held for held in self.quotes if held[1]]


@settings(max_examples=60)
@given(actions, st.integers(1, 5), st.sampled_from(["buy", "sell"]))
def test_match_jit_021_money_positions_and_margin_agree_in_any_flow(
    steps: list[tuple[str, str, int, int, int]], every: int, side: str
) -> None:
    """MATCH-JIT-021: with poor accounts, auctions of everybody and crashes of the price; also after a restart."""
    ex = Exchange()
    for account in ("ann", *MAKERS, "clock"):
        ex.deposit(account, "60")
    for number, (action, maker, offset, lots, wait) in enumerate(steps):
        size, price = f"{lots / 1000:.3f}", f"{1000 + offset / 10:.1f}"
        sides = ("buy", "sell") if number % 2 else ("sell", "buy")
        if number % every == 0:
            spread = (offset, offset + 5) if sides[0] == "buy" else (offset, offset - 5)
            ex.auction(maker, sides[0], size, **course(*spread), offsets=True, slots=1 + lots % 20)
        if action == "ask":
            ex.place(maker, side, size, price)
        elif action == "quote":
            for auction in list(ex.state.auctions.running):
                ex.offer(maker, auction, price, size)
        elif action == "index":
            ex.price(f"{1000 + 4 * offset}")
        elif action == "restart":
            ex.restart()
        ex.wait(wait)
    tick(ex, 25)
    assert not ex.state.auctions.running
    assert sum(ex.lots(name) for name in ex.state.accounts) == 0
    ex.wait(SECOND)
    assert sum(entry.balance for entry in ex.state.ledger.accounts.values()) == 0
    assert ex.cash("clock") >= 61 * QUOTE
