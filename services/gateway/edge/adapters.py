"""One pydantic adapter for all places where routes take or answer the same, instead of one for each place.

FastAPI makes an adapter for every parameter, body, answer and error of every route, and again for the application that
takes the route in: some 1,560 of 270 kinds, three quarters of the time in which an edge is made. An adapter keeps
nothing of what it checks, so places of one kind can share it.
"""

from typing import Any, Final, cast, get_args

from fastapi._compat import v2
from pydantic import TypeAdapter

_made: Final[dict[tuple[Any, str], "TypeAdapter[Any]"]] = {}


def shared(kind: Any, *, config: Any = None) -> "TypeAdapter[Any]":
    """The adapter of `Annotated[type, ..., Field(...)]`, as FastAPI asks for it."""
    of, *said = get_args(kind)
    # A factory is told by its name alone.
    if config is not None or any(getattr(one, "default_factory", None) is not None for one in said):
        return TypeAdapter(kind, config=config)
    key = (of, repr(said))
    if key not in _made:
        _made[key] = TypeAdapter(kind)
    return _made[key]


def share_adapters() -> None:
    """From here on routes are made so."""
    cast(Any, v2).TypeAdapter = shared
