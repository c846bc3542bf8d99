"""The feed: runs a venue's protocol core on real sockets and publishes what it says."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Protocol

import aiohttp
import asyncpg
import msgspec
import structlog
from prometheus_client import CollectorRegistry

from services.ingestor.adapters.binance_registry import UnknownInstrument, instruments
from services.ingestor.adapters.binance_usdm import BinanceUsdm
from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.protocol import FetchSnapshot, Malformed, Output, Subscribe, VenueCore
from services.ingestor.adapters.scale import Instrument
from services.ingestor.queries import highest_trades
from services.ingestor.settings import IngestorSettings
from services.ingestor.transport.backoff import jittered_delay, stopped_within
from services.ingestor.transport.connection import Route
from services.ingestor.transport.metrics import FeedCollector
from services.ingestor.transport.publisher import JetStream, Publisher
from services.ingestor.transport.rest import VenueRefused, VenueRest

log = structlog.get_logger()
HEARTBEAT_SECONDS: Final = 1.0
FINAL_FLUSH_SECONDS: Final = 3.0
REGISTRY_RETRY_SECONDS: Final = 30.0
SNAPSHOT_LEVELS: Final = 1_000


class FeedContext(Protocol):
    """What the feed needs of the service's context."""

    @property
    def jetstream(self) -> JetStream: ...
    @property
    def pool(self) -> Any: ...
    @property
    def registry(self) -> CollectorRegistry: ...
    @property
    def stopping(self) -> asyncio.Event: ...


class VenueFeed:
    """One venue: its core, its routes, its REST client, and the publisher that they feed."""

    def __init__(self, core: VenueCore, rest: VenueRest, publisher: Publisher) -> None:
        self._core = core
        self._rest = rest
        self._publisher = publisher
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._malformed: list[Malformed] = []

    async def run(self, session: aiohttp.ClientSession, routes: Sequence[Route], stopping: asyncio.Event) -> None:
        """Feed until the service stops; then publish what is still in line."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._start(self._publisher.run())
            self._start(self._say_heartbeats())
            for route in routes:
                self._start(route.keep(session, stopping))
            await stopping.wait()
            self._group = None
            for task in list(self._running):
                task.cancel()
        try:
            await asyncio.wait_for(self._publisher.flush(), FINAL_FLUSH_SECONDS)
        except TimeoutError:
            log.warning("market_events_unpublished", events=self._publisher.pending)

    def opened(self, route: str) -> list[str]:
        """The route's socket is open; returns the frames to send."""
        return self._take(self._core.connected(route, now_micros()))

    def received(self, data: bytes) -> None:
        """One message of the venue."""
        outputs = self._core.frame(data, now_micros())
        if outputs:
            self._take(outputs)

    def closed(self, route: str, reason: str) -> None:
        """The route's socket is gone."""
        self._take(self._core.disconnected(route, now_micros(), reason))

    async def room(self) -> None:
        """Wait until the publisher can take more."""
        await self._publisher.room()

    def silent_seconds(self, route: str) -> float:
        """How long the route brought no data."""
        return self._core.silent_micros(route, now_micros()) / 1e6

    def _take(self, outputs: Sequence[Output]) -> list[str]:
        """Publish events, carry out commands; returns the frames to send."""
        frames: list[str] = []
        events: list[MarketStruct] = []
        for output in outputs:
            if isinstance(output, MarketStruct):
                events.append(output)
            elif isinstance(output, FetchSnapshot):
                self._start(self._fetch(output))
            elif isinstance(output, Subscribe):
                frames.append(output.frame)
            else:
                self._malformed.append(output)
        if events:
            self._publisher.add(events)
        return frames

    async def _fetch(self, command: FetchSnapshot) -> None:
        if command.attempt:
            await asyncio.sleep(jittered_delay(0.1, 10.0, command.attempt - 1))
        parameters: dict[str, str | int] = {"symbol": command.symbol, "limit": SNAPSHOT_LEVELS}
        try:
            body = await self._rest.get("/fapi/v1/depth", parameters)
        except VenueRefused as error:
            log.error("snapshot_refused", symbol=command.symbol, error=str(error)[:200])
            body = b""
        self._take(self._core.snapshot(command.symbol, body, now_micros()))
        log.info("snapshot_taken", symbol=command.symbol, attempt=command.attempt, reason=command.reason)

    async def _say_heartbeats(self) -> None:
        while True:
            self._publisher.add(self._core.heartbeat(now_micros()))
            if self._malformed:
                newest = self._malformed[-1]
                log.warning("venue_frames_malformed", frames=len(self._malformed), newest=newest.detail)
                self._malformed.clear()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def now_micros() -> int:
    """Receive time: this machine's clock, microseconds UTC."""
    return time.time_ns() // 1_000


async def load_instruments(
    rest: VenueRest, settings: IngestorSettings, stopping: asyncio.Event
) -> list[Instrument] | None:
    """The venue's registry for the configured symbols; keeps asking until it fits, None when the service stops."""
    while not stopping.is_set():
        try:
            exchange_info = await rest.get("/fapi/v1/exchangeInfo")
            funding_info = await rest.get("/fapi/v1/fundingInfo")
            return instruments(exchange_info, funding_info, settings.symbol_list, settings.pinned_ticks)
        except (UnknownInstrument, VenueRefused, msgspec.MsgspecError) as error:
            log.error("instruments_refused", error=str(error)[:200], retry_seconds=REGISTRY_RETRY_SECONDS)
        await stopped_within(stopping, REGISTRY_RETRY_SECONDS)
    return None


async def _recorded_trades(pool: Any, venue: str) -> dict[str, int]:
    """Where the last run left off. The feed does not need the store: without it, only this one gap stays unsaid."""
    try:
        return await highest_trades(pool, venue)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("recorded_trades_unknown", error=str(error)[:200])
        return {}


async def feed(context: FeedContext) -> None:
    """Background task of the service: the configured venue's market data, for as long as the service runs."""
    settings = IngestorSettings()
    http_url, socket_url = settings.http_url, settings.socket_url
    if not http_url or not socket_url:
        log.warning("feed_off", reason="no venue address is set and FEED is not live")
        await context.stopping.wait()
        return
    async with aiohttp.ClientSession() as session:
        rest = VenueRest(session, http_url)
        found = await load_instruments(rest, settings, context.stopping)
        if found is None:
            return
        core = BinanceUsdm(found, trades=settings.trades, depth=settings.depth)
        core.resume_trades(await _recorded_trades(context.pool, core.venue))
        publisher = Publisher(context.jetstream)
        context.registry.register(FeedCollector(core, publisher, rest))
        venue = VenueFeed(core, rest, publisher)
        routes = [Route(name, f"{socket_url}/{name}/stream", venue) for name in core.routes]
        log.info("feed_started", venue=core.venue, symbols=settings.symbols, url=socket_url)
        await venue.run(session, routes, context.stopping)
