"""A simulated venue with the real feed on real sockets, and the same venue's frames given straight to a core."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from nats.js.api import PubAck

from services.ingestor.adapters import events
from services.ingestor.adapters.core import Core
from services.ingestor.adapters.events import STRUCTS, MarketStruct
from services.ingestor.adapters.protocol import FetchSnapshot, Output, Request, Send
from services.ingestor.adapters.venue import Venue, venues
from services.ingestor.feed import VenueFeed, load_instruments
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import Host
from services.ingestor.simulator.moves import Kind, Move
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.stage import Member, Stage
from services.ingestor.simulator.twin import Ask, Topic, Traded, Twin, twins
from services.ingestor.simulator.views import BookSource
from services.ingestor.tests.rig import Top, first_lines, quiet
from services.ingestor.transport.publisher import Publisher
from services.ingestor.transport.rest import VenueRest

PATIENCE_SECONDS = 30.0
WHOLE_BOOKS = ("hyperliquid",)
"""Where each frame is a whole book, twice a second: the newest may be a little behind, and a lost one costs nothing."""
_KINDS = {struct.contract.__name__: struct for struct in STRUCTS}


@dataclass
class Ledger:
    """Where the publisher's messages go: what was published, in order."""

    events: list[Any] = field(default_factory=list)

    async def publish(
        self, subject: str, payload: bytes, timeout: float, stream: str, headers: dict[str, str]
    ) -> PubAck:
        rows = msgspec.json.decode(payload, type=list[dict[str, Any]])
        self.events += [msgspec.convert(row, _KINDS[row["type"]]) for row in rows]
        return PubAck(stream=stream, seq=len(self.events))


@dataclass
class Stand:
    """A running feed and the venue that it listens to."""

    venue: Venue
    symbol: str
    replay: Replay
    feed: VenueFeed
    stage: Stage
    core: Core
    ledger: Ledger
    publisher: Publisher
    rest: VenueRest

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, (self.core.counts, self.core.heartbeat(0), self.stage.count)
            await asyncio.sleep(0.005)

    async def played(self) -> None:
        """Wait until the replay is over and everything of it has been published."""
        await self.until(self.replay.finished.is_set)
        await self.until(lambda: self.is_settled)
        await quiet(self.feed)
        await self.publisher.idle()

    @property
    def is_settled(self) -> bool:
        """Whether no frame is on its way and the feed's book is the market's."""
        quiet = all(member.drained for member in self.stage.members)
        top = top_of(self.core, self.symbol)
        return quiet and (bool(top[0]) if self.venue.name in WHOLE_BOOKS else top == self.true_top)

    @property
    def true_top(self) -> Top:
        """The best levels of the market, in the instrument's ticks and lots."""
        instrument = self.core.symbols[self.symbol].instrument
        bids, asks = (
            [(instrument.prices[price], instrument.sizes[size]) for price, size in side]
            for side in self.stage.views[self.symbol].top(20)
        )
        return bids, asks

    @property
    def is_ready(self) -> bool:
        """Whether the feed's book is the market's, or waits for no more than the next change."""
        sync = self.core.symbols[self.symbol].sync
        return self.is_settled or (sync.book is not None and not sync.joined)

    @property
    def is_back(self) -> bool:
        """Whether a closed socket has been said and another has subscribed to everything."""
        said = [each.status for each in self.said(events.Status) if "heartbeat" not in each.id]
        if "disconnected" not in said or "connected" not in said[said.index("disconnected") :]:
            return False
        wanted = {(kind, self.symbol) for kind in self.stage.twin.kinds}
        return any(member.topics >= wanted for member in self.stage.members)

    def pause_at(self, *numbers: int) -> None:
        """Let the market wait at these frames until the feed is ready, so that faults come one at a time."""
        self.replay.listeners.append(_Gate(self, list(numbers), lambda: self.is_ready))

    def pause_until_back_at(self, number: int) -> None:
        """Let the market wait at this frame for a socket in place of the closed one; books may begin with a change."""
        self.replay.listeners.append(_Gate(self, [number], lambda: self.is_back))

    def has_said(self, kind: type[MarketStruct], count: int) -> bool:
        """Whether that much of one kind was published."""
        return len(self.said(kind)) >= count

    def said(self, kind: type[MarketStruct]) -> list[Any]:
        """What was published of one kind."""
        return [event for event in self.ledger.events if isinstance(event, kind)]


@dataclass
class _Gate:
    """Listens to the market after the venue does."""

    stand: Stand
    numbers: list[int]
    ready: Callable[[], bool]

    async def begin(self, number: int) -> None:
        """Nothing to wait for."""

    async def take(self, move: Move) -> None:
        """Wait at the next number."""
        if self.numbers and self.stand.stage.count >= self.numbers[0]:
            self.numbers.pop(0)
            await self.stand.until(self.ready)


