"""dYdX v4: numbered messages, books that cross by nature, figures in parts. No session of it was captured: the frames
here are made after the indexer's own description of its channels."""

import json
from typing import Any

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import connected_core, said

BTC = Instrument("BTC-USD", "1", "0.0001", HOUR_MICROS)
ETH = Instrument("ETH-USD", "0.1", "0.001", HOUR_MICROS)


def frame(number: int, kind: str, channel: str = "", ident: str = "", contents: Any = None) -> bytes:
    body = {"type": kind, "connection_id": "c", "message_id": number, "channel": channel, "id": ident}
    return json.dumps({**body, **({} if contents is None else {"contents": contents})}).encode()


def levels(*rows: tuple[str, str]) -> list[dict[str, str]]:
    return [{"price": price, "size": size} for price, size in rows]


def book(number: int, ident: str, bids: list[Any], asks: list[Any]) -> bytes:
    return frame(number, "subscribed", "v4_orderbook", ident, {"bids": bids, "asks": asks})


def change(number: int, ident: str, **sides: list[list[str]]) -> bytes:
    return frame(number, "channel_data", "v4_orderbook", ident, sides)


def of(connection: str, raw: bytes) -> bytes:
    """The frame of another connection."""
    return raw.replace(b'"connection_id": "c"', f'"connection_id": "{connection}"'.encode())


def playing(**options: str) -> Core:
    """Both books are there; the last message was number 2."""
    core = connected_core(venues()["dydx"], BTC, ETH, **options)
    core.frame(frame(0, "connected"), 10)
    core.frame(book(1, "BTC-USD", levels(("100", "1"), ("99", "2")), levels(("101", "1"), ("102", "3"))), 11)
    core.frame(book(2, "ETH-USD", levels(("10", "1")), levels(("11", "1"))), 12)
    return core


def tops(core: Core, symbol: str) -> Any:
    sync = core.symbols[symbol].sync
    return sync.book.top(5) if sync.book is not None else None


def test_changes_carry_the_book_on_and_quotes_come_of_it() -> None:
    """ING-DYDX-001"""
    core = playing()
    out = core.frame(change(3, "BTC-USD", bids=[["100", "1.5"]]), 300_013)
    assert [(each.bid_ticks, each.bid_lots, each.ask_ticks) for each in said(out, events.Ticker)] == [
        (100, 15_000, 101)
    ]
    assert core.frame(change(4, "BTC-USD", asks=[["102", "0"]]), 300_014) == [], "the best did not change"
    assert tops(core, "BTC-USD") == ([(100, 15_000), (99, 20_000)], [(101, 10_000)])
    batch = frame(
        5, "channel_batch_data", "v4_orderbook", "BTC-USD", [{"bids": [["100", "0"]]}, {"asks": [["103", "1"]]}]
    )
    assert [each.bid_ticks for each in said(core.frame(batch, 300_015), events.Ticker)] == [99]
    assert tops(core, "BTC-USD") == ([(99, 20_000)], [(101, 10_000), (103, 10_000)])


def test_a_lost_message_costs_every_book_of_its_connection_since_it_may_have_been_of_any() -> None:
    """ING-DYDX-002: had a connection two markets, as none of ours has."""
    core = playing()
    out = core.frame(change(4, "ETH-USD", bids=[["10", "2"]]), 13)
    assert [(each.symbol, each.reason) for each in said(out, events.Gap)] == [
        ("BTC-USD", "book: message 4 is not 2 + 1"),
        ("ETH-USD", "book: message 4 is not 2 + 1"),
    ]
    asked = [json.loads(text) for each in out if isinstance(each, Send) for text in each.frames]
    assert [(each["type"], each["id"]) for each in asked] == [
        ("unsubscribe", "BTC-USD"), ("subscribe", "BTC-USD"), ("unsubscribe", "ETH-USD"), ("subscribe", "ETH-USD"),
    ]  # fmt: skip
    assert tops(core, "ETH-USD") is None
    back = core.frame(book(5, "ETH-USD", levels(("10", "2")), levels(("11", "1"))), 14)
    assert [each.quality for each in said(back, events.BookTop)] == ["resynced"]


