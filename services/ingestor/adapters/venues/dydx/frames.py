"""What dYdX's indexer sends, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Final

import msgspec

from services.ingestor.adapters.wire import Id, Text
from services.ingestor.engine.book import TextLevel

BOOKS: Final = "v4_orderbook"
TRADES: Final = "v4_trades"
MARKETS: Final = "v4_markets"
CANDLES: Final = "v4_candles"


class Level(msgspec.Struct, gc=False):
    """A level of a snapshot."""

    price: Text
    size: Text


class Snapshot(msgspec.Struct, gc=False):
    """The book as it is."""

    bids: list[Level]
    asks: list[Level]


class Change(msgspec.Struct, gc=False):
    """Levels that changed; size zero removes one."""

    bids: list[TextLevel] = []
    asks: list[TextLevel] = []


class Trade(msgspec.Struct, gc=False):
    """A fill, named by the venue. `side`: the taker's. `type`: LIMIT, LIQUIDATED, DELEVERAGED..."""

    id: Text
    price: Text
    size: Text
    side: Text
    createdAt: Text  # noqa: N815 - the venue's name
    type: Text = ""


class Trades(msgspec.Struct, gc=False):
    """Newest first."""

    trades: list[Trade]


class Market(msgspec.Struct, gc=False, rename="camel"):
    """What changed of a market; in the first message and the listing all of it. The rate is of one hour."""

    ticker: Text = ""
    status: Text = ""
    tick_size: Text = ""
    step_size: Text = ""
    oracle_price: Text = ""
    next_funding_rate: Text = ""
    open_interest: Text = ""


class Markets(msgspec.Struct, gc=False, rename="camel"):
    """All markets in the first message; later the figures and the oracle's prices that changed."""

    markets: dict[str, Market] = {}
    trading: dict[str, Market] = {}
    oracle_prices: dict[str, Market] = {}


class Candle(msgspec.Struct, gc=False, rename="camel"):
    """A candle as it stands."""

    started_at: Text
    ticker: Text
    resolution: Text
    open: Text
    high: Text
    low: Text
    close: Text
    base_token_volume: Text


class Frame(msgspec.Struct, gc=False):
    """One message. `contents`: of its channel; a list of them in a batch."""

    type: str
    message_id: Id
    connection_id: str = ""
    channel: str = ""
    id: str = ""
    contents: msgspec.Raw = msgspec.Raw()
    message: str = ""


FRAME: Final = msgspec.json.Decoder(Frame)
SNAPSHOT: Final = msgspec.json.Decoder(Snapshot)
LISTING: Final = msgspec.json.Decoder(Markets)
Part = Change | Trades | Markets | Candle
PARTS: Final[dict[str, type[Part]]] = {BOOKS: Change, TRADES: Trades, MARKETS: Markets, CANDLES: Candle}
ONE: Final = {channel: msgspec.json.Decoder(kind) for channel, kind in PARTS.items()}
BATCH: Final = {channel: msgspec.json.Decoder(list[kind]) for channel, kind in PARTS.items()}  # type: ignore[valid-type]
