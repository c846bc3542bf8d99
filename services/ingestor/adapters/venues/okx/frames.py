"""What OKX sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.wire import Text

Millis = Annotated[str, Meta(pattern=r"^[0-9]{1,13}$")]
Id = Annotated[int, Meta(ge=-1, le=2**53 - 1)]
Level = tuple[Text, Text, str, str]


class Argument(msgspec.Struct, gc=False, rename="camel"):
    """Which channel of which instrument."""

    channel: str = ""
    inst_id: str = ""


class Frame(msgspec.Struct, gc=False):
    """Data of a channel, or an answer."""

    arg: Argument = msgspec.field(default_factory=Argument)
    action: Literal["snapshot", "update", ""] = ""
    data: msgspec.Raw = msgspec.Raw()
    event: str = ""
    msg: str = ""


class BookData(msgspec.Struct, gc=False, rename="camel"):
    """Levels as (price, contracts, deprecated, orders)."""

    bids: list[Level]
    asks: list[Level]
    ts: Millis
    checksum: int | None = None
    seq_id: Id = 0
    prev_seq_id: Id = 0


class TradeData(msgspec.Struct, gc=False, rename="camel"):
    """One trade; `side` is the taker's."""

    trade_id: Annotated[str, Meta(min_length=1, max_length=48)]
    px: Text
    sz: Text
    side: Literal["buy", "sell"]
    ts: Millis


class TickerData(msgspec.Struct, gc=False):
    """Figures of 24 hours."""

    last: Text
    high24h: Text
    low24h: Text
    vol24h: Text
    ts: Millis


class FundingData(msgspec.Struct, gc=False, rename="camel"):
    """The running interval's rate, which is settled at fundingTime, and the next one's where it is predicted."""

    funding_rate: Text
    funding_time: Millis
    ts: Millis
    next_funding_rate: Text = ""


class MarkData(msgspec.Struct, gc=False, rename="camel"):
    """The mark price."""

    mark_px: Text
    ts: Millis


class IndexData(msgspec.Struct, gc=False, rename="camel"):
    """The index price."""

    idx_px: Text
    ts: Millis


class InterestData(msgspec.Struct, gc=False):
    """Open interest in contracts, one-sided."""

    oi: Text
    ts: Millis


class Info(msgspec.Struct, gc=False, rename="camel"):
    """One instrument of the listing."""

    inst_id: str
    inst_family: str
    state: str
    ct_type: Literal["linear", "inverse", ""]
    ct_val: str
    ct_mult: str
    lot_sz: str
    tick_sz: str


class Listing(msgspec.Struct, gc=False):
    """The answer of instruments."""

    data: list[Info]


FRAME: Final = msgspec.json.Decoder(Frame)
BOOK: Final = msgspec.json.Decoder(list[BookData])
TRADES: Final = msgspec.json.Decoder(list[TradeData])
TICKER: Final = msgspec.json.Decoder(list[TickerData])
FUNDING: Final = msgspec.json.Decoder(list[FundingData])
MARK: Final = msgspec.json.Decoder(list[MarkData])
INDEX: Final = msgspec.json.Decoder(list[IndexData])
INTEREST: Final = msgspec.json.Decoder(list[InterestData])
LISTING: Final = msgspec.json.Decoder(Listing)
