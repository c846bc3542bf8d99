"""A step: a few small numbers, which `steps` reads in a given world."""

from typing import Any, NamedTuple

from cleartide.contracts import Message

Body = tuple[type[Message], dict[str, Any]]
"""A command and its fields."""


class Step(NamedTuple):
    """What somebody does next; the numbers are read by `command_of`."""

    kind: str
    who: int
    where: int
    buys: bool
    amount: int
    offset: int
    flags: int
    wait: int
    terms: int = 0
    links: int = 0
