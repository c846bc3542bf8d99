"""What requests about webhooks and notifications carry in their bodies."""

from typing import Annotated, Literal

from cleartide.contracts.types import AccountId, MarketId, PositiveDecimal
from pydantic import Field, StringConstraints

from services.gateway.domain.notices import Channel, Priority, Type
from services.gateway.edge.routes.bodies import PLAIN, Body

Url = Annotated[str, StringConstraints(min_length=8, max_length=2_048, pattern=r"^[\x21-\x7e]+$")]
Kind = Annotated[str, StringConstraints(max_length=32, pattern=r"^[a-z]+\.[a-z]+$")]
Kinds = Annotated[list[Kind], Field(min_length=1, max_length=32)]
Description = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
ZoneName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$")]
Where = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
NoticeId = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]


class EndpointBody(Body):
    """A new endpoint: where it is, and which kinds of events it wants."""

    url: Url
    kinds: Kinds
    description: Description = ""


class EndpointChangeBody(Body):
    """What is to be different; what is not named stays."""

    url: Url | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    state: Literal["active", "disabled"] | None = None


class ReplayBody(Body):
    """One delivery that has ended; without it every one of a state."""

    delivery: Annotated[int, Field(ge=1, lt=2**62)] | None = None
    state: Literal["failed", "delivered"] = "failed"


class ChoiceBody(Body):
    """The ways for a type, from a priority on."""

    channels: Annotated[list[Channel], Field(max_length=4)]
    least: Priority = "low"


class QuietBody(Body):
    """Hours in which nothing that is not urgent leaves the application."""

    begin: TimeOfDay
    end: TimeOfDay
    time_zone: ZoneName = "UTC"


class ProfileBody(Body):
    """Everything that somebody wants; what is not named is none."""

    addresses: dict[Literal["email", "push", "chat"], Where] = Field(default_factory=dict)
    choices: dict[Type, ChoiceBody] = Field(default_factory=dict)
    quiet_hours: QuietBody | None = None


class ReadBody(Body):
    """Notifications that have been read; null is all of them."""

    ids: Annotated[list[NoticeId], Field(max_length=500)] | None = None


class PriceAlertBody(Body):
    """Tell me once when the mark price is at or beyond this price. Without an account it is my own."""

    market: MarketId
    direction: Literal["above", "below"]
    price: PositiveDecimal
    account: AccountId | None = None
