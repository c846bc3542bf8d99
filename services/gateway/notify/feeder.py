"""Follows a stream and turns its events into rows: deliveries to be made and notifications to be sent.

The rows, and the place reached in the stream, are one transaction: whatever ends the process, each event has become its
rows or has not. The place is changed only from where it was read, so of two processes one gives way.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
from cleartide.bus.api import ApiError as BusError
from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Delivery
from cleartide.bus.streams import Stream
from cleartide.contracts import Message
from cleartide.contracts.codec import Decoder, Refusal
from cleartide.store.trouble import STORE_TROUBLE
from cleartide.store.truth import Truth, TruthStore
from nats.errors import Error as NatsError

from services.gateway.domain.notices import LIFE_MICROS, OUTSIDE, PRIORITIES, Notice, Profile, notice_of, send_at, ways
from services.gateway.domain.occurrences import EVERYBODY, Occurrence, Units, occurrences
from services.gateway.notify import audience, referrals
from services.gateway.notify.queue import add_delivery

log = structlog.get_logger()

MESSAGES_AT_ONCE: Final = 100
IDLE_SECONDS: Final = 0.2
RETRY_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 10.0
"""How often a reader that has nothing to read makes sure that the stream is still the one it was."""
FAILURES: Final = (*STORE_TROUBLE, NatsError, BusError)
IMPORTANT: Final = PRIORITIES.index("high")


class Overtaken(Exception):  # noqa: N818 - a verdict on this process
    """Somebody else has gone on in this stream."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream was read up to: the message, and each writer's last number, which no restore changes."""

    stream_seq: int
    told: Mapping[str, int]

    @property
    def text(self) -> str:
        """The numbers as they are kept."""
        return msgspec.json.encode(self.told, order="sorted").decode()

    def is_new(self, event: Message) -> bool:
        """Whether the event was not told yet."""
        return event.seq > self.told.get(event.source, 0)

    def after(self, stream_seq: int, events: Sequence[Message]) -> "Place":
        """The place behind these events."""
        return Place(stream_seq, {**self.told, **{event.source: event.seq for event in events}})


