"""Answers about how the product is used."""

from typing_extensions import TypedDict


class RefusedItem(TypedDict):
    """An event that was not taken, by its place in the batch."""

    index: int
    reason: str
    detail: str


class Taken(TypedDict):
    """How many events were taken; none of one who does not allow it."""

    recording: bool
    accepted: int
    refused: list[RefusedItem]


class Privacy(TypedDict):
    """Whether use is recorded, and under which pseudonym."""

    recording: bool
    person: str
    changed_at: int


class UseTotals(TypedDict):
    """Sums of the span; the mean is null without a session."""

    events: int
    page_views: int
    features: int
    errors: int
    sessions: int
    short_sessions: int
    session_seconds: int
    mean_session_seconds: int | None
    conversions: int


class PlatformTotals(UseTotals):
    """With how many persons there were."""

    persons: int


class UseDay(TypedDict):
    """A UTC day."""

    day: str
    persons: int
    events: int
    page_views: int
    features: int
    errors: int
    sessions: int
    short_sessions: int
    session_seconds: int


class Counted(TypedDict):
    """How often something was, and for how many persons."""

    name: str
    events: int
    persons: int


class PageUse(Counted):
    """`load_millis`: the mean, null where nobody measured."""

    load_millis: int | None


class FeatureUse(Counted):
    """`uses`: how often in all."""

    uses: int


class ErrorUse(Counted):
    """`fatal`: how many ended what was being done."""

    fatal: int


class MetricUse(Counted):
    """Mean and percentiles of what was measured."""

    mean: int | None
    p50: int | None
    p95: int | None
    p99: int | None


class StepUse(Counted):
    """A step of a journey."""

    step: int


class Journey(TypedDict):
    """`completed`: how often the last step was taken."""

    journey: str
    completed: int
    steps: list[StepUse]


class PlatformUse(TypedDict):
    """The product's use over a span of UTC days."""

    from_day: str
    to_day: str
    totals: PlatformTotals
    days: list[UseDay]
    pages: list[PageUse]
    features: list[FeatureUse]
    actions: list[Counted]
    devices: list[Counted]
    journeys: list[Journey]
    errors: list[ErrorUse]
    metrics: list[MetricUse]


class NamedCount(TypedDict):
    """How often."""

    name: str
    events: int


class Visit(TypedDict):
    """One session."""

    day: str
    started_at: str
    seconds: int
    session: str
    pages: int
    conversions: int
    entry_page: str
    exit_page: str


class OwnUse(TypedDict):
    """What was recorded of one person; `used` by kind."""

    from_day: str
    to_day: str
    totals: UseTotals
    days: list[UseDay]
    used: dict[str, list[NamedCount]]
    visits: list[Visit]
    privacy: Privacy
