"""What BitMEX sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.scale import NO_NUMBER

Time = Annotated[str, Meta(max_length=32)]
Side = Literal["Buy", "Sell"]
RowKey = tuple[int, Side]
"""What identifies a row: its id alone does not."""


class Row(msgspec.Struct, gc=False):
    """A level of the book: its price is said when it is new."""

    symbol: str
    id: int
    side: Side
    size: msgspec.Raw = NO_NUMBER
    price: msgspec.Raw = NO_NUMBER
    timestamp: Time = ""


class Quote(msgspec.Struct, gc=False, rename="camel"):
    """Best bid and ask; either may be null."""

    symbol: str
    timestamp: Time
    bid_price: msgspec.Raw = NO_NUMBER
    bid_size: msgspec.Raw = NO_NUMBER
    ask_price: msgspec.Raw = NO_NUMBER
    ask_size: msgspec.Raw = NO_NUMBER


class Trade(msgspec.Struct, gc=False):
    """One fill; `side` is the taker's."""

    symbol: str
    timestamp: Time
    side: Side
    size: msgspec.Raw
    price: msgspec.Raw
    ident: Annotated[str, Meta(min_length=1, max_length=48)] = msgspec.field(name="trdMatchID")


class Liquidation(msgspec.Struct, gc=False):
    """A liquidation order."""

    symbol: str
    side: Side
    price: msgspec.Raw
    ident: str = msgspec.field(name="orderID")
    size: msgspec.Raw = msgspec.field(name="leavesQty")


class Figures(msgspec.Struct, gc=False, rename="camel"):
    """What changed of an instrument."""

    symbol: str
    timestamp: Time = ""
    mark_price: msgspec.Raw = NO_NUMBER
    indicative_settle_price: msgspec.Raw = NO_NUMBER
    funding_rate: msgspec.Raw = NO_NUMBER
    indicative_funding_rate: msgspec.Raw = NO_NUMBER
    funding_timestamp: str | None = None
    open_interest: msgspec.Raw = NO_NUMBER


class Frame(msgspec.Struct, gc=False):
    """Rows of a table, or an answer."""

    table: str = ""
    action: Literal["partial", "insert", "update", "delete", ""] = ""
    data: msgspec.Raw = msgspec.Raw()
    info: str = ""
    success: bool | None = None
    error: str = ""


class Info(msgspec.Struct, gc=False, rename="camel"):
    """One instrument of the listing."""

    symbol: str
    state: str
    typ: str
    underlying: str
    quote_currency: str
    tick_size: msgspec.Raw
    is_inverse: bool
    is_quanto: bool
    underlying_to_position_multiplier: msgspec.Raw = NO_NUMBER
    maker_fee: msgspec.Raw = NO_NUMBER
    taker_fee: msgspec.Raw = NO_NUMBER


FRAME: Final = msgspec.json.Decoder(Frame)
ROWS: Final = msgspec.json.Decoder(list[Row])
QUOTES: Final = msgspec.json.Decoder(list[Quote])
TRADES: Final = msgspec.json.Decoder(list[Trade])
LIQUIDATIONS: Final = msgspec.json.Decoder(list[Liquidation])
FIGURES: Final = msgspec.json.Decoder(list[Figures])
LISTING: Final = msgspec.json.Decoder(list[Info])