def top_of(core: Core, symbol: str) -> Top:
    """The best levels of a core's book, none while it is not joined."""
    sync = core.symbols[symbol].sync
    return sync.book.top(20) if sync.joined and sync.book is not None else ([], [])


@asynccontextmanager
async def standing(
    name: str,
    lines: int,
    faults: Sequence[str] = (),
    speed: float = 0.0,
    traded: Sequence[Traded] = (),
    **limits: float,
) -> AsyncIterator[Stand]:
    """The feed on the simulated venue, which plays once the feed has subscribed: as fast as it reads, or at `speed`.

    traded: other symbols than the venue's own, of which the stand looks at the first.
    """
    wanted = Faults()
    for text in faults:
        wanted.add(text)
    replay = Replay(first_lines(lines), Pace(speed))
    host = Host([replay], {name: traded}, {name: wanted}, pulse_seconds=0.3)
    address = f"127.0.0.1:{await host.start()}/{name}"
    playing, stopping = asyncio.create_task(replay.run(host.subscribed)), asyncio.Event()
    stage, venue, ledger = host.stages[name], venues()[name], Ledger()
    symbol = stage.twin.traded[0].symbol
    async with aiohttp.ClientSession() as session:
        rest, publisher = VenueRest(session, f"http://{address}", venue.limits), Publisher(ledger)
        symbols = [each.symbol for each in stage.twin.traded]
        instruments = await load_instruments(venue, rest, symbols, {}, stopping)
        assert instruments is not None
        core = venue.core(instruments, {})
        assert isinstance(core, Core)
        feed = VenueFeed(core, rest, publisher, f"ws://{address}", **{"first_delay": 0.02, **limits})
        running = asyncio.create_task(feed.run(stopping))
        try:
            yield Stand(venue, symbol, replay, feed, stage, core, ledger, publisher, rest)
        finally:
            stopping.set()
            playing.cancel()
            await host.stop()
            await asyncio.wait_for(running, PATIENCE_SECONDS)
            await asyncio.gather(playing, return_exceptions=True)


class Counting(Stage):
    """A stage that notes what kind of data each of its frames is, and of which symbol."""

    def __init__(self, twin: Twin, source: BookSource) -> None:
        super().__init__(twin, source)
        self.kinds: list[Kind] = []
        self.symbols: list[str] = []

    def numbers(self, kind: Kind, after: int = 0) -> list[int]:
        """The numbers of the frames of one kind from `after` on."""
        return [number for number, each in enumerate(self.kinds) if each == kind and number >= after]

    async def _send(self, topic: Topic, raw: bytes) -> None:
        self.kinds.append(topic[0])
        self.symbols.append(topic[1])
        await super()._send(topic, raw)


class Scribe(Member):
    """A client without a socket: gives each frame to a core and does at once what the core asks for."""

    def __init__(self, core: Core, stage: Stage) -> None:
        self.topics, self.answered = set(), True
        self._core, self._stage = core, stage
        self._wishes: list[str] = []
        self.out: list[MarketStruct] = []

    async def send(self, raw: bytes) -> None:
        """One frame of the venue."""
        self.take(self._core.frame(raw, 1))

    def take(self, outputs: Sequence[Output]) -> None:
        """Keep events, carry out commands; what is sent waits for `speak`."""
        for output in outputs:
            if isinstance(output, MarketStruct):
                self.out.append(output)
            elif isinstance(output, Send):
                self._wishes += output.frames
            elif isinstance(output, FetchSnapshot):
                answer = self._stage.twin.http(asked(output.request), self._stage.views)
                assert answer is not None
                self.take(self._core.snapshot(output.symbol, answer, 1))

    async def speak(self) -> None:
        """Send what the core wants to say."""
        while self._wishes:
            await self._stage.hear(self, self._wishes.pop(0))


def asked(request: Request) -> Ask:
    """A request as the twin sees it."""
    query = {name: str(value) for name, value in request.parameters.items()}
    return Ask(request.method, request.path, query, request.body.encode(), "venue")


_told: dict[tuple[str, int], tuple[Core, list[MarketStruct], "Counting"]] = {}


async def directly(name: str, lines: int) -> tuple[Core, list[MarketStruct], Counting]:
    """A core that is fed without sockets, what it said, and what it was fed."""
    if (name, lines) in _told:
        return _told[name, lines]
    replay = Replay(first_lines(lines), Pace(0.0))
    stage, venue = Counting(twins()[name](), replay.market), venues()[name]
    replay.listeners.append(stage)
    answers = [stage.twin.http(asked(request), stage.views) for request in venue.listing]
    core = venue.core(venue.instruments([each or b"" for each in answers], stage.twin.symbols, {}), {})
    assert isinstance(core, Core)
    scribe = Scribe(core, stage)
    for route in core.routes:
        scribe.take(core.connected(route.name, 1))
    await stage.greet(scribe)
    await scribe.speak()
    await replay.run()
    _told[name, lines] = core, scribe.out, stage
    return _told[name, lines]
