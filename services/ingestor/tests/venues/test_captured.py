"""Venues played from captured frames, with the real feed on real sockets: it comes to what the frames come to."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.venue import venues
from services.ingestor.feed import VenueFeed, load_instruments
from services.ingestor.simulator.__main__ import captured_of
from services.ingestor.simulator.capture import CapturedStage
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import Host
from services.ingestor.simulator.tape import Captured, frames_of
from services.ingestor.simulator.twin import Traded, twins
from services.ingestor.tests.rig import quiet
from services.ingestor.tests.venues.captures import at_end
from services.ingestor.tests.venues.kit import captured, connected_core
from services.ingestor.tests.venues.stand import PATIENCE_SECONDS, Ledger
from services.ingestor.transport.publisher import Publisher
from services.ingestor.transport.raw import RawLog
from services.ingestor.transport.rest import VenueRest


class Session(NamedTuple):
    """A captured session: its files, and the grid of its symbol."""

    traded: Traded
    files: tuple[str, ...]
    known: str = ""


SESSIONS = {
    "binance-coinm": Session(
        Traded("BTCUSD_PERP", tick="0.1", lot="1"), ("binance/cm_btcusd_perp_20240808.gz",), "coinm"
    ),
    "bitmex": Session(Traded("XBTUSD", tick="0.5", lot="1"), ("bitmex/cryptofeed_BITMEX.ws.1.0.gz",)),
    "bybit": Session(Traded("XRPUSDT", tick="0.0001", lot="1"), ("bybit/ob500_XRPUSDT_20241201.jsonl.gz",), "bybit"),
    "cryptocom": Session(Traded("BTC_USD", tick="0.01", lot="0.00001"), ("cryptocom/ccxt_cryptocom_ws_trades.json",)),
    "hyperliquid": Session(Traded("BTC", tick="0.1", lot="0.00001"), ("hyperliquid/btc_20250126.gz",), "hyperliquid"),
    "kraken-inverse": Session(
        Traded("PI_ETHUSD", tick="0.05", lot="1"), ("kraken_futures/cryptofeed_KRAKEN_FUTURES.ws.1.0.gz",)
    ),
    "lighter": Session(
        Traded("ETH", tick="0.01", lot="0.0001"),
        ("lighter/order_book_0_ETH.jsonl.gz", "lighter/trade_0_ETH.jsonl.gz"),
        "lighter",
    ),
    "okx": Session(Traded("UNI-USD-SWAP", tick="0.001", lot="1"), ("okx/cryptofeed_OKX.ws.1.0.gz",)),
}
"""`known`: the capture whose end the fixtures state, which was worked out without the simulator."""
LONGEST_SECONDS = 120.0
"""The longest capture has 48,000 frames, which takes seconds where nobody else needs the machine."""
NUMBERED = ("binance-coinm", "bybit", "kraken-inverse", "lighter", "okx")
"""Where a lost change shows at the next one; OKX's of that time by their checksums."""


@dataclass
class Fed:
    """What the feed came to."""

    core: Core
    stage: CapturedStage
    ledger: Ledger

    def said(self, kind: type[events.MarketStruct]) -> list[Any]:
        return [each for each in self.ledger.events if isinstance(each, kind)]


def stage_of(name: str, faults: Sequence[str] = ()) -> CapturedStage:
    session, wanted = SESSIONS[name], Faults()
    for text in faults:
        wanted.add(text)
    twin = twins()[name]([session.traded])
    return CapturedStage(twin, Captured.of(twin, [captured(each) for each in session.files]), wanted, speed=0.0)


@asynccontextmanager
async def fed(name: str, faults: Sequence[str] = ()) -> AsyncIterator[Fed]:
    """The feed on the venue that plays its capture, until everything of it has been taken."""
    stage, venue, ledger, stopping = stage_of(name, faults), venues()[name], Ledger(), asyncio.Event()
    host = Host((), {}, captured=[stage], pulse_seconds=0.3)
    address = f"127.0.0.1:{await host.start()}/{name}"
    async with aiohttp.ClientSession() as session:
        rest, publisher = VenueRest(session, f"http://{address}", venue.limits), Publisher(ledger)
        instruments = await load_instruments(venue, rest, [SESSIONS[name].traded.symbol], {}, stopping)
        assert instruments is not None
        core = venue.core(instruments, {})
        assert isinstance(core, Core)
        feed = VenueFeed(core, rest, publisher, f"ws://{address}", first_delay=0.02)
        running, playing = asyncio.create_task(feed.run(stopping)), asyncio.create_task(host.play(wait=True))
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await playing
                while not all(member.drained for member in stage.members):  # noqa: ASYNC110 - as in `Stand.until`
                    await asyncio.sleep(0.005)
                await quiet(feed)
                await publisher.idle()
            yield Fed(core, stage, ledger)
        finally:
            stopping.set()
            playing.cancel()
            await host.stop()
            await asyncio.wait_for(running, PATIENCE_SECONDS)
            await asyncio.gather(playing, return_exceptions=True)


