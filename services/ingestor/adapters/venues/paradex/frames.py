"""What Paradex sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.wire import Id, Millis, Text


class Level(msgspec.Struct, gc=False):
    """A price level of one side."""

    side: Literal["BUY", "SELL"]
    price: Text
    size: Text = "0"


class Book(msgspec.Struct, gc=False):
    """A snapshot (s) or what changed (d)."""

    market: str
    seq_no: Id
    last_updated_at: Millis
    update_type: Literal["s", "d"]
    inserts: msgspec.Raw
    updates: msgspec.Raw
    deletes: msgspec.Raw


class Quote(msgspec.Struct, gc=False):
    """Best bid and ask; a side that is not there is empty."""

    market: str
    seq_no: Id
    bid: Text
    bid_size: Text
    ask: Text
    ask_size: Text
    last_updated_at: Millis


class Trade(msgspec.Struct, gc=False):
    """One trade; `side` is the taker's."""

    id: Annotated[str, Meta(min_length=1, max_length=48)]
    market: str
    side: Literal["BUY", "SELL"]
    price: Text
    size: Text
    created_at: Millis
    trade_type: str = "FILL"


class Summary(msgspec.Struct, gc=False):
    """A market's figures."""

    symbol: str
    created_at: Millis
    mark_price: Text = ""
    underlying_price: Text = ""
    funding_rate: Text = ""
    open_interest: Text = ""


class Parameters(msgspec.Struct, gc=False):
    """What a notification is about."""

    channel: str
    data: msgspec.Raw


class BookParameters(msgspec.Struct, gc=False):
    """What a book's notification is about."""

    data: Book


class BookFrame(msgspec.Struct, gc=False):
    """A book as it comes."""

    params: BookParameters


class Refusal(msgspec.Struct, gc=False):
    """Why a request was refused."""

    code: int = 0
    message: str = ""


class Frame(msgspec.Struct, gc=False):
    """A notification, or the answer to a request."""

    params: Parameters | None = None
    error: Refusal | None = None
    id: int | None = None


class Market(msgspec.Struct, gc=False):
    """One market of the listing; options share it."""

    symbol: str
    order_size_increment: str
    price_tick_size: str
    asset_kind: str
    funding_period_hours: int | None = None


class Listing(msgspec.Struct, gc=False):
    """The answer of markets."""

    results: list[Market]


FRAME: Final = msgspec.json.Decoder(Frame)
BOOK: Final = msgspec.json.Decoder(Book)
BOOK_FRAME: Final = msgspec.json.Decoder(BookFrame)
QUOTE: Final = msgspec.json.Decoder(Quote)
TRADE: Final = msgspec.json.Decoder(Trade)
SUMMARY: Final = msgspec.json.Decoder(Summary)
LISTING: Final = msgspec.json.Decoder(Listing)
