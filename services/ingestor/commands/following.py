"""Venues followed by a command itself: the service's feed on real sockets, heard in this process, without a bus."""

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from cleartide.console import CommandError
from nats.js.api import PubAck

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.venue import Venue
from services.ingestor.commands.venues import addresses, instruments, rest_clients
from services.ingestor.feed import VenueFeed
from services.ingestor.settings import IngestorSettings
from services.ingestor.transport.publisher import Publisher

Key = tuple[str, str]
Event = Mapping[str, Any]
TRADES_KEPT: Final = 100_000


@dataclass
class Heard:
    """What the feeds have said so far: of each instrument the newest event of each kind, and the last trades."""

    instruments: dict[Key, Instrument] = field(default_factory=dict)
    newest: dict[Key, dict[str, Event]] = field(default_factory=lambda: defaultdict(dict))
    trades: dict[Key, deque[Event]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=TRADES_KEPT)))
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: Event) -> None:
        """One event of a venue."""
        key = event["venue"], event["symbol"]
        self.newest[key][event["type"]] = event
        if event["type"] == "VenueTrade":
            self.trades[key].append(event)
        self.changed.set()

    async def until(self, enough: Callable[["Heard"], bool], seconds: float) -> bool:
        """Wait until what is heard is enough; False when it is not after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while not enough(self):
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True


class _InProcess:
    """The bus of a feed that nobody else is to hear: what is published is taken, and acknowledged at once."""

    def __init__(self, heard: Heard) -> None:
        self._heard, self._numbers = heard, itertools.count(1)

    async def publish(
        self,
        subject: str,  # noqa: ARG002 - the events name venue and symbol themselves
        payload: bytes,
        timeout: float,  # noqa: ARG002
        stream: str,
        headers: dict[str, str],  # noqa: ARG002
    ) -> PubAck:
        """`JetStream.publish`."""
        for event in msgspec.json.decode(payload, type=list[dict[str, Any]]):
            self._heard.take(event)
        return PubAck(stream=stream, seq=next(self._numbers), duplicate=False)


@asynccontextmanager
async def followed(
    venues: Sequence[Venue], symbols: Sequence[str], arguments: Any, *, liquidity_micros: int = 1_000_000
) -> AsyncIterator[Heard]:
    """Follow these symbols at these venues while the block runs. Raises CommandError for what a venue does not list."""
    heard, stopping = Heard(), asyncio.Event()
    async with rest_clients(venues, arguments) as rests:
        feeds: list[VenueFeed] = []
        for venue in venues:
            found = await instruments(venue, rests[venue.name], symbols)
            heard.instruments |= {(venue.name, each.symbol): each for each in found}
            feeds.append(_feed(venue, found, rests[venue.name], arguments, heard, liquidity_micros))
        running = [asyncio.create_task(each.run(stopping)) for each in feeds]
        try:
            yield heard
        finally:
            stopping.set()
            await asyncio.gather(*running)


def _feed(
    venue: Venue, found: Sequence[Instrument], rest: Any, arguments: Any, heard: Heard, liquidity_micros: int
) -> VenueFeed:
    given = IngestorSettings().venues.get(venue.name)
    core = venue.core(list(found), given.options if given else {})
    core.measure_liquidity(liquidity_micros)
    socket_url, _ = addresses(venue, arguments)
    return VenueFeed(core, rest, Publisher(_InProcess(heard)), socket_url)


def require(complete: bool, missing: Sequence[Key], seconds: float, what: str) -> None:
    """Raises CommandError that names what did not come in time."""
    if not complete:
        names = ", ".join(f"{venue} {symbol}" for venue, symbol in missing)
        raise CommandError(f"no {what} of {names} within {seconds:g} s")
