"""Outside trades that are taken back or put right."""

from collections import Counter
from typing import Any

import pytest
from cleartide.contracts import (
    BustTrade,
    CorrectTrade,
    DelistMarket,
    Message,
    PositionChanged,
    TradeBusted,
    TradeCorrected,
    TradeExecuted,
    UpdateIndexPrice,
)
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain import reported
from services.matching.domain.margin import standing
from services.matching.domain.reported import CORRECTION_WINDOW
from services.matching.tables import LEDGER_ENTRIES, TRADES
from services.matching.tables.reported import REPORTED_TRADES
from services.matching.tests.support import HOUR, MARKET, QUOTE, SECOND, Exchange, of, only

ACCOUNTS = ("ann", "bob", "outside")


@pytest.fixture
def ex() -> Exchange:
    return Exchange()


def bust(ex: Exchange, trade_id: str, **more: Any) -> list[Message]:
    return ex.send(BustTrade, **{"source": "engine", "market": MARKET, "trade_id": trade_id, **more})


def correct(ex: Exchange, trade_id: str, price: str, size: str, **more: Any) -> list[Message]:
    body = {"source": "engine", "market": MARKET, "trade_id": trade_id, "price": price, "size": size, **more}
    return ex.send(CorrectTrade, **body)


def refused(ex: Exchange, contract: type[Message], **body: Any) -> str:
    """The reason; nothing has changed."""
    ex.commit()
    before = {name: dict(rows) for name, rows in ex.tables.items()}
    terms = {"price": "1001", "size": "1", "buyer": "ann"} if contract is CorrectTrade else {}
    with pytest.raises(Reject) as verdict:
        ex.send(contract, **{"source": "engine", "market": MARKET, "trade_id": "t", **terms, **body})
    ex.commit()
    assert ex.tables == before
    return verdict.value.reason


def figures(ex: Exchange) -> list[tuple[int, int]]:
    """Of each account: lots, and cash + Q. How much of it has been realized depends on the way it took."""
    return [(ex.lots(name), ex.quote(name) + ex.cash(name)) for name in ACCOUNTS if name in ex.state.accounts]


def test_match_cor_001_a_bust_leaves_positions_and_equity_as_if_the_trade_had_not_been(ex: Exchange) -> None:
    """MATCH-COR-001"""
    for name in ("ann", "bob"):
        ex.deposit(name)
    ex.report("1000", "2", buyer="ann", seller="bob", trade_id="good")
    before = figures(ex)
    ex.report("1010", "3", buyer="ann", seller="bob", trade_id="bad")
    bust(ex, "bad")
    assert figures(ex) == before
    assert ex.state.markets[MARKET].open_interest == 2_000


def test_match_cor_002_a_bust_tells_the_void_trade_and_both_reversals(ex: Exchange) -> None:
    """MATCH-COR-002: under a number of its own, and without a second TradeExecuted."""
    ex.report("1000", "2", seller="bob", trade_id="bad")
    ex.wait(5 * SECOND)
    events = bust(ex, "bad", reason="reorg")
    said = only(events, TradeBusted)
    assert (said.trade_id, said.first_trade_id, said.reversal_id) == (1, 1, 2)
    assert (said.outside_source, said.outside_trade_id, said.reason) == ("engine", "bad", "reorg")
    assert (said.traded_at, said.price_ticks, said.size_lots) == (ex.effects.at - 5 * SECOND, 10_000, 2_000)
    assert (said.quote_quanta, said.buyer, said.seller) == (2_000 * QUOTE, "outside", "bob")
    moves = of(events, PositionChanged)
    assert [(m.account, m.fill_lots, m.fill_price_ticks, m.lots, m.trade_id, m.origin) for m in moves] == [
        ("bob", 2_000, 10_000, 0, 2, "outside"),
        ("outside", -2_000, 10_000, 0, 2, "outside"),
    ]
    assert not of(events, TradeExecuted)
    assert [event.type for event in events] == ["TradeBusted", "PositionChanged", "PositionChanged"]


def test_match_cor_003_funding_is_settled_before_the_reversal_and_stays(ex: Exchange) -> None:
    """MATCH-COR-003: 2,000 lots at a mark of 10,000 ticks owe 0.1 % of 2,000 quote for the hour they were held."""
    for name in ("ann", "bob"):
        ex.deposit(name)
    ex.report("1000", "2", buyer="ann", seller="bob", trade_id="bad")
    ex.settle(1_000_000, 1)
    moves = of(bust(ex, "bad"), PositionChanged)
    assert {move.account: move.funding_quanta for move in moves} == {"ann": -2 * QUOTE, "bob": 2 * QUOTE}
    assert (ex.cash("ann"), ex.cash("bob")) == (998 * QUOTE, 1_002 * QUOTE)
    assert ex.balance(f"funding:{MARKET}") == 0


