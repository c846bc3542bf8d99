"""The join of differences and snapshot, and every way in which it can break."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.ingestor.adapters import events as structs
from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.adapters.venues.binance.core import MARKET, PUBLIC
from services.ingestor.tests.support import (
    BTCUSDT,
    EXPECTED,
    SYMBOL,
    depth,
    events,
    fetches,
    new_core,
    play,
    recorded,
    snapshot,
    ticker,
    trade,
)

BIDS = [("100.0", "1.000"), ("99.9", "2.000")]
ASKS = [("100.1", "3.000"), ("100.2", "4.000")]


def joined(last: int = 10) -> UsdmCore:
    """A core with a joined book at update `last`."""
    core = new_core()
    assert fetches(core.frame(depth(last - 2, last, last - 3), 1))
    core.snapshot(SYMBOL, snapshot(last, BIDS, ASKS), 2)
    assert core.symbol(SYMBOL).synced
    return core


def best(core: UsdmCore) -> tuple[int, int]:
    book = core.symbol(SYMBOL).sync.book
    assert book is not None
    bids, asks = book.top(1)
    return bids[0][0], asks[0][0]


class TestJoin:
    def test_frames_older_than_the_snapshot_are_dropped_and_the_first_that_straddles_it_is_taken(self) -> None:
        """ING-BOOK-001"""
        core = new_core()
        out = core.frame(depth(1, 5, 0, bids=[("99.0", "9.000")]), 1)
        out += core.frame(depth(6, 12, 5, bids=[("99.9", "0.000")]), 2)
        out += core.frame(depth(13, 15, 12, asks=[("100.1", "5.000")]), 3)
        assert len(fetches(out)) == 1
        said = core.snapshot(SYMBOL, snapshot(8, BIDS, ASKS), 4)
        book = core.symbol(SYMBOL).sync.book
        assert book is not None
        assert book.top(20) == ([(1000, 1000)], [(1001, 5000), (1002, 4000)])
        assert [event.venue_seq for event in events(said, structs.BookTop)] == [15]
        assert [event.status for event in events(said, structs.Status)] == ["synced"]

    def test_a_snapshot_that_ends_where_a_frame_ended_is_joined_by_the_next_frame(self) -> None:
        """ING-BOOK-001"""
        core = new_core()
        core.frame(depth(1, 5, 0), 1)
        assert core.snapshot(SYMBOL, snapshot(9, BIDS, ASKS), 2) == []
        assert not core.symbol(SYMBOL).synced
        assert core.frame(depth(6, 9, 5), 3) != []
        assert core.symbol(SYMBOL).synced
        other = new_core()
        other.frame(depth(1, 5, 0), 1)
        other.snapshot(SYMBOL, snapshot(9, BIDS, ASKS), 2)
        other.frame(depth(11, 13, 9), 3)
        assert other.symbol(SYMBOL).synced

    def test_a_snapshot_older_than_the_kept_frames_is_fetched_again_with_longer_pauses(self) -> None:
        """ING-BOOK-005"""
        core = new_core()
        core.frame(depth(20, 25, 19), 1)
        attempts = []
        for _ in range(3):
            wish = fetches(core.snapshot(SYMBOL, snapshot(10, BIDS, ASKS), 2))
            attempts += [each.attempt for each in wish]
        assert attempts == [1, 2, 3]
        core.snapshot(SYMBOL, snapshot(22, BIDS, ASKS), 3)
        assert core.symbol(SYMBOL).synced

    def test_an_unreadable_snapshot_is_fetched_again(self) -> None:
        """ING-BOOK-005"""
        core = new_core()
        core.frame(depth(1, 5, 0), 1)
        for body in (b"", b"<html>", b'{"lastUpdateId":"x"}', snapshot(9, [("100.05", "1.000")], ASKS)):
            assert len(fetches(core.snapshot(SYMBOL, body, 2))) == 1
        core.snapshot(SYMBOL, snapshot(5, BIDS, ASKS), 3)
        assert core.symbol(SYMBOL).synced

    def test_one_wish_for_a_snapshot_at_a_time(self) -> None:
        """ING-BOOK-006"""
        core = new_core()
        wishes = [each for final in range(5, 50) for each in fetches(core.frame(depth(final, final, final - 1), 1))]
        assert len(wishes) == 1

    def test_a_reconnect_forgets_the_book_and_joins_again(self) -> None:
        """ING-BOOK-008"""
        core = joined()
        said = core.disconnected(PUBLIC, 5, "reset")
        assert [event.status for event in events(said, structs.Status)] == ["disconnected"]
        assert core.symbol(SYMBOL).sync.book is None
        core.connected(PUBLIC, 6)
        assert fetches(core.frame(depth(100, 105, 99), 7))
        said = core.snapshot(SYMBOL, snapshot(103, BIDS, ASKS), 8)
        assert [event.quality for event in events(said, structs.BookTop)] == ["resynced"]

    def test_losing_the_other_route_leaves_the_book(self) -> None:
        """ING-BOOK-008"""
        core = joined()
        core.disconnected(MARKET, 5, "reset")
        assert core.symbol(SYMBOL).synced


class TestBreak:
    def test_a_missing_frame_is_said_at_once_and_the_book_is_withheld_until_it_is_joined_again(self) -> None:
        """ING-BOOK-002"""
        core = joined(10)
        said = core.frame(depth(14, 16, 13), 5)
        gap = events(said, structs.Gap)[0]
        assert (gap.expected_seq, gap.venue_seq, gap.reason) == (10, 16, "book: previous 13 is not 10")
        assert len(fetches(said)) == 1
        for final in range(17, 40):
            assert core.frame(depth(final, final, final - 1, millis=final * 1_000), 6) == []
        said = core.snapshot(SYMBOL, snapshot(30, BIDS, ASKS), 7)
        assert [event.quality for event in events(said, structs.BookTop)] == ["resynced"]
        assert core.symbol(SYMBOL).sync.last == 39

    def test_other_streams_go_on_while_the_book_is_lost(self) -> None:
        """ING-BOOK-002"""
        core = joined(10)
        core.frame(depth(14, 16, 13), 5)
        assert events(core.frame(ticker(20, "100.0", "100.1"), 6), structs.Ticker)
        assert events(core.frame(trade(7), 7), structs.Trade)

    def test_a_lost_book_touches_no_other_symbol(self) -> None:
        """ING-BOOK-002"""
        other = BTCUSDT.__class__("ETHUSDT", "0.01", "0.001")
        core = new_core(BTCUSDT, other)
        core.frame(depth(8, 10, 7), 1)
        core.snapshot(SYMBOL, snapshot(10, BIDS, ASKS), 2)
        lost = depth(5, 6, 4).replace(b"BTCUSDT", b"ETHUSDT").replace(b"btcusdt", b"ethusdt")
        assert [wish.symbol for wish in fetches(core.frame(lost, 3))] == ["ETHUSDT"]
        assert core.symbol(SYMBOL).synced

    def test_a_repeated_or_older_frame_is_ignored(self) -> None:
        """ING-BOOK-003"""
        core = joined(10)
        frame = depth(11, 13, 10, bids=[("99.8", "1.000")])
        core.frame(frame, 5)
        assert core.frame(frame, 6) == []
        assert core.frame(depth(4, 6, 3), 7) == []
        assert core.symbol(SYMBOL).synced
        assert core.counts["repeated"] == 2

    def test_a_crossed_book_is_never_said(self) -> None:
        """ING-BOOK-004"""
        core = joined(10)
        said = core.frame(depth(11, 12, 10, millis=9_000, bids=[("100.1", "1.000")]), 5)
        assert [gap.reason for gap in events(said, structs.Gap)] == ["book: crossed book"]
        assert events(said, structs.BookTop) == []
        assert len(fetches(said)) == 1

    @pytest.mark.parametrize("bad", [("100.05", "1.000"), ("100.0", "0.0001"), ("-1.0", "1.000"), ("1e2", "1.000")])
    def test_a_number_off_the_grid_costs_the_book(self, bad: tuple[str, str]) -> None:
        """ING-BOOK-004"""
        core = joined(10)
        said = core.frame(depth(11, 12, 10, bids=[bad]), 5)
        assert len(events(said, structs.Gap)) == len(fetches(said)) == 1

    def test_deep_books_are_refreshed_when_the_price_leaves_what_the_snapshot_held(self) -> None:
        """ING-BOOK-009"""
        core = new_core()
        core.frame(depth(1, 5, 0), 1)
        bids = [(f"{1000 - tick / 10:.1f}", "1.000") for tick in range(1_000)]
        asks = [(f"{1000.1 + tick / 10:.1f}", "1.000") for tick in range(1_000)]
        core.snapshot(SYMBOL, snapshot(5, bids, asks), 2)
        gone = [(price, "0.000") for price, _ in bids[:990]] + [(f"{899 - tick}.0", "1.000") for tick in range(10)]
        said = core.frame(depth(6, 7, 5, millis=2_000, bids=gone), 3)
        assert [wish.reason for wish in fetches(said)] == ["price left the snapshot's range"]
        assert core.symbol(SYMBOL).synced
        core.frame(depth(8, 9, 7, millis=2_100), 4)
        fresh = [(f"{900 - tick / 10:.1f}", "2.000") for tick in range(1_000)]
        core.snapshot(SYMBOL, snapshot(8, fresh, asks), 5)
        assert core.symbol(SYMBOL).synced
        assert best(core) == (9_000, 10_001)
        assert core.symbol(SYMBOL).sync.last == 9


def usdm_scenarios() -> list[dict[str, Any]]:
    scenarios = json.loads((Path(__file__).parent / "fault_scenarios.json").read_text())
    return [each for each in scenarios["scenarios"] if each["file"].startswith("usdm_")]


def faulty(scenario: dict[str, Any]) -> list[tuple[int, tuple[int, bytes]]]:
    """The recording with the scenario's fault: original line numbers and frames."""
    lines = list(enumerate(recorded()))
    if scenario["op"] == "drop":
        del lines[scenario["line"]]
    elif scenario["op"] == "drop_range":
        first, last = scenario["lines"]
        del lines[first : last + 1]
    elif scenario["op"] == "duplicate":
        lines.insert(scenario["line"], lines[scenario["line"]])
    else:
        one, other = scenario["lines"]
        lines[one], lines[other] = (one, lines[other][1]), (other, lines[one][1])
    return lines


@pytest.mark.parametrize("scenario", usdm_scenarios(), ids=lambda each: f"{each['op']}-{each.get('line', 'range')}")
def test_faults_of_the_recording_are_flagged_at_the_first_possible_frame(scenario: dict[str, Any]) -> None:
    """ING-FAULT-001"""
    lines = faulty(scenario)
    core = new_core()
    gaps = [
        lines[place][0]
        for place, out in play(core, (frame for _, frame in lines))
        for gap in events(out, structs.Gap)
        if gap.reason.startswith("book")
    ]
    if scenario["op"] == "duplicate":
        assert gaps == []
        assert core.symbol(SYMBOL).sync.last == EXPECTED["final_update_id"]
        return
    expected = scenario.get("must_flag_desync_at_line", scenario.get("lines", [0])[0])
    assert gaps[0] == expected
    assert not core.symbol(SYMBOL).synced
