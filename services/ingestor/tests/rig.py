"""The feed on real sockets: a venue on loopback, the real NATS server, and what arrived on the MARKET stream."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiohttp
from cleartide.contracts import Message
from nats.aio.client import Client

from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.feed import VenueFeed
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import RECORDED, Host
from services.ingestor.simulator.recording import Recording
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.tests.support import BTCUSDT, RECORDING, SYMBOL
from services.ingestor.transport.publisher import Publisher
from services.ingestor.transport.rest import VenueRest
from tests.support.servers import Broker
from tests.support.streams import events_of

SPEED = 20.0
QUIET_TURNS = 20
Top = tuple[list[tuple[int, int]], list[tuple[int, int]]]


@cache
def first_lines(last_line: int) -> Recording:
    """The start of the bundled recording."""
    return Recording(RECORDING, last_line)


@asynccontextmanager
async def venue(
    last_line: int = 3_999,
    faults: Sequence[str] = (),
    pace: Pace | None = None,
    lifetime: float = 3_600,
    wait: bool = True,
) -> AsyncIterator[tuple[Replay, str]]:
    """A simulated venue that plays once somebody subscribes; yields the replay and where it is."""
    wanted = Faults()
    for text in faults:
        wanted.add(text)
    replay = Replay(first_lines(last_line), pace or Pace(SPEED), wanted)
    server = Host([replay], {RECORDED: ()}, lifetime=lifetime)
    port = await server.start()
    playing = asyncio.create_task(replay.run(server.subscribed if wait else None))
    try:
        yield replay, f"127.0.0.1:{port}/{RECORDED}"
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await server.stop()


async def quiet(feed: VenueFeed) -> None:
    """Wait until no frame comes any more. Venue and feed share one loop: what is under way comes as it turns."""
    frames, turns = feed.frames, 0
    while turns < QUIET_TURNS:
        await asyncio.sleep(0.005)
        turns = turns + 1 if frames == feed.frames else 0
        frames = feed.frames


@dataclass
class Rig:
    """A running feed."""

    replay: Replay
    feed: VenueFeed
    core: UsdmCore
    publisher: Publisher
    rest: VenueRest
    client: Client
    stopping: asyncio.Event
    running: "asyncio.Task[None]"
    final_top: Top = ([], [])

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.core.counts, self.core.heartbeat(0), self.replay.position)
            await asyncio.sleep(0.005)

    async def over(self) -> None:
        """Wait until the replay is over and its last frame has come."""
        await self.until(self.replay.finished.is_set)
        await quiet(self.feed)

    async def played(self) -> None:
        """Wait until the replay is over and the book holds its last update, note its top, then stop the feed."""
        await self.over()
        await self.until(lambda: self.book_update == self.replay.market.last)
        book = self.core.symbol(SYMBOL).sync.book
        assert book is not None
        self.final_top = book.top(20)
        await self.stop()

    async def stop(self) -> None:
        """Stop as the service does."""
        self.stopping.set()
        await self.running
        assert self.publisher.pending == 0

    @property
    def book_update(self) -> int:
        """The update that the feed's book holds."""
        sync = self.core.symbol(SYMBOL).sync
        return sync.last if sync.joined else 0

    async def said(self, kind: str = "") -> list[Any]:
        """What is on the MARKET stream, in order; of one contract if named."""
        return [event async for event in events_of(self.client, "MARKET") if not kind or _is(event, kind)]


def _is(event: Message, kind: str) -> bool:
    return event.type == kind


@asynccontextmanager
async def feeding(broker: Broker, replay: Replay, address: str, **limits: float) -> AsyncIterator[Rig]:
    """The feed on a simulated venue and a NATS server."""
    async with broker.client("ingestor") as client, broker.client() as operator, aiohttp.ClientSession() as session:
        core, rest = UsdmCore([BTCUSDT]), VenueRest(session, f"http://{address}")
        publisher = Publisher(client.jetstream())
        feed = VenueFeed(core, rest, publisher, f"ws://{address}", **{"first_delay": 0.02, **limits})
        stopping = asyncio.Event()
        running = asyncio.create_task(feed.run(stopping))
        rig = Rig(replay, feed, core, publisher, rest, operator, stopping, running)
        try:
            yield rig
        finally:
            stopping.set()
            await asyncio.wait_for(running, 30)