def test_match_cor_004_a_reversal_after_the_position_was_closed_opens_the_other_way(ex: Exchange) -> None:
    """MATCH-COR-004: bought at 1,000 by mistake and sold at 1,100: without the purchase she is short from 1,100."""
    ex.deposit("ann")
    ex.report("1000", "1", buyer="ann", trade_id="bad")
    ex.report("1100", "1", seller="ann", trade_id="good")
    assert (ex.lots("ann"), ex.cash("ann")) == (0, 1_100 * QUOTE)
    bust(ex, "bad")
    assert (ex.lots("ann"), ex.quote("ann"), ex.cash("ann")) == (-1_000, 1_000 * QUOTE, 1_100 * QUOTE)
    assert standing(ex.state.accounts["ann"]).equity_quanta == 1_100 * QUOTE


def test_match_cor_005_a_correction_leaves_what_the_right_trade_would_have_left(ex: Exchange) -> None:
    """MATCH-COR-005: another price, another size, other sides."""
    for terms in (
        {"price": "1005", "size": "2", "buyer": "ann", "seller": "bob"},
        {"price": "1000", "size": "0.5", "buyer": "ann", "seller": "bob"},
        {"price": "999", "size": "3", "buyer": "bob", "seller": "ann"},
        {"price": "999", "size": "3", "seller": "cat"},
    ):
        wrong, right = Exchange(), Exchange()
        for side in (wrong, right):
            for name in ("ann", "bob", "cat", "outside"):
                side.state.open_account(name, 0)
                side.state.holding(side.state.accounts[name], side.state.markets[MARKET])
        wrong.report("1000", "2", buyer="ann", seller="bob", trade_id="t")
        correct(wrong, "t", **terms)
        right.report(trade_id="t", **terms)
        for name in ("ann", "bob", "cat", "outside"):
            assert (wrong.lots(name), wrong.quote(name), wrong.cash(name)) == (
                right.lots(name),
                right.quote(name),
                right.cash(name),
            )
        assert wrong.state.markets[MARKET].prices.last == right.state.markets[MARKET].prices.last
        assert wrong.state.markets[MARKET].open_interest == right.state.markets[MARKET].open_interest


def test_match_cor_006_a_correction_tells_old_and_new_and_all_four_moves(ex: Exchange) -> None:
    """MATCH-COR-006"""
    ex.report("1000", "2", buyer="ann", trade_id="t")
    events = correct(ex, "t", "1001", "1.5", seller="bob", reason="wrong_side")
    said = only(events, TradeCorrected)
    assert (said.trade_id, said.first_trade_id, said.reversal_id, said.replacement_id) == (1, 1, 2, 3)
    assert (said.price_ticks, said.size_lots, said.buyer, said.seller) == (10_000, 2_000, "ann", "outside")
    assert (said.new_price_ticks, said.new_size_lots, said.new_quote_quanta) == (10_010, 1_500, 1_501_500_000)
    assert (said.new_buyer, said.new_seller, said.new_taker_side) == ("outside", "bob", "sell")
    moves = [(move.account, move.fill_lots, move.trade_id) for move in of(events, PositionChanged)]
    assert moves == [("outside", 2_000, 2), ("ann", -2_000, 2), ("outside", 1_500, 3), ("bob", -1_500, 3)]
    assert not of(events, TradeExecuted)


def test_match_cor_007_a_corrected_trade_can_be_corrected_and_busted_again(ex: Exchange) -> None:
    """MATCH-COR-007: each step takes back the form that holds, and names the first execution."""
    ex.report("1000", "2", buyer="ann", trade_id="t")
    correct(ex, "t", "1001", "2", buyer="ann")
    second = only(correct(ex, "t", "1002", "1", buyer="ann"), TradeCorrected)
    assert (second.trade_id, second.first_trade_id, second.price_ticks) == (3, 1, 10_010)
    last = only(bust(ex, "t"), TradeBusted)
    assert (last.trade_id, last.first_trade_id, last.price_ticks, last.size_lots) == (5, 1, 10_020, 1_000)
    assert figures(ex) == [(0, 0), (0, 0)]