def test_each_market_has_a_connection_and_a_lost_message_costs_that_markets_book_alone() -> None:
    """ING-DYDX-008"""
    core = venues()["dydx"].core([BTC, ETH], {"candles": "1m"})
    assert isinstance(core, Core)
    assert [each.name for each in core.routes] == ["public", "public/ETH-USD"]
    asked = [
        (json.loads(text)["channel"], json.loads(text).get("id"))
        for route in core.routes
        for each in core.connected(route.name, 1)
        if isinstance(each, Send)
        for text in each.frames
    ]
    assert asked == [
        ("v4_markets", None),
        ("v4_orderbook", "BTC-USD"),
        ("v4_trades", "BTC-USD"),
        ("v4_candles", "BTC-USD/1MIN"),
        ("v4_orderbook", "ETH-USD"),
        ("v4_trades", "ETH-USD"),
        ("v4_candles", "ETH-USD/1MIN"),
    ]
    core.frame(of("one", book(1, "BTC-USD", levels(("100", "1")), levels(("101", "1")))), 2)
    core.frame(of("two", book(1, "ETH-USD", levels(("10", "1")), levels(("11", "1")))), 2)
    out = core.frame(of("two", change(3, "ETH-USD", bids=[["10", "2"]])), 3)
    assert [(each.symbol, each.reason) for each in said(out, events.Gap)] == [
        ("ETH-USD", "book: message 3 is not 1 + 1")
    ]
    assert [(each.route, len(each.frames)) for each in out if isinstance(each, Send)] == [("public/ETH-USD", 2)]
    assert said(core.frame(of("one", change(2, "BTC-USD", bids=[["100", "2"]])), 4), events.Gap) == []
    assert tops(core, "BTC-USD") == ([(100, 20_000)], [(101, 10_000)])
    core.frame(of("two", book(4, "ETH-USD", levels(("10", "3")), levels(("11", "1")))), 5)
    assert tops(core, "ETH-USD") == ([(100, 3_000)], [(110, 1_000)])


def test_a_connection_that_is_gone_costs_its_own_market() -> None:
    """ING-DYDX-008: the other goes on, fresh and joined, and is not called disconnected."""
    core = playing()
    out = core.disconnected("public/ETH-USD", 13, "gone")
    assert [(each.symbol, each.status) for each in said(out, events.Status)] == [("ETH-USD", "disconnected")]
    assert (core.symbols["BTC-USD"].synced, core.symbols["ETH-USD"].synced) == (True, False)
    assert {each.symbol: each.status for each in core.heartbeat(14)} == {"BTC-USD": "synced", "ETH-USD": "disconnected"}
    assert [core.silent_micros(each, 1_000_012) > 0 for each in ("public", "public/ETH-USD")] == [True, False]
    assert core.overdue(10**9) == [], "nobody is asked on a connection that is not there"


def test_a_repeated_message_changes_nothing_and_numbers_that_start_anew_are_a_break() -> None:
    """ING-DYDX-002"""
    core = playing()
    core.frame(change(3, "BTC-USD", bids=[["98", "1"]]), 13)
    assert core.frame(change(3, "BTC-USD", bids=[["98", "1"]]), 14) == []
    assert core.counts["repeated"] == 1
    assert len(said(core.frame(change(1, "BTC-USD", bids=[["98", "2"]]), 15), events.Gap)) == 2


def test_what_cannot_be_read_is_missing_at_the_next_message() -> None:
    """ING-DYDX-002"""
    core = playing()
    assert isinstance(
        core.frame(b'{"type":"channel_data","message_id":3,"channel":"v4_orderbook","contents":7}', 13)[0], Malformed
    )
    assert len(said(core.frame(change(4, "BTC-USD", bids=[["98", "2"]]), 15), events.Gap)) == 2


def test_where_bids_and_asks_meet_what_was_laid_last_stands() -> None:
    """ING-DYDX-003"""
    core = playing()
    core.frame(change(3, "BTC-USD", bids=[["101", "4"]]), 13)
    assert tops(core, "BTC-USD") == ([(101, 40_000), (100, 10_000), (99, 20_000)], [(102, 30_000)])
    core.frame(change(4, "BTC-USD", asks=[["100", "1"]]), 14)
    assert tops(core, "BTC-USD") == ([(99, 20_000)], [(100, 10_000), (102, 30_000)])
    assert core.counts["lost_books"] == 0
    out = core.frame(book(5, "BTC-USD", levels(("103", "1")), levels(("102", "1"))), 15)
    assert [each.reason for each in said(out, events.Gap)] == ["book: crossed book"], "a snapshot has no last level"


def test_numbers_go_on_over_connections() -> None:
    """ING-DYDX-004: a second connection counts from 0 again, its events have names of their own."""
    core = playing()
    first = said(core.frame(change(3, "BTC-USD", bids=[["100", "2"]]), 300_013), events.BookTop)
    core.disconnected("public", 300_014, "gone")
    core.connected("public", 300_015)
    assert core.frame(of("d", frame(0, "connected")), 300_016) == []
    again = of("d", book(1, "BTC-USD", levels(("100", "2")), levels(("101", "1"))))
    second = said(core.frame(again, 300_017), events.BookTop)
    assert [each.venue_seq for each in (*first, *second)] == [300_013, 300_017]


