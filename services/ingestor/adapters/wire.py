"""Types of what venues write: the contracts' bounds are checked while a frame is decoded."""

from typing import Annotated, Final

from msgspec import Meta

MILLI: Final = 1_000
"""Microseconds."""

Millis = Annotated[int, Meta(ge=0, le=9 * 10**12)]
Micros = Annotated[int, Meta(ge=0, le=9 * 10**15)]
Id = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Text = Annotated[str, Meta(max_length=40)]
