"""What Crypto.com sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.levels import EMPTY
from services.ingestor.adapters.wire import Millis, Text

Level = tuple[Text, Text, str]


class Sides(msgspec.Struct, gc=False):
    """Levels as (price, size, orders)."""

    asks: msgspec.Raw = EMPTY
    bids: msgspec.Raw = EMPTY


class Book(Sides, gc=False):
    """A snapshot at update u, or in `update` what changed since pu."""

    t: Millis = 0
    u: int | str = 0
    pu: int | str = 0
    update: Sides | None = None


class Trade(msgspec.Struct, gc=False):
    """One fill; `s` is the taker's side."""

    d: Annotated[str, Meta(min_length=1, max_length=48)]
    t: Millis
    p: Text
    q: Text
    s: Literal["BUY", "SELL"]


class Ticker(msgspec.Struct, gc=False):
    """Best bid b and ask k, last a, figures of 24 hours, open interest oi in base units."""

    t: Millis
    b: Text | None = None
    bs: Text | None = None
    k: Text | None = None
    ks: Text | None = None
    a: Text | None = None
    h: Text | None = None
    l: Text | None = None  # noqa: E741 - the venue's name
    v: Text | None = None
    oi: Text | None = None


class TickerResult(msgspec.Struct, gc=False):
    """Tickers of an instrument."""

    instrument_name: str
    data: list[Ticker]


class TickerFrame(msgspec.Struct, gc=False):
    """Tickers as they come."""

    result: TickerResult
    code: int = 0


class Value(msgspec.Struct, gc=False):
    """A mark, an index or a rate."""

    v: Text
    t: Millis


class Candle(msgspec.Struct, gc=False):
    """A candle from t on, as it stands."""

    t: Millis
    o: Text
    h: Text
    l: Text  # noqa: E741 - the venue's name
    c: Text
    v: Text


class Result(msgspec.Struct, gc=False):
    """Data of a channel."""

    channel: str = ""
    instrument_name: str = ""
    interval: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Frame(msgspec.Struct, gc=False):
    """One message."""

    method: str = ""
    id: msgspec.Raw = msgspec.Raw()
    code: int = 0
    message: str = ""
    result: Result | None = None


class Info(msgspec.Struct, gc=False):
    """One instrument of the listing."""

    symbol: str
    inst_type: str
    base_ccy: str
    quote_ccy: str
    price_tick_size: str
    qty_tick_size: str
    tradable: bool = True


class Page(msgspec.Struct, gc=False):
    """The instruments of one answer."""

    data: list[Info]


class Listing(msgspec.Struct, gc=False):
    """The answer of get-instruments."""

    result: Page


FRAME: Final = msgspec.json.Decoder(Frame)
BOOK: Final = msgspec.json.Decoder(list[Book])
TRADES: Final = msgspec.json.Decoder(list[Trade])
TICKER: Final = msgspec.json.Decoder(list[Ticker])
TICKER_FRAME: Final = msgspec.json.Decoder(TickerFrame)
CANDLES: Final = msgspec.json.Decoder(list[Candle])
VALUE: Final = msgspec.json.Decoder(list[Value])
LISTING: Final = msgspec.json.Decoder(Listing)