def directly(name: str, core: Core) -> list[Any]:
    """What another core says of the same frames without simulator and sockets."""
    stage, symbol = stage_of(name), SESSIONS[name].traded.symbol
    fresh = connected_core(venues()[name], core.symbols[symbol].instrument)
    return [each for frame, _ in stage.frames for each in fresh.frame(frame.raw, 1)] + [fresh]


def top(core: Core, name: str, levels: int) -> Any:
    sync = core.symbols[SESSIONS[name].traded.symbol].sync
    return sync.book.top(levels) if sync.joined and sync.book is not None else None


def trade_ids(said: Sequence[Any]) -> list[str]:
    return [each.trade_id for each in said if isinstance(each, events.Trade)]


@pytest.mark.parametrize("name", SESSIONS)
async def test_captured_frames_come_over_sockets_as_they_are(name: str) -> None:
    """ING-SIM-016"""
    async with fed(name) as played:
        assert played.core.counts["malformed"] == 0
        assert played.said(events.Gap) == []
        *direct, fresh = directly(name, played.core)
        assert trade_ids(played.said(events.Trade)) == trade_ids(direct)
        if known := SESSIONS[name].known:
            book = at_end(known).book
            assert book is not None
            # An answer of 1,000 levels does not know those that were beyond it.
            levels = 200 if name == "binance-coinm" else 10_000
            assert top(played.core, name, levels) == book.top(levels)
        elif name != "cryptocom":
            assert top(played.core, name, 10_000) == top(fresh, name, 10_000) != None  # noqa: E711
        else:
            assert trade_ids(direct)


@pytest.mark.parametrize("name", NUMBERED)
async def test_a_lost_captured_frame_is_said_and_the_book_is_joined_from_captured_frames(name: str) -> None:
    """ING-SIM-017"""
    books = [number for number, (_, (kind, _)) in enumerate(stage_of(name).frames) if kind == "book"]
    lost = books[len(books) // 2]
    async with fed(name) as undisturbed:
        whole, trades = top(undisturbed.core, name, 200), trade_ids(undisturbed.said(events.Trade))
    async with fed(name, [f"drop:{lost}"]) as played:
        assert len(played.said(events.Gap)) >= 1
        assert "resynced" in [each.quality for each in played.said(events.BookTop)]
        assert top(played.core, name, 200) == whole is not None
        assert trade_ids(played.said(events.Trade)) == trades


@pytest.mark.parametrize("path", sorted({path for session in SESSIONS.values() for path in session.files}))
def test_frames_are_the_files_own_bytes(path: str) -> None:
    """ING-SIM-018"""
    file = captured(path)
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
        whole, place = opened.read(), 0
    frames = list(frames_of(file))
    assert frames
    for frame in frames:
        place = whole.find(frame.raw, place)
        assert place >= 0, frame.raw[:80]
        json.loads(frame.raw)
    assert [frame.at for frame in frames] == sorted(frame.at for frame in frames)


def test_what_the_feed_keeps_itself_can_be_played(tmp_path: Path) -> None:
    """ING-SIM-018"""
    pytest.importorskip("zstandard")
    kept = RawLog(tmp_path, "bybit")
    told = [b'{"topic":"orderbook.500.XRPUSDT","n":%d}' % number for number in range(3)]
    for number, frame in enumerate(told):
        kept.keep(frame, 1_700_000_000_000_000 + number)
    kept.keep(b'{"op":"pong"}', 1_700_000_000_000_009)
    kept.close()
    (path,) = tmp_path.rglob("*.frames.zst")
    (stage,) = captured_of([f"bybit=XRPUSDT,0.0001,1,{path}"], {}, 0.0)
    assert [(frame.at, frame.raw) for frame, _ in stage.frames] == [
        (1_700_000_000_000_000_000 + number * 1_000, frame) for number, frame in enumerate(told)
    ]


def test_what_is_no_capture_is_refused_with_its_place(tmp_path: Path) -> None:
    """ING-SIM-018"""
    path = tmp_path / "frames.txt"
    for text, reason in (("1700000000000000000 {}\nhello\n", "line 2: no frame"), ('{"ts":5}\n', "no frame is of")):
        path.write_text(text)
        with pytest.raises(ValueError, match=reason):
            captured_of([f"bybit=XRPUSDT,0.0001,1,{path}"], {}, 0.0)
    for wrong in ("nowhere=X,1,1,f", "bybit=XRPUSDT", "bybit"):
        with pytest.raises(ValueError, match="NAME=SYMBOL,TICK,LOT,FILE"):
            captured_of([wrong], {}, 0.0)
