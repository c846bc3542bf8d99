"""What triggers of real schemas do to rows of the fold; what they only count is compared where there is a database."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cleartide.fold import Key, Row

Tables = dict[str, dict[Key, Row]]


def _erase_persons(tables: Tables, erasures: Sequence[Row]) -> None:
    """Product's: the events of persons who are erased go in the same transaction."""
    gone, events = {row[0] for row in erasures}, tables.get("product_events", {})
    for key in [key for key in events if key[0] in gone]:
        del events[key]


TRIGGERS: Final[Mapping[str, Callable[[Tables, Sequence[Row]], None]]] = {"erasures": _erase_persons}
"""By the table into which rows are inserted, called with those that are new."""
