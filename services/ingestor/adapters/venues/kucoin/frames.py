"""What KuCoin Futures sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.adapters.scale import NO_NUMBER
from services.ingestor.adapters.wire import Id, Millis, Text

Seconds = Annotated[str, Meta(pattern=r"^[0-9]{1,10}$")]
Nanos = Annotated[int, Meta(ge=0, le=9 * 10**18)]


class Change(msgspec.Struct, gc=False):
    """One changed level: "price,side,size"."""

    sequence: Id
    change: Annotated[str, Meta(max_length=96)]
    timestamp: Millis


class ChangeFrame(msgspec.Struct, gc=False):
    """A change as it comes."""

    topic: str
    data: Change
    subject: Literal["level2"]


class Best(msgspec.Struct, gc=False, rename="camel"):
    """Best bid and ask: prices as text, sizes in whole contracts. Other numbers are left to `ExactBest`."""

    ts: Nanos
    best_bid_price: str
    best_bid_size: int
    best_ask_price: str
    best_ask_size: int


class BestFrame(msgspec.Struct, gc=False):
    """Best bid and ask as they come."""

    topic: str
    data: Best
    subject: Literal["tickerV2"]


class ExactBest(msgspec.Struct, gc=False, rename="camel"):
    """Best bid and ask in whatever way their numbers are written."""

    ts: Nanos
    best_bid_price: msgspec.Raw
    best_bid_size: msgspec.Raw
    best_ask_price: msgspec.Raw
    best_ask_size: msgspec.Raw


class Match(msgspec.Struct, gc=False, rename="camel"):
    """One trade; `side` is the taker's."""

    side: Literal["buy", "sell"]
    size: msgspec.Raw
    price: msgspec.Raw
    trade_id: Annotated[str, Meta(min_length=1, max_length=48)]
    ts: Nanos


class Mark(msgspec.Struct, gc=False, rename="camel"):
    """Mark and index."""

    mark_price: msgspec.Raw
    index_price: msgspec.Raw
    timestamp: Millis


class Rate(msgspec.Struct, gc=False, rename="camel"):
    """The predicted rate of the running interval."""

    funding_rate: msgspec.Raw
    timestamp: Millis


class Candle(msgspec.Struct, gc=False):
    """A candle as it stands."""

    symbol: str
    candles: tuple[Seconds, Text, Text, Text, Text, str, Text]
    time: Millis


class Frame(msgspec.Struct, gc=False):
    """One message."""

    type: str = "message"
    topic: str = ""
    subject: str = ""
    data: msgspec.Raw = msgspec.Raw()


class SnapshotData(msgspec.Struct, gc=False):
    """Levels as [price, size]."""

    sequence: Id
    bids: list[tuple[msgspec.Raw, msgspec.Raw]]
    asks: list[tuple[msgspec.Raw, msgspec.Raw]]
    ts: Nanos


class Snapshot(msgspec.Struct, gc=False):
    """The answer of level2/snapshot."""

    data: SnapshotData


class Server(msgspec.Struct, gc=False):
    """Where the socket is."""

    endpoint: str


class TicketData(msgspec.Struct, gc=False, rename="camel"):
    """A token, and where to use it."""

    token: str
    instance_servers: Annotated[list[Server], Meta(min_length=1)]


class Ticket(msgspec.Struct, gc=False):
    """The answer of bullet-public."""

    data: TicketData


class Contract(msgspec.Struct, gc=False, rename="camel"):
    """One contract of the listing."""

    symbol: str
    status: str
    base_currency: str
    quote_currency: str
    lot_size: msgspec.Raw
    tick_size: msgspec.Raw
    multiplier: msgspec.Raw
    funding_rate_granularity: int | None = None
    maker_fee_rate: msgspec.Raw = NO_NUMBER
    taker_fee_rate: msgspec.Raw = NO_NUMBER


class Interest(msgspec.Struct, gc=False, rename="camel"):
    """What of a contract is asked for again and again; open interest in contracts."""

    open_interest: msgspec.Raw
    predicted_funding_fee_rate: msgspec.Raw = NO_NUMBER


class InterestAnswer(msgspec.Struct, gc=False):
    """The answer of contracts/{symbol}."""

    data: Interest


class Contracts(msgspec.Struct, gc=False):
    """The answer of contracts/active."""

    data: list[Contract]


FRAME: Final = msgspec.json.Decoder(Frame)
CHANGE: Final = msgspec.json.Decoder(ChangeFrame)
BEST: Final = msgspec.json.Decoder(BestFrame)
EXACT_BEST: Final = msgspec.json.Decoder(ExactBest)
MATCH: Final = msgspec.json.Decoder(Match)
MARK: Final = msgspec.json.Decoder(Mark)
RATE: Final = msgspec.json.Decoder(Rate)
CANDLE: Final = msgspec.json.Decoder(Candle)
SNAPSHOT: Final = msgspec.json.Decoder(Snapshot)
TICKET: Final = msgspec.json.Decoder(Ticket)
INTEREST: Final = msgspec.json.Decoder(InterestAnswer)
CONTRACTS: Final = msgspec.json.Decoder(Contracts)
