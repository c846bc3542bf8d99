"""Candles of venues that do not say when one is final: captured frames to the digit, and what is final when."""

import json
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from aiohttp import web

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.protocol import Malformed, Send
from services.ingestor.adapters.venue import venues
from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.simulator.client import Client
from services.ingestor.simulator.moves import Deal
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.server import Klines
from services.ingestor.simulator.twin import NUMBER, Traded, twins
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.support import BTCUSDT
from services.ingestor.tests.venues.kit import captured, connected_core, expected, said
from services.ingestor.tests.venues.stand import Counting, Scribe, asked

MINUTE: Final = 60_000
OPEN: Final = 1_786_540_800_000
"""Milliseconds."""
Figures = Sequence[str]
"""Open, high, low, close, volume in the venue's sizes."""


def _kucoin(start: int, figures: Figures) -> Any:
    opened, high, low, close, volume = figures
    row = [str(start // 1_000), opened, close, high, low, "1.5", volume]
    data = {"symbol": "XBTUSDTM", "candles": row, "time": start + 5}
    topic = "/contractMarket/limitCandle:XBTUSDTM_1min"
    return {"topic": topic, "type": "message", "data": data, "subject": "candle.stick"}


def _cryptocom(start: int, figures: Figures) -> Any:
    candle = {**dict(zip("ohlcv", figures, strict=True)), "t": start}
    which = {"instrument_name": "BTCUSD-PERP", "channel": "candlestick", "interval": "1m", "data": [candle]}
    return {"id": -1, "method": "subscribe", "code": 0, "result": which}


def _hyperliquid(start: int, figures: Figures) -> Any:
    candle = {**dict(zip("ohlcv", figures, strict=True)), "t": start, "T": start + MINUTE - 1, "s": "BTC", "i": "1m"}
    return {"channel": "candle", "data": {**candle, "n": 3}}


def _lighter(start: int, figures: Figures) -> Any:
    candle = {**{name: float(text) for name, text in zip("ohlcv", figures, strict=True)}, "t": start}
    return {"candles": [candle], "channel": "candle:0:1m", "timestamp": start + 5, "type": "update/candle"}


def _dydx(start: int, figures: Figures) -> Any:
    names = ("open", "high", "low", "close", "baseTokenVolume")
    minute = start // MINUTE % 60
    figures_of = dict(zip(names, figures, strict=True))
    candle = {**figures_of, "startedAt": f"2026-08-12T13:{minute:02}:00.000Z", "ticker": "BTC-USD"}
    return {"type": "channel_data", "channel": "v4_candles", "contents": {**candle, "resolution": "1MIN"}}


class Told(NamedTuple):
    """How a venue tells candles; `asks`: of what in its subscription, with `welcome` first where it waits for one."""

    instrument: Instrument
    frame: Callable[[int, Figures], Any]
    asks: str
    welcome: bytes = b""


TOLD: Final = {
    "kucoin": Told(
        Instrument("XBTUSDTM", "0.1", "0.001", size_step="1"),
        _kucoin,
        "/contractMarket/limitCandle:XBTUSDTM_1min",
        b'{"id":"x","type":"welcome"}',
    ),
    "cryptocom": Told(Instrument("BTCUSD-PERP", "0.1", "1"), _cryptocom, "candlestick.1m.BTCUSD-PERP"),
    "hyperliquid": Told(Instrument("BTC", "0.1", "1"), _hyperliquid, '"type":"candle","coin":"BTC","interval":"1m"'),
    "lighter": Told(Instrument("ETH", "0.1", "1", code="0"), _lighter, "candle/0/1m"),
    "dydx": Told(Instrument("BTC-USD", "0.1", "1"), _dydx, '"v4_candles","id":"BTC-USD/1MIN"'),
}
VENUES: Final = [pytest.param(name, id=name) for name in TOLD]


class Session:
    """One connection to a venue that tells candles."""

    def __init__(self, name: str) -> None:
        self.told = TOLD[name]
        self.core: Core = connected_core(venues()[name], self.told.instrument, candles="1m")
        self.number = 0

    def say(self, start: int, *figures: str) -> list[tuple[int, int, int, bool]]:
        """Tell a candle: what of each said one is its minute, close, volume, and whether it is final."""
        out = self.core.frame(self.raw(start, figures), self.number)
        assert not [each for each in out if isinstance(each, Malformed)]
        found = said(out, events.Candle)
        return [((c.open_at // 1_000 - OPEN) // MINUTE, c.close_ticks, c.volume_lots, c.closed) for c in found]

    def raw(self, start: int, figures: Figures) -> bytes:
        """The frame; dYdX numbers them."""
        self.number += 1
        return json.dumps({**self.told.frame(start, figures), "message_id": self.number}).encode()


@pytest.mark.parametrize("name", VENUES)
def test_they_are_asked_for_by_interval(name: str) -> None:
    """ING-CANDLE-001"""
    told = TOLD[name]
    core = venues()[name].core([told.instrument], {"candles": "1m"})
    sent = chain(core.connected("public", 1), core.frame(told.welcome, 1) if told.welcome else ())
    assert any(told.asks in frame for each in sent if isinstance(each, Send) for frame in each.frames)
    with pytest.raises(ValueError, match="no candles of 7m"):
        venues()[name].core([told.instrument], {"candles": "7m"})


@pytest.mark.parametrize("name", VENUES)
def test_the_simulated_venue_takes_the_subscription(name: str) -> None:
    """ING-CANDLE-001"""
    told = TOLD[name]
    core, twin = (
        venues()[name].core([told.instrument], {"candles": "1m"}),
        twins()[name]([Traded(told.instrument.symbol)]),
    )
    sent = chain(core.connected("public", 1), core.frame(told.welcome, 1) if told.welcome else ())
    texts = [text for each in sent if isinstance(each, Send) for text in each.frames]
    answers = [raw for text in texts for raw in twin.reply(text).frames]
    for number, raw in enumerate(answers):
        out = core.frame(raw.replace(f'"{NUMBER}"'.encode(), str(number).encode()), 1)
        assert not [each for each in out if isinstance(each, Malformed)], raw


@pytest.mark.parametrize("name", VENUES)
def test_one_is_final_as_told_last_when_the_next_begins(name: str) -> None:
    """ING-CANDLE-002"""
    session = Session(name)
    assert session.say(OPEN, "1.0", "1.2", "0.9", "1.1", "3") == [(0, 11, 3, False)]
    assert session.say(OPEN, "1.0", "1.3", "0.9", "1.3", "7") == [(0, 13, 7, False)]
    assert session.say(OPEN + MINUTE, "1.3", "1.3", "1.3", "1.3", "2") == [(0, 13, 7, True), (1, 13, 2, False)]
    assert session.say(OPEN, "1.0", "1.3", "0.9", "1.2", "9") == [], "a final candle is not told anew"
    assert session.say(OPEN + 3 * MINUTE, "1.4", "1.4", "1.4", "1.4", "1")[0] == (1, 13, 2, True)


@pytest.mark.parametrize("name", VENUES)
def test_one_that_a_lost_connection_cut_off_is_not_final(name: str) -> None:
    """ING-CANDLE-002"""
    session = Session(name)
    session.say(OPEN, "1.0", "1.2", "0.9", "1.1", "3")
    session.core.disconnected("public", 5, "gone")
    session.core.connected("public", 6)
    assert session.say(OPEN + MINUTE, "1.3", "1.3", "1.3", "1.3", "2") == [(1, 13, 2, False)]


def test_a_final_candle_has_one_name_whenever_it_is_told() -> None:
    """ING-CANDLE-002"""
    names = []
    for later in (1, 2):
        session = Session("kucoin")
        session.say(OPEN, "1.0", "1.2", "0.9", "1.1", "3")
        out = session.core.frame(session.raw(OPEN + later * MINUTE, ("1.3", "1.3", "1.3", "1.3", "2")), 9)
        names.append(said(out, events.Candle)[0].id)
    assert names[0] == names[1]


def test_kucoin_as_captured() -> None:
    """ING-CANDLE-003: open, close, high, low; contracts."""
    frames = json.loads(captured("kucoin/ccxt_kucoin_ws_candle.json").read_text())["messages"]
    core = Session("kucoin").core
    candles = said(chain(*(core.frame(json.dumps(each).encode(), 1) for each in frames)), events.Candle)
    last, (_, _) = expected("kucoin/expected/ccxt_kucoin_ws_candle.expected.json")["last"], candles
    told = candles[-1]
    assert told.open_at == last["open_ts_ms"] * 1_000
    prices = (told.open_ticks, told.high_ticks, told.low_ticks, told.close_ticks)
    assert prices == tuple(round(float(last[each]) * 10) for each in ("open", "high", "low", "close"))
    assert (told.volume_lots, last["volume_base"]) == (632, "0.632")


def _of_jkorf(path: Path) -> bytes:
    """What follows "=" in a file of requests and answers."""
    return json.dumps(json.loads(path.read_text().partition("\n=")[2])).encode()


def test_cryptocom_as_documented() -> None:
    """ING-CANDLE-003: numbers padded with zeros."""
    core = connected_core(venues()["cryptocom"], Instrument("ETH_USDT", "0.5", "0.0001"), candles="1d")
    (told,) = said(core.frame(_of_jkorf(captured("cryptocom/jkorf_Klines.txt")), 7), events.Candle)
    assert (told.interval, told.open_at, told.received_at) == ("1d", 1_612_224_000_000_000, 7)
    assert (told.open_ticks, told.high_ticks, told.low_ticks, told.close_ticks) == (102_281, 103_398, 98_424, 102_627)
    assert told.volume_lots == 8_679_432


def test_sums_that_were_rounded_in_binary_go_to_the_nearest_lot() -> None:
    """ING-CANDLE-003: 3495670.8399999999 of Hyperliquid's, 13.224299999999998 of Lighter's."""
    core = connected_core(venues()["hyperliquid"], Instrument("HYPE", "0.001", "0.01"), candles="1d")
    (told,) = said(core.frame(_of_jkorf(captured("hyperliquid/jkorf_Klines.txt")), 7), events.Candle)
    assert (told.interval, told.high_ticks, told.low_ticks, told.volume_lots) == ("1d", 36_219, 34_251, 349_567_084)
    core = connected_core(venues()["lighter"], Instrument("ETH", "0.01", "0.0001", code="0"), candles="1m")
    (told,) = said(core.frame(captured("lighter/nautilus_ws_candle_update.json").read_bytes(), 7), events.Candle)
    assert (told.interval, told.open_at, told.venue_time) == ("1m", 1_778_821_440_000_000, 1_778_821_473_331_000)
    assert (told.open_ticks, told.close_ticks, told.volume_lots) == (226_420, 226_389, 132_243)


TRADES: Final = (
    (0, "61000.1", "0.010"),
    (20_000, "61002.0", "0.200"),
    (40_000, "60999.9", "0.050"),
    (59_999, "61001.5", "0.001"),
    (60_000, "61003.0", "0.004"),
    (185_000, "61000.0", "0.100"),
)
"""Milliseconds from OPEN, price and size."""
MADE: Final = [
    (0, ("61000.1", "61002.0", "60999.9", "61001.5"), "0.261"),
    (1, ("61003.0", "61003.0", "61003.0", "61003.0"), "0.004"),
]
"""The candles of a minute that they make, but for the last, which nothing ends."""


@pytest.mark.parametrize("name", ["binance-coinm", "bybit", "bybit-inverse", *TOLD])
async def test_the_simulated_venue_tells_the_candles_that_its_trades_make(name: str) -> None:
    """ING-CANDLE-004: each with every trade as it stands, then as final, digit for digit in the venue's own sizes."""
    stage, venue = Counting(twins()[name](), Replay(first_lines(3_999), Pace(0.0)).market), venues()[name]
    listing = [stage.twin.http(asked(request), stage.views) or b"" for request in venue.listing]
    (instrument,) = venue.instruments(listing, stage.twin.symbols, {})
    core = venue.core([instrument], {"candles": "1m,1h"})
    assert isinstance(core, Core)
    scribe = Scribe(core, stage)
    for route in core.routes:
        scribe.take(core.connected(route.name, 1))
    await stage.greet(scribe)
    await scribe.speak()
    for number, (after, price, size) in enumerate(TRADES, start=1):
        await stage.take(Deal(number, price, size, "buy", OPEN + after))
    assert not core.counts["malformed"]
    assert len(said(scribe.out, events.Trade)) == len(TRADES)
    candles = said(scribe.out, events.Candle)
    running = [each.open_at for each in candles if each.interval == "1m" and not each.closed]
    assert len(running) == len(TRADES)
    assert not [each for each in candles if each.interval == "1h" and each.closed]
    ended = [each for each in candles if each.interval == "1m" and each.closed]
    assert len(ended) == len(MADE)
    for told, (minute, prices, volume) in zip(ended, MADE, strict=True):
        assert told.open_at == (OPEN + minute * MINUTE) * 1_000
        found = told.open_ticks, told.high_ticks, told.low_ticks, told.close_ticks
        assert found == tuple(instrument.prices[price] for price in prices)
        assert told.volume_lots == instrument.sizes[stage.twin.size(volume, prices[3])]


class Listening(Client):
    """A client without a socket, on one of the routes."""

    def __init__(self, route: str, streams: list[str]) -> None:
        super().__init__(web.WebSocketResponse(), route, combined=True, patient=False)
        self.streams = streams
        self.got: list[bytes] = []

    async def send(self, raw: bytes) -> None:
        self.got.append(raw)


async def test_the_recorded_venue_tells_them_on_the_route_that_serves_them() -> None:
    """ING-CANDLE-004"""
    replay, core = Replay(first_lines(3_999), Pace(0.0)), UsdmCore([BTCUSDT], candles="1m")
    clients = {route: Listening(route, core.streams("market")) for route in ("market", "public")}
    replay.subscribers += clients.values()
    klines = Klines(replay)
    for number, (after, price, size) in enumerate(TRADES, start=1):
        await klines.take(Deal(number, price, size, "buy", OPEN + after))
    out = [each for raw in clients["market"].got for each in core.frame(raw, 1)]
    assert [each.volume_lots for each in said(out, events.Candle) if each.closed] == [261, 4]
    assert not clients["public"].got, "as at the venue since its split"
