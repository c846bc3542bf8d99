"""One row per event of a client, whatever its kind: what it is called, where it was, and the one number that it has."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

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


class Told(NamedTuple):
    """What an event says beside who, when and where.

    name is never empty: roll-ups sum over it, and the empty name is the sum. value is a count, or microseconds, or what
    the metric counts; None is nothing to add.
    """

    kind: str
    name: str
    value: int | None
    detail: Mapping[str, Any]


def _acted(event: UserActed) -> Told:
    return Told("action", event.name, None, dict(event.properties))


def _viewed(event: PageViewed) -> Told:
    return Told("page", event.page or "/", event.load_micros, {"referrer": event.referrer} if event.referrer else {})


def _started(event: SessionStarted) -> Told:
    return Told("start", event.device, None, {})


def _ended(_: SessionEnded) -> Told:
    return Told("end", "end", None, {})


def _used(event: FeatureUsed) -> Told:
    return Told("feature", event.feature, event.uses, {})


def _stepped(event: JourneyStepTaken) -> Told:
    return Told("step", f"{event.journey}/{event.step:02}", int(event.completes), {})


def _failed(event: ErrorReported) -> Told:
    return Told("error", event.name, int(event.fatal), {"text": event.text} if event.text else {})


def _measured(event: PerformanceMeasured) -> Told:
    return Told("metric", event.metric, event.value, {})


_READERS: Final[Mapping[str, Callable[[Any], Told]]] = {
    "UserActed": _acted,
    "PageViewed": _viewed,
    "SessionStarted": _started,
    "SessionEnded": _ended,
    "FeatureUsed": _used,
    "JourneyStepTaken": _stepped,
    "ErrorReported": _failed,
    "PerformanceMeasured": _measured,
}
KINDS: Final = ("action", "page", "start", "end", "feature", "step", "error", "metric")


def told_by(event: ProductEvent) -> Told:
    """What the event says."""
    return _READERS[event.type](event)
