"""From an alert back to the frame that caused it: each message names the one that caused it, and the streams keep all.

A message of a stream with one writer is found by its number, which grows with the place; one of a stream with many by
its time, which is that of what it caused, or by its writer's number. Nothing is read but what lies on the way.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cleartide.bus.nats import NatsBus
from cleartide.bus.ports import Delivery
from cleartide.bus.streams import BY_NAME, Stream

LONGEST_CHAIN: Final = 12
AROUND: Final = 2_000
READ_AT_ONCE: Final = 200
SLACK_MICROS: Final = 2_000
NUMBERED: Final = re.compile(r"(?P<service>[a-z][a-z0-9_]*)-(?P<channel>[a-z_]+)-(?P<seq>\d+)")
_CAUSES: Final = ("COMMANDS", "MARKET")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """One message of a chain: where it is stored, since when (microseconds, UTC), and what it says."""

    stream: str
    stream_seq: int
    stored_at: int
    subject: str
    event: Event


async def chain_of(bus: NatsBus, ident: str) -> list[Link]:
    """The message of an id and everything that led to it, the last cause last. Empty when the id is not found.

    `ident`: an alert's number, or an id such as risk-risk-12 or matching-events-345.
    """
    wanted, at = f"risk-risk-{ident}" if ident.isdigit() else ident, 0
    links: list[Link] = []
    while wanted and len(links) < LONGEST_CHAIN:
        link = await find(bus, wanted, at)
        if link is None or any(link.event["id"] == seen.event["id"] for seen in links):
            break
        links.append(link)
        wanted, at = str(link.event.get("causation_id", "")), int(link.event["occurred_at"])
    return links


async def find(bus: NatsBus, ident: str, at: int) -> Link | None:
    """A message by its id. `at`: when what it caused says that it happened; 0 when that is not known."""
    numbered = NUMBERED.fullmatch(ident)
    stream = BY_NAME.get(numbered["channel"].upper()) if numbered else None
    if numbered is not None and stream is not None and stream.single_writer:
        seq = int(numbered["seq"])
        return await _search(bus, stream, ident, lambda delivery: _last_number(delivery) >= seq)
    if numbered is not None and stream is not None and not at:
        return await _of_writer(bus, stream, ident)
    for name in (stream.name,) if stream is not None else _CAUSES:
        if (link := await _by_time(bus, BY_NAME[name], ident, at)) is not None:
            return link
    return None


async def _by_time(bus: NatsBus, stream: Stream, ident: str, at: int) -> Link | None:
    if at:
        return await _search(bus, stream, ident, lambda delivery: delivery.at >= at - SLACK_MICROS)
    last = await _end(bus, stream)
    return await _scan(bus, stream, ident, max(1, last - AROUND), last)


async def _search(bus: NatsBus, stream: Stream, ident: str, reached: Callable[[Delivery], bool]) -> Link | None:
    """The first message that has reached the place, by halving, and what stands behind it."""
    low, high = 1, await _end(bus, stream)
    while low < high:
        middle = (low + high) // 2
        found = await bus.read(stream, middle, 1)
        if found and reached(found[0]):
            high = middle
        else:
            low = (found[0].stream_seq if found else middle) + 1
    return await _scan(bus, stream, ident, low, low + AROUND)


async def _of_writer(bus: NatsBus, stream: Stream, ident: str) -> Link | None:
    """By halving too, looking in every place at the next message of the same writer."""
    writer, number = _writer_and_number(ident)
    low, high = 1, await _end(bus, stream)
    while low < high:
        middle = (low + high) // 2
        place, found = await _next_of(bus, stream, writer, middle)
        if found is None or found >= number:
            high = middle
        else:
            low = place + 1
    return await _scan(bus, stream, ident, low, low + AROUND)


async def _next_of(bus: NatsBus, stream: Stream, writer: str, first: int) -> tuple[int, int | None]:
    """The next message of a writer from a place on, and its number; none until the end of the stream."""
    count = 1
    while found := await bus.read(stream, first, count):
        for delivery in found:
            for event in events_of(delivery.payload):
                name, number = _writer_and_number(str(event.get("id", "")))
                if name == writer:
                    return delivery.stream_seq, number
        first, count = found[-1].stream_seq + 1, READ_AT_ONCE
    return first, None


def _writer_and_number(ident: str) -> tuple[str, int]:
    name, _, number = ident.rpartition("-")
    return name, int(number) if number.isascii() and number.isdigit() else 0


async def _end(bus: NatsBus, stream: Stream) -> int:
    last = await bus.last(stream)
    return last.stream_seq if last is not None else 0


async def _scan(bus: NatsBus, stream: Stream, ident: str, first: int, last: int) -> Link | None:
    while first <= last and (found := await bus.read(stream, first, READ_AT_ONCE)):
        for delivery in found:
            for event in events_of(delivery.payload):
                if event.get("id") == ident:
                    return Link(stream.name, delivery.stream_seq, delivery.at, delivery.subject, event)
        first = found[-1].stream_seq + 1
    return None


def _last_number(delivery: Delivery) -> int:
    return max((int(event.get("seq", 0)) for event in events_of(delivery.payload)), default=0)


def events_of(payload: bytes) -> list[Event]:
    """The events of a message, one or packed; none where they cannot be read."""
    try:
        said = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [event for event in (said if isinstance(said, list) else [said]) if isinstance(event, dict)]


def told(event: Event) -> str:
    """What an event says, in a line: its own fields, without the envelope and what is not plain."""
    envelope = {"id", "type", "version", "seq", "occurred_at", "causation_id", "correlation_id", "source"}
    fields = {name: value for name, value in event.items() if name not in envelope and value not in (None, "", [])}
    plain = {name: value for name, value in fields.items() if not isinstance(value, dict | list)}
    figures = {figure["name"]: figure["value"] for figure in fields.get("figures", ())}
    return " ".join(f"{name}={value}" for name, value in {**plain, **figures}.items())
