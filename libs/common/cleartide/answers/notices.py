"""Answers about webhooks, notifications and price alerts."""

from typing_extensions import TypedDict

from cleartide.answers.parts import Page


class WebhookView(TypedDict):
    """An endpoint: `reason` says why it is off, `failing_since` is null while it does well."""

    id: str
    url: str
    kinds: list[str]
    description: str
    state: str
    reason: str
    failures: int
    failing_since: int | None
    resume_at: int
    created_at: int


class WebhookList(TypedDict):
    """Endpoints, the oldest first."""

    webhooks: list[WebhookView]


class NewWebhook(WebhookView):
    """With its signing secret, shown this once."""

    secret: str


class RotatedSecret(TypedDict):
    """The new secret; until then both sign."""

    id: str
    secret: str
    previous_secret_until: int


class PingView(TypedDict):
    """The id of the test event."""

    event_id: str


class DeliveryView(TypedDict):
    """`body`: what is posted, as text; `last_status`: null where nobody answered."""

    id: int
    event_id: str
    kind: str
    state: str
    attempts: int
    replays: int
    next_at: int
    created_at: int
    delivered_at: int | None
    last_status: int | None
    last_error: str
    body: str


class DeliveryPage(Page):
    """Deliveries, newest first."""

    deliveries: list[DeliveryView]


class Replayed(TypedDict):
    """How many are sent again."""

    replayed: int


class NotificationView(TypedDict):
    """`read_at` is null while unread."""

    id: str
    account: str
    kind: str
    type: str
    priority: str
    title: str
    body: str
    state: str
    created_at: int
    expires_at: int
    read_at: int | None


class Inbox(Page):
    """Notifications, newest first; `unread` counts all."""

    notifications: list[NotificationView]
    unread: int


class ReadCount(TypedDict):
    """How many were not read before."""

    read: int


class Choice(TypedDict):
    """The ways for a type, from a priority on."""

    channels: list[str]
    least: str


class QuietHours(TypedDict):
    """Hours in which nothing that is not urgent leaves the application."""

    begin: str
    end: str
    time_zone: str


class NotificationProfile(TypedDict):
    """`addresses` by channel, "" is none; `choices` by type; `offered`: channels of this installation."""

    addresses: dict[str, str]
    choices: dict[str, Choice]
    quiet_hours: QuietHours | None
    offered: list[str]


class PriceAlert(TypedDict):
    """Told once, when the mark is at or beyond the price; `fired_at` is null until then."""

    id: str
    owner: str
    account: str
    market: str
    direction: str
    price: str
    created_at: int
    fired_at: int | None


class PriceAlertList(TypedDict):
    """Price alerts, newest first."""

    price_alerts: list[PriceAlert]
