"""Types of what venues write: the contracts' bounds are checked while a frame is decoded."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, get_args

import msgspec
from cleartide.contracts.market import CandleInterval
from msgspec import Meta

from services.ingestor.adapters.core import Unusable

MILLI: Final = 1_000
"""Microseconds."""

Millis = Annotated[int, Meta(ge=0, le=9 * 10**12)]
Micros = Annotated[int, Meta(ge=0, le=9 * 10**15)]
Id = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Text = Annotated[str, Meta(max_length=40)]

INTERVALS: Final[Sequence[str]] = get_args(CandleInterval)


def text_of(message: Mapping[str, Any]) -> str:
    """A request as the text that is sent."""
    return msgspec.json.encode(message).decode()


def chosen_intervals(text: str, names: Mapping[str, str]) -> list[str]:
    """The venue's names of candle intervals in the option `candles`, as in "1m,1h". Raises ValueError for others."""
    wanted = [each for each in text.split(",") if each]
    unknown = [each for each in wanted if each not in names]
    if unknown:
        raise ValueError(f"there are no candles of {', '.join(unknown)}; there are {', '.join(names)}")
    return [names[each] for each in wanted]


def iso_micros(text: str) -> int:
    """An ISO time as microseconds UTC. Raises Unusable for any other text."""
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except (ValueError, TypeError) as error:
        raise Unusable("unreadable", f"time {text}") from error
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
