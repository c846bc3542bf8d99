"""Market events to the MARKET stream: packed per subject, published in order, each message until it is acknowledged."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, Protocol

import nats.errors
import structlog
from cleartide.bus.streams import MARKET
from nats.js.api import PubAck
from nats.js.errors import Error as JetStreamError

from services.ingestor.adapters.events import MarketStruct, encode
from services.ingestor.transport.backoff import Backoff

log = structlog.get_logger()
FLUSH_SECONDS: Final = 0.003
EVENTS_PER_MESSAGE: Final = 200
MAX_PENDING_EVENTS: Final = 20_000
ACK_SECONDS: Final = 2.0


class JetStream(Protocol):
    """The one call of a JetStream context that is used."""

    async def publish(
        self, subject: str, payload: bytes, timeout: float, stream: str, headers: dict[str, str]
    ) -> PubAck: ...


class Publisher:
    """Publishes events at once after a pause; under load what has gathered every FLUSH_SECONDS, or a full message.

    Subjects go out beside each other; within a subject one message follows the acknowledgement of the one before.
    While the bus does not answer, about `max_pending` of them wait: `room` then holds the caller and so the socket.
    """

    def __init__(self, jetstream: JetStream, max_pending: int = MAX_PENDING_EVENTS) -> None:
        self._jetstream = jetstream
        self._max_pending = max_pending
        self._waiting: dict[str, deque[MarketStruct]] = {}
        self._pending = 0
        self._news = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._flushed_at = 0.0
        self.counts: Counter[str] = Counter()

    @property
    def pending(self) -> int:
        """Events not yet acknowledged."""
        return self._pending

    def add(self, events: Iterable[MarketStruct]) -> None:
        """Put events in line. Never blocks; call `room` between frames."""
        for event in events:
            self.put(event)

    def put(self, event: MarketStruct) -> None:
        """Put one in line."""
        subject = event.subject
        queue = self._waiting.get(subject)
        if queue is None:
            # lint: allow bounded-queue: `room` holds the socket at `max_pending` events over all subjects
            queue = self._waiting[subject] = deque()
        queue.append(event)
        self._pending += 1
        self._news.set()
        if self._pending == 1:
            self._idle.clear()
        if len(queue) >= EVENTS_PER_MESSAGE:
            self._full.set()
        if self._pending >= self._max_pending:
            self._room.clear()

    @property
    def is_full(self) -> bool:
        """Whether `room` would wait."""
        return self._pending >= self._max_pending

    async def idle(self) -> None:
        """Wait until everything given so far is acknowledged."""
        await self._idle.wait()

    async def room(self) -> None:
        """Wait while too much is pending."""
        await self._room.wait()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._news.wait()
            await self._gather()
            await self.flush()

    async def flush(self) -> None:
        """Publish everything that waits now."""
        self._flushed_at = time.monotonic()
        self._news.clear()
        self._full.clear()
        async with asyncio.TaskGroup() as tasks:
            for subject, queue in self._waiting.items():
                if queue:
                    tasks.create_task(self._drain(subject, queue))

    async def _gather(self) -> None:
        """Wait, but no longer than FLUSH_SECONDS from the last time on: who was quiet is heard at once."""
        rest = self._flushed_at + FLUSH_SECONDS - time.monotonic()
        if self._full.is_set() or rest <= 0.0:
            return
        try:
            async with asyncio.timeout(rest):
                await self._full.wait()
        except TimeoutError:
            return

    async def _drain(self, subject: str, queue: deque[MarketStruct]) -> None:
        for _ in range(-(-len(queue) // EVENTS_PER_MESSAGE)):
            batch = list(islice(queue, EVENTS_PER_MESSAGE))
            await self._publish(subject, batch)
            # Only what is acknowledged leaves the line: a publish that was cut short is repeated.
            for _ in batch:
                queue.popleft()
            self._pending -= len(batch)
            if self._pending < self._max_pending:
                self._room.set()
            if not self._pending:
                self._idle.set()

    async def _publish(self, subject: str, batch: list[MarketStruct]) -> None:
        payload = encode(batch)
        headers = {"Nats-Msg-Id": message_id(batch)}
        backoff = Backoff(first=0.05, longest=2.0)
        started = time.monotonic()
        while True:
            try:
                # lint: allow one-publish: venue data enters the system here; the fold reads it from MARKET
                ack = await self._jetstream.publish(subject, payload, ACK_SECONDS, MARKET.name, headers)
                break
            except (nats.errors.Error, JetStreamError, OSError) as error:
                self.counts["retries"] += 1
                delay = backoff.next_delay()
                log.warning("market_publish_retry", subject=subject, error=repr(error)[:200], retry_seconds=delay)
                await asyncio.sleep(delay)
        self.counts["events"] += len(batch)
        self.counts["messages"] += 1
        self.counts["micros"] += int((time.monotonic() - started) * 1e6)
        if ack.duplicate:
            self.counts["duplicates"] += 1
            log.info("market_message_known", subject=subject, message_id=headers["Nats-Msg-Id"])


def message_id(batch: list[MarketStruct]) -> str:
    """The batch's identity, from the venue's own sequence numbers: a repetition of it is stored once."""
    return f"{batch[0].id}|{batch[-1].id}|{len(batch)}"
