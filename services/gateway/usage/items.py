"""A batch of events as a client sends it: each item by itself, so that a bad one costs its neighbours nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cleartide.contracts.product import (
    ErrorReported,
    FeatureUsed,
    JourneyStepTaken,
    PageViewed,
    PerformanceMeasured,
    ProductEvent,
    SessionEnded,
    SessionStarted,
    UserActed,
)
from pydantic import ValidationError

MOST_LATE_MICROS: Final = (7 * 24 - 1) * 3_600_000_000
MOST_AHEAD_MICROS: Final = 5 * 60 * 1_000_000
"""Somewhat narrower than what the service takes: what we accept is not refused behind us."""
KINDS: Final[Mapping[str, type[ProductEvent]]] = {
    "action": UserActed,
    "page": PageViewed,
    "session_start": SessionStarted,
    "session_end": SessionEnded,
    "feature": FeatureUsed,
    "journey_step": JourneyStepTaken,
    "error": ErrorReported,
    "performance": PerformanceMeasured,
}
_OURS: Final = frozenset({"id", "type", "version", "seq", "occurred_at", "causation_id", "correlation_id", "source"})
_RENAMED: Final = {"id": "event_id", "at": "happened_at"}


@dataclass(frozen=True)
class Refused:
    """An item that is not recorded: its place in the batch, a code, and words."""

    index: int
    reason: str
    detail: str


def read_items(items: Sequence[Any], person: str, now: int) -> tuple[list[ProductEvent], list[Refused]]:
    """What is good, in order, and what is not. now: microseconds, UTC."""
    good: list[ProductEvent] = []
    refused: list[Refused] = []
    seen: set[tuple[str, int]] = set()
    for index, item in enumerate(items):
        event = _read(index, item, person, now)
        if isinstance(event, ProductEvent):
            key = (event.event_id, event.happened_at)
            if key in seen:
                refused.append(Refused(index, "repeated", "the same id and time is in the batch before"))
                continue
            seen.add(key)
            good.append(event)
        else:
            refused.append(event)
    return good, refused


def _read(index: int, item: Any, person: str, now: int) -> ProductEvent | Refused:
    if not isinstance(item, dict):
        return Refused(index, "not_an_object", "an item is an object")
    contract = KINDS.get(item["kind"]) if isinstance(item.get("kind"), str) else None
    if contract is None:
        return Refused(index, "unknown_kind", f"kind is one of {', '.join(KINDS)}")
    body: dict[str, Any] = {_RENAMED.get(str(name), str(name)): value for name, value in item.items() if name != "kind"}
    if ours := sorted((_OURS | {"person"}) & body.keys()):
        return Refused(index, "invalid_event", f"{ours[0]} is not the client's to say")
    if isinstance(body.get("properties"), dict):
        body["properties"] = tuple(body["properties"].items())
    envelope: dict[str, Any] = {
        "id": f"{person}-{item.get('id')}",
        "occurred_at": now,
        "source": "gateway",
        "person": person,
    }
    try:
        event = contract(**envelope, **body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Refused(index, "invalid_event", f"{where}: {first['msg']}"[:200])
    if event.happened_at < now - MOST_LATE_MICROS:
        return Refused(index, "too_old", "it happened more than a week ago")
    if event.happened_at > now + MOST_AHEAD_MICROS:
        return Refused(index, "in_future", "it happened more than five minutes from now")
    return event
