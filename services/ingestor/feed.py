"""The feed: runs each venue's protocol core on real sockets and publishes what it says."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from time import time_ns
from typing import Any, Final, Protocol, cast

import aiohttp
import msgspec
import structlog
from cleartide.bus.together import end
from cleartide.money import MoneyError
from cleartide.store.trouble import STORE_TROUBLE
from prometheus_client import CollectorRegistry

from services.ingestor.adapters.events import STRUCTS, MarketStruct
from services.ingestor.adapters.instrument import Instrument, UnknownInstrument
from services.ingestor.adapters.protocol import FetchSnapshot, Malformed, Output, Poll, RouteSpec, Send, VenueCore
from services.ingestor.adapters.venue import Venue, venues
from services.ingestor.queries import highest_trades
from services.ingestor.settings import FurtherSettings, IngestorSettings, VenueSettings
from services.ingestor.transport.backoff import jittered_delay, stopped_within
from services.ingestor.transport.connection import Route
from services.ingestor.transport.further import Further, FurtherUnavailable
from services.ingestor.transport.metrics import FeedCollector
from services.ingestor.transport.publisher import JetStream, Publisher
from services.ingestor.transport.raw import RawLog
from services.ingestor.transport.rest import VenueRefused, VenueRest

log = structlog.get_logger()
HEARTBEAT_SECONDS: Final = 1.0
FINAL_FLUSH_SECONDS: Final = 3.0
REGISTRY_RETRY_SECONDS: Final = 30.0
TERMS_MICROS: Final = 3_600_000_000
EVENTS: Final[frozenset[type[object]]] = frozenset(STRUCTS)
"""Asked for with every frame: what a struct is an instance of takes three times as long to be told."""


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
    """One venue: its core, its routes, its REST client, and the publisher that they feed.

    `limits` are given to each `Route`. `frames`: how many messages came.
    """

    def __init__(
        self, core: VenueCore, rest: VenueRest, publisher: Publisher, socket_url: str, **limits: float
    ) -> None:
        self.frames = 0
        self._core = core
        self._rest = rest
        self._raw: RawLog | None = None
        self._publisher = publisher
        self._socket_url = socket_url
        self._routes = {spec.name: Route(spec, self, **limits) for spec in core.routes}
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._malformed: list[Malformed] = []

    def keep_raw(self, raw: RawLog) -> None:
        """Keep every frame as it comes, from here on."""
        self._raw = raw

    async def run(self, stopping: asyncio.Event) -> None:
        """Feed until the service stops; then publish what is still in line."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._start(self._publisher.run())
            self._start(self._say_heartbeats())
            for poll in self._core.polls:
                self._start(self._keep_polling(poll))
            for route in self._routes.values():
                self._start(route.keep(stopping))
            await stopping.wait()
            self._group = None
            await end(list(self._running))
        try:
            async with asyncio.timeout(FINAL_FLUSH_SECONDS):
                await self._publisher.flush()
        except TimeoutError:
            log.warning("market_events_unpublished", venue=self._core.venue, events=self._publisher.pending)
        if self._raw is not None:
            self._raw.close()

    async def locate(self, route: RouteSpec) -> str:
        """The route's address; for a venue that gives out tickets, a fresh one."""
        if route.ticket is None:
            return f"{self._socket_url}{route.path}"
        try:
            return self._core.address(route.name, await self._rest.ask(route.ticket))
        except (VenueRefused, ValueError) as error:
            raise ConnectionError(f"no ticket: {error}") from error

    def opened(self, route: str) -> None:
        """The route's socket is open: subscribe."""
        self._take(self._core.connected(route, now_micros()))

    def received(self, data: bytes) -> None:
        """One message of the venue."""
        self.frames += 1
        at = time_ns() // 1_000
        if self._raw is not None:
            self._raw.keep(data, at)
        outputs = self._core.frame(data, at)
        if not outputs:
            return
        if len(outputs) == 1 and type(output := outputs[0]) in EVENTS:
            self._publisher.put(cast(MarketStruct, output))
        else:
            self._take(outputs)

    @property
    def is_full(self) -> bool:
        """Whether the publisher can take no more."""
        return self._publisher.is_full

    def closed(self, route: str, reason: str) -> None:
        """The route's socket is gone."""
        self._take(self._core.disconnected(route, now_micros(), reason))

    async def room(self) -> None:
        """Wait until the publisher can take more."""
        await self._publisher.room()

    def silent_seconds(self, route: str) -> float:
        """How long the route brought no data."""
        return self._core.silent_micros(route, now_micros()) / 1e6

    def _take(self, outputs: Sequence[Output]) -> None:
        """Publish events, carry out commands."""
        events: list[MarketStruct] = []
        for output in outputs:
            if isinstance(output, MarketStruct):
                events.append(output)
            elif isinstance(output, FetchSnapshot):
                self._start(self._fetch(output))
            elif isinstance(output, Send):
                self._send(output)
            else:
                self._malformed.append(output)
        if events:
            self._publisher.add(events)

    def _send(self, command: Send) -> None:
        if command.attempt:
            self._start(self._send_later(command))
        else:
            self._routes[command.route].send(*command.frames)

    async def _send_later(self, command: Send) -> None:
        await asyncio.sleep(jittered_delay(0.1, 10.0, command.attempt - 1))
        self._routes[command.route].send(*command.frames)

    async def _fetch(self, command: FetchSnapshot) -> None:
        if command.attempt:
            await asyncio.sleep(jittered_delay(0.1, 10.0, command.attempt - 1))
        try:
            body = await self._rest.ask(command.request)
        except VenueRefused as error:
            log.error("snapshot_refused", symbol=command.symbol, error=str(error)[:200])
            body = b""
        self._take(self._core.snapshot(command.symbol, body, now_micros()))
        log.info("snapshot_taken", symbol=command.symbol, attempt=command.attempt, reason=command.reason)

    async def _keep_polling(self, poll: Poll) -> None:
        """Ask again and again. The first answers are spread, so that many symbols are not asked for at once."""
        await asyncio.sleep(jittered_delay(poll.seconds / 10, poll.seconds, 0))
        while True:
            try:
                self._take(self._core.polled(poll.symbol, await self._rest.ask(poll.request), now_micros()))
            except VenueRefused as error:
                log.error("poll_refused", symbol=poll.symbol, error=str(error)[:200])
            await asyncio.sleep(poll.seconds)

    async def _say_heartbeats(self) -> None:
        terms_due = 0
        while True:
            now = now_micros()
            if now >= terms_due:
                self._publisher.add(self._core.terms(now))
                terms_due = now + TERMS_MICROS
            self._publisher.add(self._core.heartbeat(now))
            self._take(self._core.overdue(now))
            if self._malformed:
                frames, newest = len(self._malformed), self._malformed[-1].detail
                log.warning("venue_frames_malformed", venue=self._core.venue, frames=frames, newest=newest)
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
    return time_ns() // 1_000


