"""The protocol core on a captured market: 93,954 lines of BTCUSDT, against figures computed independently."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from services.ingestor.adapters import events as structs
from services.ingestor.adapters.protocol import Output
from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.engine.book import Book
from services.ingestor.tests.support import BTCUSDT, EXPECTED, SYMBOL, events, new_core, play, recorded

TICK, LOT = Decimal(BTCUSDT.tick_size), Decimal(BTCUSDT.lot_size)
AT_END = EXPECTED["book_at_end"]


@cache
def played() -> tuple[UsdmCore, list[tuple[int, Output]], dict[int, tuple[int, str, str]]]:
    """The core after the recording, outputs by line, and the book's update id and best prices at the checkpoints."""
    core, outputs, checkpoints = new_core(), [], {}
    lines = {checkpoint["line"] for checkpoint in EXPECTED["checkpoints"]}
    for number, out in play(core, recorded()):
        outputs += [(number, output) for output in out]
        if number in lines:
            bids, asks = book_of(core).top(1)
            checkpoints[number] = (core.symbol(SYMBOL).sync.last, price(bids[0][0]), price(asks[0][0]))
    return core, outputs, checkpoints


def said(kind: type[structs.MarketStruct]) -> list[Any]:
    return events((output for _, output in played()[1]), kind)


def book_of(core: UsdmCore) -> Book:
    book = core.symbol(SYMBOL).sync.book
    assert book is not None
    return book


def price(ticks: int) -> str:
    return format(ticks * TICK, ".2f")


def size(lots: int) -> str:
    return format(lots * LOT, ".3f")


def rounded(value: Fraction, places: int) -> str:
    scaled = value * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return format(Decimal(whole).scaleb(-places), "f")


class TestBook:
    def test_final_book_is_the_expected_one(self) -> None:
        """ING-REC-001"""
        core = played()[0]
        book = book_of(core)
        bids, asks = book.top(10)
        assert core.symbol(SYMBOL).sync.last == EXPECTED["final_update_id"]
        assert [len(book.bids.order), len(book.asks.order)] == AT_END["levels"]
        assert [[price(ticks), size(lots)] for ticks, lots in bids] == AT_END["top10_bids"]
        assert [[price(ticks), size(lots)] for ticks, lots in asks] == AT_END["top10_asks"]

    def test_book_is_the_expected_one_on_the_way(self) -> None:
        """ING-REC-001"""
        expected = {
            point["line"]: (point["update_id"], point["best_bid"], point["best_ask"])
            for point in EXPECTED["checkpoints"]
        }
        assert played()[2] == expected

    def test_mid_spread_and_reach(self) -> None:
        """ING-REC-002"""
        book = book_of(played()[0])
        best_bid, best_ask = book.bids.order[-1], book.asks.order[0]
        mid = Fraction(best_bid + best_ask, 2)
        assert format(Decimal(best_bid + best_ask) * TICK / 2, "f") == AT_END["mid"]
        assert rounded((best_ask - best_bid) / mid * 10_000, 8) == AT_END["spread_bps"]
        assert rounded((mid - book.bids.order[0]) / mid * 10_000, 4) == AT_END["max_bid_bps"]
        assert rounded((book.asks.order[-1] - mid) / mid * 10_000, 4) == AT_END["max_ask_bps"]

    @pytest.mark.parametrize("bps", ["1", "2.5", "5", "10", "20", "50", "100"])
    def test_depth_within_a_distance_of_mid(self, bps: str) -> None:
        """ING-REC-002"""
        book = book_of(played()[0])
        mid, part = Fraction(book.bids.order[-1] + book.asks.order[0], 2), Fraction(bps) / 10_000
        bids = sum(t * lots for t, lots in book.bids.lots.items() if t >= mid * (1 - part))
        asks = sum(t * lots for t, lots in book.asks.lots.items() if t <= mid * (1 + part))
        assert format(bids * TICK * LOT, ".4f") == AT_END["bid_notional_usd"][bps]
        assert format(asks * TICK * LOT, ".4f") == AT_END["ask_notional_usd"][bps]

    @pytest.mark.parametrize("usd", ["1000", "10000", "50000", "100000", "500000"])
    def test_slippage_of_a_walk_through_the_book(self, usd: str) -> None:
        """ING-REC-002"""
        book = book_of(played()[0])
        mid = Fraction(book.bids.order[-1] + book.asks.order[0], 2)
        bids, asks = book.top(5_000)
        for side, levels in (("buy", asks), ("sell", bids)):
            wanted = left = Fraction(usd) / Fraction(TICK * LOT)
            lots = Fraction(0)
            for ticks, available in levels:
                taken = min(left, Fraction(ticks * available))
                left, lots = left - taken, lots + taken / ticks
            assert rounded(abs(wanted / lots - mid) / mid * 10_000, 8) == AT_END["slippage_bps"][side][usd]

    def test_no_gap_and_no_crossed_book_is_seen(self) -> None:
        """ING-REC-003"""
        core = played()[0]
        assert said(structs.Gap) == []
        assert not core.counts

    def test_book_is_said_at_most_every_250_ms_of_venue_time(self) -> None:
        """ING-BOOK-007"""
        times = [book.venue_time for book in said(structs.BookTop)]
        assert len(times) == 1_308
        assert all(later - earlier >= 250_000 for earlier, later in pairwise(times))
        assert all(len(book.bids) == len(book.asks) == 20 for book in said(structs.BookTop))