def test_match_cor_008_what_cannot_be_restated_is_refused_with_the_reason(ex: Exchange) -> None:
    """MATCH-COR-008: and nothing has changed."""
    ex.list(market="ETH-PERP")
    ex.report("1000", "1", buyer="ann", trade_id="t")
    for contract in (BustTrade, CorrectTrade):
        assert refused(ex, contract, trade_id="other") == "unknown_trade"
        assert refused(ex, contract, market="NO-PERP") == "unknown_market"
        assert refused(ex, contract, market="ETH-PERP") == "unknown_trade"
        assert refused(ex, contract, source="rival") == "wrong_source"
    assert refused(ex, CorrectTrade, price="1000", size="1") == "no_change"
    assert refused(ex, CorrectTrade, price="1000.05") == "off_grid"
    assert refused(ex, CorrectTrade, buyer=None) == "no_participant"
    assert refused(ex, CorrectTrade, buyer="bob", seller="bob") == "self_trade"
    assert refused(ex, CorrectTrade, buyer="insurance") == "reserved_account"
    bust(ex, "t")
    for contract in (BustTrade, CorrectTrade):
        assert refused(ex, contract) == "already_busted"
    with pytest.raises(Reject, match="duplicate"):
        ex.report("1000", "1", buyer="ann", trade_id="t")


def test_match_cor_009_a_day_after_its_execution_a_trade_stands(ex: Exchange) -> None:
    """MATCH-COR-009: to the microsecond, whether or not it is still remembered; a correction gives no new time."""
    for number in range(4):
        ex.report("1000", "1", buyer="ann", trade_id=f"t{number}")
    ex.wait(CORRECTION_WINDOW)
    correct(ex, "t1", "1001", "1", buyer="ann")
    bust(ex, "t0")
    ex.wait(1)
    assert refused(ex, BustTrade, trade_id="t1") == "too_old"
    assert refused(ex, CorrectTrade, trade_id="t2") == "too_old"
    for number in range(4, 8):
        ex.report("1000", "1", buyer="ann", trade_id=f"t{number}")
    ex.restart()
    assert [row["outside_trade_id"] for row in ex.rows(REPORTED_TRADES.name)] == ["t4", "t5", "t6", "t7"]
    assert refused(ex, BustTrade, trade_id="t3") == "too_old"
    assert refused(ex, BustTrade, trade_id="t3", source="rival") == "unknown_trade"


