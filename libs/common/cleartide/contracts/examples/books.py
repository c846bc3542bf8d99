"""An example of what subscribers of a book hear: alice's order takes the one level that bob's had made."""

from typing import Final

from cleartide.contracts.base import Message
from cleartide.contracts.books import BookChanged
from cleartide.contracts.examples.story import MARKET, OPENED, said

BOOK_EXAMPLES: Final[tuple[Message, ...]] = (
    said(
        BookChanged,
        "matching",
        "books",
        2,
        OPENED,
        "order-1",
        market=MARKET,
        book_seq=2,
        bids=(),
        asks=((650_000, 0),),
        best_bid_ticks=None,
        best_ask_ticks=None,
    ),
)