class TestQuotesAndTrades:
    def test_every_quote_is_said_once(self) -> None:
        """ING-TICK-001"""
        tickers = said(structs.Ticker)
        last = tickers[-1]
        assert len({ticker.id for ticker in tickers}) == len(tickers) == EXPECTED["messages"]["bookTicker"]
        fields = [price(last.bid_ticks), size(last.bid_lots), price(last.ask_ticks), size(last.ask_lots)]
        assert [*fields, last.venue_seq] == EXPECTED["last_book_ticker"]

    def test_every_trade_is_said_once_with_its_side(self) -> None:
        """ING-TRADE-001"""
        trades, expected = said(structs.Trade), EXPECTED["trades"]
        sums: Counter[str] = Counter()
        for each in trades:
            sums[each.taker_side] += each.size_lots
        notional = sum(each.price_ticks * each.size_lots for each in trades)
        assert len({each.id for each in trades}) == len(trades) == expected["count"] == expected["unique_ids"]
        assert [int(trades[0].trade_id), int(trades[-1].trade_id)] == [expected["first_id"], expected["last_id"]]
        assert [size(sums["buy"]), size(sums["sell"])] == [expected["buy_size"], expected["sell_size"]]
        assert format(notional * TICK * LOT, ".6f") == expected["notional_usd"]
        vwap = Fraction(notional, sum(sums.values())) * Fraction(TICK)
        assert rounded(vwap, 8) == expected["vwap"]

    def test_candles_from_the_trades(self) -> None:
        """ING-TRADE-001"""
        minutes: dict[int, list[Any]] = {}
        for each in said(structs.Trade):
            minutes.setdefault(each.venue_time // 60_000_000 * 60_000, []).append(each)
        candles = []
        for start, trades in minutes.items():
            ticks = [each.price_ticks for each in trades]
            lots = sum(each.size_lots for each in trades)
            notional = sum(each.price_ticks * each.size_lots for each in trades) * TICK * LOT
            prices = [price(value) for value in (ticks[0], max(ticks), min(ticks), ticks[-1])]
            candles.append([start, *prices, size(lots), format(notional, ".6f"), len(trades)])
        assert candles == EXPECTED["trades"]["ohlcv_1m"]

    def test_venue_clock_and_receive_clock_are_kept_apart(self) -> None:
        """ING-TIME-001: the collector's clock was 1.27 s behind the venue's; both are passed on as they were."""
        skews = sorted(event.received_at - event.venue_time for event in said(structs.Ticker))
        assert -1_272_000 < skews[len(skews) // 2] < -1_268_000

    def test_ids_come_from_the_venue(self) -> None:
        """ING-EVT-002"""
        assert said(structs.Trade)[0].id == "binance-usdm:BTCUSDT:trade:5266583935"
        assert said(structs.Ticker)[0].id == "binance-usdm:BTCUSDT:ticker:5123107839020"


def test_frames_outside_the_known_depth_ask_for_a_new_snapshot() -> None:
    """ING-BOOK-009: the price falls below the snapshot's 1,000th bid; the top is then known from changes alone."""
    wishes = [(number, output) for number, output in played()[1] if not isinstance(output, structs.MarketStruct)]
    assert [getattr(output, "reason", "") for _, output in wishes] == [
        "no book yet",
        "price left the snapshot's range",
    ]
