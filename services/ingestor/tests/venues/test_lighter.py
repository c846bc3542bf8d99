"""Lighter: offsets and nonces, markets by number, percents and dollars."""

import json
from typing import Any

import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.adapters.venues.lighter.core import lots_of
from services.ingestor.tests.venues.kit import captured, connected_core, expected, lines, said

ETH = Instrument("ETH", "0.01", "0.0001", HOUR_MICROS, code="0")


def core() -> Core:
    return connected_core(venues()["lighter"], ETH)


def book(kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]], **numbers: int) -> bytes:
    sides = [[{"price": price, "size": size} for price, size in side] for side in (bids, asks)]
    body = {"code": 0, "bids": sides[0], "asks": sides[1], **numbers}
    frame = {"type": f"{kind}/order_book", "channel": "order_book:0", "order_book": body, "timestamp": 1_000}
    return json.dumps(frame).encode()


def recorded(name: str) -> list[bytes]:
    return [json.dumps(json.loads(line)["data"]).encode() for line in lines(captured(f"lighter/{name}.jsonl.gz"))]


class TestBook:
    def test_the_capture_comes_to_what_it_must(self) -> None:
        """ING-LIGHTER-001"""
        wanted = expected("lighter/expected/ETH.expected.json")["book_at_end"]
        playing = core()
        out = [each for raw in recorded("order_book_0_ETH") for each in playing.frame(raw, 1)]
        assert [each for each in out if isinstance(each, (events.Gap, Malformed))] == []
        kept = playing.symbol("ETH").sync.book
        assert kept is not None
        bids, asks = kept.top(10_000)
        assert [len(bids), len(asks)] == wanted["levels"]
        assert [[f"{ticks / 100:.2f}", f"{lots / 10_000:.4f}"] for ticks, lots in bids[:10]] == wanted["top10_bids"]
        assert [[f"{ticks / 100:.2f}", f"{lots / 10_000:.4f}"] for ticks, lots in asks[:10]] == wanted["top10_asks"]

    @pytest.mark.parametrize("lost", [1, 2, 50, 700, 1_499])
    def test_a_lost_frame_is_noticed_at_the_next_one(self, lost: int) -> None:
        """ING-LIGHTER-001: what other clients let pass."""
        playing = core()
        frames = recorded("order_book_0_ETH")
        outs = [playing.frame(raw, 1) for number, raw in enumerate(frames) if number != lost]
        assert [number for number, out in enumerate(outs) if said(out, events.Gap)][:1] == [lost]

    def test_nonces_tell_where_they_are_sent(self) -> None:
        """ING-LIGHTER-002: offsets may jump, since many servers number them for themselves."""
        playing = core()
        playing.frame(book("subscribed", [("1.00", "1.0")], [("1.10", "1.0")], offset=7, nonce=100), 1)
        out = playing.frame(book("update", [("1.00", "2.0")], [], offset=9, begin_nonce=100, nonce=105), 2)
        assert said(out, events.Gap) == []
        out = playing.frame(book("update", [("1.00", "3.0")], [], offset=10, begin_nonce=106, nonce=107), 3)
        assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(105, 107)]
        (again,) = [each for each in out if isinstance(each, Send)]
        assert [json.loads(text) for text in again.frames] == [
            {"type": "unsubscribe", "channel": "order_book/0"},
            {"type": "subscribe", "channel": "order_book/0"},
        ]


class TestStats:
    def frame(self, millis: int = 1_760_041_996_071, **fields: Any) -> bytes:
        stats = {
            "market_id": 0, "index_price": "4333.85", "mark_price": "4332.63", "open_interest": "177130129.383759",
            "current_funding_rate": "0.0012", "funding_rate": "0.0012", "daily_price_low": 4266.66, **fields,
        }  # fmt: skip
        frame = {"type": "update/market_stats", "channel": "market_stats:0", "market_stats": stats}
        return json.dumps({**frame, "timestamp": millis}).encode()

    def test_rates_are_percent_and_interest_is_dollars(self) -> None:
        """ING-LIGHTER-003: 0.0012 is 0.000012 an hour; the dollars are a whole number of lots at the mark."""
        out = core().frame(self.frame(), 1)
        (funding,) = said(out, events.Funding)
        assert (funding.rate_ppb, funding.interval_micros) == (12_000, HOUR_MICROS)
        assert funding.next_funding_at == 1_760_043_600_000_000
        assert [each.open_interest_lots for each in said(out, events.OpenInterest)] == [408_828_193]

    def test_figures_are_said_once_a_second(self) -> None:
        """ING-LIGHTER-003"""
        playing = core()
        playing.frame(self.frame(), 1)
        assert playing.frame(self.frame(1_760_041_996_900), 2) == []
        assert [type(each) for each in playing.frame(self.frame(1_760_041_997_100), 3)] == [events.Funding]

    def test_interest_of_every_captured_market_is_whole(self) -> None:
        """ING-LIGHTER-003"""
        wanted = expected("lighter/expected/market_stats.expected.json")
        assert wanted
        first = json.loads(recorded("market_stats")[0])["market_stats"]["0"]
        lots = lots_of(first["open_interest"], first["mark_price"], "0.0001")
        value = lots * 433_263  # 1e-6 dollars a lot at the mark
        assert abs(value - 177_130_129_383_759) <= 433_263 // 2


def test_trades_and_liquidations_of_the_capture() -> None:
    """ING-LIGHTER-004"""
    wanted = expected("lighter/expected/ETH.expected.json")
    playing = core()
    out = [each for raw in recorded("trade_0_ETH") for each in playing.frame(raw, 1)]
    assert len(said(out, events.Liquidation)) == wanted["liquidation_trades_in_first_frames"]
    trades = said(out, events.Trade)
    assert len({each.trade_id for each in trades}) == len(trades)


def test_a_ping_is_answered_and_an_error_is_said() -> None:
    """ING-LIGHTER-005"""
    playing = core()
    assert playing.frame(b'{"type":"ping"}', 1) == [Send("public", ('{"type":"pong"}',))]
    assert playing.frame(b'{"type":"connected","session_id":"x"}', 1) == []
    out = playing.frame(b'{"error":{"code":30003,"message":"Already Subscribed"}}', 1)
    assert out == [Malformed("refused", "30003 Already Subscribed")]


def test_quotes_carry_their_nonce() -> None:
    """ING-LIGHTER-005"""
    ticker = {"s": "ETH", "a": {"price": "2064.48", "size": "0.4950"}, "b": {"price": "2064.30", "size": "1.0392"}}
    frame = {"type": "update/ticker", "channel": "ticker:0", "nonce": 7, "ticker": ticker, "last_updated_at": 9}
    (quote,) = said(core().frame(json.dumps(frame), 1), events.Ticker)
    assert (quote.bid_ticks, quote.ask_lots, quote.venue_seq, quote.venue_time) == (206_430, 4_950, 7, 9)


def test_spot_markets_are_left_out() -> None:
    """ING-LIGHTER-006"""
    market = {"symbol": "ETH", "market_id": 0, "market_type": "perp", "status": "active"}
    market |= {"supported_size_decimals": 4, "supported_price_decimals": 2}
    answer = json.dumps({"order_books": [market, {**market, "symbol": "ETH/USDC", "market_type": "spot"}]}).encode()
    (found,) = venues()["lighter"].instruments([answer], ["ETH"], {})
    assert (found.code, found.tick_size, found.lot_size) == ("0", "0.01", "0.0001")
