"""The tables of product. The fold writes events and choices; roll-ups are kept by triggers in the same transaction.

Only the database knows which events it has seen before, so what counts is counted there: a row that is there already
fires nothing. Every row of the fold knows its place in the stream, which keeps a week: a rebuild carries over the rows
of before, and the triggers count them again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from cleartide.fold import Changes, Repository, Row, Table

from services.product.domain.state import ProductState

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OLDER: Final = "place < {first}"
EVENTS: Final = Table(
    "product_events",
    key=("person", "event_id", "ts"),
    columns={
        "ts": "timestamptz",
        "person": "text",
        "event_id": "text",
        "session": "text",
        "kind": "text",
        "name": "text",
        "page": "text",
        "value": "bigint",
        "detail": "jsonb",
        "place": "bigint",
    },
    write="ignore",
    load=False,
    before=_OLDER,
)
CHOICES: Final = Table(
    "choices",
    key=("person", "place"),
    columns={"person": "text", "place": "bigint", "allowed": "boolean"},
    before=_OLDER,
)
ERASURES: Final = Table(
    "erasures",
    key=("person",),
    columns={"person": "text", "at": "bigint", "place": "bigint"},
    write="ignore",
    before=_OLDER,
)

_UNKNOWN: Final = "NOT EXISTS (SELECT FROM {old}.usage_days u WHERE u.day = t.day)"
"""Of a day of which no person is known any longer the sums alone are left."""
_SUMS: Final = {"events": "bigint", "valued": "bigint", "value_sum": "numeric"}
_USE: Final = {"day": "date", "kind": "text", "name": "text"}
ROLL_UPS: Final = (
    Table("usage_days", key=("person", *_USE), columns={"person": "text", **_USE, **_SUMS}, load=False),
    Table(
        "platform_days", key=tuple(_USE), columns={**_USE, "persons": "bigint", **_SUMS}, load=False, before=_UNKNOWN
    ),
    Table(
        "sessions",
        key=("person", "day", "session"),
        columns={
            "person": "text",
            "day": "date",
            "session": "text",
            **dict.fromkeys(("started_at", "ended_at", "entry_at", "exit_at"), "timestamptz"),
            **dict.fromkeys(("events", "pages", "conversions"), "bigint"),
            **dict.fromkeys(("entry_id", "entry_page", "exit_id", "exit_page"), "text"),
        },
        load=False,
    ),
    Table(
        "metric_days",
        key=("day", "metric", "bucket"),
        columns={"day": "date", "metric": "text", "bucket": "integer", "events": "bigint"},
        load=False,
        before=_UNKNOWN,
    ),
)


class ProductRepository(Repository[ProductState]):
    """Rows of what was told since the last commit."""

    tables: ClassVar[tuple[Table, ...]] = (EVENTS, CHOICES, ERASURES)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> ProductState:
        """Only who may not be recorded is remembered."""
        state = ProductState(erased={person: (at, place) for person, at, place in rows[ERASURES.name]})
        for person, place, allowed in rows[CHOICES.name]:
            state.choices.setdefault(person, {})[place] = allowed
        return state

    def collect(self, state: ProductState) -> Changes:
        """What is new; an event that is told twice within a batch is one row."""
        changes = Changes()
        events: dict[tuple[str, str, int], Row] = {}
        for event, told, place in state.recorded:
            ts = EPOCH + timedelta(microseconds=event.happened_at)
            head = (ts, event.person, event.event_id, event.session)
            row = (*head, told.kind, told.name, event.page, told.value, told.detail, place)
            events.setdefault((event.person, event.event_id, event.happened_at), row)
        changes.put_all(EVENTS, events.values())
        changes.put_all(CHOICES, [(*chosen, state.choices[chosen[0]][chosen[1]]) for chosen in state.chosen])
        changes.put_all(ERASURES, [(person, *state.erased[person]) for person in state.to_erase])
        for done in (state.recorded, state.chosen, state.to_erase):
            done.clear()
        return changes