class Feeder:
    """Reads one stream. `changed` is called after each transaction that has made rows."""

    def __init__(
        self, store: TruthStore, bus: NatsBus, stream: Stream, units: Units, know: Callable[[], Awaitable[None]]
    ) -> None:
        self._store, self._bus, self._stream = store, bus, stream
        self._units, self._know = units, know
        self._decoder = Decoder(stream.contracts, public=False)
        self.changed = asyncio.Event()

    async def run(self) -> None:
        """Follow the stream until cancelled; what is away is waited for, and the place is read again."""
        while True:
            try:
                place, looked = await self.place(), time.monotonic()
                while True:
                    place, more = await self.step(place)
                    if not more and time.monotonic() - looked > LOOK_SECONDS:
                        place, looked = await self.place(), time.monotonic()
                    if not more:
                        await asyncio.sleep(IDLE_SECONDS)
            except (*FAILURES, Overtaken) as error:
                log.warning(
                    "notifications_wait", stream=self._stream.name, error=f"{type(error).__name__} {error}"[:200]
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def place(self) -> Place:
        """Where to go on: at first with what happens from now on; in a stream made anew, behind the event told last."""
        last = await self._bus.last(self._stream)
        head = Place(0, {}).after(last.stream_seq, self._decoded([last])) if last is not None else Place(0, {})
        async with self._store.acting() as truth:
            await truth.add_new("notify_places", stream=self._stream.name, stream_seq=head.stream_seq, told=head.text)
            row = await truth.first("SELECT * FROM notify_places WHERE stream = $1 LIMIT 1", self._stream.name)
        assert row is not None
        place = Place(row["stream_seq"], msgspec.json.decode(row["told"]))
        return place if await self._stands(place) else await self._from_the_beginning(place)

    async def _stands(self, place: Place) -> bool:
        """Whether the event told last is where it was."""
        if place.stream_seq == 0:
            return True
        found = await self._bus.read(self._stream, place.stream_seq, 1)
        if not found or found[0].stream_seq != place.stream_seq:
            return False
        events = self._decoded(found)
        return not events or place.told.get(events[-1].source) == events[-1].seq

    async def _from_the_beginning(self, place: Place) -> Place:
        log.warning("stream_made_anew", stream=self._stream.name, told=place.text)
        anew = Place(0, place.told)
        async with self._store.acting() as truth:
            await self._move(truth, place, anew)
        return anew

    async def step(self, place: Place) -> tuple[Place, bool]:
        """Read on; returns the new place, and whether there may be more. Events are numbered without a gap."""
        deliveries = await self._bus.read(self._stream, place.stream_seq + 1, MESSAGES_AT_ONCE)
        if not deliveries:
            return place, False
        events = [event for event in self._decoded(deliveries) if place.is_new(event)]
        if self._gap(place, events):
            return await self._from_the_beginning(place), True
        await self._know()
        after = place.after(deliveries[-1].stream_seq, events)
        async with self._store.acting() as truth:
            await self._tell(truth, events)
            await self._move(truth, place, after)
        self.changed.set()
        return after, deliveries[-1].pending > 0

    def _gap(self, place: Place, events: Sequence[Message]) -> bool:
        """Of a stream with one writer a number that was passed over says that the stream is another one now."""
        if not (self._stream.single_writer and place.stream_seq and events):
            return False
        told = place.told.get(events[0].source)
        return told is not None and events[0].seq > told + 1

    def _decoded(self, deliveries: Sequence[Delivery]) -> list[Message]:
        found: list[Message] = []
        for delivery in deliveries:
            for one in self._decoder.decode(delivery.payload):
                if isinstance(one, Refusal):
                    log.warning(
                        "event_not_understood", stream=self._stream.name, at=delivery.stream_seq, reason=one.reason
                    )
                else:
                    found.append(one)
        return found

    async def _move(self, truth: Truth, before: Place, after: Place) -> None:
        where = {"stream": self._stream.name, "stream_seq": before.stream_seq, "told": before.text}
        to = {"stream_seq": after.stream_seq, "told": after.text}
        if not await truth.change("notify_places", where, **to):
            raise Overtaken(self._stream.name)

    async def _tell(self, truth: Truth, events: Sequence[Message]) -> None:
        await referrals.hear(truth, events)
        told = [one for event in events for one in occurrences(event, self._units)]
        marks = [event for event in events if event.type == "MarkPriceUpdated"]
        if marks:
            told += await audience.crossed(truth, marks, self._units)  # type: ignore[arg-type]
        if not told:
            return
        for endpoint, wanted in await audience.endpoints(truth, told):
            for occurrence in wanted:
                await add_delivery(truth, endpoint["id"], endpoint["owner"], occurrence)
        people = await audience.profiles(truth, told)
        for occurrence in told:
            if (notice := notice_of(occurrence)) is not None:
                await _notify(truth, occurrence, notice, people)


async def _notify(truth: Truth, occurrence: Occurrence, notice: Notice, people: dict[str, Profile]) -> None:
    """One notification for the owner, or for everybody with a profile. Whoever has none hears what is important."""
    owners = list(people) if occurrence.account == EVERYBODY else [audience.owner_of(occurrence.account)]
    for owner in owners:
        profile = people.get(owner)
        if profile is not None or PRIORITIES.index(notice.priority) >= IMPORTANT:
            await add_notification(truth, occurrence, notice, profile or Profile(owner))


async def add_notification(truth: Truth, occurrence: Occurrence, notice: Notice, profile: Profile) -> None:
    """The notification and what is to be sent outside, unless they are there."""
    channels = ways(profile, notice)
    if not channels:
        return
    ident, in_app = f"{occurrence.id}.{profile.account}", "in_app" in channels
    added = await truth.add_new(
        "notifications",
        id=ident,
        owner=profile.account,
        account=occurrence.account,
        kind=occurrence.kind,
        type=notice.type,
        priority=notice.priority,
        title=notice.title,
        body=notice.body,
        state="delivered" if in_app else "pending",
        in_app=in_app,
        created_at=occurrence.at,
        expires_at=occurrence.at + LIFE_MICROS,
    )
    for channel in OUTSIDE if added else ():
        if channel in channels:
            await truth.add(
                "notification_sends",
                notification_id=ident,
                owner=profile.account,
                channel=channel,
                address=profile.addresses[channel],
                state="pending",
                next_at=send_at(profile, notice, channel, occurrence.at),
            )
