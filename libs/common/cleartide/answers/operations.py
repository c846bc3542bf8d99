"""Answers to operators, and about usage and services."""

from typing import NotRequired

from typing_extensions import TypedDict

from cleartide.answers.parts import Page


class ServiceProgress(TypedDict):
    """A service: where it is in its input. What it says of itself is left out while it does not answer."""

    service: str
    reachable: bool
    latency_ms: float
    detail: str
    role: NotRequired[str]
    ready: NotRequired[bool]
    phase: NotRequired[str]
    stream: NotRequired[str]
    position: NotRequired[int]
    pending: NotRequired[int]
    warm: NotRequired[bool]
    seconds_since_commit: NotRequired[float | None]
    commits: NotRequired[int]
    epoch: NotRequired[int]
    gaps: NotRequired[int]
    restarts: NotRequired[int]
    last_error: NotRequired[str]


class ServiceList(TypedDict):
    """Every service."""

    services: list[ServiceProgress]


class DeadLetter(TypedDict):
    """A message that could not be applied."""

    seq: int
    at: int
    service: str
    reason: str
    error: str
    subject: str
    stream: str


class DeadLetters(Page):
    """Letters, newest first; `last`: the newest number."""

    dead_letters: list[DeadLetter]
    last: int


class WholeLetter(DeadLetter):
    """With the message that was refused; `redrivable`: from here, not by the tools alone."""

    stream_seq: int
    attempts: int
    payload_bytes: int
    payload: str
    redrivable: bool


class Redriven(TypedDict):
    """Where it was published again."""

    seq: int
    subject: str


class RoleHolder(TypedDict):
    """`granted_at` is left out where the installation's settings say it."""

    user_id: str
    role: str
    granted_by: str
    granted_at: NotRequired[int]


class Roles(TypedDict):
    """Who has which role, and what each may."""

    people: list[RoleHolder]
    roles: dict[str, list[str]]


class GrantedRole(TypedDict):
    """`role` is null when it was taken."""

    user_id: str
    role: str | None


class Networks(TypedDict):
    """Where operators may come from; none is everywhere."""

    networks: list[str]


class AuditLine(TypedDict):
    """An action: by whom, as what, from where, and what was before and after."""

    id: int
    at: int
    actor: str
    role: str
    ip: str
    action: str
    resource: str
    outcome: str
    old_value: str
    new_value: str
    note: str


class AuditPage(Page):
    """Actions, newest first."""

    log: list[AuditLine]


class ModeLimits(TypedDict):
    """Limits of every account in a mode; null: none."""

    max_position: str | None
    max_daily_loss: str | None
    max_leverage: int | None


class OrderCaps(TypedDict):
    """Orders by span; null: without end."""

    per_minute: int | None
    per_hour: int | None
    per_day: int | None


class VenueView(TypedDict):
    """Mode and switches, limits by mode, order caps by tier."""

    mode: str
    kill_switch: str
    maintenance: str
    limits: dict[str, ModeLimits]
    tiers: dict[str, OrderCaps]


class VenueChange(TypedDict):
    """Who changed what, as the sequence has it."""

    change_id: int
    at: int
    command_seq: int
    source: str
    by: str
    note: str
    scope: str
    name: str
    old: str
    new: str


class VenueChanges(Page):
    """Changes, newest first."""

    changes: list[VenueChange]


class Link(TypedDict):
    """A message on the way; `milliseconds` since the first one was stored."""

    id: str
    type: str
    stream: str
    stream_seq: int
    stored_at: int
    milliseconds: float
    told: str


class Trace(TypedDict):
    """An alert back to what caused it."""

    chain: list[Link]


class Terms(TypedDict):
    """What an operator has decided about an account."""

    account: str
    tier: str
    standing: str


class TermsPage(TypedDict):
    """Accounts by name; `next`: the `before` of the page that follows."""

    accounts: list[Terms]
    next: str | None


class PersonLine(TypedDict):
    """A person as operators see him."""

    id: str
    display_name: str
    username: str | None
    tier: str
    kyc: str
    risk: str
    status: str
    scopes: list[str]
    created_at: int
    last_sign_in_at: int | None


class PeoplePage(Page):
    """People, newest first."""

    people: list[PersonLine]


class Use(TypedDict):
    """Counts, bytes and times of requests."""

    requests: int
    client_errors: int
    server_errors: int
    bytes_in: int
    bytes_out: int
    mean_micros: int
    slowest_micros: int


class DayOfUse(Use):
    """A UTC day; `peak_hour` had the most requests, `peak`."""

    day: int
    peak_hour: int
    peak: int


class RouteUse(Use):
    """One route."""

    method: str
    route: str


class KeyUse(Use):
    """One person and key; "" is none."""

    user_id: str
    key_id: str


class UsageView(TypedDict):
    """Days, newest first, and what they consist of."""

    days: list[DayOfUse]
    routes: list[RouteUse]
    keys: list[KeyUse]


class VenueUsage(UsageView):
    """`dropped`: requests not written down; `cache`: answers by how they came, and the part that was kept."""

    dropped: int
    cache: dict[str, float]


class RequestLine(TypedDict):
    """A request."""

    id: int
    at: int
    user_id: str
    key_id: str
    method: str
    route: str
    status: int
    micros: int
    bytes_in: int
    bytes_out: int
    ip: str
    error: str


class RequestPage(Page):
    """Requests, newest first."""

    requests: list[RequestLine]