async def load_instruments(
    venue: Venue, rest: VenueRest, symbols: Sequence[str], ticks: Mapping[str, str], stopping: asyncio.Event
) -> list[Instrument] | None:
    """The venue's registry for these symbols; keeps asking until it fits, None when the service stops."""
    while not stopping.is_set():
        try:
            answers = [await rest.ask(request) for request in venue.listing]
            return venue.instruments(answers, symbols, ticks)
        except (UnknownInstrument, VenueRefused, MoneyError, msgspec.MsgspecError) as error:
            log.error("instruments_refused", venue=venue.name, error=str(error)[:200], retry=REGISTRY_RETRY_SECONDS)
        await stopped_within(stopping, REGISTRY_RETRY_SECONDS)
    return None


async def _recorded_trades(pool: Any, venue: str) -> dict[str, int]:
    """Where the last run left off. The feed does not need the store: without it, only this one gap stays unsaid."""
    try:
        return await highest_trades(pool, venue)
    except STORE_TROUBLE as error:
        log.warning("recorded_trades_unknown", error=str(error)[:200])
        return {}


async def feed(context: FeedContext) -> None:
    """Background task of the service: the configured venues' market data, for as long as the service runs."""
    settings = IngestorSettings()
    feeds = settings.feeds
    if not feeds and not settings.further:
        log.warning("feed_off", reason="no venue has an address and FEED is not live")
        await context.stopping.wait()
        return
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for name, chosen in feeds.items():
            ticks = settings.pinned_ticks(name)
            group.create_task(_follow(context, session, venues()[name], chosen, ticks, settings))
        for name, wanted in settings.further.items():
            group.create_task(_ask_further(context, name, wanted))


async def _ask_further(context: FeedContext, name: str, wanted: FurtherSettings) -> None:
    """A venue by ccxt; where that cannot be, the feed runs without it."""
    publisher, url = Publisher(context.jetstream), wanted.url.rstrip("/")
    try:
        # Loading the library takes seconds, in which the other venues go on.
        further = await asyncio.to_thread(Further, name, wanted.symbols, publisher, seconds=wanted.seconds, url=url)
    except FurtherUnavailable as error:
        log.error("further_venue_off", venue=name, reason=str(error))
        return
    publishing = asyncio.create_task(publisher.run())
    try:
        await further.run(context.stopping)
    finally:
        publishing.cancel()


async def _follow(
    context: FeedContext,
    session: aiohttp.ClientSession,
    venue: Venue,
    chosen: VenueSettings,
    ticks: Mapping[str, str],
    settings: IngestorSettings,
) -> None:
    """One venue, beside the others: what befalls it does not touch them."""
    rest = VenueRest(session, chosen.http_url, venue.limits, venue.used_weight_header)
    found = await load_instruments(venue, rest, chosen.symbols, ticks, context.stopping)
    if found is None:
        return
    core = venue.core([chosen.with_fees(each) for each in found], chosen.options)
    core.measure_liquidity(settings.liquidity_micros, settings.book_multiples)
    core.judge_stale(round(settings.stale_seconds * 1_000_000))
    core.resume_trades(await _recorded_trades(context.pool, core.venue))
    publisher = Publisher(context.jetstream)
    log.info("feed_started", venue=core.venue, symbols=len(found), url=chosen.ws_url)
    first, longest = settings.reconnect_seconds
    following = VenueFeed(core, rest, publisher, chosen.ws_url, first_delay=first, longest_delay=longest)
    context.registry.register(FeedCollector(core, publisher, rest, lambda: following.frames))
    if settings.raw_folder:
        _keep_raw(following, settings.raw_folder, core.venue)
    await following.run(context.stopping)


def _keep_raw(following: VenueFeed, folder: str, venue: str) -> None:
    """Where zstandard is missing the feed runs without: its data matters more than its frames."""
    try:
        following.keep_raw(RawLog(Path(folder), venue))
    except ImportError:
        log.error("raw_frames_off", venue=venue, reason="zstandard is not installed")
