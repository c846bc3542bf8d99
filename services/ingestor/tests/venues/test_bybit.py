"""Bybit v5: its book, its partial tickers, its two-sided open interest, its named trades."""

import json
from typing import Any

import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import captured, connected_core, expected, lines, said

BTCUSDT = Instrument("BTCUSDT", "0.10", "0.001")
FULL = {
    "lastPrice": "17216.0", "highPrice24h": "17281.5", "lowPrice24h": "16915.0", "volume24h": "91705.276",
    "markPrice": "17217.33", "indexPrice": "17227.36", "nextFundingTime": "1673280000000", "fundingRate": "-0.000212",
    "bid1Price": "17215.5", "bid1Size": "84.489", "ask1Price": "17216.0", "ask1Size": "83.020",
}  # fmt: skip


def core() -> Core:
    return connected_core(venues()["bybit"], BTCUSDT)


def frame(topic: str, data: Any, kind: str = "snapshot", **more: Any) -> bytes:
    return json.dumps({"topic": topic, "type": kind, "ts": 1_673_272_861_686, "data": data, **more}).encode()


def book(u: int, bids: list[list[str]], asks: list[list[str]], kind: str = "delta") -> bytes:
    return frame("orderbook.500.BTCUSDT", {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u}, kind)


def ticker(millis: int, kind: str = "delta", **fields: str) -> bytes:
    data = {"symbol": "BTCUSDT", **fields}
    body = {"topic": "tickers.BTCUSDT", "type": kind, "ts": millis, "cs": millis, "data": data}
    return json.dumps(body).encode()


class TestBook:
    def test_the_captured_book_comes_to_what_it_must(self) -> None:
        """ING-BYBIT-001"""
        path, wanted = (
            captured("bybit/ob500_XRPUSDT_20241201.jsonl.gz"),
            expected("bybit/expected/ob500_XRPUSDT_20241201.expected.json")["book_at_end"],
        )
        playing = connected_core(venues()["bybit"], Instrument("XRPUSDT", "0.0001", "1"))
        out = [each for line in lines(path) for each in playing.frame(line, 1)]
        assert said(out, events.Gap) == []
        at_end = playing.symbol("XRPUSDT").sync.book
        assert at_end is not None
        bids, asks = at_end.top(500)
        assert [len(bids), len(asks)] == wanted["levels"]
        assert [[f"{ticks / 10_000:.4f}", str(lots)] for ticks, lots in bids[:10]] == wanted["top10_bids"]
        assert [[f"{ticks / 10_000:.4f}", str(lots)] for ticks, lots in asks[:10]] == wanted["top10_asks"]

    def test_every_lost_frame_is_noticed_at_the_next_one(self) -> None:
        """ING-BYBIT-001"""
        frames = list(lines(captured("bybit/ob500_XRPUSDT_20241201.jsonl.gz")))
        for lost in range(1, len(frames) - 1):
            playing = connected_core(venues()["bybit"], Instrument("XRPUSDT", "0.0001", "1"))
            outs = [playing.frame(line, 1) for number, line in enumerate(frames) if number != lost]
            assert [number for number, out in enumerate(outs) if said(out, events.Gap)] == [lost]

    def test_a_gap_is_said_and_the_one_topic_is_subscribed_anew(self) -> None:
        """ING-BYBIT-002"""
        playing = core()
        playing.frame(book(7, [["100.0", "1"]], [["100.1", "1"]], "snapshot"), 1)
        out = playing.frame(book(9, [["100.0", "2"]], []), 2)
        assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(7, 9)]
        (again,) = [each for each in out if isinstance(each, Send)]
        assert [json.loads(text) for text in again.frames] == [
            {"op": "unsubscribe", "args": ["orderbook.500.BTCUSDT"]},
            {"op": "subscribe", "args": ["orderbook.500.BTCUSDT"]},
        ]
        out = playing.frame(book(20, [["99.0", "1"]], [["99.1", "1"]], "snapshot"), 3)
        assert [each.quality for each in said(out, events.BookTop)] == ["resynced"]

    def test_update_one_begins_anew(self) -> None:
        """ING-BYBIT-002: the venue restarted."""
        playing = core()
        playing.frame(book(7, [["100.0", "1"]], [["100.1", "1"]], "snapshot"), 1)
        out = playing.frame(book(1, [["90.0", "1"]], [["90.1", "1"]]), 2)
        assert said(out, events.Gap) == []
        assert playing.symbol("BTCUSDT").sync.last == 1

    def test_a_snapshot_that_never_comes_is_asked_for_again(self) -> None:
        """ING-BYBIT-002"""
        playing = core()
        assert playing.overdue(4_000_000) == []
        assert len([each for each in playing.overdue(6_000_000) if isinstance(each, Send)]) == 1
        assert playing.overdue(7_000_000) == []


