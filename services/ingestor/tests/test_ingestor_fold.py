"""The fold: series that do not change when they come again, an index once a second, a state that its rows restore."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestor.adapters.events import MarketStruct
from services.ingestor.repository import SERIES, IngestorRepository, instant
from services.ingestor.tests.harness import MARKETS, Harness
from services.ingestor.tests.support import SYMBOL, new_core, play, recorded, ticker, trade

SECOND = 1_000_000
START = 1_723_161_255_000_000


def said(frame: bytes, at: int) -> list[MarketStruct]:
    """What a core says of one frame."""
    return [output for output in new_core().frame(frame, at) if isinstance(output, MarketStruct)]


def quote(at: int, update: int = 5, bid: str = "61800.2", ask: str = "61800.3") -> list[MarketStruct]:
    return said(ticker(update, bid, ask, at // 1_000), at)


def traded(at: int, number: int = 1, price: str = "61800.3") -> list[MarketStruct]:
    return said(trade(number, price, millis=at // 1_000), at)


def heartbeat(at: int) -> list[MarketStruct]:
    return list(new_core().heartbeat(at))


def batches(lines: int) -> list[tuple[list[MarketStruct], int]]:
    """The recording's events in the messages of the feed: neighbours of one subject, with their receive time."""
    out: list[tuple[list[MarketStruct], int]] = []
    for _, outputs in play(new_core(), recorded()[:lines]):
        for event in outputs:
            if isinstance(event, MarketStruct):
                if not out or out[-1][0][0].subject != event.subject or len(out[-1][0]) == 50:
                    out.append(([], event.received_at))
                out[-1][0].append(event)
    return out


class TestSeries:
    def test_every_kind_has_its_rows_with_the_venues_time_to_the_microsecond(self) -> None:
        """ING-ROW-001"""
        harness = Harness()
        harness.feed(traded(START + 123_000, 7), START)
        row = harness.rows("venue_trades")[0]
        assert row["ts"] == instant(START + 123_000)
        assert row["ts"].isoformat() == "2024-08-08T23:54:15.123000+00:00"
        assert (row["trade_id"], row["price_ticks"], row["size_lots"], row["taker_side"]) == (
            "7",
            618_003,
            1_000,
            "buy",
        )

    def test_the_recording_leaves_one_row_per_event(self) -> None:
        """ING-ROW-001"""
        harness, feeds = Harness(), batches(6_000)
        kinds: dict[str, int] = {}
        for events, at in feeds:
            harness.feed(events, at)
            for event in events:
                kinds[event.type] = kinds.get(event.type, 0) + 1
        held = {name: len(harness.rows(name)) for name in ("venue_tickers", "venue_trades", "venue_books")}
        assert held == {
            "venue_tickers": kinds["VenueTicker"],
            "venue_trades": kinds["VenueTrade"],
            "venue_books": kinds["VenueBook"],
        }

    def test_ingesting_the_same_data_again_changes_no_series_and_no_newest_quote(self) -> None:
        """ING-ROW-002"""
        harness, feeds = Harness(), batches(3_000)
        for events, at in feeds:
            harness.feed(events, at)
        venue = [table.name for table in SERIES if table.name.startswith("venue_")] + ["venue_newest"]
        before = {name: dict(harness.tables[name]) for name in venue}
        for events, at in feeds:
            harness.feed(events, at + 60 * SECOND)
        assert {name: harness.tables[name] for name in venue} == before

    def test_a_late_quote_is_recorded_and_does_not_become_the_newest(self) -> None:
        """ING-ROW-003"""
        harness = Harness()
        harness.feed(quote(START + SECOND, update=9, bid="61900.0", ask="61900.1"), START + SECOND)
        harness.feed(quote(START, update=8), START + 2 * SECOND)
        assert len(harness.rows("venue_tickers")) == 2
        assert harness.rows("venue_newest")[0]["bid_ticks"] == 619_000

    def test_gaps_are_rows_and_are_counted(self) -> None:
        """ING-ROW-004"""
        core, harness = new_core(), Harness()
        core.frame(trade(1), START)
        gap = [output for output in core.frame(trade(5), START) if isinstance(output, MarketStruct)][:1]
        harness.feed(gap, START)
        assert [(row["expected_seq"], row["reason"]) for row in harness.rows("venue_gaps")] == [(2, "trade: 3 missing")]
        assert harness.rows("venue_statuses")[0]["gaps"] == 1

    def test_a_status_keeps_since_when_it_holds(self) -> None:
        """ING-ROW-005"""
        harness = Harness()
        for after in (0, 1, 2):
            harness.feed(heartbeat(START + after * SECOND), START + after * SECOND)
        row = harness.rows("venue_statuses")[0]
        assert (row["status"], row["since"], row["heard_at"]) == ("stale", START, START + 2 * SECOND)


