"""How much of a list an answer gives."""

from typing import Any, Final

from cleartide.contracts.types import JSON_SAFE
from cleartide.service import QueryError

DEFAULT_ROWS: Final = 50
MOST_ROWS: Final = 500


def limit_of(value: Any, most: int) -> int:
    """A number of rows that may be asked for. Raises QueryError."""
    limit = int(value)
    if not 1 <= limit <= most:
        raise QueryError("bad_parameters", f"1 to {most} rows")
    return limit


def before_of(params: dict[str, Any]) -> int:
    """The number before which a page begins; the largest there is by default. Raises QueryError."""
    before = int(params.get("before", JSON_SAFE))
    if not 0 <= before <= JSON_SAFE:
        raise QueryError("bad_parameters", "before is a number that an answer gave")
    return before
