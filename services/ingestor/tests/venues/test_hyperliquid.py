"""Hyperliquid: whole books, named trades, figures without a time, thousands by the letter k."""

import json
from typing import Any

import pytest
from cleartide.contracts import VenueOracle

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Malformed
from services.ingestor.adapters.venue import venues
from services.ingestor.domain.index_markets import IndexMarket, PriceSource
from services.ingestor.domain.state import IngestorState
from services.ingestor.handlers import HANDLERS
from services.ingestor.tests.venues.kit import captured, connected_core, expected, lines, said
from tests.support.fold_bench import RecordingEffects

BTC = Instrument("BTC", "0.1", "0.00001", HOUR_MICROS)
NOW = 1_737_918_843_893_903


def core() -> Core:
    return connected_core(venues()["hyperliquid"], BTC)


def frame(channel: str, data: Any) -> bytes:
    return json.dumps({"channel": channel, "data": data}).encode()


def book(time: int, bid: str, ask: str) -> bytes:
    levels = [[{"px": bid, "sz": "1.0", "n": 1}], [{"px": ask, "sz": "2.0", "n": 1}]]
    return frame("l2Book", {"coin": "BTC", "time": time, "levels": levels})


def test_the_capture_comes_to_what_it_must() -> None:
    """ING-HYPER-001"""
    wanted = expected("hyperliquid/expected/btc_20250126.expected.json")
    playing = core()
    out = [
        each
        for line in lines(captured("hyperliquid/btc_20250126.gz"))
        for each in playing.frame(line.split(b" ", 1)[1], NOW)
    ]
    assert [each for each in out if isinstance(each, (Malformed, events.Gap))] == []
    trades = said(out, events.Trade)
    assert len({trade.trade_id for trade in trades}) == len(trades) == wanted["trades"]["count"]
    bought = sum(trade.size_lots for trade in trades if trade.taker_side == "buy")
    assert f"{bought / 100_000:.5f}" == wanted["trades"]["buy_size"]
    at_end = playing.symbol("BTC").sync
    assert at_end.book is not None
    assert at_end.last == wanted["last_book_time"]
    bids, asks = at_end.book.top(20)
    assert [len(bids), len(asks)] == wanted["book_at_end"]["levels"]
    best = [(f"{ticks / 10:.1f}", lots / 100_000) for ticks, lots in bids[:10]]
    assert best == [(price, float(size)) for price, size in wanted["book_at_end"]["top10_bids"]]
    assert playing.counts["repeated"] == wanted["book_frames"] - wanted["distinct_book_times"]


def test_time_only_rises() -> None:
    """ING-HYPER-002: the same time is a repetition, an earlier one is late, and neither touches the book."""
    playing = core()
    playing.frame(book(1_000, "100.0", "100.1"), NOW)
    assert playing.frame(book(1_000, "90.0", "90.1"), NOW) == playing.frame(book(900, "90.0", "90.1"), NOW) == []
    assert playing.counts["repeated"] == playing.counts["late"] == 1
    kept = playing.symbol("BTC").sync.book
    assert kept is not None and kept.top(1) == ([(1_000, 100_000)], [(1_001, 200_000)])


def test_a_crossed_book_is_never_said() -> None:
    """ING-HYPER-002"""
    out = core().frame(book(1_000, "100.2", "100.1"), NOW)
    assert [gap.reason for gap in said(out, events.Gap)] == ["book: crossed book"]


def test_figures_are_dated_by_their_receipt_and_said_once_a_second() -> None:
    """ING-HYPER-003"""
    playing = core()
    figures = {
        "markPx": "14.3161", "oraclePx": "14.32", "funding": "0.0000125", "openInterest": "688.11", "premium": "0.0003",
        "dayNtlVlm": "1169046.29406", "prevDayPx": "15.322", "midPx": None, "impactPxs": None,
    }  # fmt: skip
    raw = frame("activeAssetCtx", {"coin": "BTC", "ctx": figures})
    out = playing.frame(raw, NOW)
    (funding,) = said(out, events.Funding)
    assert (funding.rate_ppb, funding.interval_micros, funding.venue_time) == (12_500, HOUR_MICROS, NOW)
    assert funding.next_funding_at % HOUR_MICROS == 0 and 0 < funding.next_funding_at - NOW <= HOUR_MICROS
    assert [each.open_interest_lots for each in said(out, events.OpenInterest)] == [68_811_000]
    assert playing.frame(raw, NOW + 1_000) == []
    assert [type(each) for each in playing.frame(raw, NOW + 1_000_000)] == [events.Funding]


