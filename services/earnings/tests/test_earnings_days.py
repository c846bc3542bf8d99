"""What an account sees of its days, one scenario per test."""

from typing import Any

from cleartide.contracts import TradingEvent

from services.earnings.domain.state import CLOSES_PER_EVENT
from services.earnings.tests.harness import Harness
from services.earnings.tests.model import DAY, START, Venue

U = 100  # quanta per lot and tick of BTC-PERP


def after(venue: Venue) -> Harness:
    harness = Harness()
    harness.feed(venue.events)
    return harness


def feed_new(harness: Harness, venue: Venue) -> None:
    """Give the service what the venue has said since."""
    fresh: list[TradingEvent] = [event for event in venue.events if event.seq > harness.progress.position]
    harness.feed(fresh)


def figures(row: dict[str, Any]) -> tuple[int, ...]:
    """(equity start, equity end, flows, pnl, funding, fees) in quanta."""
    names = ("equity_start", "equity_end", "flows", "pnl", "funding", "fees")
    return tuple(row[f"{name}_quanta"] for name in names)


class TestOpenDay:
    def test_a_deposit_is_a_flow_and_no_gain(self) -> None:
        """EARN-DAY-003"""
        venue = Venue()
        venue.transfer("alice", 5_000_000)
        venue.transfer("alice", -1_000_000)
        (row,) = after(venue).day_rows()
        assert figures(row) == (0, 4_000_000, 4_000_000, 0, 0, 0)
        assert not row["closed"]

    def test_a_fill_better_than_the_mark_earns_at_once(self) -> None:
        """EARN-PNL-001: buying 3 lots at 990 with the mark at 1000 earns 3 * 10 * u; the seller loses as much."""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        venue.trade("BTC-PERP", "alice", "bob", 3, 990, (7, 2))
        alice, bob = after(venue).day_rows()
        assert figures(alice) == (0, 3 * 10 * U - 7, 0, 3 * 10 * U, 0, 7)
        assert figures(bob) == (0, -3 * 10 * U - 2, 0, -3 * 10 * U, 0, 2)

    def test_closing_turns_unrealized_into_realized_without_earning_twice(self) -> None:
        """EARN-PNL-002"""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        venue.trade("BTC-PERP", "alice", "outside", 2, 1_000)
        venue.mark("BTC-PERP", 1_100)
        venue.trade("BTC-PERP", "outside", "alice", 2, 1_100)
        harness = after(venue)
        (row,) = harness.day_rows()
        assert figures(row) == (0, 2 * 100 * U, 0, 2 * 100 * U, 0, 0)
        assert harness.tables["earnings_positions"] == {}

    def test_before_the_first_mark_a_market_is_worth_its_first_fill(self) -> None:
        """EARN-DAY-009: nothing is earned by the fill itself; the first mark then earns the difference."""
        venue = Venue()
        venue.trade("BTC-PERP", "alice", "outside", 1, 500)
        venue.mark("BTC-PERP", 530)
        venue.transfer("alice", 10)
        (row,) = after(venue).day_rows()
        assert figures(row) == (0, 30 * U + 10, 10, 30 * U, 0, 0)

    def test_the_row_says_which_instant_its_marks_are_of(self) -> None:
        """EARN-DAY-006: an open row is as of the account's last own event."""
        venue = Venue()
        venue.at = START + 123
        venue.transfer("alice", 10)
        venue.at = START + 456
        venue.mark("BTC-PERP", 1)
        assert after(venue).day_rows()[0]["as_of"] == START + 123


class TestFunding:
    def test_funding_is_earned_when_it_falls_due_not_when_it_is_paid(self) -> None:
        """EARN-FUND-001: day one holds through a settlement, day two pays it in cash with the next fill."""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        venue.trade("BTC-PERP", "alice", "outside", 4, 1_000)
        venue.fund("BTC-PERP", 25)
        venue.at = START + DAY
        venue.trade("BTC-PERP", "alice", "outside", 1, 1_000)
        first, second = after(venue).day_rows()
        assert figures(first) == (0, -100, 0, 0, -100, 0)
        assert figures(second) == (-100, -100, 0, 0, 0, 0)

    def test_a_short_receives_what_a_long_pays(self) -> None:
        """EARN-FUND-002"""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        venue.trade("BTC-PERP", "alice", "bob", 4, 1_000)
        venue.fund("BTC-PERP", 25)
        venue.transfer("alice", 1)
        venue.transfer("bob", 1)
        alice, bob = after(venue).day_rows()
        assert (alice["funding_quanta"], bob["funding_quanta"]) == (-100, 100)


