"""The queue of webhook deliveries: one row per endpoint and event, however often it is put there."""

import msgspec
from cleartide.store.truth import Truth

from services.gateway.domain.occurrences import Occurrence


async def add_delivery(truth: Truth, endpoint: str, owner: str, occurrence: Occurrence) -> None:
    """Put an occurrence into an endpoint's queue; one that is there already is not put there again."""
    body = {
        "id": occurrence.id,
        "type": occurrence.kind,
        "timestamp": occurrence.at,
        "account": occurrence.account or None,
        "data": occurrence.data,
    }
    await truth.add_new(
        "webhook_deliveries",
        endpoint_id=endpoint,
        owner=owner,
        event_id=occurrence.id,
        kind=occurrence.kind,
        body=msgspec.json.encode(body).decode(),
        state="pending",
        next_at=0,
        created_at=occurrence.at,
    )
