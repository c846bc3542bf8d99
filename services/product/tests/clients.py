"""Clients for the tests: what they tell, in whatever order and how often, and what must come of it."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

from cleartide.bus.ports import Delivery
from cleartide.contracts import Message
from cleartide.contracts.codec import encode
from cleartide.contracts.product import (
    ErrorReported,
    FeatureUsed,
    JourneyStepTaken,
    PageViewed,
    PerformanceMeasured,
    PersonErased,
    ProductEvent,
    RecordingAllowed,
    SessionEnded,
    SessionStarted,
    UserActed,
)

from services.product.domain.events import told_by

MINUTE: Final = 60_000_000
DAY: Final = 1_440 * MINUTE
START: Final = 20_512 * DAY
"""28 February 2026, 00:00 UTC: a month ends within a day."""
EPOCH: Final = date(1970, 1, 1)


def person(number: int) -> str:
    """A pseudonym."""
    return f"{number:032x}"


def told(contract: type[ProductEvent], number: int, at: int, who: int = 1, session: str = "s1", **body: Any) -> Any:
    """An event with the id of its number."""
    place: dict[str, Any] = {"event_id": f"e{number}", "happened_at": at, "session": session, "person": person(who)}
    return contract(id=f"{who}-e{number}", occurred_at=at, source="gateway", **place, **body)


def said(contract: type[RecordingAllowed | PersonErased], number: int, who: int, at: int, **body: Any) -> Message:
    """A choice of a person."""
    return contract(id=f"c{number}", occurred_at=at, source="gateway", person=person(who), **body)


def delivery(messages: Sequence[Message], at: int) -> Delivery:
    """The messages as one, as it reaches the service at an instant."""
    return Delivery(0, at, "product.events", b"[" + b",".join(map(encode, messages)) + b"]", "", 0)


def random_events(seed: int, count: int, days: int, people: int = 6) -> list[ProductEvent]:
    """Events of every kind by some people over some days, in order of their times."""
    random = Random(seed)
    times = sorted(START + random.randrange(days * DAY) for _ in range(count))
    return [_random_event(random, number, at, people) for number, at in enumerate(times, start=1)]


def random_batches(seed: int, now: Callable[[], int], people: int = 6) -> Iterator[list[Message]]:
    """What clients send without end: of all kinds, late, again, too late; choices, and persons to be forgotten.

    Who was erased does not come back, so now and then somebody new comes.
    """
    random, told_before = Random(seed), list[ProductEvent]()
    for number in itertools.count(1):
        at, who, draw = now(), number // 50 + random.randrange(1, people + 1), random.random()
        if draw < 0.1:
            yield [said(RecordingAllowed, number, who, at, allowed=random.random() < 0.6)]
        elif draw < 0.13:
            yield [said(PersonErased, number, who, at)]
        else:
            batch = [
                _random_event(random, 10 * number + place, at - random.randrange(DAY), people)
                for place in range(random.randrange(1, 5))
            ]
            told_before = [*told_before[-40:], *batch]
            again = random.sample(told_before, random.randrange(2))
            late = [batch[0].model_copy(update={"id": f"late-{number}", "happened_at": at - 8 * DAY})]
            yield [*batch, *again, *(late if random.random() < 0.2 else ())]


def _random_event(random: Random, number: int, at: int, people: int) -> ProductEvent:
    choices: list[tuple[type[ProductEvent], dict[str, Any]]] = [
        (UserActed, {"name": random.choice(("filter", "sort")), "properties": (("span", "7d"),)}),
        (PageViewed, {"page": random.choice(("/", "/risk.html")), "load_micros": random.choice((None, 1_500))}),
        (SessionStarted, {"device": random.choice(("mobile", "desktop"))}),
        (SessionEnded, {}),
        (FeatureUsed, {"feature": "export", "uses": random.randrange(1, 9)}),
        (JourneyStepTaken, {"journey": "deposit", "step": random.randrange(1, 4), "completes": at % 3 == 0}),
        (ErrorReported, {"name": "timeout", "fatal": at % 2 == 0, "text": "late"}),
        (PerformanceMeasured, {"metric": "paint", "value": random.choice((0, 1, 9, 1_000, 2**40))}),
    ]
    contract, body = random.choice(choices)
    session = f"s{random.randrange(3)}"
    event: ProductEvent = told(contract, number, at, random.randrange(1, people + 1), session, **body)
    return event


def day_of(event: ProductEvent) -> date:
    """The UTC day."""
    return EPOCH + timedelta(days=event.happened_at // DAY)


def recount(events: Iterable[ProductEvent]) -> dict[str, Any]:
    """What the roll-ups of these events hold, counted one by one: the other way to the same figures."""
    once = {(event.person, event.event_id, event.happened_at): event for event in events}
    usage: dict[tuple[Any, ...], list[int]] = {}
    buckets: Counter[tuple[date, str, int]] = Counter()
    visits: dict[tuple[Any, ...], list[ProductEvent]] = {}
    for event in once.values():
        fact, day = told_by(event), day_of(event)
        for kind, name in ((fact.kind, fact.name), (fact.kind, ""), ("", "")):
            row = usage.setdefault((event.person, day, kind, name), [0, 0, 0])
            row[0] += 1
            row[1] += fact.value is not None
            row[2] += fact.value or 0
        if fact.kind == "metric":
            assert fact.value is not None
            buckets[day, fact.name, fact.value] += 1
        visits.setdefault((event.person, day, event.session), []).append(event)
    platform: dict[tuple[Any, ...], list[int]] = {}
    for (_, day, kind, name), row in usage.items():
        sums = platform.setdefault((day, kind, name), [0, 0, 0, 0])
        for place, value in enumerate((1, *row)):
            sums[place] += value
    return {"usage": usage, "platform": platform, "values": buckets, "visits": visits}


def moment(micros: int) -> datetime:
    """An instant as the database gives it."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
