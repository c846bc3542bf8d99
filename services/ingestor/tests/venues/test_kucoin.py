"""KuCoin Futures: tickets, single changes, contracts, nanoseconds."""

import json
from decimal import Decimal
from typing import Any

import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import FetchSnapshot, Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import captured, connected_core, expected, said

XBT = Instrument("XBTUSDTM", "0.1", "0.001", size_step="1", base="BTC", quote="USDT")


def core() -> Core:
    return connected_core(venues()["kucoin"], XBT)


def message(topic: str, subject: str, data: str) -> bytes:
    return f'{{"topic":"{topic}:XBTUSDTM","type":"message","subject":"{subject}","data":{data}}}'.encode()


def change(sequence: int, text: str) -> bytes:
    data = {"sequence": sequence, "change": text, "timestamp": 1_551_770_400_000 + sequence * 1_000}
    return message("/contractMarket/level2", "level2", json.dumps(data))


SNAPSHOT = (
    b'{"code":"200000","data":{"sequence":16,"bids":[[5000.0,83]],"asks":[["5000.1",10]],"ts":1551770400000000001}}'
)


def test_a_ticket_says_where_the_socket_is() -> None:
    """ING-KUCOIN-001"""
    playing = core()
    assert playing.routes[0].ticket is not None
    ticket = json.dumps({"data": {"token": "T", "instanceServers": [{"endpoint": "wss://somewhere/"}]}}).encode()
    assert playing.address("public", ticket) == "wss://somewhere/?token=T"
    with pytest.raises(ValueError, match="data"):
        playing.address("public", b"{}")


def test_it_subscribes_when_it_is_welcome() -> None:
    """ING-KUCOIN-001"""
    (sent,) = core().frame(b'{"id":"x","type":"welcome"}', 1)
    assert isinstance(sent, Send)
    assert {json.loads(each)["topic"] for each in sent.frames} == {
        "/contractMarket/level2:XBTUSDTM",
        "/contractMarket/tickerV2:XBTUSDTM",
        "/contractMarket/execution:XBTUSDTM",
        "/contract/instrument:XBTUSDTM",
    }


def test_changes_join_the_snapshot_and_a_missing_one_is_noticed() -> None:
    """ING-KUCOIN-002"""
    playing = core()
    (wish,) = [each for each in playing.frame(change(15, "4999.9,buy,1"), 1) if isinstance(each, FetchSnapshot)]
    assert (wish.request.path, wish.request.parameters) == ("/api/v1/level2/snapshot", {"symbol": "XBTUSDTM"})
    playing.frame(change(16, "4999.9,buy,0"), 2)
    playing.frame(change(17, "5000.0,buy,85"), 2)
    out = playing.snapshot("XBTUSDTM", SNAPSHOT, 3)
    assert [each.bids for each in said(out, events.BookTop)] == [[(50_000, 85)]]
    out = playing.frame(change(18, "5000.1,sell,0"), 4)
    assert [each.asks for each in said(out, events.BookTop)] == [[]]
    out = playing.frame(change(20, "5000.2,sell,4"), 5)
    assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(18, 20)]
    assert [type(each) for each in out[1:]] == [FetchSnapshot]


@pytest.mark.parametrize("text", ["5000.0,buy", "5000.0,up,3", "5000.0,buy,3,4", ""])
def test_a_change_of_another_shape_is_malformed(text: str) -> None:
    """ING-KUCOIN-002"""
    assert [type(each) for each in core().frame(change(17, text), 1)] == [Malformed]


def test_numbers_are_read_as_their_text_and_times_to_the_microsecond() -> None:
    """ING-KUCOIN-003: 3200.0 and "3200.0" are the same price, and nanoseconds are never a float."""
    data = (
        '{"bestBidSize":795,"bestBidPrice":3200.0,"bestAskPrice":"3600.1","bestAskSize":284,"ts":1786540854233999999}'
    )
    (quote,) = said(core().frame(message("/contractMarket/tickerV2", "tickerV2", data), 1), events.Ticker)
    assert (quote.bid_ticks, quote.bid_lots, quote.ask_ticks, quote.ask_lots) == (32_000, 795, 36_001, 284)
    assert quote.venue_time == 1_786_540_854_233_999


def test_trades() -> None:
    """ING-KUCOIN-003"""
    trade: dict[str, Any] = {"symbol": "XBTUSDTM", "sequence": 5, "side": "buy", "size": 5, "price": "72137.3"}
    trade |= {"tradeId": "1743169228057", "ts": 1_712_570_590_399_000_000}
    raw = message("/contractMarket/execution", "match", json.dumps(trade))
    playing = core()
    (said_one,) = said(playing.frame(raw, 1), events.Trade)
    assert (said_one.price_ticks, said_one.size_lots, said_one.taker_side) == (721_373, 5, "buy")
    assert playing.frame(raw, 2) == []


def test_mark_and_index_wait_for_the_rate() -> None:
    """ING-KUCOIN-004"""
    playing = core()
    mark = message(
        "/contract/instrument",
        "mark.index.price",
        '{"granularity":1000,"indexPrice":4000.23,"markPrice":4010.52,"timestamp":1551770400000}',
    )
    rate = message(
        "/contract/instrument",
        "funding.rate",
        '{"granularity":60000,"fundingRate":-0.002966,"timestamp":1551770400000}',
    )
    assert playing.frame(mark, 1) == playing.frame(rate, 2) == []
    (funding,) = said(playing.frame(mark, 3), events.Funding)
    assert (funding.mark_ticks, funding.index_ticks, funding.rate_ppb) == (40_105, 40_002, -2_966_000)
    assert funding.predicted_rate_ppb is None
    for told, wanted in ((b"0.0001", 100_000), (b"null", None)):
        playing.polled("XBTUSDTM", b'{"data":{"openInterest":"1","predictedFundingFeeRate":%s}}' % told, 4)
        (funding,) = said(playing.frame(mark, 5), events.Funding)
        assert funding.predicted_rate_ppb == wanted
    assert funding.next_funding_at == 1_551_772_800_000_000


