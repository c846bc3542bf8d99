"""Crypto.com: heartbeats, ids beyond 64 bits, named predecessors."""

import json
import re
from typing import Any

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import captured, connected_core, expected, said

BTC = Instrument("BTCUSD-PERP", "0.5", "0.0001", HOUR_MICROS)


def core() -> Core:
    return connected_core(venues()["cryptocom"], BTC)


def frame(channel: str, *data: dict[str, Any], name: str = BTC.symbol) -> bytes:
    result = {"instrument_name": name, "channel": channel, "data": data}
    return json.dumps({"id": -1, "method": "subscribe", "code": 0, "result": result}).encode()


def sides(bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    return {"bids": bids, "asks": asks}


def test_the_captured_trades_come_to_what_they_must() -> None:
    """ING-CRYPTOCOM-001: newest first in a frame, several fills to a match, ids beyond 64 bits."""
    wanted = expected("cryptocom/expected/ccxt_cryptocom_ws_trades.expected.json")["trades"]
    messages = json.loads(captured("cryptocom/ccxt_cryptocom_ws_trades.json").read_text())["messages"]
    playing = connected_core(venues()["cryptocom"], Instrument("BTC_USD", "0.01", "0.00001"))
    out = [each for message in messages for each in playing.frame(json.dumps(message), 1)]
    trades = said(out, events.Trade)
    assert [each for each in out if isinstance(each, Malformed)] == []
    assert len({each.trade_id for each in trades}) == len(trades) == wanted["count"]
    assert [trades[0].trade_id, trades[-1].trade_id] == [wanted["first_id"], wanted["last_id"]]
    assert [each.venue_time for each in trades] == sorted(each.venue_time for each in trades)


def test_a_heartbeat_is_answered_with_its_id() -> None:
    """ING-CRYPTOCOM-002"""
    for ident in ("1786562982825", "-9223372036854776000"):
        raw = f'{{"id":{ident},"method":"public/heartbeat","code":0}}'
        (answer,) = core().frame(raw, 1)
        assert isinstance(answer, Send)
        assert answer.frames == (f'{{"id":{ident},"method":"public/respond-heartbeat"}}',)


def test_a_change_must_follow_the_one_it_names() -> None:
    """ING-CRYPTOCOM-003: numbers come as JSON numbers and as strings."""
    playing = core()
    playing.frame(frame("book", {**sides([["100.0", "1", "1"]], [["101.0", "1", "1"]]), "t": 1, "u": "50"}), 1)
    good = {"update": sides([["100.0", "0", "0"], ["99.5", "2", "1"]], []), "t": 2, "u": 53, "pu": "50"}
    assert said(playing.frame(frame("book.update", good), 2), events.Gap) == []
    book = playing.symbol(BTC.symbol).sync.book
    assert book is not None and book.top(5) == ([(199, 20_000)], [(202, 10_000)])
    out = playing.frame(frame("book.update", {**good, "u": 60, "pu": 55}), 3)
    assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(53, 60)]
    (again,) = [each for each in out if isinstance(each, Send)]
    requests = [json.loads(text) for text in again.frames]
    assert [each["method"] for each in requests] == ["unsubscribe", "subscribe"]
    assert requests[1]["params"]["book_subscription_type"] == "SNAPSHOT_AND_UPDATE"
    assert said(playing.frame(frame("book", {**sides([], []), "t": 1, "u": "x"}), 4), events.Gap) == []


def test_the_documented_book_and_ticker_are_read() -> None:
    """ING-CRYPTOCOM-003"""
    text = captured("cryptocom/jkorf_BookSnapshot.txt").read_text().split("= \n", 1)[1]
    message = json.loads(re.sub(r"\|\d\|", "1", text))
    message["result"]["instrument_name"] = BTC.symbol
    out = core().frame(json.dumps(message), 1)
    assert len(said(out, events.BookTop)) == 1


def test_figures_are_said_with_the_mark() -> None:
    """ING-CRYPTOCOM-004: funding is hourly."""
    playing = core()
    millis = 1_700_000_000_000
    assert playing.frame(frame("index", {"v": "100.2", "t": millis}, name="BTCUSD-INDEX"), 1) == []
    assert playing.frame(frame("funding", {"v": "-0.000012", "t": millis}), 1) == []
    (funding,) = said(playing.frame(frame("mark", {"v": "100.3", "t": millis}), 1), events.Funding)
    assert (funding.mark_ticks, funding.index_ticks, funding.rate_ppb) == (201, 200, -12_000)
    assert (funding.interval_micros, funding.next_funding_at) == (HOUR_MICROS, 1_700_002_800_000_000)


def test_a_ticker_is_a_quote_and_once_a_second_the_figures() -> None:
    """ING-CRYPTOCOM-004"""
    playing = core()
    ticker = {"t": 5_000, "b": "100", "bs": "1", "k": "101", "ks": "2", "a": "100.5", "h": "110", "l": "90", "v": "7"}
    out = playing.frame(frame("ticker", {**ticker, "oi": "12.5"}), 1)
    assert [type(each) for each in out] == [events.Ticker, events.Stats, events.OpenInterest]
    assert [type(each) for each in playing.frame(frame("ticker", {**ticker, "t": 5_100}), 2)] == [events.Ticker]
    assert playing.frame(frame("ticker", {**ticker, "t": 5_200, "b": None}), 3) == []
    (again,) = said(playing.frame(frame("ticker", {**ticker, "t": 5_100, "bs": "3"}), 4), events.Ticker)
    assert (again.bid_lots, again.venue_time, again.quality) == (30_000, 5_100_000, "ok")


def test_refusals_are_said_and_dated_futures_left_out() -> None:
    """ING-CRYPTOCOM-005"""
    refused = b'{"id":1,"method":"subscribe","code":40004,"message":"Unknown channel"}'
    assert core().frame(refused, 1) == [Malformed("refused", "40004 Unknown channel")]
    perpetual = json.loads(captured("cryptocom/jkorf_GetSymbols.txt").read_text().split("false\n", 1)[1])
    info = perpetual["result"]["data"][0]
    perpetual["result"]["data"].append({**info, "symbol": "BTCUSD-240628", "inst_type": "FUTURE"})
    (found,) = venues()["cryptocom"].instruments([json.dumps(perpetual).encode()], ["BTCUSD-PERP"], {})
    assert (found.tick_size, found.lot_size, found.funding_interval_micros) == ("0.5", "0.0001", HOUR_MICROS)
