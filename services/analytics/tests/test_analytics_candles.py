"""What a chart shows, one scenario per test."""

from typing import Any

import pytest

from services.analytics.domain.state import UnknownMarket
from services.analytics.tests.harness import Harness
from services.analytics.tests.tape import MINUTE, START, Tape, U

BTC, ETH = "BTC-PERP", "ETH-PERP"


def after(tape: Tape) -> Harness:
    harness = Harness()
    harness.feed(tape.events)
    return harness


def bar(row: dict[str, Any]) -> tuple[int, ...]:
    """(open time, open, high, low, close, lots, quanta, entries)"""
    names = (
        "open_time",
        "open_ticks",
        "high_ticks",
        "low_ticks",
        "close_ticks",
        "volume_lots",
        "quote_quanta",
        "entries",
    )
    return tuple(row[name] for name in names)


class TestTradeCandles:
    def test_first_highest_lowest_last_and_sums(self) -> None:
        """ANA-CANDLE-001"""
        tape = Tape()
        for price, lots in ((100, 1), (130, 2), (90, 3), (110, 4)):
            tape.trade(BTC, price, lots)
        (row,) = after(tape).rows("candles")
        quanta = (100 + 260 + 270 + 440) * U
        assert bar(row) == (START, 100, 130, 90, 110, 10, quanta, 4)
        assert not row["closed"]

    def test_a_minute_ends_with_its_last_microsecond(self) -> None:
        """ANA-CANDLE-002"""
        tape = Tape(START + MINUTE - 1)
        tape.trade(BTC, 100, 1)
        tape.at += 1
        tape.trade(BTC, 200, 1)
        first, second = after(tape).rows("candles")
        assert (first["open_time"], first["close_ticks"], first["closed"]) == (START, 100, True)
        assert (second["open_time"], second["open_ticks"], second["closed"]) == (START + MINUTE, 200, False)

    def test_any_event_of_a_later_minute_closes_and_tells_once(self) -> None:
        """ANA-CANDLE-003: the other market's mark price is clock enough."""
        tape = Tape()
        tape.trade(BTC, 100, 2)
        tape.at += 3 * MINUTE
        tape.mark(ETH, 7)
        tape.trade(ETH, 8, 1)
        tape.mark(ETH, 9)
        (told,) = after(tape).published
        assert told["type"] == "CandleClosed"
        assert (told["market"], told["open_time"], told["interval_micros"]) == (BTC, START, MINUTE)
        assert [told[f"{name}_ticks"] for name in ("open", "high", "low", "close")] == [100, 100, 100, 100]
        assert (told["volume_lots"], told["quote_volume_quanta"], told["trades"]) == (2, 200 * U, 1)

    def test_minutes_without_trades_have_no_candle(self) -> None:
        """ANA-CANDLE-004"""
        tape = Tape()
        tape.trade(BTC, 100, 1)
        tape.at += 5 * MINUTE
        tape.trade(BTC, 101, 1)
        rows = after(tape).rows("candles")
        assert [row["open_time"] for row in rows] == [START, START + 5 * MINUTE]

    def test_outside_and_liquidation_trades_count_and_takeovers_do_not(self) -> None:
        """ANA-CANDLE-005: a takeover's price is an account's bankruptcy price, not a price anybody traded at."""
        tape = Tape()
        tape.trade(BTC, 100, 1, origin="outside")
        tape.trade(BTC, 101, 1, origin="liquidation")
        tape.trade(BTC, 5, 50, origin="takeover")
        harness = after(tape)
        (row,) = harness.rows("candles")
        assert bar(row) == (START, 100, 101, 100, 101, 2, 201 * U, 2)
        assert len(harness.rows("trades")) == 2
        assert harness.rows("markets")[0]["last_ticks"] == 101

    def test_a_restart_goes_on_inside_the_open_minute(self) -> None:
        """ANA-REBUILD-001"""
        tape = Tape()
        harness = Harness()
        tape.trade(BTC, 100, 1)
        harness.feed(tape.events)
        harness.restart()
        tape.trade(BTC, 90, 1)
        tape.at += MINUTE
        tape.mark(BTC, 1)
        harness.feed(tape.events[-2:])
        first = harness.rows("candles")[-1]
        assert bar(first) == (START, 100, 100, 90, 90, 2, 190 * U, 2)
        assert len(harness.published) == 1
        assert [row["series"] for row in harness.rows("open_candles")] == ["mark"]


class TestMarkCandles:
    def test_marks_make_their_own_series_and_are_not_told(self) -> None:
        """ANA-MARK-001"""
        tape = Tape()
        for mark in (50, 55, 45, 52):
            tape.mark(BTC, mark)
        tape.at += MINUTE
        tape.mark(BTC, 60)
        harness = after(tape)
        first, second = harness.rows("candles")
        assert (first["series"], bar(first), first["closed"]) == ("mark", (START, 50, 55, 45, 52, 0, 0, 4), True)
        assert bar(second)[:2] == (START + MINUTE, 60)
        assert harness.published == []


class TestMarketFigures:
    def test_latest_mark_index_open_interest_and_funding(self) -> None:
        """ANA-STATS-001"""
        tape = Tape()
        tape.mark(BTC, 50, index=49, open_interest=12)
        tape.mark(BTC, 51, index=48, open_interest=13)
        tape.fund(BTC, -1_250)
        btc, eth = after(tape).rows("markets")
        assert (btc["mark_ticks"], btc["index_ticks"], btc["open_interest_lots"]) == (51, 48, 13)
        assert (btc["index_stale"], btc["funding_rate_ppb"], btc["funding_interval_start"]) == (False, -1_250, START)
        assert (eth["mark_ticks"], eth["index_stale"], eth["funding_rate_ppb"]) == (None, True, None)

    def test_liquidations_are_kept_as_they_came(self) -> None:
        """ANA-LIQ-001"""
        tape = Tape()
        tape.liquidate(BTC, 7, 3, mark=90)
        (row,) = after(tape).rows("liquidations")
        assert (row["seq"], row["at"], row["account"]) == (3, START, "carol")
        assert (row["closed_lots"], row["taken_over_lots"], row["mark_ticks"]) == (7, 3, 90)

    def test_an_unlisted_market_stops_the_service(self) -> None:
        """ANA-SAFE-001"""
        tape = Tape()
        tape.trade(BTC, 100, 1)
        alone = tape.events[-1].model_copy(update={"seq": 1})
        with pytest.raises(UnknownMarket):
            Harness().feed([alone])


def test_what_was_written_is_not_written_again() -> None:
    """ANA-REBUILD-003: an event of one market writes nothing of another."""
    tape = Tape()
    tape.trade(BTC, 100, 1)
    tape.liquidate(BTC, 7, 3, mark=90)
    harness = after(tape)
    tape.mark(ETH, 7)
    written = harness.feed([tape.events[-1]])
    assert {table.name: [row[0] for row in rows] for table, rows in written.rows.items()} == {
        "markets": [ETH],
        "units": [ETH],
        "market_days": [ETH],
        "open_market_days": [ETH],
        "candles": [ETH],
        "open_candles": [ETH],
    }
    assert written.deletes == {}


def test_candles_that_end_together_are_told_by_market() -> None:
    """ANA-REBUILD-001: whichever traded first, and whether or not the service started in between."""
    tape = Tape()
    tape.trade(ETH, 7, 1)
    tape.trade(BTC, 100, 1)
    tape.at += MINUTE
    tape.mark(BTC, 1)
    assert [event["market"] for event in after(tape).published] == [BTC, ETH]
