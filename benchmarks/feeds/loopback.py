"""Seven venues at once from the simulator in a process of its own: frames a second of a core, and how soon out.

ccxt.pro reads the same venues in turn with the feed, each in a process of its own.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from nats.js.api import PubAck

from benchmarks.report import Row, median, percentile
from deploy.local.table import RECORDING
from services.ingestor.adapters.protocol import Send
from services.ingestor.adapters.venue import venues
from services.ingestor.feed import VenueFeed, load_instruments, now_micros
from services.ingestor.transport.publisher import Publisher
from services.ingestor.transport.rest import VenueRest

ROOT: Final = Path(__file__).parents[2]
SYMBOLS: Final = {
    "aster": "BTCUSDT",
    "bybit": "BTCUSDT",
    "cryptocom": "BTCUSD-PERP",
    "hyperliquid": "BTC",
    "kucoin": "XBTUSDTM",
    "lighter": "BTC",
    "paradex": "BTC-USD-PERP",
}
THEIRS: Final = {
    "aster": ("aster", "BTC/USDT:USDT"),
    "bybit": ("bybit", "BTC/USDT:USDT"),
    "cryptocom": ("cryptocom", "BTC/USD:USD"),
    "hyperliquid": ("hyperliquid", "BTC/USDC:USDC"),
    "kucoin": ("kucoin", "BTC/USDT:USDT"),
    "lighter": ("lighter", "BTC/USDC:USDC"),
    "paradex": ("paradex", "BTC/USD:USDC"),
}
"""ccxt's names of the venues and of their symbols."""
PATHS: Final = {"aster": "/fstream", "bybit": "/v5/public/linear"}
"""By which it knows the kind of market."""
WELCOME: Final = b'{"id":"1","type":"welcome"}'
"""After which KuCoin is subscribed to."""
ROUNDS: Final = 3
LINES: Final = 15_000
PACE: Final = 6.5
"""Twenty thousand frames a second of all venues together."""
_RECEIVED: Final = b'"received_at":'


@dataclass
class Bus:
    """Acknowledges at once, and notes how long ago the newest event of each message was received."""

    events: int = 0
    waits: list[int] = field(default_factory=list)

    async def publish(
        self, subject: str, payload: bytes, timeout: float, stream: str, headers: dict[str, str]
    ) -> PubAck:
        """Take a message of any subject."""
        del subject, timeout, headers
        start = payload.rfind(_RECEIVED) + len(_RECEIVED)
        self.waits.append(now_micros() - int(payload[start : payload.index(b",", start)]))
        self.events += payload.count(_RECEIVED)
        return PubAck(stream=stream, seq=len(self.waits))


