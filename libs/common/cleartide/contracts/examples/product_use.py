"""Examples of how a person uses the product: a visit with one of each kind, and in the end the person is forgotten."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import HOUR, OPENED
from cleartide.contracts.product import (
    ErrorReported,
    FeatureUsed,
    JourneyStepTaken,
    PageViewed,
    PerformanceMeasured,
    PersonErased,
    ProductEvent,
    ProductMessage,
    RecordingAllowed,
    SessionEnded,
    SessionStarted,
    UserActed,
)

_PERSON: Final = "5f1c0a9be27d4f3aa8d6c0b1e2f34567"


def _envelope(number: int) -> dict[str, Any]:
    return {"id": f"{_PERSON}-e{number}", "occurred_at": OPENED + number * HOUR, "source": "gateway", "person": _PERSON}


def _told(contract: type[ProductEvent], number: int, **body: Any) -> Message:
    place: dict[str, Any] = {"event_id": f"e{number}", "happened_at": OPENED + number * HOUR, "session": "s1"}
    return contract(**_envelope(number), **place, page="/portfolio.html", **body)


def _said(contract: type[ProductMessage], number: int, **body: Any) -> Message:
    return contract(**_envelope(number), **body)


PRODUCT_USE_EXAMPLES: Final[tuple[Message, ...]] = (
    _told(SessionStarted, 1, device="desktop"),
    _told(PageViewed, 2, referrer="example.com", load_micros=184_000),
    _told(UserActed, 3, name="filter_changed", properties=(("span", "30d"), ("market", "BTC-PERP"))),
    _told(FeatureUsed, 4, feature="export_csv", uses=2),
    _told(JourneyStepTaken, 5, journey="first_deposit", step=3, completes=True),
    _told(ErrorReported, 6, name="upstream_timeout", text="markets: no answer within 5 s", fatal=False),
    _told(PerformanceMeasured, 7, metric="first_paint", value=312_000),
    _told(SessionEnded, 8),
    _said(RecordingAllowed, 9, allowed=False),
    _said(PersonErased, 10),
)
