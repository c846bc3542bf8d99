"""Trading events as clients are told them: steps and quanta become decimals, and nobody's are told to somebody else.

`price_ticks` becomes `price`, `size_lots` `size`, `fee_quanta` `fee`, `rate_ppb` `rate`: the same figure as text.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from cleartide.money import Grid, quanta_to_text

from services.gateway.edge.convert import ppb_text

Event = Mapping[str, Any]
HIDDEN: Final = frozenset({"version", "source", "correlation_id"})
"""Of the envelope: what says nothing to somebody outside."""


def told(event: Event, grid: Grid | None) -> dict[str, Any]:
    """One event in decimals; a figure in steps stays as it is, under its own name, while its market is not known."""
    found: dict[str, Any] = {}
    for name, value in event.items():
        if name in HIDDEN:
            continue
        stem, unit = _parts(name)
        text = _ANYWHERE.get(unit) or (None if grid is None else _in_steps(unit, grid))
        if text is None:
            found[name] = value
        else:
            found[stem] = None if value is None else text(value)
    return found


def whose(event: Event) -> str | None:
    """Whose business an event is: what a keeper was paid is his, not that of the account which was liquidated."""
    return event.get("keeper") or event.get("account")


def told_to(account: str, events: Iterable[Event], known: Callable[[str], Grid | None]) -> list[dict[str, Any]]:
    """Of what a command caused, that which is about one account, in decimals."""
    mine = (event for event in events if whose(event) == account)
    return [told(event, known(event.get("market") or "")) for event in mine]


_ANYWHERE: Final[dict[str, Callable[[Any], str | None]]] = {"quanta": quanta_to_text, "ppb": ppb_text}


def _in_steps(unit: str, grid: Grid) -> Callable[[Any], str] | None:
    if unit == "ticks":
        return grid.price_text
    return grid.size_text if unit == "lots" else None


@lru_cache(maxsize=1_024)
def _parts(name: str) -> tuple[str, str]:
    """What a field's name says, and its unit."""
    stem, _, unit = name.rpartition("_")
    return stem, unit
