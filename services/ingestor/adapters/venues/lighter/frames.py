"""What Lighter sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from services.ingestor.adapters.wire import Id, Micros, Millis, Text


class Level(msgspec.Struct, gc=False):
    """A price level; size zero removes it."""

    price: Text
    size: Text


class Book(msgspec.Struct, gc=False):
    """A snapshot, or changed levels."""

    asks: msgspec.Raw
    bids: msgspec.Raw
    offset: Id = 0
    nonce: Id = 0
    begin_nonce: Id = 0


class Quote(msgspec.Struct, gc=False):
    """Best ask and bid."""

    a: Level
    b: Level


class Trade(msgspec.Struct, gc=False):
    """One trade; the taker bought when the maker asked."""

    trade_id: Id
    price: Text
    size: Text
    is_maker_ask: bool
    timestamp: Millis


class Stats(msgspec.Struct, gc=False):
    """A market's figures."""

    mark_price: Text
    index_price: Text
    open_interest: Text
    current_funding_rate: Text


class Candle(msgspec.Struct, gc=False):
    """A candle from t on, as it stands; a figure that is zero is left out."""

    t: Millis
    o: msgspec.Raw
    h: msgspec.Raw
    l: msgspec.Raw  # noqa: E741 - the venue's name
    c: msgspec.Raw
    v: msgspec.Raw = msgspec.Raw(b"0")


class Frame(msgspec.Struct, gc=False):
    """One message; which fields are there depends on the channel."""

    type: str
    channel: str = ""
    timestamp: Millis = 0
    nonce: Id = 0
    last_updated_at: Micros = 0
    order_book: Book | None = None
    ticker: Quote | None = None
    trades: list[Trade] | None = None
    liquidation_trades: list[Trade] | None = None
    market_stats: msgspec.Raw = msgspec.Raw()
    candles: list[Candle] | None = None


class Notice(msgspec.Struct, gc=False):
    """An error, which names no subscription."""

    code: int = 0
    message: str = ""


class Market(msgspec.Struct, gc=False):
    """One market of the listing."""

    symbol: str
    market_id: int
    market_type: str
    status: str
    supported_size_decimals: Annotated[int, Meta(ge=0, le=12)]
    supported_price_decimals: Annotated[int, Meta(ge=0, le=12)]


class Markets(msgspec.Struct, gc=False):
    """The answer of orderBooks."""

    order_books: list[Market]


class Refused(msgspec.Struct, gc=False):
    error: Notice | None = None


FRAME: Final = msgspec.json.Decoder(Frame)
STATS: Final = msgspec.json.Decoder(Stats)
REFUSED: Final = msgspec.json.Decoder(Refused)
MARKETS: Final = msgspec.json.Decoder(Markets)