class TestTicker:
    def test_what_a_frame_leaves_out_is_as_before(self) -> None:
        """ING-BYBIT-003"""
        playing = core()
        out = playing.frame(ticker(1_000, "snapshot", **FULL), 1)
        assert [each.rate_ppb for each in said(out, events.Funding)] == [-212_000]
        out = playing.frame(ticker(2_100, ask1Price="17216.5", bid1Size=""), 2)
        (quote,) = said(out, events.Ticker)
        assert (quote.bid_ticks, quote.bid_lots, quote.ask_ticks, quote.ask_lots) == (172_155, 84_489, 172_165, 83_020)
        (funding,) = said(out, events.Funding)
        assert (funding.mark_ticks, funding.index_ticks) == (172_173, 172_274)

    def test_figures_are_said_once_a_second(self) -> None:
        """ING-BYBIT-003"""
        playing = core()
        playing.frame(ticker(1_000, "snapshot", **FULL), 1)
        assert said(playing.frame(ticker(1_900, markPrice="1.0"), 2), events.Funding) == []
        assert len(said(playing.frame(ticker(2_000, markPrice="2.0"), 3), events.Funding)) == 1

    def test_open_interest_is_one_sided(self) -> None:
        """ING-BYBIT-004: the venue's own single figure, or half of the double one, rounded as the venue does."""
        both = {"openInterest": "57798.137", "singleOpenInterest": "28899.069"}
        for fields in (both, {"openInterest": "57798.137"}):
            out = core().frame(ticker(1_000, "snapshot", **FULL, **fields), 1)
            assert [each.open_interest_lots for each in said(out, events.OpenInterest)] == [28_899_069]


class TestTrades:
    def test_trades_are_known_by_name(self) -> None:
        """ING-BYBIT-005"""
        playing = core()
        trade = {"T": 5, "s": "BTCUSDT", "S": "Sell", "v": "0.010", "p": "27451.0", "i": "9dc75fca-4bdd"}
        out = playing.frame(frame("publicTrade.BTCUSDT", [trade, trade, {**trade, "i": "other"}]), 1)
        assert [(each.trade_id, each.taker_side) for each in said(out, events.Trade)] == [
            ("9dc75fca-4bdd", "sell"),
            ("other", "sell"),
        ]

    def test_a_liquidated_long_sells(self) -> None:
        """ING-BYBIT-005"""
        order = {"T": 5, "s": "BTCUSDT", "S": "Buy", "v": "0.500", "p": "27000.0"}
        (said_one,) = said(core().frame(frame("allLiquidation.BTCUSDT", [order]), 1), events.Liquidation)
        assert (said_one.side, said_one.size_lots, said_one.price_ticks) == ("sell", 500, 270_000)


def test_candles_are_asked_for_by_interval_and_come_with_their_state() -> None:
    """ING-CANDLE-001"""
    playing = connected_core(venues()["bybit"], BTCUSDT, candles="5m,1w")
    assert any("kline.W.BTCUSDT" in each for each in playing.subscriptions("public"))
    raw = captured("bybit/nautilus_ws_kline.json").read_bytes()
    (candle,) = said(playing.frame(raw, 1), events.Candle)
    assert (candle.interval, candle.open_at, candle.closed) == ("5m", 1_672_324_800_000_000, False)
    prices = (candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks)
    assert (*prices, candle.volume_lots) == (166_495, 166_770, 166_080, 166_770, 2_081)
    with pytest.raises(ValueError, match="no candles of 7m"):
        connected_core(venues()["bybit"], BTCUSDT, candles="7m")


def test_a_refused_subscription_is_said() -> None:
    """ING-BYBIT-006"""
    refused = b'{"success":false,"ret_msg":"Invalid topic","conn_id":"c","op":"subscribe"}'
    assert core().frame(refused, 1) == [Malformed("refused", "Invalid topic")]
    assert core().frame(b'{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}', 1) == []


def test_the_listing_gives_grids_and_intervals() -> None:
    """ING-BYBIT-007"""
    info = {
        "symbol": "BTCUSDT", "status": "Trading", "baseCoin": "BTC", "quoteCoin": "USDT", "fundingInterval": 480,
        "priceFilter": {"tickSize": "0.10"}, "lotSizeFilter": {"qtyStep": "0.001"},
    }  # fmt: skip
    answer = json.dumps({"result": {"list": [info, {**info, "symbol": "X", "fundingInterval": 4}]}}).encode()
    found = venues()["bybit"].instruments([answer], ["X", "BTCUSDT"], {})
    assert [each.funding_interval_micros // 3_600_000_000 for each in found] == [4, 8]
    assert (found[1].tick_size, found[1].lot_size, found[1].kind) == ("0.10", "0.001", "linear")
