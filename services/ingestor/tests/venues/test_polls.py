"""Open interest of venues that do not send it, asked for every so often."""

import asyncio
import json

import pytest

from services.ingestor import feed as feed_module
from services.ingestor.adapters import events
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Malformed
from services.ingestor.adapters.venue import venues
from services.ingestor.tests.venues.kit import SYMBOLS, connected_core, said
from services.ingestor.tests.venues.stand import standing

POLLED = ("aster", "binance-coinm", "binance-usdm", "kucoin")


def test_every_venue_tells_open_interest_one_way_or_another() -> None:
    """ING-POLL-001: who is asked is asked for every symbol."""
    asked = {
        name for name, venue in venues().items() if venue.core([Instrument(SYMBOLS[name][0], "0.1", "1")], {}).polls
    }
    assert asked == set(POLLED)
    instruments = [Instrument("BTCUSDT", "0.1", "0.001"), Instrument("ETHUSDT", "0.01", "0.001")]
    polls = venues()["binance-usdm"].core(instruments, {}).polls
    assert [(each.symbol, each.request.parameters, each.request.weight) for each in polls] == [
        ("BTCUSDT", {"symbol": "BTCUSDT"}, 1),
        ("ETHUSDT", {"symbol": "ETHUSDT"}, 1),
    ]


def test_answers_are_lots_of_one_side() -> None:
    """ING-POLL-002"""
    core = connected_core(venues()["binance-usdm"], Instrument("BTCUSDT", "0.1", "0.001"))
    body = b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}'
    (interest,) = said(core.polled("BTCUSDT", body, 9), events.OpenInterest)
    assert (interest.open_interest_lots, interest.venue_time) == (10_659_509, 1_589_437_530_011_000)
    inverse = connected_core(
        venues()["binance-coinm"], Instrument("BTCUSD_PERP", "0.1", "100", size_step="1", kind="inverse")
    )
    body = b'{"openInterest":"1523","symbol":"BTCUSD_PERP","pair":"BTCUSD","time":1589437530011}'
    assert [each.open_interest_lots for each in said(inverse.polled("BTCUSD_PERP", body, 9), events.OpenInterest)] == [
        1_523
    ]
    kucoin = connected_core(venues()["kucoin"], Instrument("XBTUSDTM", "0.1", "0.001", size_step="1"))
    body = json.dumps({"code": "200000", "data": {"symbol": "XBTUSDTM", "openInterest": "2487402"}}).encode()
    (interest,) = said(kucoin.polled("XBTUSDTM", body, 5_000_000), events.OpenInterest)
    assert (interest.open_interest_lots, interest.venue_time) == (2_487_402, 5_000_000)


@pytest.mark.parametrize("name", POLLED)
@pytest.mark.parametrize("body", [b"", b"{}", b'{"openInterest":"x","time":1}', b'{"data":{"openInterest":"0.5x"}}'])
def test_what_cannot_be_used_is_counted_and_asked_for_again(name: str, body: bytes) -> None:
    """ING-POLL-003"""
    core = connected_core(venues()[name])
    (out,) = core.polled(SYMBOLS[name][0], body, 1)
    assert isinstance(out, Malformed)
    assert core.counts["malformed"] == 1


def test_a_venue_that_is_not_asked_takes_no_answers() -> None:
    """ING-POLL-003"""
    core = connected_core(venues()["bybit"])
    assert core.polled("BTCUSDT", b"{}", 1) == [Malformed("unexpected_answer", "BTCUSDT: 2 bytes at 1")]


async def test_the_feed_asks_until_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """ING-POLL-001"""
    monkeypatch.setattr(feed_module, "jittered_delay", lambda *_: 0.0)
    async with standing("kucoin", 1_999) as stand:
        await stand.until(lambda: stand.has_said(events.OpenInterest, 1))
        assert stand.said(events.OpenInterest)[0].open_interest_lots == 2_487_402
        await asyncio.wait_for(stand.publisher.idle(), 30.0)
