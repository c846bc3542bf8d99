"""BitMEX: rows with ids, dollars, ISO times, on the frames of a real session."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core, Unusable
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.adapters.wire import iso_micros
from services.ingestor.tests.venues.kit import captured, connected_core, lines, said

XBT = Instrument("XBTUSD", "0.5", "1", size_step="1", kind="inverse")


def core() -> Core:
    return connected_core(venues()["bitmex"], XBT)


def recorded() -> list[bytes]:
    path = captured("bitmex/cryptofeed_BITMEX.ws.1.0.gz")
    found = (re.match(rb'[0-9.]+: (\{"table":.*"symbol":"XBTUSD".*)', line) for line in lines(path))
    return [match[1] for match in found if match is not None]


def rows(action: str, *levels: tuple[int, str, int, float], table: str = "orderBookL2") -> bytes:
    data = [
        {"symbol": "XBTUSD", "id": ident, "side": side, "size": size, "price": price}
        for ident, side, size, price in levels
    ]
    return json.dumps({"table": table, "action": action, "data": data}).encode()


BOOK = rows("partial", (1, "Sell", 100, 101.5), (2, "Buy", 200, 100))


def test_a_recorded_session_has_an_unbroken_book() -> None:
    """ING-BITMEX-001"""
    playing = core()
    out = [each for raw in recorded() for each in playing.frame(raw, 1)]
    kinds = Counter(type(each) for each in out)
    assert kinds[events.Gap] == kinds[Malformed] == 0
    assert kinds[events.Ticker] > 100 and kinds[events.Trade] > 2 and kinds[events.BookTop] == 1
    sync = playing.symbol("XBTUSD").sync
    assert sync.book is not None and sync.joined
    (last,) = said(out, events.Ticker)[-1:]
    bids, asks = sync.book.top(1)
    assert abs(bids[0][0] - last.bid_ticks) <= 1 and abs(asks[0][0] - last.ask_ticks) <= 1


def test_a_lost_insert_or_delete_is_noticed_when_its_row_comes_again() -> None:
    """ING-BITMEX-001: nothing numbers the changes, so some losses show later than at the next frame."""
    frames = recorded()
    partial = next(n for n, raw in enumerate(frames) if b'"orderBookL2","action":"partial"' in raw)
    noticed = 0
    changes = [n for n, raw in enumerate(frames) if n > partial and b'"orderBookL2","action":"insert"' in raw][:40]
    for lost in changes:
        playing = core()
        outs = [playing.frame(raw, 1) for number, raw in enumerate(frames) if number != lost]
        noticed += any(said(out, events.Gap) for out in outs)
    assert noticed > 20


@pytest.mark.parametrize(
    "impossible",
    [
        rows("update", (9, "Sell", 5, 102)),
        rows("delete", (9, "Sell", 5, 102)),
        rows("insert", (1, "Sell", 5, 101.5)),
        rows("insert", (3, "Buy", 5, 101.5)),
        b"{",
    ],
)
def test_what_cannot_follow_costs_the_book(impossible: bytes) -> None:
    """ING-BITMEX-002"""
    playing = core()
    playing.frame(BOOK, 1)
    out = playing.frame(impossible, 2)
    assert len(said(out, events.Gap)) == 1
    (again,) = [each for each in out if isinstance(each, Send)]
    assert [json.loads(text)["op"] for text in again.frames] == ["unsubscribe", "subscribe"]
    assert playing.frame(rows("update", (1, "Sell", 5, 101.5)), 3) == []
    assert [book.quality for book in said(playing.frame(BOOK, 4), events.BookTop)] == ["resynced"]


def test_a_level_may_change_sides_within_one_frame() -> None:
    """ING-BITMEX-002: a row is an id and a side."""
    playing = core()
    playing.frame(BOOK, 1)
    assert said(playing.frame(rows("delete", (1, "Sell", 0, 101.5)), 2), events.Gap) == []
    assert said(playing.frame(rows("insert", (1, "Buy", 7, 101.5)), 3), events.Gap) == []
    book = playing.symbol("XBTUSD").sync.book
    assert book is not None and book.top(1) == ([(203, 7)], [])


def test_quotes_of_the_same_millisecond_are_all_said() -> None:
    """ING-BITMEX-003"""
    row = {"timestamp": "2021-07-22T22:36:10.465Z", "symbol": "XBTUSD", "bidPrice": 32180, "askPrice": 32180.5}
    data = [{**row, "bidSize": size, "askSize": 100} for size in (100, 200)]
    raw = json.dumps({"table": "quote", "action": "insert", "data": data}).encode()
    out = said(core().frame(raw, 1), events.Ticker)
    assert [(each.bid_ticks, each.bid_lots, each.ask_ticks) for each in out] == [
        (64_360, 100, 64_361),
        (64_360, 200, 64_361),
    ]
    assert {each.venue_time for each in out} == {1_626_993_370_465_000}
    assert len({each.id for each in out}) == 2


def instrument(**fields: Any) -> bytes:
    row = {"symbol": "XBTUSD", "timestamp": "2021-07-22T22:36:05.000Z", **fields}
    return json.dumps({"table": "instrument", "action": "update", "data": [row]}).encode()


def test_figures_are_said_when_the_mark_changes() -> None:
    """ING-BITMEX-003"""
    playing = core()
    assert playing.frame(instrument(markPrice=32184.89), 1) == []
    first = {"indicativeSettlePrice": 32182.72, "fundingRate": 0.0001, "fundingTimestamp": "2021-07-23T04:00:00.000Z"}
    assert [type(each) for each in playing.frame(instrument(**first, openInterest=574_264_600), 2)] == [
        events.OpenInterest
    ]
    (funding,) = said(playing.frame(instrument(markPrice=32190), 3), events.Funding)
    assert (funding.mark_ticks, funding.index_ticks, funding.rate_ppb) == (64_380, 64_365, 100_000)
    assert (funding.next_funding_at, funding.predicted_rate_ppb) == (1_627_012_800_000_000, None)
    predicted = instrument(markPrice=32191, indicativeFundingRate=0.0003)
    assert [each.predicted_rate_ppb for each in said(playing.frame(predicted, 4), events.Funding)] == [300_000]


def test_trades_and_liquidations() -> None:
    """ING-BITMEX-004"""
    trade = {
        "timestamp": "2021-07-22T22:36:11.685Z", "symbol": "XBTUSD", "side": "Buy", "size": 100, "price": 32180.5,
        "trdMatchID": "6e70bebe",
    }  # fmt: skip
    raw = json.dumps({"table": "trade", "action": "insert", "data": [trade, trade]}).encode()
    assert [(each.size_lots, each.taker_side) for each in said(core().frame(raw, 1), events.Trade)] == [(100, "buy")]
    order = {"orderID": "x", "symbol": "XBTUSD", "side": "Sell", "price": 32000, "leavesQty": 50}
    raw = json.dumps({"table": "liquidation", "action": "insert", "data": [order]}).encode()
    assert [(each.side, each.size_lots) for each in said(core().frame(raw, 1), events.Liquidation)] == [("sell", 50)]


def test_the_listing_leaves_quanto_contracts_out() -> None:
    """ING-BITMEX-005"""
    inverse = {
        "symbol": "XBTUSD", "state": "Open", "typ": "FFWCSX", "underlying": "XBT", "quoteCurrency": "USD",
        "tickSize": 0.5, "isInverse": True, "isQuanto": False,
    }  # fmt: skip
    linear = {**inverse, "symbol": "XBTUSDT", "quoteCurrency": "USDT", "isInverse": False}
    linear |= {"underlyingToPositionMultiplier": 1_000_000}
    answer = json.dumps([inverse, linear, {**inverse, "symbol": "ETHUSD", "isQuanto": True}]).encode()
    found = venues()["bitmex"].instruments([answer], ["XBTUSD", "XBTUSDT"], {})
    assert [(each.lot_size, each.size_step, each.kind, each.base) for each in found] == [
        ("1", "1", "inverse", "BTC"),
        ("0.000001", "1", "linear", "BTC"),
    ]
    with pytest.raises(Exception, match="not listed"):
        venues()["bitmex"].instruments([answer], ["ETHUSD"], {})


def test_times_and_answers() -> None:
    """ING-BITMEX-004"""
    assert iso_micros("1970-01-02T00:00:00.001Z") == 86_400_001_000
    with pytest.raises(Unusable):
        iso_micros("yesterday")
    assert core().frame(b'{"success":true,"subscribe":"quote:XBTUSD"}', 1) == []
    assert core().frame(b"pong", 1) == []
    assert core().frame(b'{"status":400,"error":"Unknown table"}', 1) == [Malformed("refused", "Unknown table")]
