"""What Bybit sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.wire import Id, Millis, Text

Name = Annotated[str, Meta(min_length=1, max_length=48)]


class BookData(msgspec.Struct, gc=False):
    """Changed levels, or all of them, at update u."""

    s: str
    b: msgspec.Raw
    a: msgspec.Raw
    u: Id


class TradeData(msgspec.Struct, gc=False):
    """One trade: taker side S, size v, price p, id i."""

    T: Millis
    s: str
    S: Literal["Buy", "Sell"]
    v: Text
    p: Text
    i: Name


class LiquidationData(msgspec.Struct, gc=False):
    """One liquidation; S is the side of the position: a liquidated long is "Buy"."""

    T: Millis
    s: str
    S: Literal["Buy", "Sell"]
    v: Text
    p: Text


class TickerData(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """What of the ticker changed; "" and absent mean: as before."""

    symbol: str
    last_price: Text = ""
    high_price24h: Text = msgspec.field(default="", name="highPrice24h")
    low_price24h: Text = msgspec.field(default="", name="lowPrice24h")
    volume24h: Text = msgspec.field(default="", name="volume24h")
    mark_price: Text = ""
    index_price: Text = ""
    open_interest: Text = ""
    single_open_interest: Text = ""
    next_funding_time: Text = ""
    funding_rate: Text = ""
    bid1_price: Text = msgspec.field(default="", name="bid1Price")
    bid1_size: Text = msgspec.field(default="", name="bid1Size")
    ask1_price: Text = msgspec.field(default="", name="ask1Price")
    ask1_size: Text = msgspec.field(default="", name="ask1Size")


class TickerFrame(msgspec.Struct, gc=False):
    """A ticker as it comes."""

    data: TickerData
    type: Literal["snapshot", "delta", ""] = ""
    ts: Millis = 0
    cs: Id = 0


class Frame(msgspec.Struct, gc=False):
    """A frame of a topic, or an answer."""

    topic: str = ""
    type: Literal["snapshot", "delta", ""] = ""
    ts: Millis = 0
    cs: Id = 0
    cts: Millis = 0
    data: msgspec.Raw = msgspec.Raw()
    op: str = ""
    success: bool = True
    ret_msg: str = ""


class CandleData(msgspec.Struct, gc=False):
    """A candle as it stands; `confirm`: it is final."""

    start: Millis
    interval: str
    open: Text
    high: Text
    low: Text
    close: Text
    volume: Text
    confirm: bool
    timestamp: Millis


class LotFilter(msgspec.Struct, gc=False, rename="camel"):
    """The size grid."""

    qty_step: str


class PriceFilter(msgspec.Struct, gc=False, rename="camel"):
    """The price grid."""

    tick_size: str


class Info(msgspec.Struct, gc=False, rename="camel"):
    """One instrument."""

    symbol: str
    status: str
    base_coin: str
    quote_coin: str
    price_filter: PriceFilter
    lot_size_filter: LotFilter
    funding_interval: int


class Page(msgspec.Struct, gc=False):
    """The instruments of one answer."""

    list: list[Info]


class Listing(msgspec.Struct, gc=False):
    """The answer of instruments-info."""

    result: Page


FRAME: Final = msgspec.json.Decoder(Frame)
BOOK: Final = msgspec.json.Decoder(BookData)
TRADES: Final = msgspec.json.Decoder(list[TradeData])
LIQUIDATIONS: Final = msgspec.json.Decoder(list[LiquidationData])
CANDLES: Final = msgspec.json.Decoder(list[CandleData])
TICKER: Final = msgspec.json.Decoder(TickerFrame)
LISTING: Final = msgspec.json.Decoder(Listing)
