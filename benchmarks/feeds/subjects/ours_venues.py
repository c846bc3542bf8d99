"""The feed on seven venues at once: `python -m benchmarks.feeds.subjects.ours_venues ADDRESS handed|published|paced`.

Prints what it took when no more comes. handed: each event goes to a consumer in the process; published: the publisher
encodes it for a bus that acknowledges at once; paced: so, and notes when each frame came and each event went.
"""

import asyncio
import json
import re
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import uvloop
from cleartide.service.memory import expect_batches, keep_state
from nats.js.api import PubAck

from benchmarks.feeds.turn import first_on
from benchmarks.feeds.venues import SYMBOLS
from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.venue import venues
from services.ingestor.feed import VenueFeed, load_instruments, now_micros
from services.ingestor.transport.publisher import Publisher
from services.ingestor.transport.rest import VenueRest

QUIET_SECONDS: Final = 2.0
READER_CORE: Final = 1
_RECEIVED: Final = re.compile(rb'"received_at":(\d+)')


@dataclass
class Bus:
    """Acknowledges at once; keeps what it was given, and when."""

    messages: list[tuple[int, bytes]] = field(default_factory=list)

    async def publish(
        self,
        subject: str,  # noqa: ARG002
        payload: bytes,
        timeout: float,  # noqa: ARG002
        stream: str,
        headers: dict[str, str],  # noqa: ARG002
    ) -> PubAck:
        """Take a message of any subject."""
        self.messages.append((now_micros(), payload))
        return PubAck(stream=stream, seq=len(self.messages))

    @property
    def waits(self) -> list[int]:
        """How long each event was under way, microseconds."""
        return [at - int(found) for at, payload in self.messages for found in _RECEIVED.findall(payload)]


class Consumer(Publisher):
    """Takes events where the publisher would."""

    count = 0

    def put(self, event: MarketStruct) -> None:  # noqa: ARG002
        """One event."""
        self.count += 1


class Timed(VenueFeed):
    """Notes when frames came."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.times: list[int] = []

    def received(self, data: bytes) -> None:
        """One more."""
        self.times.append(now_micros())
        super().received(data)


async def main(address: str, way: str) -> None:
    """Follow every venue until none sends any more."""
    expect_batches()
    bus, stopping = Bus(), asyncio.Event()
    feeds: dict[str, VenueFeed] = {}
    cores: dict[str, Any] = {}
    turn = ExitStack()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for name, symbol in SYMBOLS.items():
            rest, venue = VenueRest(session, f"http://{address}/{name}"), venues()[name]
            instruments = await load_instruments(venue, rest, [symbol], {}, stopping)
            assert instruments is not None
            core = cores[name] = venue.core(instruments, {})
            publisher = Consumer(bus) if way == "handed" else Publisher(bus)
            kind = Timed if way == "paced" else VenueFeed
            feeds[name] = kind(core, rest, publisher, f"ws://{address}/{name}")
        keep_state()
        for feed in feeds.values():
            group.create_task(feed.run(stopping))
        await asyncio.sleep(0)
        started, before = time.process_time(), -1
        if way == "paced":
            turn.enter_context(first_on(READER_CORE))
        while (frames := sum(feed.frames for feed in feeds.values())) != before or frames < 100:
            before = frames
            await asyncio.sleep(QUIET_SECONDS)
        seconds = time.process_time() - started
        lacking = [name for name, core in cores.items() if not all(each.synced for each in core.symbols.values())]
        turn.close()
        stopping.set()
    found = {"frames": frames, "seconds": seconds, "lacking": lacking}
    if way == "paced":
        found["waits"] = bus.waits
        found["received"] = {name: feed.times for name, feed in feeds.items() if isinstance(feed, Timed)}
    print(json.dumps(found))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