class TestIndex:
    def fresh(self) -> Harness:
        harness = Harness()
        harness.feed(traded(START), START)
        harness.feed(quote(START), START + 1)
        return harness

    def commands(self, harness: Harness) -> list[dict[str, Any]]:
        return [command for command in harness.published if command["type"] == "UpdateIndexPrice"]

    def test_it_is_said_at_most_once_a_second_of_sequenced_time(self) -> None:
        """ING-IDX-020"""
        harness = self.fresh()
        for micros in range(0, 5 * SECOND, 50_000):
            at = START + micros
            harness.feed(quote(at, update=10 + micros), at)
        times = [command["occurred_at"] for command in self.commands(harness)]
        assert times == [START + second * SECOND for second in range(5)]
        assert self.commands(harness)[1]["price"] == "61800.3"

    def test_it_is_said_with_every_sources_part(self) -> None:
        """ING-IDX-010"""
        harness = self.fresh()
        harness.feed(quote(START + SECOND, update=6), START + SECOND + 5)
        assert self.commands(harness)[-1]["sources"] == [
            {"venue": "binance-usdm", "price": "61800.3", "weight": 1, "age_micros": 5, "rejected": ""}
        ]
        row = harness.rows("index_sources")[-1]
        assert (row["market"], row["venue"], row["symbol"], row["price"]) == (
            "BTC-PERP",
            "binance-usdm",
            SYMBOL,
            "61800.3",
        )

    def test_it_grows_stale_on_heartbeats_alone(self) -> None:
        """ING-IDX-021"""
        harness = self.fresh()
        for second in range(1, 13):
            harness.feed(heartbeat(START + second * SECOND), START + second * SECOND)
        prices = [(command["occurred_at"] - START) // SECOND for command in self.commands(harness) if command["price"]]
        assert prices == list(range(1, 11))
        last = self.commands(harness)[-1]
        assert last["price"] is None
        assert last["sources"][0]["rejected"] == "stale"
        assert harness.rows("index_prices")[-1]["price"] is None

    def test_a_frozen_venue_is_found_by_its_own_clock(self) -> None:
        """ING-IDX-022: frames go on coming, with the time of long ago."""
        harness = self.fresh()
        for second in range(1, 13):
            frozen = said(ticker(5 + second, "61800.2", "61800.3", START // 1_000), START + second * SECOND)
            harness.feed(frozen, START + second * SECOND)
        assert self.commands(harness)[-1]["price"] is None

    def test_it_does_not_depend_on_batches_or_restarts(self) -> None:
        """ING-IDX-023"""
        feeds = batches(4_000)
        straight, broken = Harness(), Harness()
        for number, (events, at) in enumerate(feeds):
            straight.feed(events, at)
            broken.feed(events, at)
            if number % 7 == 0:
                broken.restart()
        assert broken.published == straight.published
        assert broken.tables == straight.tables
        assert len(self.commands(straight)) > 5


@settings(max_examples=25)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["quote", "trade", "heartbeat", "gap"]), st.integers(0, 3 * SECOND)), max_size=30
    )
)
def test_rows_restore_the_state(steps: list[tuple[str, int]]) -> None:
    """ING-DB-001: restore(collect(state)) is the state, and collecting again has nothing to say."""
    harness, at, number = Harness(), START, 1
    for kind, pause in steps:
        at, number = at + pause, number + 3
        made = {"quote": quote(at, number), "trade": traded(at, number), "heartbeat": heartbeat(at), "gap": []}[kind]
        if kind == "gap":
            core = new_core()
            core.frame(trade(number), at)
            made = [out for out in core.frame(trade(number + 2), at) if isinstance(out, MarketStruct)]
        harness.feed(made, at)
    before = harness.state
    harness.restart()
    assert harness.state == before
    assert not harness.repository.collect(harness.state).rows


def test_an_empty_database_restores_an_empty_state() -> None:
    """ING-DB-001"""
    repository = IngestorRepository(MARKETS)
    state = repository.restore({table.name: [] for table in repository.tables if table.load})
    assert not state.newest and not state.statuses and not state.said_at


@pytest.mark.parametrize("micros", [0, 1, 999_999, START + 1, 2**53 - 1])
def test_times_are_exact(micros: int) -> None:
    """ING-ROW-001"""
    moment = instant(micros)
    text = msgspec.json.encode(moment).decode()
    assert (moment - instant(0)).total_seconds() >= 0
    assert int(moment.timestamp()) * SECOND + moment.microsecond == micros
    assert text.endswith('Z"')
