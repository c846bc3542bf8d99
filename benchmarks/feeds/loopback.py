"""Seven venues at once from the simulator in a process of its own: frames a second of a core, and how soon out."""

import asyncio
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from nats.js.api import PubAck

from benchmarks.report import Row, percentile
from deploy.local.table import RECORDING
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


async def loopback_rows() -> list[Row]:
    """As fast as the feed reads, then at five times the market's own pace."""
    frames, seconds, _ = await _played("max")
    paced, _, bus = await _played(str(PACE))
    note = f"{paced:.0f} frames at {PACE:g} times the market's pace"
    return [
        Row(
            "feeds.loopback.per_core",
            round(frames / seconds),
            "frames/s",
            note="decoded, booked, encoded; seven venues",
        ),
        Row("feeds.loopback.publish.p50", percentile(bus.waits, 0.5) / 1_000, "ms", note=note),
        Row("feeds.loopback.publish.p99", percentile(bus.waits, 0.99) / 1_000, "ms", aim="< 5", note=note),
    ]


async def _played(speed: str) -> tuple[int, float, Bus]:
    """Frames received, the processor time that they took, and what was published."""
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
        address = (await process.stdout.readline()).decode().split("ws://")[1].split("/")[0]
        return await _followed(address)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


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
