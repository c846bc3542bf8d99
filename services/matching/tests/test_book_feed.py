"""What subscribers of a book are told, and that it is enough to have the book."""

from fractions import Fraction
from typing import Any

import pytest
from cleartide.book_view import BookView
from cleartide.contracts import BookChanged
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.depth import Sweep, Within, sweep, within
from services.matching.tests.flows import TRADERS, Step, flows, perform
from services.matching.tests.support import MARKET, Exchange

OTHER = "ETH-PERP"


@pytest.fixture
def ex() -> Exchange:
    exchange = Exchange()
    for account in ("ann", "bob", "cat"):
        exchange.deposit(account, "10000")
    return exchange


def told(ex: Exchange, since: int = 0) -> list[tuple[int, Any, Any, Any, Any]]:
    return [(e.book_seq, e.bids, e.asks, e.best_bid_ticks, e.best_ask_ticks) for e in ex.book_changes[since:]]


def test_match_bks_001_every_change_of_a_level_is_told_with_its_new_total(ex: Exchange) -> None:
    """MATCH-BKS-001: adding, adding to, taking from and taking away."""
    ex.place("ann", "buy", "0.5", "999.9", client_order_id="a")
    ex.place("bob", "buy", "0.2", "999.9")
    ex.place("cat", "sell", "0.6", "999.9", time_in_force="ioc")
    ex.cancel("bob", "c5")
    assert told(ex) == [
        (1, ((9_999, 500),), (), 9_999, None),
        (2, ((9_999, 700),), (), 9_999, None),
        (3, ((9_999, 100),), (), 9_999, None),
        (4, ((9_999, 0),), (), None, None),
    ]


def test_match_bks_002_a_sweep_is_one_change_best_level_first(ex: Exchange) -> None:
    """MATCH-BKS-002: both sides, when the rest of the order rests."""
    for price in ("1002", "1001", "1003"):
        ex.place("bob", "sell", "0.1", price)
    ex.place("ann", "buy", "0.3", "1002")
    assert told(ex, 3) == [(4, ((10_020, 100),), ((10_010, 0), (10_020, 0)), 10_020, 10_030)]
    for price in ("1001", "1001.5"):
        ex.place("ann", "buy", "0.1", price)
    ex.place("bob", "sell", "0.3", "1001")
    assert told(ex, 6) == [(7, ((10_020, 0), (10_015, 0), (10_010, 0)), (), None, 10_030)]


def test_match_bks_003_what_leaves_the_book_as_it_was_is_not_told(ex: Exchange) -> None:
    """MATCH-BKS-003: refusals, prices, transfers, orders that take nothing; levels that come back to what they were."""
    ex.place("ann", "buy", "0.5", "999", client_order_id="a")
    ex.place("ann", "buy", "0.5", "999", client_order_id="a")
    ex.place("bob", "sell", "0.5", "1001", time_in_force="ioc")
    ex.price("1001")
    ex.deposit("bob", "1")
    ex.cancel("bob", "none")
    with pytest.raises(Reject):
        ex.insure("1", market=OTHER)
    assert len(ex.book_changes) == 1
    book = ex.state.markets[MARKET].book
    order = ex.state.accounts["ann"].orders["a"]
    book.bids.remove(order)
    book.bids.add(order)
    assert book.take_changes() == ([], [])
    assert book.changed == [book]
    book.changed.clear()


def test_match_bks_004_numbers_are_gapless_per_market_and_survive_a_restart(ex: Exchange) -> None:
    """MATCH-BKS-004: and orders that return to the book after a start are not news."""
    ex.list(market=OTHER)
    ex.price("1000", market=OTHER)
    ex.place("ann", "buy", "0.1", "999")
    ex.place("ann", "buy", "0.1", "999", market=OTHER)
    ex.place("ann", "buy", "0.1", "998")
    ex.restart()
    ex.deposit("bob", "1")
    ex.place("ann", "buy", "0.1", "998", market=OTHER)
    ex.place("ann", "buy", "0.1", "997")
    numbers = [(event.market, event.book_seq) for event in ex.book_changes]
    assert numbers == [(MARKET, 1), (OTHER, 1), (MARKET, 2), (OTHER, 2), (MARKET, 3)]