def test_match_cor_010_only_so_many_trades_are_remembered(ex: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """MATCH-COR-010: beyond that the oldest are too old, also after a restart."""
    monkeypatch.setattr(reported, "TRADES_REMEMBERED", 3)
    for number in range(5):
        ex.report("1000", "1", buyer="ann", trade_id=f"t{number}")
    ex.restart()
    assert refused(ex, BustTrade, trade_id="t1") == "too_old"
    bust(ex, "t2")


def test_match_cor_011_a_reversal_stays_within_bounds(ex: Exchange) -> None:
    """MATCH-COR-011: what a report may not do to a position, a reversal may not do either."""
    ex = Exchange(price=None)
    ex.report("0.1", "600000000", seller="ann", trade_id="t")
    ex.report("0.1", "600000000", buyer="ann", trade_id="back")
    ex.report("0.1", "600000000", buyer="ann", trade_id="more")
    assert refused(ex, BustTrade, trade_id="t") == "position_cap"
    assert refused(ex, CorrectTrade, trade_id="more", price="0.1", size="1100000000", buyer="ann") == "overflow"


def test_match_cor_012_a_delisted_market_takes_no_restatement(ex: Exchange) -> None:
    """MATCH-COR-012: its positions are settled."""
    ex.report("1000", "1", buyer="ann", trade_id="t")
    ex.send(DelistMarket, source="operator", market=MARKET, notice_micros=SECOND)
    ex.wait(2 * SECOND)
    ex.price("1000")
    for contract in (BustTrade, CorrectTrade):
        assert refused(ex, contract) == "market_delisted"


def test_match_cor_013_a_price_at_which_nobody_traded_is_not_the_last_price(ex: Exchange) -> None:
    """MATCH-COR-013: the one before it is; a correction's price takes the place of the wrong one."""
    last = ex.state.markets[MARKET].prices
    ex.report("1001", "1", buyer="ann", trade_id="a")
    ex.report("1900", "1", buyer="ann", trade_id="b")
    assert only(bust(ex, "b"), TradeBusted).last_ticks == last.last == 10_010
    ex.report("1800", "1", buyer="ann", trade_id="c")
    assert only(correct(ex, "c", "1002", "1", buyer="ann"), TradeCorrected).last_ticks == last.last == 10_020
    ex.report("1003", "1", buyer="ann", trade_id="d")
    bust(ex, "c")
    assert last.last == 10_030


def test_match_cor_014_the_ledger_says_what_each_amount_was_for(ex: Exchange) -> None:
    """MATCH-COR-014: one balanced transaction per restatement; the history of trades names what they restate."""
    ex.report("1000", "1", buyer="ann", trade_id="t")
    correct(ex, "t", "1001", "1", buyer="ann")
    bust(ex, "t")
    ex.commit()
    kinds = [(row["transaction_id"], row["kind"]) for row in ex.rows(LEDGER_ENTRIES.name)]
    assert Counter(kinds) == {(1, "trade"): 2, (2, "correction"): 4, (3, "bust"): 2}
    history = [(row["trade_id"], row["origin"], row["corrects"], row["buyer"]) for row in ex.rows(TRADES.name)]
    assert history == [
        (1, "outside", None, "ann"),
        (2, "reversal", 1, "outside"),
        (3, "correction", 1, "ann"),
        (4, "reversal", 3, "outside"),
    ]


def test_match_cor_015_a_restatement_is_applied_once(ex: Exchange) -> None:
    """MATCH-COR-015: the same command again is a duplicate."""
    ex.report("1000", "1", buyer="ann", trade_id="t")
    bust(ex, "t", id="bust-t")
    with pytest.raises(Reject, match="duplicate"):
        bust(ex, "t", id="bust-t")


actions = st.lists(
    st.tuples(
        st.sampled_from(["report", "report", "bust", "correct", "settle", "price", "restart"]),
        st.integers(0, 7),
        st.integers(1, 400),
        st.integers(-40, 40),
        st.sampled_from([("ann", "bob"), ("bob", "ann"), ("ann", None), (None, "bob"), ("cat", "ann")]),
    ),
    max_size=40,
)


@settings(max_examples=80)
@given(actions)
def test_match_cor_016_positions_are_the_sum_of_their_trades_and_money_is_where_they_leave_it(
    steps: list[tuple[str, int, int, int, tuple[str | None, str | None]]],
) -> None:
    """MATCH-COR-016: lots are those of the trades in force, cash + Q what they and funding leave, to the quantum."""
    ex = Exchange()
    for name in ("ann", "bob", "cat"):
        ex.deposit(name)
    standing_trades: dict[str, tuple[str, str, int, int]] = {}
    funding: Counter[str] = Counter()
    for number, (action, which, lots, offset, (buyer, seller)) in enumerate(steps):
        terms = {"price": f"{1000 + offset}", "size": f"{lots / 1000:.3f}", "buyer": buyer, "seller": seller}
        now = (buyer or "outside", seller or "outside", lots, (10_000 + 10 * offset) * lots * 100)
        name = f"t{which}"
        ex.wait(SECOND)
        try:
            events = perform(ex, number, action, name, terms)
        except Reject:
            continue
        if action in ("report", "correct"):
            standing_trades[name] = now
        elif action == "bust":
            del standing_trades[name]
        for move in of(events, PositionChanged):
            funding[move.account] += move.funding_quanta
    check(ex, standing_trades, funding)


def perform(ex: Exchange, number: int, action: str, name: str, terms: dict[str, Any]) -> list[Message]:
    match action:
        case "report":
            return ex.report(trade_id=name, **terms)
        case "bust":
            return bust(ex, name)
        case "correct":
            return correct(ex, name, **terms)
        case "settle":
            return ex.settle(number * 40_000 - 500_000, (ex.effects.at // HOUR) + number)
        case "price":
            return ex.send(UpdateIndexPrice, source="ingestor", market=MARKET, price=terms["price"], sources=())
    ex.restart()
    return []


def check(ex: Exchange, trades: dict[str, tuple[str, str, int, int]], funding: Counter[str]) -> None:
    lots: Counter[str] = Counter()
    money: Counter[str] = Counter({"ann": 1000 * QUOTE, "bob": 1000 * QUOTE, "cat": 1000 * QUOTE})
    for buyer, seller, size, quote in trades.values():
        lots.update({buyer: size})
        lots.subtract({seller: size})
        money.subtract({buyer: quote})
        money.update({seller: quote})
    ex.commit()
    history: Counter[str] = Counter()
    for row in ex.rows(TRADES.name):
        history.update({row["buyer"]: row["size_lots"]})
        history.subtract({row["seller"]: row["size_lots"]})
    for name, account in ex.state.accounts.items():
        held = account.holdings.get(MARKET)
        assert (held.lots if held else 0) == lots[name] == history[name]
        assert account.cash.balance + (held.quote.balance if held else 0) == money[name] + funding[name]
