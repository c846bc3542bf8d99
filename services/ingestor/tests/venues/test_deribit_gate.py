"""Deribit and Gate: as far as their documentation goes, no frames of theirs being at hand."""

import json
from typing import Any

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import connected_core, said

PERPETUAL = Instrument("BTC-PERPETUAL", "0.5", "10", kind="inverse")
CONTRACT = Instrument("BTC_USDT", "0.1", "0.0001", size_step="1")


def deribit() -> Core:
    return connected_core(venues()["deribit"], PERPETUAL)


def notified(channel: str, data: Any) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}
    ).encode()


def changes(change: int, previous: int | None, bids: list[Any], asks: list[Any]) -> bytes:
    data = {"instrument_name": PERPETUAL.symbol, "timestamp": 5, "change_id": change, "bids": bids, "asks": asks}
    return notified("book.BTC-PERPETUAL.100ms", data if previous is None else {**data, "prev_change_id": previous})


class TestDeribit:
    def test_a_change_must_follow_the_one_it_names(self) -> None:
        """ING-DERIBIT-001"""
        playing = deribit()
        playing.frame(changes(10, None, [["new", 100.0, 40.0]], [["new", 100.5, 10.0]]), 1)
        moved = changes(17, 10, [["change", 100.0, 50.0]], [["delete", 100.5, 0.0], ["new", 101.0, 20.0]])
        assert said(playing.frame(moved, 2), events.Gap) == []
        book = playing.symbol(PERPETUAL.symbol).sync.book
        assert book is not None and book.top(5) == ([(200, 5)], [(202, 2)])
        out = playing.frame(changes(20, 18, [], []), 3)
        assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(17, 20)]
        (again,) = [each for each in out if isinstance(each, Send)]
        assert [json.loads(text)["method"] for text in again.frames] == ["public/unsubscribe", "public/subscribe"]

    def test_trades_are_numbered_and_liquidations_said_with_their_side(self) -> None:
        """ING-DERIBIT-002"""
        trade = {
            "instrument_name": PERPETUAL.symbol, "timestamp": 5, "trade_seq": 7, "trade_id": "a", "direction": "sell",
            "price": 100.5, "amount": 30.0,
        }  # fmt: skip
        playing = deribit()
        out = playing.frame(notified("trades.X", [{**trade, "liquidation": "M"}]), 1)
        assert [(each.side, each.size_lots) for each in said(out, events.Liquidation)] == [("buy", 3)]
        out = playing.frame(notified("trades.X", [{**trade, "trade_seq": 9, "trade_id": "b"}]), 1)
        assert [gap.reason for gap in said(out, events.Gap)] == ["trade: 1 missing"]

    def test_quotes_and_figures(self) -> None:
        """ING-DERIBIT-003"""
        quote = {
            "instrument_name": PERPETUAL.symbol, "timestamp": 5, "best_bid_price": 100.0, "best_bid_amount": 40.0,
            "best_ask_price": 100.5, "best_ask_amount": 10.0,
        }  # fmt: skip
        playing = deribit()
        frames = [notified("quote.X", {**quote, "best_ask_amount": amount}) for amount in (10.0, 20.0)]
        out = [each for raw in frames for each in said(playing.frame(raw, 1), events.Ticker)]
        assert [each.ask_lots for each in out] == [1, 2]
        assert playing.frame(notified("quote.X", {**quote, "best_bid_price": 0.0}), 1) == []
        assert playing.frame(notified("quote.X", {**quote, "best_bid_price": None}), 1) == []
        figures = {"mark_price": 100.26, "index_price": 100.1, "open_interest": 500.0, "current_funding": -1.5e-05}
        raw = notified("ticker.X", {"instrument_name": PERPETUAL.symbol, "timestamp": 1_000, **figures})
        (funding,) = said(playing.frame(raw, 1), events.Funding)
        assert (funding.mark_ticks, funding.rate_ppb, funding.interval_micros) == (201, -15_000, 8 * HOUR_MICROS)

    def test_a_test_request_is_answered(self) -> None:
        """ING-DERIBIT-004"""
        playing = deribit()
        (answer,) = playing.frame(b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}', 1)
        assert isinstance(answer, Send) and json.loads(answer.frames[0])["method"] == "public/test"
        assert playing.frame(b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}', 1) == []
        refused = b'{"jsonrpc":"2.0","id":2,"error":{"code":11050,"message":"bad_request"}}'
        assert playing.frame(refused, 1) == [Malformed("refused", "11050 bad_request")]

    def test_small_ticks_are_read_exactly(self) -> None:
        """ING-DERIBIT-004"""
        info = {
            "instrument_name": "DOGE_USDC-PERPETUAL", "settlement_period": "perpetual", "instrument_type": "linear",
            "base_currency": "DOGE", "quote_currency": "USDC", "contract_size": 100.0, "is_active": True,
        }  # fmt: skip
        answer = json.dumps({"result": [{**info, "tick_size": 1e-05}]}).encode()
        (found,) = venues()["deribit"].instruments([answer], ["DOGE_USDC-PERPETUAL"], {})
        assert (found.tick_size, found.lot_size, found.kind) == ("0.00001", "100.0", "linear")