def test_match_bks_005_a_command_that_changes_several_books_tells_each_by_market() -> None:
    """MATCH-BKS-005: a liquidation takes the account's orders out of both books, whichever was placed first."""
    ex = Exchange()
    ex.list(market="A-PERP")
    ex.price("1000", market="A-PERP")
    ex.insure("1000")
    for account, amount in (("ann", "100"), ("bob", "5000")):
        ex.deposit(account, amount)
    ex.place("bob", "sell", "0.8", "1000")
    ex.place("ann", "buy", "0.8", "1000")
    ex.deposit("ann", "20")
    ex.place("ann", "buy", "0.1", "700")
    ex.place("ann", "buy", "0.1", "700", market="A-PERP")
    ex.price("880")
    before = len(ex.book_changes)
    ex.liquidate("ann")
    assert [(event.market, event.bids[0]) for event in ex.book_changes[before:]] == [
        ("A-PERP", (7_000, 0)),
        (MARKET, (7_000, 0)),
    ]


def snapshot(ex: Exchange, market: str = MARKET) -> dict[str, Any]:
    """What a reader of the committed rows sees; the query's own SQL is tried on a real database."""
    levels: dict[int, dict[int, int]] = {1: {}, -1: {}}
    for row in (row for row in ex.rows("orders") if row["shown_lots"]):
        side = levels[row["side"]]
        side[row["price_ticks"]] = side.get(row["price_ticks"], 0) + row["shown_lots"]
    numbers = {row["market"]: row["book_seq"] for row in ex.rows("books")}
    bids, asks = (
        [list(level) for level in sorted(levels[side].items(), key=lambda level: -side * level[0])] for side in (1, -1)
    )
    return {"book_seq": numbers.get(market, 0), "complete": True, "bids": bids, "asks": asks}


fates = st.lists(
    st.sampled_from(["comes"] * 6 + ["twice", "lost", "commit", "restart", "ask"]), min_size=1, max_size=50
)


@settings(max_examples=60)
@given(flows, fates)
def test_match_bks_006_snapshot_and_changes_are_the_book(steps: list[Step], turns: list[str]) -> None:
    """MATCH-BKS-006: after every command of any flow, whenever the snapshot is taken, whatever is lost or repeated."""
    ex = Exchange()
    for trader in TRADERS:
        ex.deposit(trader, "60")
    view = BookView(MARKET)
    for number, step in enumerate(steps):
        seen, turn = len(ex.book_changes), turns[number % len(turns)]
        perform(ex, number, step)
        if turn in ("commit", "restart"):
            ex.commit() if turn == "commit" else ex.restart()
        for change in ex.book_changes[seen:]:
            for _ in range({"lost": 0, "twice": 2}.get(turn, 1)):
                view.apply(change)
        if turn == "ask" and not view.ready:
            view.load(snapshot(ex))
        agree(ex, view)
    ex.commit()
    assert view.load(snapshot(ex))
    agree(ex, view)
    assert view.book_seq == ex.state.markets[MARKET].book.seq == len(ex.book_changes)
    assert [event.book_seq for event in ex.book_changes] == list(range(1, len(ex.book_changes) + 1))


def agree(ex: Exchange, view: BookView) -> None:
    """The view at the book's number is the book, level for level; no number stands for two books."""
    book = ex.state.markets[MARKET].book
    if view.ready and view.book_seq == book.seq:
        assert list(view.bids.levels()) == list(book.bids.levels())
        assert list(view.asks.levels()) == list(book.asks.levels())


