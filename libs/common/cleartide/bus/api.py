"""What JetStream's management interface answers."""

from typing import Any, Final

CONSUMER_NOT_FOUND: Final = 10014
DUPLICATE_IN_BATCH: Final = 10201


class ApiError(Exception):
    """JetStream answered with an error."""

    def __init__(self, subject: str, error: dict[str, Any]) -> None:
        super().__init__(f"{subject}: {error.get('description', error)}")
        self.code = int(error.get("err_code", 0))
