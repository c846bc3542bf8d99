"""How people use the product: what they do, see and wait for, in their browsers and apps, and what they allow.

`person` is a pseudonym that the gateway drew by lot. Who it stands for is written in the gateway's schema alone; when a
person is erased the pseudonym is forgotten there, and what still passes under it belongs to nobody. An event is known
by (person, event_id, happened_at), however often it is sent. Instants are those of the client, checked against ours.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.base import Message
from cleartide.contracts.types import JSON_SAFE, Micros

Pseudonym = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$"), Field(description="stands for a person")]
ClientEventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
UseSession = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
PagePath = Annotated[
    str,
    StringConstraints(pattern=r"^(?:/[A-Za-z0-9._~/-]{0,119})?$"),
    Field(description="path of the page, without query; empty where there is none"),
]
UseName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,47}$")]
PropertyValue = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f]*$")]
HostName = Annotated[str, StringConstraints(pattern=r"^(?:[a-z0-9][a-z0-9.-]{0,62})?$")]


class ProductMessage(Message):
    """Base of everything on PRODUCT."""

    subject_template: ClassVar[str] = "product.events"
    packed: ClassVar[bool] = True

    person: Pseudonym


class ProductEvent(ProductMessage):
    """Base of what a client tells: in which session, on which page, when."""

    event_id: ClientEventId
    happened_at: Micros
    session: UseSession
    page: PagePath = ""


class UserActed(ProductEvent):
    """Somebody did something that the client thinks worth telling, with at most sixteen properties."""

    type: Literal["UserActed"] = "UserActed"
    version: Literal[1] = 1
    name: UseName
    properties: tuple[tuple[UseName, PropertyValue], ...] = Field(default=(), max_length=16)


class PageViewed(ProductEvent):
    """A page was shown; `page` says which."""

    type: Literal["PageViewed"] = "PageViewed"
    version: Literal[1] = 1
    referrer: HostName = ""
    load_micros: int | None = Field(default=None, ge=0, le=3_600_000_000)


class SessionStarted(ProductEvent):
    """A visit began, on a device of some kind."""

    type: Literal["SessionStarted"] = "SessionStarted"
    version: Literal[1] = 1
    device: Literal["desktop", "mobile", "tablet", "other"] = "other"


class SessionEnded(ProductEvent):
    """A visit ended, as far as the client could tell."""

    type: Literal["SessionEnded"] = "SessionEnded"
    version: Literal[1] = 1


class FeatureUsed(ProductEvent):
    """A feature was used, so many times since it was last told."""

    type: Literal["FeatureUsed"] = "FeatureUsed"
    version: Literal[1] = 1
    feature: UseName
    uses: int = Field(default=1, ge=1, le=1_000_000)


class JourneyStepTaken(ProductEvent):
    """A step on a way that has an end, as the steps of a first deposit. `completes`: it is the last one."""

    type: Literal["JourneyStepTaken"] = "JourneyStepTaken"
    version: Literal[1] = 1
    journey: UseName
    step: int = Field(ge=1, le=50)
    completes: bool = False


class ErrorReported(ProductEvent):
    """Something failed at the client."""

    type: Literal["ErrorReported"] = "ErrorReported"
    version: Literal[1] = 1
    name: UseName
    text: str = Field(default="", max_length=200)
    fatal: bool = False


class PerformanceMeasured(ProductEvent):
    """One measurement at the client. `value` counts whole units: microseconds, bytes, or things."""

    type: Literal["PerformanceMeasured"] = "PerformanceMeasured"
    version: Literal[1] = 1
    metric: UseName
    value: int = Field(ge=0, le=JSON_SAFE)


class RecordingAllowed(ProductMessage):
    """A person switched recording on or off. What is told of one who has switched it off is passed over."""

    type: Literal["RecordingAllowed"] = "RecordingAllowed"
    version: Literal[1] = 1
    allowed: bool


class PersonErased(ProductMessage):
    """All that was recorded under the pseudonym is deleted, and nothing more is recorded under it."""

    type: Literal["PersonErased"] = "PersonErased"
    version: Literal[1] = 1


CLIENT_EVENTS: tuple[type[ProductEvent], ...] = (
    UserActed,
    PageViewed,
    SessionStarted,
    SessionEnded,
    FeatureUsed,
    JourneyStepTaken,
    ErrorReported,
    PerformanceMeasured,
)
PRODUCT_EVENTS: tuple[type[Message], ...] = (*CLIENT_EVENTS, RecordingAllowed, PersonErased)