def test_a_lot_is_the_venues_contract() -> None:
    """ING-KUCOIN-005: XBT is BTC, a contract is its multiplier, a negative multiplier is an inverse contract."""
    body = (
        b'{"code":"200000","data":[{"symbol":"XBTUSDTM","status":"Open","baseCurrency":"XBT","quoteCurrency":"USDT",'
        b'"lotSize":1,"tickSize":0.1,"multiplier":0.001,"fundingRateGranularity":28800000},{"symbol":"XBTUSDM","status":'
        b'"Open","baseCurrency":"XBT","quoteCurrency":"USD","lotSize":1,"tickSize":0.5,"multiplier":-1.0}]}'
    )
    linear, inverse = venues()["kucoin"].instruments([body], ["XBTUSDTM", "XBTUSDM"], {})
    assert (linear.lot_size, linear.size_step, linear.base, linear.kind) == ("0.001", "1", "BTC", "linear")
    assert (inverse.lot_size, inverse.tick_size, inverse.kind) == ("1.0", "0.5", "inverse")


def test_fees_are_those_of_the_listing_and_else_the_lowest_tiers() -> None:
    """ING-KUCOIN-007"""
    plain = {
        "symbol": "ETHUSDTM", "status": "Open", "baseCurrency": "ETH", "quoteCurrency": "USDT", "lotSize": 1,
        "tickSize": 0.01, "multiplier": 0.01,
    }  # fmt: skip
    own = plain | {"symbol": "XBTUSDTM", "makerFeeRate": -0.00015, "takerFeeRate": 0.0006}
    body = json.dumps({"code": "200000", "data": [plain, own]})
    usual, listed = venues()["kucoin"].instruments([body.encode()], ["ETHUSDTM", "XBTUSDTM"], {})
    assert (usual.maker_ppb, usual.taker_ppb) == (200_000, 600_000)
    assert (listed.maker_ppb, listed.taker_ppb) == (-150_000, 600_000)


def test_captured_partial_books_are_left_alone() -> None:
    """ING-KUCOIN-006: depth5 is a stream that is not asked for; what it says is no change of the book."""
    capture = json.loads(captured("kucoin/ccxt_kucoin_ws_depth5.json").read_text())
    playing = core()
    kinds = [type(each) for sent in capture["messages"][2:] for each in playing.frame(json.dumps(sent), 1)]
    assert set(kinds) == {Malformed}


def in_base(lots: int) -> str:
    return str(lots * Decimal(XBT.lot_size))


def test_the_captured_tickers_are_in_base_units_and_exact_milliseconds() -> None:
    """ING-KUCOIN-008: captured on the topic `ticker`, whose figures are those of tickerV2 and of execution."""
    messages = json.loads(captured("kucoin/ccxt_kucoin_ws_ticker.json").read_text())["messages"][2:]
    wanted, playing = expected("kucoin/expected/ccxt_kucoin_ws_ticker.expected.json")["tickers"], core()
    assert venues()["kucoin"].parse(XBT.symbol) == (wanted[0]["base"], wanted[0]["quote"])
    assert XBT.kind == wanted[0]["type"].removesuffix("_perp")
    for sent, one in zip(messages, wanted, strict=True):
        data = json.dumps(sent["data"])
        (best,) = said(playing.frame(message("/contractMarket/tickerV2", "tickerV2", data), 1), events.Ticker)
        (last,) = said(playing.frame(message("/contractMarket/execution", "match", data), 1), events.Trade)
        prices = [ticks * Decimal(XBT.tick_size) for ticks in (best.bid_ticks, best.ask_ticks, last.price_ticks)]
        assert [str(price) for price in prices] == [one["bid"], one["ask"], one["last"]]
        sizes = [in_base(lots) for lots in (best.bid_lots, best.ask_lots, last.size_lots)]
        assert sizes == [one["bid_size_base"], one["ask_size_base"], one["last_size_base"]]
        assert last.taker_side == one["last_side"]
        assert best.venue_time == last.venue_time == one["venue_ts_ms"] * 1_000


def test_the_captured_five_levels_are_in_base_units() -> None:
    """ING-KUCOIN-008: read as the snapshot that they are."""
    messages = json.loads(captured("kucoin/ccxt_kucoin_ws_depth5.json").read_text())["messages"][2:]
    wanted = expected("kucoin/expected/ccxt_kucoin_ws_depth5.expected.json")["frames"]
    for sent, one in zip(messages, wanted, strict=True):
        playing = core()
        playing.frame(change(sent["data"]["sequence"] - 1, "63000.0,buy,1"), 1)
        data = {**sent["data"], "ts": sent["data"]["ts"] * 10**6}
        playing.snapshot(XBT.symbol, json.dumps({"data": data}).encode(), 1)
        sync = playing.symbol(XBT.symbol).sync
        assert sync.book is not None
        assert sync.last == one["seq"]
        (bid,), (ask,) = sync.book.top(1)
        for (ticks, lots), told in ((bid, one["best_bid"]), (ask, one["best_ask"])):
            assert [str(ticks * Decimal(XBT.tick_size)), in_base(lots)] == told
        assert sent["data"]["ts"] == one["venue_ts_ms"]
