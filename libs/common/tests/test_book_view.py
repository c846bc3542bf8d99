"""A reader's book: snapshot and changes joined, whatever comes late, twice or not at all."""

from typing import Any

import pytest
from cleartide.book_view import BookView
from cleartide.contracts import BookChanged
from hypothesis import given
from hypothesis import strategies as st

Book = dict[int, dict[int, int]]
"""Side (+1 bids, -1 asks) to ticks to lots."""


def best(book: Book, side: int) -> int | None:
    return max(book[side], key=lambda price: side * price, default=None)


def changed(book: Book, book_seq: int, touched: list[tuple[int, int, int]]) -> BookChanged:
    """Put levels of (side, ticks, lots) into the book and say so."""
    for side, price, lots in touched:
        book[side].pop(price, None)
        if lots:
            book[side][price] = lots
    return BookChanged(
        id=f"matching-books-{book_seq}",
        seq=book_seq,
        occurred_at=0,
        source="matching",
        market="BTC-PERP",
        book_seq=book_seq,
        bids=tuple((price, lots) for side, price, lots in touched if side > 0),
        asks=tuple((price, lots) for side, price, lots in touched if side < 0),
        best_bid_ticks=best(book, 1),
        best_ask_ticks=best(book, -1),
    )


def snapshot(book: Book, book_seq: int, depth: int = 100) -> dict[str, Any]:
    """What `query.matching.book` answers."""
    sides = {side: sorted(levels.items(), key=lambda level: -side * level[0]) for side, levels in book.items()}
    return {
        "book_seq": book_seq,
        "complete": all(len(levels) <= depth for levels in sides.values()),
        "bids": [list(level) for level in sides[1][:depth]],
        "asks": [list(level) for level in sides[-1][:depth]],
    }


def held(view: BookView) -> Book:
    return {1: dict(view.bids.levels()), -1: dict(view.asks.levels())}


def started() -> tuple[BookView, Book]:
    view, book = BookView("BTC-PERP"), {1: {99: 5, 98: 7}, -1: {101: 4}}
    assert view.load(snapshot(book, 10))
    return view, book


def test_a_change_puts_moves_and_takes_levels() -> None:
    """LIB-BOOK-001"""
    view, book = started()
    assert view.apply(changed(book, 11, [(1, 100, 1), (1, 98, 3), (-1, 101, 0)]))
    assert held(view) == {1: {100: 1, 99: 5, 98: 3}, -1: {}}
    assert list(view.bids.levels()) == [(100, 1), (99, 5), (98, 3)]
    assert (view.bids.best, view.asks.best, view.book_seq) == (100, None, 11)


def test_what_the_snapshot_holds_is_not_applied_again() -> None:
    """LIB-BOOK-002"""
    view, book = started()
    assert view.apply(changed({1: {}, -1: {}}, 10, [(1, 90, 9)]))
    change = changed(book, 11, [(1, 97, 2)])
    assert view.apply(change) and view.apply(change)
    assert held(view) == book


def test_a_missing_change_calls_for_a_snapshot_and_what_came_after_it_is_kept() -> None:
    """LIB-BOOK-003"""
    view, book = started()
    changed(book, 11, [(1, 99, 0)])
    assert not view.apply(changed(book, 12, [(1, 97, 2)]))
    then = snapshot(book, 12)
    assert not view.apply(changed(book, 13, [(-1, 101, 8)]))
    assert view.load(then)
    assert (held(view), view.book_seq, view.snapshots) == (book, 13, 2)


def test_changes_that_come_before_the_snapshot_wait_for_it() -> None:
    """LIB-BOOK-004"""
    view, book = BookView("BTC-PERP"), {1: {99: 5}, -1: {}}
    early = [changed(book, seq, [(1, 99, seq)]) for seq in (4, 5, 6)]
    for change in early:
        assert not view.apply(change)
    assert view.load({"book_seq": 5, "complete": True, "bids": [[99, 5]], "asks": []})
    assert (held(view), view.book_seq) == (book, 6)


def test_a_snapshot_with_a_gap_behind_it_is_not_enough() -> None:
    """LIB-BOOK-004: the view says so, and keeps what it may need."""
    view = BookView("BTC-PERP")
    book: Book = {1: {}, -1: {}}
    assert not view.apply(changed(book, 9, [(1, 99, 1)]))
    assert not view.load({"book_seq": 7, "complete": True, "bids": [], "asks": []})
    assert view.load({"book_seq": 8, "complete": True, "bids": [], "asks": []})
    assert held(view) == book


def test_another_best_price_than_matchings_calls_for_a_snapshot() -> None:
    """LIB-BOOK-005: a view that went wrong in any way finds out with the next change."""
    view, book = started()
    view.bids.put(99, 0)
    assert not view.apply(changed(book, 11, [(-1, 102, 1)]))


def test_of_a_large_book_the_known_part_is_exact_and_is_renewed_before_it_runs_out() -> None:
    """LIB-BOOK-006"""
    book: Book = {1: dict.fromkeys(range(1, 21), 1), -1: {}}
    view = BookView("BTC-PERP")
    assert view.load(snapshot(book, 1, depth=10))
    assert view.apply(changed(book, 2, [(1, 5, 9)]))
    assert held(view)[1] == dict.fromkeys(range(11, 21), 1)
    for seq, price in enumerate(range(20, 15, -1), start=3):
        assert view.apply(changed(book, seq, [(1, price, 0)]))
    assert not view.apply(changed(book, 8, [(1, 15, 0)]))
    assert view.load(snapshot(book, 8, depth=10))
    assert held(view)[1] == {**dict.fromkeys(range(6, 15), 1), 5: 9}


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 15), st.integers(0, 4)), min_size=1, max_size=4),
        st.sampled_from(["comes", "comes", "comes", "twice", "lost", "late"]),
        st.booleans(),
    ),
    max_size=40,
)


@pytest.mark.parametrize("depth", [100, 6])
@given(steps)
def test_a_view_that_says_it_is_ready_is_the_book(depth: int, run: list[tuple[Any, str, bool]]) -> None:
    """LIB-BOOK-007: at its number, after any losses, repeats and delays; one snapshot always brings it up to date."""
    book: Book = {1: {}, -1: {}}
    past: dict[int, Book] = {0: {1: {}, -1: {}}}
    view, late = BookView("BTC-PERP"), []
    for book_seq, (touched, fate, asks) in enumerate(run, start=1):
        last = {(side, price): lots for side, price, lots in touched}
        change = changed(book, book_seq, [(side, price, lots) for (side, price), lots in last.items()])
        past[book_seq] = {side: dict(levels) for side, levels in book.items()}
        if fate == "late":
            late.append(change)
        for _ in range({"comes": 1, "twice": 2}.get(fate, 0)):
            view.apply(change)
        if asks and not view.ready:
            view.load(snapshot(book, book_seq, depth))
        agree(view, past)
    for change in late:
        view.apply(change)
        agree(view, past)
    assert view.ready or view.load(snapshot(book, len(run), depth))
    agree(view, past)


def agree(view: BookView, past: dict[int, Book]) -> None:
    if view.ready:
        for side, mine in held(view).items():
            full = sorted(past[view.book_seq][side].items(), key=lambda level: -side * level[0])
            assert sorted(mine.items(), key=lambda level: -side * level[0]) == full[: len(mine)]
            assert bool(mine) == bool(full)
