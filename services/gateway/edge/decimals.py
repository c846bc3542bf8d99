"""Trading events as clients are told them: steps and quanta become decimals, and nobody's are told to somebody else.

`price_ticks` becomes `price`, `size_lots` `size`, `fee_quanta` `fee`, `rate_ppb` `rate`: the same figure as text.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cleartide.money import Grid, quanta_to_text

from services.gateway.edge.convert import ppb_text

Event = Mapping[str, Any]
HIDDEN: Final = frozenset({"version", "source", "correlation_id"})
"""Of the envelope: what says nothing to somebody outside."""
OF_THE_ACCOUNT: Final = "account"


def told(event: Event, grid: Grid | None) -> dict[str, Any]:
    """One event in decimals; a figure in steps stays as it is, under its own name, while its market is not known."""
    found: dict[str, Any] = {}
    for name, value in event.items():
        if name in HIDDEN:
            continue
        text = _text(name, grid)
        if text is None:
            found[name] = value
        else:
            found[name.rpartition("_")[0]] = None if value is None else text(value)
    return found


def told_to(account: str, events: Iterable[Event], known: Callable[[str], Grid | None]) -> list[dict[str, Any]]:
    """Of what a command caused, that which is about one account, in decimals."""
    mine = (event for event in events if event.get(OF_THE_ACCOUNT) == account)
    return [told(event, known(event.get("market") or "")) for event in mine]


def _text(name: str, grid: Grid | None) -> Callable[[Any], str | None] | None:
    unit = name.rpartition("_")[2]
    if unit == "quanta":
        return quanta_to_text
    if unit == "ppb":
        return ppb_text
    if grid is not None and unit == "ticks":
        return grid.price_text
    if grid is not None and unit == "lots":
        return grid.size_text
    return None