def gate(channel: str, result: Any, millis: int = 5_000) -> bytes:
    return json.dumps({"channel": channel, "event": "update", "time_ms": millis, "result": result}).encode()


def ranged(first: int, last: int, bids: list[list[str]], asks: list[list[str]], **more: Any) -> bytes:
    data = {"t": 5, "s": "ob.BTC_USDT.400", "U": first, "u": last, "b": bids, "a": asks, **more}
    return gate("futures.obu", data)


class TestGate:
    def test_a_range_must_follow_the_one_before(self) -> None:
        """ING-GATE-001"""
        playing = connected_core(venues()["gate"], CONTRACT)
        playing.frame(ranged(0, 10, [["100.0", "5"]], [["100.1", "6"]], full=True), 1)
        assert said(playing.frame(ranged(11, 14, [["100.0", "0"]], []), 2), events.Gap) == []
        book = playing.symbol(CONTRACT.symbol).sync.book
        assert book is not None and book.top(5) == ([], [(1_001, 6)])
        out = playing.frame(ranged(16, 17, [], []), 3)
        assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(14, 17)]
        (again,) = [each for each in out if isinstance(each, Send)]
        assert [json.loads(text)["event"] for text in again.frames] == ["unsubscribe", "subscribe"]

    def test_the_sign_of_a_trade_is_its_side(self) -> None:
        """ING-GATE-002"""
        trade = {"id": 1, "contract": "BTC_USDT", "size": -108, "price": "96.4", "create_time_ms": 5}
        playing = connected_core(venues()["gate"], CONTRACT)
        out = said(playing.frame(gate("futures.trades", [trade, {**trade, "id": 2, "size": 3}]), 1), events.Trade)
        assert [(each.taker_side, each.size_lots) for each in out] == [("sell", 108), ("buy", 3)]

    def test_quotes_and_figures(self) -> None:
        """ING-GATE-003"""
        playing = connected_core(venues()["gate"], CONTRACT)
        quote = {"t": 5, "u": 9, "s": "BTC_USDT", "b": "100.0", "B": 5, "a": "100.1", "A": 6}
        assert [
            each.bid_lots for each in said(playing.frame(gate("futures.book_ticker", quote), 1), events.Ticker)
        ] == [5]
        assert playing.frame(gate("futures.book_ticker", {**quote, "u": 10, "b": ""}), 1) == []
        ticker = {"contract": "BTC_USDT", "mark_price": "100.06", "index_price": "100.02", "funding_rate": "0.0001"}
        out = playing.frame(gate("futures.tickers", [{**ticker, "total_size": "77"}]), 1)
        assert [(each.mark_ticks, each.rate_ppb) for each in said(out, events.Funding)] == [(1_001, 100_000)]
        assert [each.open_interest_lots for each in said(out, events.OpenInterest)] == [77]
        assert playing.frame(gate("futures.tickers", [ticker], 5_400), 1) == []

    def test_a_lot_is_a_contract_and_answers_are_silent(self) -> None:
        """ING-GATE-004"""
        info = {
            "name": "BTC_USDT", "type": "direct", "quanto_multiplier": "0.0001", "order_price_round": "0.1",
            "funding_interval": 14_400, "in_delisting": False,
        }  # fmt: skip
        (found,) = venues()["gate"].instruments([json.dumps([info]).encode()], ["BTC_USDT"], {})
        assert (found.lot_size, found.size_step, found.funding_interval_micros) == ("0.0001", "1", 4 * HOUR_MICROS)
        playing = connected_core(venues()["gate"], found)
        assert playing.frame(b'{"channel":"futures.pong","event":"","result":null}', 1) == []
        refused = b'{"channel":"futures.obu","event":"subscribe","error":{"code":2,"message":"unknown contract"}}'
        assert playing.frame(refused, 1) == [Malformed("refused", "2 unknown contract")]
