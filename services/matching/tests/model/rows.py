"""Rows by key, as the comparison holds them."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from cleartide.fold import Key, Row

Rows = dict[Key, Row]
Made = TypeVar("Made")

_KEPT: Final[dict[tuple[str, str], tuple[Any, Any]]] = {}


def once(table: str, name: str, source: Made, make: Callable[[Made], Rows]) -> Rows:
    """What is made of something that never changes itself is made again only when another has taken its place."""
    kept = _KEPT.get((table, name))
    if kept is None or kept[0] is not source:
        kept = _KEPT[table, name] = source, make(source)
    rows: Rows = kept[1]
    return rows
