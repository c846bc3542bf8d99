"""The tables of product. The fold writes events and choices; roll-ups are kept by triggers in the same transaction.

Only the database knows which events it has seen before, so what counts is counted there: a row that is there already
fires nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from cleartide.fold import Changes, Repository, Row, Table

from services.product.domain.state import ProductState

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
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
    },
    write="ignore",
    load=False,
)
SILENT: Final = Table("silent_persons", key=("person",), columns={"person": "text"})
ERASURES: Final = Table("erasures", key=("person",), columns={"person": "text", "at": "bigint"}, write="ignore")


class ProductRepository(Repository[ProductState]):
    """Rows of what was told since the last commit."""

    tables: ClassVar[tuple[Table, ...]] = (EVENTS, SILENT, ERASURES)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> ProductState:
        """Only who may not be recorded is remembered."""
        return ProductState(
            silent={person for (person,) in rows[SILENT.name]},
            erased=dict(rows[ERASURES.name]),
        )

    def collect(self, state: ProductState) -> Changes:
        """What is new; an event that is told twice within a batch is one row."""
        changes = Changes()
        events: dict[tuple[str, str, int], Row] = {}
        for event, told in state.recorded:
            ts = EPOCH + timedelta(microseconds=event.happened_at)
            place = (ts, event.person, event.event_id, event.session)
            row = (*place, told.kind, told.name, event.page, told.value, told.detail)
            events.setdefault((event.person, event.event_id, event.happened_at), row)
        changes.put_all(EVENTS, events.values())
        for person, allowed in state.switched.items():
            if allowed:
                changes.delete(SILENT, (person,))
            else:
                changes.put(SILENT, (person,))
        changes.put_all(ERASURES, [(person, state.erased[person]) for person in state.to_erase])
        state.recorded, state.switched, state.to_erase = [], {}, []
        return changes
