"""Every figure of the captured sessions, digit for digit: books, depth, slippage, trades, candles, averages."""

from decimal import Decimal

import pytest

from services.ingestor.domain.liquidity.depth import DISTANCES, depth, spread_ppt
from services.ingestor.domain.liquidity.slippage import slippage
from services.ingestor.domain.liquidity.trades import FOREVER, Traded, candles, vwap
from services.ingestor.domain.liquidity.worth import PPT_PER_BPS
from services.ingestor.tests.venues.captures import CAPTURES, at_end
from services.ingestor.tests.venues.kit import captured, expected, lines

MINUTE = 60_000_000
WITH_TRADES = ("usdm", "coinm")


def fixed(number: int, decimals: int) -> str:
    return format(Decimal(number).scaleb(-decimals), f".{decimals}f")


def rescaled(number: int, decimals: int, places: int) -> str:
    """A number of `decimals` decimals with fewer `places`, nearest with halves to even as the files have it."""
    return str(Decimal(number).scaleb(-decimals).quantize(Decimal(1).scaleb(-places)))


def same(texts: list[str], wanted: list[str]) -> bool:
    """Equal in value and, beyond zeros at the end, in every digit."""
    return [Decimal(text) for text in texts] == [Decimal(text) for text in wanted]


@pytest.mark.parametrize("name", CAPTURES)
def test_the_book_at_the_end(name: str) -> None:
    """ING-LIQ-001"""
    capture, book = CAPTURES[name], at_end(name).book
    wanted = expected(capture.expected)["book_at_end"]
    assert book is not None
    assert [len(book.bids.order), len(book.asks.order)] == wanted["levels"]
    tick = Decimal(capture.instrument.tick_size)
    lot = Decimal(capture.instrument.size_step or capture.instrument.lot_size)
    for levels, side in zip(book.top(10), ("top10_bids", "top10_asks"), strict=True):
        assert [[ticks * tick, lots * lot] for ticks, lots in levels] == [
            [Decimal(x) for x in row] for row in wanted[side]
        ]
    assert (book.bids.order[-1] + book.asks.order[0]) * tick / 2 == Decimal(wanted["mid"])


@pytest.mark.parametrize("name", CAPTURES)
def test_spread_depth_and_reach(name: str) -> None:
    """ING-LIQ-001"""
    capture, book = CAPTURES[name], at_end(name).book
    wanted = expected(capture.expected)["book_at_end"]
    assert book is not None
    found = depth(book.bids, book.asks, capture.worth)
    assert rescaled(spread_ppt(book.bids, book.asks), 8, 8) == wanted["spread_bps"]
    assert [format(Decimal(each) / 10, "g") for each in DISTANCES] == list(wanted["bid_notional_usd"])
    assert [rescaled(each, 6, 4) for each in found.bids] == list(wanted["bid_notional_usd"].values())
    assert [rescaled(each, 6, 4) for each in found.asks] == list(wanted["ask_notional_usd"].values())
    assert rescaled(found.bid_reach, 8, 4) == wanted["max_bid_bps"]
    assert rescaled(found.ask_reach, 8, 4) == wanted["max_ask_bps"]
    assert PPT_PER_BPS == 10**8


@pytest.mark.parametrize("name", CAPTURES)
def test_slippage_both_ways(name: str) -> None:
    """ING-LIQ-001"""
    capture, book = CAPTURES[name], at_end(name).book
    wanted = expected(capture.expected)["book_at_end"]["slippage_bps"]
    assert book is not None
    found = slippage(book.bids, book.asks, capture.worth)
    for fills, side in ((found.buys, "buy"), (found.sells, "sell")):
        known = {str(fill.amount // 10**6): fixed(fill.slippage, 8) for fill in fills if fill is not None}
        assert {amount: known.get(amount) for amount in wanted[side]} == wanted[side]


@pytest.mark.parametrize("name", WITH_TRADES)
def test_trades_and_candles(name: str) -> None:
    """ING-LIQ-002"""
    capture = CAPTURES[name]
    wanted, instrument = expected(capture.expected)["trades"], capture.instrument
    said = at_end(name).trades
    trades = [Traded(each.venue_time, each.price_ticks, each.size_lots, each.taker_side == "buy") for each in said]
    (whole,) = candles(trades, capture.worth, FOREVER)
    lot, tick = Decimal(instrument.size_step or instrument.lot_size), Decimal(instrument.tick_size)
    assert whole.count == wanted["count"] == len({each.trade_id for each in said})
    assert [int(said[0].trade_id), int(said[-1].trade_id)] == [wanted["first_id"], wanted["last_id"]]
    assert same([str(whole.bought_lots * lot), str(whole.sold_lots * lot)], [wanted["buy_size"], wanted["sell_size"]])
    assert fixed(capture.worth.quanta(whole.units), 6) == wanted["notional_usd"]
    assert fixed(vwap(trades, capture.worth, 10**7) or 0, 8) == wanted["vwap"]
    assert tick == Decimal("0.1")
    for candle, row in zip(candles(trades, capture.worth, MINUTE), wanted["ohlcv_1m"], strict=True):
        prices = [candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks]
        assert [candle.open_at // 1_000, candle.count] == [row[0], row[7]]
        assert [ticks * tick for ticks in prices] == [Decimal(text) for text in row[1:5]]
        assert candle.volume_lots * lot == Decimal(row[5])
        assert fixed(capture.worth.quanta(candle.units), 6) == row[6]


def test_a_hundred_thousand_trades_of_a_day() -> None:
    """ING-LIQ-002"""
    base = "../market_history/binance_um_ticks/"
    wanted = expected(base + "expected/BTCUSDT_trades_20241028.expected.json")
    instrument, worth = CAPTURES["usdm"].instrument, CAPTURES["usdm"].worth
    rows = (row.split(b",") for row in list(lines(captured(base + "BTCUSDT_trades_20241028.csv.gz")))[1:])
    prices, sizes = instrument.prices, instrument.sizes
    trades = [
        Traded(int(at) // 1_000, prices[price.decode()], sizes[size.decode()], side == b"1")
        for at, price, size, side in rows
    ]
    (whole,) = candles(trades, worth, FOREVER)
    assert whole.count == wanted["count"]
    assert [fixed(whole.bought_lots, 3), fixed(whole.sold_lots, 3)] == [wanted["buy_size"], wanted["sell_size"]]
    assert fixed(worth.quanta(whole.units), 6) == wanted["notional_usd"]
    assert fixed(whole.vwap(10**7), 8) == wanted["vwap"]
    minutes = [
        [
            candle.open_at // 1_000,
            *(fixed(t, 1) for t in (candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks)),
            fixed(candle.volume_lots, 3),
            fixed(worth.quanta(candle.units), 6),
            candle.count,
        ]
        for candle in candles(trades, worth, MINUTE)
    ]
    assert minutes == wanted["ohlcv_1m"]
