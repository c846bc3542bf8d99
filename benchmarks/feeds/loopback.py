"""Seven venues at once, played by a process of its own (`player`): frames a second of a core, and how soon out.

ccxt.pro reads the same frames in turn with the feed, each in a process of its own, both on uvloop. What is compared is
the same work: every frame decoded, every book kept, and what was made of it handed to a consumer in the process. What
the feed does on top of that, encoding and publishing each event, has a row of its own.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

from benchmarks.feeds.venues import SYMBOLS, asked_by
from benchmarks.report import Row, median, percentile
from services.ingestor.adapters.venue import venues
from services.ingestor.feed import load_instruments
from services.ingestor.transport.rest import VenueRest

ROOT: Final = Path(__file__).parents[2]
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
ROUNDS: Final = 3
RATE: Final = 20_000
BURSTS: Final = "in the bursts of one market that all venues tell at once"
HANDED, PUBLISHED, PACED = "handed", "published", "paced"
"""What the feed does with its events."""


async def loopback_rows(peers: str | None) -> list[Row]:
    """As fast as either reads, in turn; then the feed at a rate."""
    ours: list[float] = []
    published: list[float] = []
    theirs: list[float] = []
    async with _player() as address:
        for _ in range(ROUNDS):
            ours.append(_rate(await _ours(address, HANDED)))
            if peers is not None:
                theirs.append(_rate(await _peer(peers, address)))
            published.append(_rate(await _ours(address, PUBLISHED)))
        paced = {pace: await _ours(address, PACED, pace) for pace in ("even", "market")}
    note = "seven venues; decoded, booked, handed to a consumer"
    rows = [Row("feeds.loopback.per_core", round(median(ours)), "frames/s", note=note)]
    if theirs:
        ratio = median([mine / other for mine, other in zip(ours, theirs, strict=True)])
        rows.append(Row("feeds.loopback.per_core.ccxt", round(median(theirs)), "frames/s", note=note))
        rows.append(Row("feeds.loopback.over_ccxt", round(median(ours)), "frames/s", "ccxt", ratio, ">= 6"))
    note = "the same, and every event encoded and published"
    rows.append(Row("feeds.loopback.published", round(median(published)), "frames/s", note=note))
    if theirs:
        ratio = median([mine / other for mine, other in zip(published, theirs, strict=True)])
        rows.append(Row("feeds.loopback.published.over_ccxt", round(median(published)), "frames/s", "ccxt", ratio))
    return [*rows, *_delay_rows("", "evenly", paced["even"], "< 5"), *_delay_rows(".bursts", BURSTS, paced["market"])]


def _rate(found: dict[str, Any]) -> float:
    return float(found["frames"] / found["seconds"])


def _delay_rows(kind: str, how: str, paced: dict[str, Any], aim: str = "") -> list[Row]:
    """Of every event from its receipt to the call that publishes it, and of every frame on its way in."""
    waits, ways, name = paced["waits"], paced["ways"], f"feeds.loopback{kind}"
    note = f"{len(waits)} events of {paced['frames']} frames, {RATE} a second of seven venues, {how}"
    way = "from the write of the player to the receipt: kernel, event loop and what stands before it in line"
    return [
        Row(f"{name}.publish.p50", percentile(waits, 0.5) / 1_000, "ms", note=note),
        Row(f"{name}.publish.p99", percentile(waits, 0.99) / 1_000, "ms", aim=aim, note=note),
        Row(f"{name}.receive.p99", percentile(ways, 0.99) / 1_000, "ms", note=way),
    ]


@asynccontextmanager
async def _player() -> AsyncIterator[str]:
    """The venues in a process of their own; where they are."""
    process = await _started(sys.executable, "-m", "benchmarks.feeds.player")
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _started(*command: str) -> asyncio.subprocess.Process:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "libs" / "common")))
    return await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, stdout=asyncio.subprocess.PIPE, limit=1 << 26
    )


async def _played(
    process: asyncio.subprocess.Process, address: str, rate: int, pace: str
) -> tuple[dict[str, Any], Any]:
    """What the reader says of a session that begins when it has connected to every venue, and what the player says."""
    reading = asyncio.create_task(process.communicate())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        while True:
            async with session.get(f"http://{address}/clients") as answer:
                if await answer.json() == len(SYMBOLS):
                    break
            if reading.done():
                raise RuntimeError("the reader ended before it began")
            await asyncio.sleep(0.1)
        async with session.get(f"http://{address}/play", params={"rate": rate, "pace": pace}) as answer:
            played = await answer.json()
        said, _ = await reading
        while True:
            async with session.get(f"http://{address}/clients") as answer:
                if not await answer.json():
                    return json.loads(said.splitlines()[-1]), played
            await asyncio.sleep(0.1)


async def _ours(address: str, way: str, pace: str = "") -> dict[str, Any]:
    """The feed. Raises RuntimeError when it has not read all, or a book is not whole."""
    process = await _started(sys.executable, "-m", "benchmarks.feeds.subjects.ours_venues", address, way)
    found, played = await _played(process, address, RATE if way == PACED else 0, pace)
    if found["frames"] != played["frames"] or found["lacking"]:
        raise RuntimeError(f"read {found['frames']} of {played['frames']} frames, without a book: {found['lacking']}")
    if way == PACED:
        found["ways"] = [each for name, log in played["sent"].items() for each in _ways(log, found["received"][name])]
    return found


def _ways(sent: list[tuple[int, int]], received: list[int]) -> list[int]:
    """How long each frame took from its write to its receipt, microseconds."""
    writes = iter(sent)
    at, until = next(writes)
    found = []
    for number, came in enumerate(received):
        while number >= until:
            at, until = next(writes, (at, len(received)))
        found.append(came - at)
    return found


async def _peer(python: str, address: str) -> dict[str, Any]:
    """ccxt. Raises RuntimeError when it cannot handle some frames, has not read all, or has no book of a venue."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({name: await _told(name, address) for name in SYMBOLS}, file)
        file.flush()
        process = await _started(python, "-m", "benchmarks.feeds.subjects.ccxt_venues", file.name)
        found, played = await _played(process, address, 0, "")
    lacking = [name for name, books in found["books"].items() if not books or len(books[0]) < 2]
    if found["errors"] or lacking or found["frames"] < played["frames"]:
        raise RuntimeError(f"ccxt: {found['frames']} frames, {found['errors']}, without a book: {lacking}")
    return found


async def _told(name: str, address: str) -> dict[str, Any]:
    """What ccxt must know of a venue; it asks for the same streams as the feed."""
    venue, (exchange, symbol) = venues()[name], THEIRS[name]
    async with aiohttp.ClientSession() as session:
        rest = VenueRest(session, f"http://{address}/{name}")
        instruments = await load_instruments(venue, rest, [SYMBOLS[name]], {}, asyncio.Event())
    assert instruments is not None
    found = instruments[0]
    precision = {"price": float(found.tick_size), "amount": float(found.size_step or found.lot_size)}
    return {
        "exchange": exchange,
        "url": f"ws://{address}/{name}{PATHS.get(name, '')}",
        "frames": asked_by(venue.core(instruments, {}), name),
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