def test_figures_come_in_parts_and_are_said_once_a_second() -> None:
    """ING-DYDX-005"""
    core = playing()
    whole = {"markets": {"BTC-USD": {"ticker": "BTC-USD", "oraclePrice": "27752.92", "openInterest": "1891.4737"}}}
    assert core.frame(frame(3, "subscribed", "v4_markets", "", whole), 2_000_000) == [], "there is no rate yet"
    out = core.frame(
        frame(4, "channel_data", "v4_markets", "", {"trading": {"BTC-USD": {"nextFundingRate": "-0.00001359"}}}),
        2_000_001,
    )
    (funding,) = said(out, events.Funding)
    assert (funding.mark_ticks, funding.index_ticks, funding.rate_ppb) == (27_753, 27_753, -13_590)
    assert (funding.interval_micros, funding.next_funding_at) == (HOUR_MICROS, HOUR_MICROS)
    assert [each.open_interest_lots for each in said(out, events.OpenInterest)] == [18_914_737]
    oracle = {"oraclePrices": {"BTC-USD": {"oraclePrice": "27800", "effectiveAt": "2024-08-17T17:24:36.330Z"}}}
    assert core.frame(frame(5, "channel_data", "v4_markets", "", oracle), 2_500_000) == []
    out = core.frame(frame(6, "channel_data", "v4_markets", "", oracle), 3_000_000)
    assert [type(each) for each in out] == [events.Funding]


def test_trades_once_each_oldest_first_and_liquidations_beside_them() -> None:
    """ING-DYDX-006"""
    core = playing()
    same = {"createdAt": "2023-04-04T00:29:19.353Z"}
    trades = [
        {"id": "b", "size": "0.0002", "price": "101", "side": "BUY", "type": "LIQUIDATED", **same},
        {"id": "a", "size": "0.0001", "price": "100", "side": "SELL", "type": "LIMIT", **same},
    ]
    out = core.frame(frame(3, "channel_data", "v4_trades", "BTC-USD", {"trades": trades}), 13)
    assert [type(each) for each in out] == [events.Trade, events.Trade, events.Liquidation]
    assert [(each.trade_id, each.taker_side, each.size_lots) for each in said(out, events.Trade)] == [
        ("a", "sell", 1),
        ("b", "buy", 2),
    ]
    assert {each.venue_time for each in out if isinstance(each, events.Trade)} == {1_680_568_159_353_000}
    assert core.frame(frame(4, "channel_data", "v4_trades", "BTC-USD", {"trades": trades}), 14) == []
    assert core.frame(frame(5, "subscribed", "v4_trades", "BTC-USD", {"trades": trades}), 15) == []


def test_candles_as_they_stand() -> None:
    """ING-CANDLE-001"""
    core = playing(candles="1m")
    candle = {
        "startedAt": "1970-01-01T00:01:00.000Z", "ticker": "BTC-USD", "resolution": "1MIN", "low": "99", "high": "102",
        "open": "100", "close": "101", "baseTokenVolume": "0.0012", "usdVolume": "1", "trades": 1,
    }  # fmt: skip
    (said_candle,) = said(core.frame(frame(3, "channel_data", "v4_candles", "BTC-USD/1MIN", candle), 13), events.Candle)
    assert (said_candle.interval, said_candle.open_at, said_candle.volume_lots) == ("1m", 60_000_000, 12)


def test_refusals_are_said_answers_are_not_and_listings_are_read() -> None:
    """ING-DYDX-007"""
    core = playing()
    assert core.frame(frame(3, "unsubscribed", "v4_orderbook", "BTC-USD"), 13) == []
    refused = {"type": "error", "message": "Invalid subscription id", "message_id": 4}
    assert core.frame(json.dumps(refused).encode(), 14) == [Malformed("refused", "Invalid subscription id")]
    market = {"ticker": "BTC-USD", "status": "ACTIVE", "tickSize": "1", "stepSize": "0.0001"}
    halted = {"ticker": "ETH-USD", "status": "FINAL_SETTLEMENT", "tickSize": "0.1", "stepSize": "0.001"}
    odd = {"ticker": "AI16Z,RAYDIUM,X-USD", "status": "ACTIVE", "tickSize": "1", "stepSize": "1"}
    answer = json.dumps({"markets": {each["ticker"]: each for each in (market, halted, odd)}}).encode()
    found = {each.symbol: each for each in venues()["dydx"].listed([answer])}
    assert {name: each.state for name, each in found.items()} == {"BTC-USD": "", "ETH-USD": "final_settlement"}
    assert (found["BTC-USD"].funding_hours, found["BTC-USD"].lot_size) == (1, "0.0001")