async def loopback_rows(peers: str | None) -> list[Row]:
    """As fast as either reads, in turn; then the feed at so many times the market's own pace."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        frames, seconds, _ = await _played("max")
        ours.append(frames / seconds)
        if peers is not None:
            theirs.append(await _peer(peers))
    paced, _, bus = await _played(str(PACE))
    rate, note = round(median(ours)), f"{paced:.0f} frames at {PACE:g} times the market's pace"
    rows = [Row("feeds.loopback.per_core", rate, "frames/s", note="decoded, booked, encoded; seven venues")]
    if theirs:
        peer = round(median(theirs))
        ratio = median([mine / other for mine, other in zip(ours, theirs, strict=True)])
        rows.append(
            Row("feeds.loopback.per_core.ccxt", peer, "frames/s", note="decoded, booked, awaited; seven venues")
        )
        rows.append(Row("feeds.loopback.over_ccxt", rate, "frames/s", "ccxt", ratio, ">= 6"))
    return [
        *rows,
        Row("feeds.loopback.publish.p50", percentile(bus.waits, 0.5) / 1_000, "ms", note=note),
        Row("feeds.loopback.publish.p99", percentile(bus.waits, 0.99) / 1_000, "ms", aim="< 5", note=note),
    ]


async def _played(speed: str) -> tuple[int, float, Bus]:
    """Frames received, the processor time that they took, and what was published."""
    async with _simulated(speed) as address:
        return await _followed(address)


@asynccontextmanager
async def _simulated(speed: str) -> AsyncIterator[str]:
    """The venues in a process of their own; where they are."""
    arguments = [text for name, symbol in SYMBOLS.items() for text in ("--venue", f"{name}={symbol}")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.ingestor.simulator", "--recording", str(RECORDING), "--wait", *arguments),
        *("--until-line", str(LINES), "--speed", speed, "--lifetime", "600"),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "libs" / "common")))},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().split("ws://")[1].split("/")[0]
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _peer(python: str) -> float:
    """ccxt's frames a second of a core. Raises RuntimeError when it cannot handle some, or has no book of a venue."""
    async with _simulated("max") as address:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({name: await _told(name, address) for name in SYMBOLS}, file)
            file.flush()
            process = await asyncio.create_subprocess_exec(
                *(python, "-m", "benchmarks.feeds.subjects.ccxt_venues", file.name),
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=asyncio.subprocess.PIPE,
            )
            said, _ = await process.communicate()
    found: dict[str, Any] = json.loads(said)
    lacking = [name for name, books in found["books"].items() if not books or len(books[0]) < 2]
    if found["errors"] or lacking:
        raise RuntimeError(f"ccxt: {found['errors']}, without a book: {lacking}")
    return float(found["frames"] / found["seconds"])


async def _told(name: str, address: str) -> dict[str, Any]:
    """What ccxt must know of a venue; it asks for the same streams as the feed."""
    venue, (exchange, symbol) = venues()[name], THEIRS[name]
    async with aiohttp.ClientSession() as session:
        rest = VenueRest(session, f"http://{address}/{name}")
        instruments = await load_instruments(venue, rest, [SYMBOLS[name]], {}, asyncio.Event())
    assert instruments is not None
    core = venue.core(instruments, {})
    (route,) = core.routes
    outputs = [*core.connected(route.name, 0), *(core.frame(WELCOME, 0) if name == "kucoin" else ())]
    frames = [text for each in outputs if isinstance(each, Send) for text in each.frames]
    found = instruments[0]
    precision = {"price": float(found.tick_size), "amount": float(found.size_step or found.lot_size)}
    return {
        "exchange": exchange,
        "url": f"ws://{address}/{name}{PATHS.get(name, '')}",
        "frames": frames,
        "market": _market(found.code or found.symbol, symbol) | {"precision": precision},
    }


def _market(ident: str, symbol: str) -> dict[str, Any]:
    """A linear perpetual as ccxt has it."""
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    names = {"base": base, "quote": quote, "settle": settle, "baseId": base, "quoteId": quote, "settleId": settle}
    kinds = {"type": "swap", "spot": False, "swap": True, "future": False, "option": False, "contract": True}
    sides = {"linear": True, "inverse": False, "subType": "linear", "active": True, "contractSize": 1.0}
    return {"id": ident, "symbol": symbol, **names, **kinds, **sides, "limits": {}, "info": {}}


async def _followed(address: str) -> tuple[int, float, Bus]:
    bus, stopping = Bus(), asyncio.Event()
    received = _Count()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for name, symbol in SYMBOLS.items():
            rest, venue = VenueRest(session, f"http://{address}/{name}"), venues()[name]
            instruments = await load_instruments(venue, rest, [symbol], {}, stopping)
            assert instruments is not None
            feed = _Counted(venue.core(instruments, {}), rest, Publisher(bus), f"ws://{address}/{name}")
            feed.count = received
            group.create_task(feed.run(session, stopping))
        started, before = time.process_time(), -1
        while received.frames != before or not before:
            before = received.frames
            await asyncio.sleep(1.0)
        seconds = time.process_time() - started
        stopping.set()
    return received.frames, seconds, bus


@dataclass
class _Count:
    frames: int = 0


class _Counted(VenueFeed):
    count: _Count

    def received(self, data: bytes) -> None:
        """One more."""
        self.count.frames += 1
        super().received(data)
