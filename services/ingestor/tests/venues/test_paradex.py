"""Paradex: numbered changes over JSON-RPC, one-sided quotes, the captured listing and summary."""

import json
from decimal import Decimal
from typing import Any

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import captured, connected_core, expected, said

BTC = Instrument("BTC-USD-PERP", "0.1", "0.001")


def core() -> Core:
    return connected_core(venues()["paradex"], BTC)


def frame(channel: str, data: dict[str, Any]) -> bytes:
    parameters = {"channel": channel, "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": parameters}).encode()


def book(number: int, kind: str, **levels: list[tuple[str, str, str]]) -> bytes:
    made = {
        name: [{"side": side, "price": price, "size": size} for side, price, size in levels.get(name, [])]
        for name in ("inserts", "updates", "deletes")
    }
    data = {"seq_no": number, "market": BTC.symbol, "last_updated_at": 1_000 + number, "update_type": kind, **made}
    return frame(f"order_book.{BTC.symbol}.deltas@15@50ms", data)


def test_a_change_must_follow_the_one_before() -> None:
    """ING-PARADEX-001: a lost one is noticed at the next, and one market subscribed anew."""
    playing = core()
    playing.frame(book(7, "s", inserts=[("BUY", "100.0", "1"), ("SELL", "100.2", "2")]), 1)
    changes = {"updates": [("BUY", "100.0", "3")], "deletes": [("SELL", "100.2", "0")]}
    assert said(playing.frame(book(8, "d", **changes, inserts=[("SELL", "100.3", "1")]), 2), events.Gap) == []
    kept = playing.symbol(BTC.symbol).sync.book
    assert kept is not None and kept.top(5) == ([(1_000, 3_000)], [(1_003, 1_000)])
    out = playing.frame(book(10, "d"), 3)
    assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(8, 10)]
    (again,) = [each for each in out if isinstance(each, Send)]
    assert [json.loads(text)["method"] for text in again.frames] == ["unsubscribe", "subscribe"]
    assert {json.loads(text)["params"]["channel"] for text in again.frames} == {
        "order_book.BTC-USD-PERP.deltas@15@50ms"
    }


def test_a_book_is_the_same_however_its_frame_is_spaced() -> None:
    """ING-PARADEX-001: as the venue writes it the engine reads it; with spaces it is read as any JSON."""
    first = [("BUY", "100.0", "1"), ("SELL", "100.2", "2"), ("BUY", "99.9", "4"), ("SELL", "100.3", "5")]
    deletes = [("SELL", "100.2", "9"), ("BUY", "99.9", "4")]
    changes = {"deletes": deletes, "inserts": [("SELL", "100.1", "3")], "updates": [("BUY", "100.0", "7")]}
    frames = [book(7, "s", inserts=first), book(8, "d", **changes)]
    tops = []
    for form in (frames, [json.dumps(json.loads(each), separators=(",", ":")).encode() for each in frames]):
        playing = core()
        for each in form:
            assert said(playing.frame(each, 1), events.Gap) == []
        kept = playing.symbol(BTC.symbol).sync.book
        assert kept is not None
        tops.append(kept.top(5))
    assert tops == [([(1_000, 7_000)], [(1_001, 3_000), (1_003, 5_000)])] * 2


def test_a_one_sided_book_is_a_book_and_a_one_sided_quote_is_not_said() -> None:
    """ING-PARADEX-002"""
    playing = core()
    assert len(said(playing.frame(book(1, "s", inserts=[("BUY", "100.0", "1")]), 1), events.BookTop)) == 1
    quote = {"market": BTC.symbol, "seq_no": 3, "bid": "100.0", "bid_size": "1", "ask": "", "ask_size": ""}
    assert playing.frame(frame("bbo.X", {**quote, "last_updated_at": 5}), 1) == []
    whole = {**quote, "ask": "100.1", "ask_size": "2", "last_updated_at": 5}
    assert [each.ask_lots for each in said(playing.frame(frame("bbo.X", whole), 1), events.Ticker)] == [2_000]


def test_the_captured_summary_and_listing() -> None:
    """ING-PARADEX-003: the underlying's price is the index; options share the list."""
    answer = json.loads(captured("paradex/ccxt_paradex_rest_markets.json").read_text())
    option = {**answer["results"][0], "symbol": "BTC-USD-70000-C", "asset_kind": "PERP_OPTION"}
    answer["results"].append(option)
    (found,) = venues()["paradex"].instruments([json.dumps(answer).encode()], ["BTC-USD-PERP"], {})
    listed = expected("paradex/expected/ccxt_paradex_rest_markets.expected.json")
    assert (found.tick_size, found.lot_size, found.base) == (listed["tick"], listed["lot"], listed["base"])
    assert f"{found.kind}_perp" == listed["contract_type"]
    summary = json.loads(captured("paradex/ccxt_paradex_rest_markets_summary_1.json").read_text())["results"][0]
    playing = connected_core(venues()["paradex"], found)
    out = playing.frame(frame("markets_summary.BTC-USD-PERP", summary), 1)
    (funding,) = said(out, events.Funding)
    told = expected("paradex/expected/ccxt_paradex_rest_markets_summary_1.expected.json")
    prices = [Decimal(ticks) * Decimal(found.tick_size) for ticks in (funding.mark_ticks, funding.index_ticks)]
    assert prices == [Decimal(told[name]).quantize(Decimal("0.1")) for name in ("mark", "index_underlying")]
    assert funding.rate_ppb == int(Decimal(told["funding_rate_venue_period"]).scaleb(9))
    assert funding.venue_time == told["venue_ts_ms"] * 1_000
    (interest,) = said(out, events.OpenInterest)
    assert str(interest.open_interest_lots * Decimal(found.lot_size)) == told["open_interest_base"]
    assert playing.frame(frame("markets_summary.BTC-USD-PERP", summary), 2) == []


def test_trades_liquidations_and_answers() -> None:
    """ING-PARADEX-004"""
    trade = {"id": "9", "market": BTC.symbol, "side": "SELL", "price": "100.1", "size": "0.5", "created_at": 5}
    playing = core()
    out = playing.frame(frame("trades.X", {**trade, "trade_type": "LIQUIDATION"}), 1)
    assert [type(each) for each in out] == [events.Trade, events.Liquidation]
    assert playing.frame(frame("trades.X", {**trade, "trade_type": "LIQUIDATION"}), 2) == []
    assert playing.frame(b'{"jsonrpc":"2.0","result":{"channel":"bbo.X"},"id":1}', 1) == []
    refused = b'{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params"},"id":1}'
    assert playing.frame(refused, 1) == [Malformed("refused", "-32602 Invalid params")]
