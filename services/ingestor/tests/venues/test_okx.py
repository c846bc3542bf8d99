"""OKX: predecessors, checksums, contracts."""

import json
import re
from typing import Any

import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.adapters.venues.okx.core import checksum
from services.ingestor.tests.venues.kit import captured, connected_core, lines, said

SWAP = Instrument("BTC-USDT-SWAP", "0.1", "0.0001", size_step="0.01", base="BTC", quote="USDT")
UNI = Instrument("UNI-USD-SWAP", "0.001", "10", size_step="1", kind="inverse")


def core() -> Core:
    return connected_core(venues()["okx"], SWAP)


def frame(channel: str, data: Any, action: str = "", name: str = SWAP.symbol) -> bytes:
    return json.dumps({"arg": {"channel": channel, "instId": name}, "action": action, "data": [data]}).encode()


def book(seq: int, previous: int, bids: list[list[str]], asks: list[list[str]], **more: Any) -> bytes:
    full = [[[*level, "0", "1"] for level in side] for side in (bids, asks)]
    data = {"bids": full[0], "asks": full[1], "ts": str(1_000 + seq), "seqId": seq, "prevSeqId": previous, **more}
    return frame("books", data, "snapshot" if previous == -1 else "update")


def recorded() -> list[bytes]:
    path = captured("okx/cryptofeed_OKX.ws.1.0.gz")
    found = (re.match(rb"[0-9.]+: (.*UNI-USD-SWAP.*)", line) for line in lines(path))
    return [match[1] for match in found if match is not None]


def test_the_captured_book_agrees_with_every_checksum() -> None:
    """ING-OKX-001"""
    playing = connected_core(venues()["okx"], UNI)
    outs = [playing.frame(raw, 1) for raw in recorded()]
    assert len(outs) > 90
    assert [each for out in outs for each in out if isinstance(each, (events.Gap, Malformed))] == []


def test_a_frame_lost_from_the_capture_is_noticed_by_the_next_checksum() -> None:
    """ING-OKX-001: these frames carry no sequence ids; a loss beyond the best 25 levels may pass for a while."""
    frames = recorded()
    updates = [number for number, raw in enumerate(frames) if b'"action":"update"' in raw]
    noticed = 0
    for lost in updates[:20]:
        playing = connected_core(venues()["okx"], UNI)
        outs = [playing.frame(raw, 1) for number, raw in enumerate(frames) if number != lost]
        noticed += any(said(out, events.Gap) for out in outs)
    assert noticed == 20


def test_a_frame_must_follow_the_one_it_names() -> None:
    """ING-OKX-002"""
    playing = core()
    playing.frame(book(10, -1, [["100", "1"]], [["100.1", "2"]]), 1)
    assert said(playing.frame(book(15, 10, [["100", "3"]], []), 2), events.Gap) == []
    out = playing.frame(book(20, 16, [["100", "4"]], []), 3)
    assert [(gap.expected_seq, gap.venue_seq) for gap in said(out, events.Gap)] == [(15, 20)]
    (again,) = [each for each in out if isinstance(each, Send)]
    assert [json.loads(text)["op"] for text in again.frames] == ["unsubscribe", "subscribe"]


def test_a_wrong_checksum_costs_the_book() -> None:
    """ING-OKX-002"""
    out = core().frame(book(10, -1, [["100", "1"]], [["100.1", "2"]], checksum=7), 1)
    assert [gap.reason.split(" ")[1] for gap in said(out, events.Gap)] == ["checksum"]


def test_a_checksum_is_over_the_shortest_texts() -> None:
    """ING-OKX-002: 100:0.05:100.1:2 and nothing more."""
    import zlib

    playing = core()
    playing.frame(book(10, -1, [["100.0", "0.05"]], [["100.1", "2.00"]]), 1)
    kept = playing.symbol(SWAP.symbol).sync.book
    assert kept is not None
    wanted = zlib.crc32(b"100:0.05:100.1:2")
    assert checksum(kept, SWAP) % 2**32 == wanted


def test_figures_come_together_with_the_mark() -> None:
    """ING-OKX-003"""
    playing = core()
    mark = frame("mark-price", {"instId": SWAP.symbol, "markPx": "84660.14", "ts": "1744590349506"})
    assert playing.frame(mark, 1) == []
    funding = {"fundingRate": "0.0001", "nextFundingRate": "0.0002", "fundingTime": "1744617600000"}
    playing.frame(frame("funding-rate", funding | {"ts": "1744590349506"}), 1)
    playing.frame(frame("index-tickers", {"idxPx": "84650.16", "ts": "1744590349506"}, name="BTC-USDT"), 1)
    (one,) = said(playing.frame(mark, 2), events.Funding)
    assert (one.mark_ticks, one.index_ticks, one.rate_ppb) == (846_601, 846_502, 100_000)
    assert (one.next_funding_at, one.predicted_rate_ppb) == (1_744_617_600_000_000, 200_000)
    playing.frame(frame("funding-rate", funding | {"nextFundingRate": "", "ts": "1744590349507"}), 3)
    assert [each.predicted_rate_ppb for each in said(playing.frame(mark, 4), events.Funding)] == [None]


def test_trades_quotes_and_interest_are_in_lots_of_contracts() -> None:
    """ING-OKX-003"""
    playing = core()
    trade = {"tradeId": "130639474", "px": "42219.9", "sz": "0.12", "side": "buy", "ts": "1630048897897", "count": "3"}
    assert [each.size_lots for each in said(playing.frame(frame("trades", trade), 1), events.Trade)] == [12]
    best = {"bids": [["1.0", "256", "0", "12"]], "asks": [["1.1", "415", "0", "13"]], "ts": "5", "seqId": 9}
    assert [each.bid_lots for each in said(playing.frame(frame("bbo-tbt", best), 1), events.Ticker)] == [25_600]
    interest = {"instId": SWAP.symbol, "oi": "5000.01", "oiCcy": "50.0001", "ts": "5"}
    out = playing.frame(frame("open-interest", interest), 1)
    assert [each.open_interest_lots for each in said(out, events.OpenInterest)] == [500_001]


@pytest.mark.parametrize("answer", [b"pong", "pong", b'{"event":"subscribe","arg":{"channel":"books"}}'])
def test_answers_say_nothing(answer: bytes | str) -> None:
    """ING-OKX-004"""
    assert core().frame(answer, 1) == []


def test_a_refusal_is_said() -> None:
    """ING-OKX-004"""
    out = core().frame(b'{"event":"error","code":"60012","msg":"Illegal request"}', 1)
    assert out == [Malformed("refused", "Illegal request")]


def test_a_lot_is_worth_its_contracts() -> None:
    """ING-OKX-005"""
    info = {
        "instId": "BTC-USDT-SWAP", "instFamily": "BTC-USDT", "state": "live", "ctType": "linear", "ctVal": "0.01",
        "ctMult": "1", "lotSz": "0.01", "tickSz": "0.1",
    }  # fmt: skip
    inverse = {**info, "instId": "BTC-USD-SWAP", "instFamily": "BTC-USD", "ctType": "inverse"}
    answer = json.dumps({"data": [info, {**inverse, "ctVal": "100", "lotSz": "1"}]}).encode()
    found = venues()["okx"].instruments([answer], ["BTC-USDT-SWAP", "BTC-USD-SWAP"], {})
    assert [(each.lot_size, each.size_step, each.kind) for each in found] == [
        ("0.0001", "0.01", "linear"),
        ("100", "1", "inverse"),
    ]
