"""Types of what venues write: the contracts' bounds are checked while a frame is decoded."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, get_args

from cleartide.contracts.market import CandleInterval
from msgspec import Meta

MILLI: Final = 1_000
"""Microseconds."""

Millis = Annotated[int, Meta(ge=0, le=9 * 10**12)]
Micros = Annotated[int, Meta(ge=0, le=9 * 10**15)]
Id = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Text = Annotated[str, Meta(max_length=40)]

INTERVALS: Final[Sequence[str]] = get_args(CandleInterval)


def chosen_intervals(text: str, names: Mapping[str, str]) -> list[str]:
    """The venue's names of candle intervals in the option `candles`, as in "1m,1h". Raises ValueError for others."""
    wanted = [each for each in text.split(",") if each]
    unknown = [each for each in wanted if each not in names]
    if unknown:
        raise ValueError(f"there are no candles of {', '.join(unknown)}; there are {', '.join(names)}")
    return [names[each] for each in wanted]
