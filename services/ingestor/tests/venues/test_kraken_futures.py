"""Kraken Futures: numbered changes and trades, on the frames of a real session."""

import json
import re
from collections import Counter
from typing import Any

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import HOUR_MICROS, Instrument
from services.ingestor.adapters.protocol import Malformed
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import captured, connected_core, lines, said

ETH = Instrument("PI_ETHUSD", "0.05", "1", HOUR_MICROS, kind="inverse")


def core() -> Core:
    return connected_core(venues()["kraken-inverse"], ETH)


def recorded() -> list[bytes]:
    path = captured("kraken_futures/cryptofeed_KRAKEN_FUTURES.ws.1.0.gz")
    found = (re.match(rb'[0-9.]+: (\{"feed":"(?:book|trade).*PI_ETHUSD.*)', line) for line in lines(path))
    return [match[1] for match in found if match is not None]


def test_a_recorded_session_has_an_unbroken_book_and_every_trade_once() -> None:
    """ING-KRAKEN-001"""
    playing = core()
    out = [each for raw in recorded() for each in playing.frame(raw, 1)]
    kinds = Counter(type(each) for each in out)
    assert kinds[events.Gap] == kinds[Malformed] == 0
    assert kinds[events.Trade] > 100 and kinds[events.BookTop] > 10
    ids = [each.venue_seq for each in said(out, events.Trade)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    kept = playing.symbol("PI_ETHUSD").sync.book
    assert kept is not None and not kept.crossed


def test_a_lost_change_is_noticed_at_the_next_one() -> None:
    """ING-KRAKEN-001"""
    frames = recorded()
    changes = [number for number, raw in enumerate(frames) if raw.startswith(b'{"feed":"book",')]
    for lost in (changes[0], changes[7], changes[-2]):
        playing = core()
        outs = [playing.frame(raw, 1) for number, raw in enumerate(frames) if number != lost]
        gaps = [number for number, out in enumerate(outs) if said(out, events.Gap)]
        following = next(number for number in changes if number > lost)
        assert gaps[:1] == [following - 1]


def ticker(millis: int, **fields: Any) -> bytes:
    body = {
        "feed": "ticker", "product_id": "PI_ETHUSD", "time": millis, "bid": 2004.85, "ask": 2005.25, "bid_size": 4787.0,
        "ask_size": 5864.0, "markPrice": 2005.01, "index": 2004.9, "openInterest": 1000.0,
        "next_funding_rate_time": 1_626_998_400_000, **fields,
    }  # fmt: skip
    return json.dumps(body).encode()


def test_a_ticker_is_a_quote_and_once_a_second_the_figures() -> None:
    """ING-KRAKEN-002: a rate of zero is left out by the venue."""
    playing = core()
    out = playing.frame(ticker(1_000, relative_funding_rate=-2.5e-05), 1)
    assert [(each.bid_ticks, each.ask_lots) for each in said(out, events.Ticker)] == [(40_097, 5_864)]
    assert [each.rate_ppb for each in said(out, events.Funding)] == [-25_000]
    assert [each.open_interest_lots for each in said(out, events.OpenInterest)] == [1_000]
    assert [type(each) for each in playing.frame(ticker(1_900, bid=2004.9), 2)] == [events.Ticker]
    out = playing.frame(ticker(2_000, bid=2004.95), 3)
    assert [each.rate_ppb for each in said(out, events.Funding)] == [0]


def test_a_liquidation_is_a_trade_and_a_liquidation() -> None:
    """ING-KRAKEN-003"""
    trade = {"feed": "trade", "product_id": "PI_ETHUSD", "uid": "u", "side": "sell", "type": "liquidation", "seq": 7}
    raw = json.dumps({**trade, "time": 5, "qty": 50.0, "price": 2004.85}).encode()
    playing = core()
    assert [type(each) for each in playing.frame(raw, 1)] == [events.Trade, events.Liquidation]
    assert playing.frame(raw, 2) == []


def test_answers_say_nothing_and_errors_are_said() -> None:
    """ING-KRAKEN-004"""
    assert core().frame(b'{"event":"subscribed","feed":"book","product_ids":["PI_ETHUSD"]}', 1) == []
    assert core().frame(b'{"event":"error","message":"Invalid product id"}', 1) == [
        Malformed("refused", "Invalid product id")
    ]


def test_linear_and_inverse_grids() -> None:
    """ING-KRAKEN-005"""
    listing = {
        "instruments": [
            {"symbol": "PF_XBTUSD", "tradeable": True, "tickSize": 1, "contractValueTradePrecision": 4},
            {"symbol": "pi_ethusd", "tradeable": True, "tickSize": 0.05, "contractSize": 1},
            {"symbol": "in_xbtusd", "tradeable": False},
        ]
    }
    answer = json.dumps(listing).encode()
    (linear,) = venues()["kraken-futures"].instruments([answer], ["PF_XBTUSD"], {})
    (inverse,) = venues()["kraken-inverse"].instruments([answer], ["PI_ETHUSD"], {})
    assert (linear.tick_size, linear.lot_size, linear.base, linear.kind) == ("1", "0.0001", "BTC", "linear")
    assert (inverse.tick_size, inverse.lot_size, inverse.kind) == ("0.05", "1", "inverse")
