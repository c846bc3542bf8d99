"""The core's other streams: trades, quotes, mark prices, subscriptions, silence, and frames nobody should send."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.adapters import events as structs
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.adapters.venues.binance.core import MARKET, PUBLIC
from services.ingestor.engine.sequence import WINDOW, IdSequence
from services.ingestor.tests.support import (
    BTCUSDT,
    SYMBOL,
    depth,
    events,
    fetches,
    frame,
    new_core,
    recorded,
    snapshot,
    ticker,
    trade,
)

SECOND = 1_000_000


class TestTrades:
    def test_a_repeated_trade_is_ignored(self) -> None:
        """ING-TRADE-002"""
        core = new_core()
        assert len(events(core.frame(trade(7), 1), structs.Trade)) == 1
        assert core.frame(trade(7), 2) == []
        assert core.counts["repeated"] == 1

    def test_a_trade_out_of_order_is_flagged_late_and_said_once(self) -> None:
        """ING-TRADE-003"""
        core = new_core()
        qualities = [
            (each.trade_id, each.quality)
            for number in (7, 9, 8, 8, 10)
            for each in events(core.frame(trade(number), 1), structs.Trade)
        ]
        assert qualities == [("7", "ok"), ("9", "ok"), ("8", "late"), ("10", "ok")]

    def test_missing_trades_are_said_as_a_gap(self) -> None:
        """ING-TRADE-004"""
        core = new_core()
        core.frame(trade(7), 1)
        gap = events(core.frame(trade(12), 2), structs.Gap)[0]
        assert (gap.expected_seq, gap.venue_seq, gap.reason) == (8, 12, "trade: 4 missing")

    def test_trades_missed_while_the_service_was_down_are_said_as_a_gap(self) -> None:
        """ING-TRADE-004"""
        core = UsdmCore([BTCUSDT])
        core.resume_trades({SYMBOL: 100, "OTHER": 5})
        assert [gap.reason for gap in events(core.frame(trade(151), 1), structs.Gap)] == ["trade: 50 missing"]

    def test_a_venue_that_counts_anew_is_followed(self) -> None:
        """ING-TRADE-005"""
        core = new_core()
        core.frame(trade(5_000_000), 1)
        said = core.frame(trade(3), 2)
        assert [gap.reason for gap in events(said, structs.Gap)] == ["trade: ids start anew"]
        assert [each.trade_id for each in events(said, structs.Trade)] == ["3"]

    def test_fills_outside_the_book_are_no_trades(self) -> None:
        """ING-TRADE-006"""
        core = new_core()
        core.frame(trade(7), 1)
        assert core.frame(trade(8, "0", "0", X="NA"), 2) == []
        assert core.frame(trade(9, X="INSURANCE_FUND"), 2) == []
        assert events(core.frame(trade(10), 3), structs.Gap) == []

    def test_aggregate_trades_carry_ids_of_their_own(self) -> None:
        """ING-TRADE-007"""
        core = new_core(trades="aggTrade")
        out = core.frame(frame("aggTrade", e="aggTrade", a=26129, p="100.0", q="0.500", T=5, m=True), 1)
        said = events(out, structs.Trade)[0]
        assert (said.trade_id, said.id) == ("agg-26129", "binance-usdm:BTCUSDT:trade:agg-26129")
        assert (said.size_lots, said.taker_side) == (500, "sell")


class TestCandles:
    def test_candles_come_as_they_stand_and_once_as_final(self) -> None:
        """ING-CANDLE-001"""
        core = new_core(candles="1m,1h")
        assert core.streams("market")[-2:] == ["btcusdt@kline_1m", "btcusdt@kline_1h"]
        bar = {"t": 60_000, "T": 119_999, "s": SYMBOL, "i": "1m", "o": "100.0", "c": "101.0", "h": "102.0", "l": "99.5"}
        out = core.frame(frame("kline_1m", e="kline", k={**bar, "v": "1.500", "n": 3, "x": False, "q": "150"}), 1)
        out += core.frame(frame("kline_1m", e="kline", k={**bar, "v": "1.600", "n": 4, "x": True, "q": "160"}), 2)
        candles = events(out, structs.Candle)
        assert [(each.volume_lots, each.closed) for each in candles] == [(1_500, False), (1_600, True)]
        assert (candles[0].open_at, candles[0].open_ticks, candles[0].low_ticks) == (60_000_000, 1_000, 995)
        with pytest.raises(ValueError, match="no candles of 2m"):
            new_core(candles="2m")


class TestSequence:
    @given(st.permutations(range(1, 40)))
    def test_every_id_is_taken_once_in_whatever_order(self, order: list[int]) -> None:
        """ING-TRADE-003"""
        sequence = IdSequence()
        sequence.see(1_000)
        taken = [sequence.see(1_000 + number) for number in order]
        assert "repeated" not in taken
        assert [sequence.see(1_000 + number) for number in order] == ["repeated"] * len(order)

    def test_what_it_remembers_is_bounded(self) -> None:
        """ING-TRADE-003"""
        sequence = IdSequence()
        for number in range(1, 10_000_000, 1_000_003):
            sequence.see(number)
        assert len(sequence._missing) <= WINDOW


class TestQuotes:
    def test_a_crossed_quote_is_withheld(self) -> None:
        """ING-TICK-002"""
        core = new_core()
        for bid, ask in (("100.1", "100.1"), ("100.2", "100.1")):
            out = core.frame(ticker(5, bid, ask), 1)
            assert [type(each) for each in out] == [Malformed]
        assert core.counts["crossed_quotes"] == 2

    def test_a_quote_out_of_order_is_flagged_late_and_a_repeated_one_ignored(self) -> None:
        """ING-TICK-003"""
        core = new_core()
        said = [core.frame(ticker(update, "100.0", "100.1", millis), 1) for update, millis in ((5, 9), (4, 8), (5, 9))]
        assert [each.quality for out in said for each in events(out, structs.Ticker)] == ["ok", "late"]

    def test_a_lower_update_with_a_later_time_is_a_venue_that_counts_anew(self) -> None:
        """ING-TICK-003"""
        core = new_core()
        core.frame(ticker(5_000, "100.0", "100.1", 8), 1)
        said = events(core.frame(ticker(3, "100.0", "100.1", 9), 2), structs.Ticker)
        assert [each.quality for each in said] == ["ok"]


class TestFunding:
    def test_mark_index_and_rate(self) -> None:
        """ING-FUND-001"""
        data: dict[str, Any] = {"p": "11794.15000000", "P": "11784.25641265", "i": "11784.62659091", "r": "-0.00038167"}
        out = new_core().frame(frame("markPrice@1s", e="markPriceUpdate", **data, T=1_562_306_400_000), 1)
        said = events(out, structs.Funding)[0]
        assert (said.mark_ticks, said.index_ticks, said.rate_ppb) == (117_942, 117_846, -381_670)
        assert (said.interval_micros, said.next_funding_at) == (8 * 3600 * SECOND, 1_562_306_400_000_000)


class TestRoutes:
    def test_streams_are_subscribed_on_the_route_that_serves_them(self) -> None:
        """ING-CONN-001"""
        core = UsdmCore([BTCUSDT])
        sent = {}
        for route in core.routes:
            command = next(each for each in core.connected(route.name, 1) if isinstance(each, Send))
            sent[command.route] = json.loads(command.frames[0])
        assert sent[PUBLIC]["params"] == ["btcusdt@depth@0ms", "btcusdt@bookTicker", "btcusdt@trade"]
        assert sent[MARKET]["params"] == ["btcusdt@markPrice@1s", "btcusdt@forceOrder"]
        assert sent[PUBLIC]["id"] != sent[MARKET]["id"]
        aggregate = UsdmCore([BTCUSDT], trades="aggTrade").streams(MARKET)
        assert aggregate == ["btcusdt@aggTrade", "btcusdt@markPrice@1s", "btcusdt@forceOrder"]

    def test_acknowledgements_are_silent_and_refusals_are_said(self) -> None:
        """ING-CONN-002"""
        core = new_core()
        assert core.frame(b'{"result":null,"id":1}', 1) == []
        for refusal in (b'{"error":{"code":2,"msg":"Invalid request"},"id":1}', b'{"code":3,"msg":"Invalid JSON"}'):
            assert [each.reason for each in core.frame(refusal, 1) if isinstance(each, Malformed)] == ["refused"]


class TestSilence:
    def synced(self) -> UsdmCore:
        core = new_core()
        core.frame(depth(1, 5, 0), SECOND)
        core.snapshot(SYMBOL, snapshot(5, [("100.0", "1.000")], [("100.1", "1.000")]), SECOND)
        core.frame(ticker(5, "100.0", "100.1"), SECOND)
        core.frame(frame("markPrice@1s", e="markPriceUpdate", p="100.0", i="100.0", P="1", r="0", T=1), SECOND)
        return core

    def test_a_heartbeat_says_synced_while_data_flow(self) -> None:
        """ING-STALE-001"""
        assert [(each.status, each.detail) for each in self.synced().heartbeat(2 * SECOND)] == [("synced", "")]

    def test_every_quiet_stream_is_named(self) -> None:
        """ING-STALE-001"""
        core = self.synced()
        core.frame(ticker(6, "100.0", "100.1"), 6 * SECOND)
        said = core.heartbeat(7 * SECOND)[0]
        assert (said.status, said.detail) == ("stale", "book silent; funding silent")

    def test_books_and_quotes_are_given_two_seconds_and_figures_five_unless_told_otherwise(self) -> None:
        """ING-STALE-006"""
        core = self.synced()
        details = [core.heartbeat(SECOND + quiet)[0].detail for quiet in (2 * SECOND, 2 * SECOND + 1, 5 * SECOND + 1)]
        assert details == ["", "quote silent; book silent", "quote silent; book silent; funding silent"]
        core.judge_stale(20 * SECOND)
        assert core.heartbeat(21 * SECOND)[0].status == "synced"

    def test_acknowledgements_and_heartbeats_are_not_data(self) -> None:
        """ING-STALE-002"""
        core = self.synced()
        core.frame(b'{"result":null,"id":1}', 20 * SECOND)
        core.heartbeat(20 * SECOND)
        assert core.silent_micros(PUBLIC, 21 * SECOND) == 20 * SECOND
        assert core.silent_micros(MARKET, 21 * SECOND) == 20 * SECOND

    def test_a_closed_route_is_said_in_every_heartbeat(self) -> None:
        """ING-STALE-003"""
        core = self.synced()
        core.disconnected(MARKET, 3 * SECOND, "gone")
        assert [(each.status, each.detail) for each in core.heartbeat(4 * SECOND)] == [("disconnected", "market")]
        assert core.silent_micros(MARKET, 5 * SECOND) == 0

    def test_a_book_that_is_being_resynced_is_stale(self) -> None:
        """ING-STALE-003"""
        core = self.synced()
        core.frame(depth(9, 12, 8), 2 * SECOND)
        assert core.heartbeat(2 * SECOND)[0].detail == "book resyncing"


class TestMalformed:
    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b"", "unreadable"),
            (b"{", "unreadable"),
            (b'{"stream":"x","data":{"e":"unheardOf"}}', "unreadable"),
            (b'{"data":{"e":"trade"}}', "unreadable"),
            (b"[1,2]", "unreadable"),
            (b'{"a":' * 100_000, "unreadable"),
            (b"{}", "no_data"),
            (trade(1).replace(b'"BTCUSDT"', b'"XYZ"'), "unknown_symbol"),
            (trade(1, "100.05"), "off_grid"),
            (trade(1, "100.0", "0.000"), "not_positive"),
        ],
    )
    def test_a_malformed_frame_is_counted_and_said_and_the_core_goes_on(self, raw: bytes, reason: str) -> None:
        """ING-FRAME-001"""
        core = new_core()
        out = core.frame(raw, 1)
        assert [each.reason for each in out if isinstance(each, Malformed)] == [reason]
        assert core.counts["malformed"] == 1
        assert "1 malformed frames" in core.heartbeat(2)[0].detail
        assert events(core.frame(trade(2), 3), structs.Trade)

    @given(raw=st.binary(max_size=200))
    def test_no_bytes_make_it_raise(self, raw: bytes) -> None:
        """ING-FRAME-001"""
        core = new_core()
        core.frame(raw, 1)
        core.snapshot(SYMBOL, raw, 1)

    @given(
        place=st.integers(0, 3_000), flips=st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), max_size=4)
    )
    def test_no_damage_to_a_recorded_frame_makes_it_raise(self, place: int, flips: list[tuple[int, int]]) -> None:
        """ING-FRAME-001"""
        raw = bytearray(recorded()[place][1])
        for index, value in flips:
            raw[index % len(raw)] = value
        core = new_core()
        core.frame(bytes(raw), 1)
        core.frame(bytes(raw[: len(raw) // 2]), 1)

    def test_a_lost_depth_frame_among_garbage_still_costs_the_book(self) -> None:
        """ING-FRAME-002: what cannot be read may have been a book frame; the chain tells."""
        core = new_core()
        core.frame(depth(1, 5, 0), 1)
        core.snapshot(SYMBOL, snapshot(5, [("100.0", "1.000")], [("100.1", "1.000")]), 1)
        core.frame(depth(6, 8, 5)[:-20], 2)
        assert fetches(core.frame(depth(9, 10, 8), 3))