def test_match_bks_007_a_change_says_what_it_was_before_only_once() -> None:
    """MATCH-BKS-007: levels of one change are all different, and each differs from what was told of it before."""
    ex = Exchange()
    for trader in TRADERS:
        ex.deposit(trader, "5000")
    for number in range(200):
        step = Step(
            "order", number % 4, ("buy", "sell")[number % 3 == 0], 1 + number % 90, number % 13 - 6, number % 16
        )
        perform(ex, number, step)
    known: dict[tuple[bool, int], int] = {}
    for change in ex.book_changes:
        levels = [
            ((side, price), lots) for side, told in ((True, change.bids), (False, change.asks)) for price, lots in told
        ]
        assert len({key for key, _ in levels}) == len(levels)
        for key, lots in levels:
            assert known.get(key, 0) != lots
            known[key] = lots


def test_match_bks_012_hidden_size_never_shows(ex: Exchange) -> None:
    """MATCH-BKS-012: nor does the next part of it, where it takes the place of an equal one."""
    ex.place("ann", "sell", "1", "1000", display_size="0.3")
    ex.place("bob", "buy", "0.3", "1000")
    ex.place("bob", "buy", "0.4", "1000")
    ex.place("bob", "buy", "0.2", "1000")
    assert [asks for _, _, asks, _, _ in told(ex)] == [((10_000, 300),), ((10_000, 200),), ((10_000, 100),)]


def test_match_bks_008_the_impact_price_is_exact() -> None:
    """MATCH-BKS-008: 3 at 100 and 2 at 101, then 2 quanta of the 5 at 103: 504 for 5 + 2/103."""
    asks = [(100, 3), (101, 2), (103, 5)]
    assert sweep(asks, 504) == Sweep(Fraction(504) / (5 + Fraction(2, 103)), 103, 5 + Fraction(2, 103))
    assert sweep(asks, 300) == Sweep(Fraction(100), 100, Fraction(3))
    assert sweep(asks, 301) == Sweep(Fraction(301) / (3 + Fraction(1, 101)), 101, 3 + Fraction(1, 101))
    assert sweep(asks, 1_017) == Sweep(Fraction(1_017, 10), 103, Fraction(10))
    assert sweep(asks, 1_018) is None
    assert sweep([], 1) is None


@given(st.dictionaries(st.integers(1, 50), st.integers(1, 9), min_size=1, max_size=8), st.data())
def test_match_bks_009_the_size_swept_is_worth_the_notional(book: dict[int, int], data: st.DataObject) -> None:
    """MATCH-BKS-009: average price times size is the notional, to the last fraction, and the average lies between."""
    levels = sorted(book.items())
    notional = data.draw(st.integers(1, sum(price * lots for price, lots in levels)))
    swept = sweep(levels, notional)
    assert swept is not None
    assert swept.average * swept.size == notional
    assert levels[0][0] <= swept.average <= swept.worst
    assert 0 < swept.size <= sum(lots for _, lots in levels)


def test_match_bks_010_depth_counts_levels_up_to_a_distance_from_the_middle() -> None:
    """MATCH-BKS-010: 9,990 is exactly 10 basis points below a middle of 10,000, and 9,989 is further."""
    bids = [(9_999, 4), (9_990, 5), (9_989, 6)]
    assert within(bids, 9_999, 10_001, 10) == Within(9, 9_999 * 4 + 9_990 * 5)
    assert within(bids, 9_999, 10_001, 0) == Within(0, 0)
    assert within(bids, 9_999, 10_002, 10) == Within(4, 9_999 * 4)
    assert within(bids, 9_999, 10_001, 11) == Within(15, 9_999 * 4 + 9_990 * 5 + 9_989 * 6)


def test_match_bks_011_one_command_one_change() -> None:
    """MATCH-BKS-011: whoever counts changes counts the commands that touched the book; each names its command."""
    ex = Exchange()
    ex.deposit("ann", "1000")
    for price in ("999", "998"):
        ex.place("ann", "buy", "0.1", price)
    causes = [(type(event), event.causation_id) for event in ex.effects.emitted if isinstance(event, BookChanged)]
    assert causes == [(BookChanged, "gateway-2"), (BookChanged, "gateway-3")]
