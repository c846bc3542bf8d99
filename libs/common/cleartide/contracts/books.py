"""What subscribers of a book hear: the levels that a command changed, numbered per market without a gap."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.types import JSON_SAFE, MarketId, Seq, Ticks

LevelNow = tuple[Ticks, Annotated[int, Field(ge=0, le=JSON_SAFE)]]
"""A price in ticks and the lots now displayed there; no lots: the level is gone."""


class BookChanged(Message):
    """What one command did to one market's book: every level that has changed, with its new displayed total.

    A snapshot (`query.matching.book`) at `book_seq` n, followed by the changes n + 1, n + 2, ..., is the book. Levels
    come best first; sizes that are hidden are in none of them.
    """

    subject_template: ClassVar[str] = "books.{market}"
    packed: ClassVar[bool] = True
    type: Literal["BookChanged"] = "BookChanged"
    version: Literal[1] = 1
    market: MarketId
    book_seq: Seq
    bids: tuple[LevelNow, ...]
    asks: tuple[LevelNow, ...]
    best_bid_ticks: Ticks | None
    best_ask_ticks: Ticks | None