class TestClosing:
    def test_the_day_ends_with_its_last_microsecond(self) -> None:
        """EARN-DAY-002"""
        venue = Venue()
        venue.at = START + DAY - 1
        venue.transfer("alice", 1)
        harness = after(venue)
        assert harness.closed_rows() == []
        venue.at = START + DAY
        venue.transfer("alice", 2)
        feed_new(harness, venue)
        first, second = harness.day_rows()
        assert (first["day"], first["closed"], figures(first)) == (START, True, (0, 1, 1, 0, 0, 0))
        assert (second["day"], second["closed"], figures(second)) == (START + DAY, False, (1, 3, 2, 0, 0, 0))
        assert first["as_of"] == START + DAY

    def test_a_position_held_over_midnight_earns_on_both_days_at_their_marks(self) -> None:
        """EARN-DAY-004: 1000 -> 1060 before midnight, 1060 -> 1010 after it."""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        venue.trade("BTC-PERP", "alice", "outside", 2, 1_000)
        venue.mark("BTC-PERP", 1_060)
        venue.at = START + DAY
        venue.mark("BTC-PERP", 1_010)
        venue.at = START + 2 * DAY
        venue.mark("BTC-PERP", 999)
        first, second = after(venue).closed_rows()
        assert figures(first) == (0, 2 * 60 * U, 0, 2 * 60 * U, 0, 0)
        assert figures(second) == (2 * 60 * U, 2 * 10 * U, 0, -2 * 50 * U, 0, 0)

    def test_an_idle_account_without_position_has_no_row(self) -> None:
        """EARN-DAY-005"""
        venue = Venue()
        venue.transfer("alice", 1_000)
        for day in (1, 2, 3):
            venue.at = START + day * DAY
            venue.mark("BTC-PERP", 1_000 + day)
        venue.transfer("alice", 5)
        rows = after(venue).day_rows()
        assert [row["day"] for row in rows] == [START, START + 3 * DAY]
        assert figures(rows[1]) == (1_000, 1_005, 5, 0, 0, 0)

    def test_a_day_without_any_event_has_no_rows(self) -> None:
        """EARN-DAY-005: nothing can have moved; the next row goes on from the same equity."""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        venue.trade("BTC-PERP", "alice", "outside", 2, 990)
        venue.at = START + 5 * DAY
        venue.transfer("alice", 5)
        first, second = after(venue).day_rows()
        assert (first["day"], second["day"]) == (START, START + 5 * DAY)
        assert second["equity_start_quanta"] == first["equity_end_quanta"]

    def test_many_accounts_close_in_bounded_steps_with_the_figures_of_midnight(self) -> None:
        """EARN-DAY-008: the mark moves between the steps and no closed row sees it."""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        count = CLOSES_PER_EVENT + 50
        for number in range(count):
            venue.trade("BTC-PERP", f"trader-{number:04}", "outside", 1, 1_000)
        harness = after(venue)
        venue.at = START + DAY
        venue.mark("BTC-PERP", 2_000)
        feed_new(harness, venue)
        assert len(harness.closed_rows()) == CLOSES_PER_EVENT
        harness.restart()
        venue.mark("BTC-PERP", 3_000)
        feed_new(harness, venue)
        rows = harness.closed_rows()
        assert len(rows) == len(harness.published) == count
        assert {figures(row) for row in rows} == {(0, 0, 0, 0, 0, 0)}

    def test_an_account_that_acts_before_its_turn_is_closed_first(self) -> None:
        """EARN-DAY-008"""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        for number in range(CLOSES_PER_EVENT + 50):
            venue.transfer(f"trader-{number:04}", 10)
        harness = after(venue)
        venue.at = START + DAY
        last = f"trader-{CLOSES_PER_EVENT + 49:04}"
        venue.transfer(last, 5)
        feed_new(harness, venue)
        rows = [row for row in harness.day_rows() if row["account"] == last]
        assert [(row["closed"], figures(row)[:3]) for row in rows] == [(True, (0, 10, 10)), (False, (10, 15, 5))]

    def test_closing_that_a_whole_day_was_too_quiet_for_is_finished_before_the_next_one(self) -> None:
        """EARN-DAY-008: one event in the second day, and still every account has both days, each at its own marks."""
        venue = Venue()
        venue.mark("BTC-PERP", 1_000)
        count = CLOSES_PER_EVENT + 50
        for number in range(count):
            venue.trade("BTC-PERP", f"trader-{number:04}", "outside", 1, 1_000)
        for day, mark in ((1, 1_010), (2, 1_030), (3, 5)):
            venue.at = START + day * DAY
            venue.mark("BTC-PERP", mark)
        rows = after(venue).closed_rows()
        pnl = {day: [row["pnl_quanta"] for row in rows if row["day"] == START + day * DAY] for day in range(3)}
        assert pnl[0] == [0] * count
        assert pnl[1] == [10 * U] * count
        assert pnl[2] == [20 * U] * CLOSES_PER_EVENT


def test_what_was_written_is_not_written_again() -> None:
    """EARN-REBUILD-003: a batch that changes nothing of an account writes nothing of it."""
    venue = Venue()
    venue.mark("BTC-PERP", 1_000)
    venue.trade("BTC-PERP", "alice", "bob", 1, 1_000)
    venue.mark("BTC-PERP", 1_000)
    harness = after(venue)
    venue.mark("BTC-PERP", 1_001)
    written = harness.feed([venue.events[-1]])
    assert {table.name for table in written.rows} == {"earnings_markets"}
    assert written.deletes == {}
