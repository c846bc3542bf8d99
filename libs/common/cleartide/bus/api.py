"""What JetStream is told in headers, and what it answers."""

from typing import Any, Final

CONSUMER_NOT_FOUND: Final = 10014
BATCH_INCOMPLETE: Final = 10176
DUPLICATE_IN_BATCH: Final = 10201


class ApiError(Exception):
    """JetStream answered with an error."""

    def __init__(self, subject: str, error: dict[str, Any]) -> None:
        super().__init__(f"{subject}: {error.get('description', error)}")
        self.code = int(error.get("err_code", 0))


def in_batch(batch: str, place: int, *, last: bool = False) -> dict[str, str]:
    """Headers of the message at a place, from 1, of an atomic batch; the last one commits it."""
    headers = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(place)}
    return {**headers, "Nats-Batch-Commit": "1"} if last else headers