def test_a_one_sided_quote_is_not_said() -> None:
    """ING-HYPER-004"""
    both = [{"px": "23.7", "sz": "42.0", "n": 1}, {"px": "23.8", "sz": "100.0", "n": 2}]
    playing = core()
    assert playing.frame(frame("bbo", {"coin": "BTC", "time": 5, "bbo": [both[0], None]}), NOW) == []
    out = playing.frame(frame("bbo", {"coin": "BTC", "time": 6, "bbo": both}), NOW)
    assert [(each.bid_ticks, each.ask_ticks) for each in said(out, events.Ticker)] == [(237, 238)]


def best(bid: str, ask: str, time: int = 6) -> bytes:
    levels = [{"px": bid, "sz": "42.0", "n": 1}, {"px": ask, "sz": "100.0", "n": 2}]
    return frame("bbo", {"coin": "BTC", "time": time, "bbo": levels})


def test_quotes_of_one_millisecond_are_all_said_and_a_repetition_is_not() -> None:
    """ING-HYPER-007"""
    playing = core()
    frames = [
        best("23.7", "23.8"),
        best("23.7", "23.8"),
        best("23.6", "23.8"),
        best("23.7", "23.8"),
        best("9", "10", 5),
    ]
    out = [each for raw in frames for each in playing.frame(raw, NOW)]
    quotes = said(out, events.Ticker)
    assert [(each.bid_ticks, each.venue_time, each.quality) for each in quotes] == [
        (237, 6_000, "ok"),
        (236, 6_000, "ok"),
        (237, 6_000, "ok"),
        (90, 5_000, "late"),
    ]
    assert len({each.id for each in quotes}) == len({each.venue_seq for each in quotes}) == 4
    assert playing.counts["repeated"] == 1


def test_grids_follow_from_the_size_decimals() -> None:
    """ING-HYPER-005"""
    universe = [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 50},
        {"name": "kPEPE", "szDecimals": 0, "maxLeverage": 10},
    ]
    found = venues()["hyperliquid"].instruments([json.dumps({"universe": universe}).encode()], ["kPEPE", "BTC"], {})
    assert [(each.tick_size, each.lot_size, each.base) for each in found] == [
        ("0.000001", "1", "1000PEPE"),
        ("0.1", "0.00001", "BTC"),
    ]


@pytest.mark.parametrize(
    ("text", "price", "exponent"),
    [("14.32", 1_432, -2), ("97012.0", 970_120, -1), ("5", 5, 0), ("0.30001234", 30_001_234, -8)],
)
def test_the_oracles_price_is_a_source_of_its_own(text: str, price: int, exponent: int) -> None:
    """ING-HYPER-006: where it is wanted, exactly, once a second; it enters the index like any oracle's."""
    playing = connected_core(venues()["hyperliquid"], BTC, oracle="1")
    figures = {"markPx": "14.3", "oraclePx": text, "funding": "0.0", "openInterest": "1.0"}
    raw = frame("activeAssetCtx", {"coin": "BTC", "ctx": figures})
    (said_once,) = said([*playing.frame(raw, NOW), *playing.frame(raw, NOW + 1)], events.Oracle)
    assert (said_once.price, said_once.confidence, said_once.exponent) == (price, 0, exponent)
    assert (said_once.venue_time, said_once.venue_seq) == (NOW, NOW // 1_000_000)
    told = VenueOracle.model_validate_json(events.encode([said_once])[1:-1])
    index = IndexMarket("BTC-PERP", "0.00001", (PriceSource("hyperliquid", "BTC", "0.1", oracle=True),), min_sources=1)
    state = IngestorState((index,))
    HANDLERS[VenueOracle](state, told, RecordingEffects("ingestor", NOW))
    assert state.emissions[-1].price.ticks == price * 10**5 // 10**-exponent


@pytest.mark.parametrize("text", ["0", "-1", "1e5", "x", "", "9007199254740993", "0.0000000000000000001"])
def test_an_oracles_price_that_is_none_is_refused(text: str) -> None:
    """ING-HYPER-006: neither zero nor negative, no other notation, nothing that the contract cannot hold."""
    playing = connected_core(venues()["hyperliquid"], BTC, oracle="1")
    figures = {"markPx": "14.3", "oraclePx": text, "funding": "0.0", "openInterest": "1.0"}
    out = playing.frame(frame("activeAssetCtx", {"coin": "BTC", "ctx": figures}), NOW)
    assert said(out, events.Oracle) == []
    assert any(isinstance(each, Malformed) for each in out)
