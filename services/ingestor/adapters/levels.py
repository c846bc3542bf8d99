"""How venues write the levels of books, each described once: the engine reads them from a frame's bytes."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from cleartide.money import MoneyError

from services.ingestor.engine.book import Layout, TextLevel, Written
from services.ingestor.engine.side import PLAIN, Shape

EMPTY: Final = msgspec.Raw(b"[]")
"""A side that a frame leaves out."""


def layout(shape: Shape, level: Any, text: Callable[[Any], TextLevel | None]) -> Layout:
    """Levels of a shape; where they are written otherwise each is decoded as a `level` and made text, or left out."""
    decoder = msgspec.json.Decoder(list[level])

    def decode(data: bytes) -> Sequence[TextLevel]:
        try:
            return [found for each in decoder.decode(data) if (found := text(each)) is not None]
        except msgspec.MsgspecError as error:
            raise MoneyError("unreadable", f"levels: {error}") from error

    return Layout(shape, decode)


PAIRS: Final = layout(PLAIN, TextLevel, tuple)
"""[price, size], both in quotes, as most venues have it."""


def written(levels: msgspec.Raw, how: Layout = PAIRS) -> Written:
    """One side of a frame, left as it is."""
    return Written((bytes(levels), how))
