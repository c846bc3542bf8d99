"""What Binance futures send, as typed structs. Every bound of the contracts is checked while decoding."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from services.ingestor.engine.book import TextLevel

Id = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Millis = Annotated[int, Meta(ge=0, le=9 * 10**12)]
Text = Annotated[str, Meta(max_length=32)]


class Depth(msgspec.Struct, tag_field="e", tag="depthUpdate", gc=False):
    """Changed levels: updates U..u, and the u of the frame before (pu)."""

    T: Millis
    s: str
    first: Id = msgspec.field(name="U")
    final: Id = msgspec.field(name="u")
    previous: Id = msgspec.field(name="pu")
    bids: msgspec.Raw = msgspec.field(name="b")
    asks: msgspec.Raw = msgspec.field(name="a")


class BookTicker(msgspec.Struct, tag_field="e", tag="bookTicker", gc=False):
    """Best bid and ask at update u."""

    u: Id
    s: str
    b: str
    B: str
    a: str
    A: str
    T: Millis


class RawTrade(msgspec.Struct, tag_field="e", tag="trade", gc=False):
    """One fill. `m`: the buyer was the maker. X: MARKET, or else a fill outside the book (insurance fund, ADL)."""

    T: Millis
    s: str
    t: Id
    p: str
    q: str
    m: bool
    X: str = "MARKET"


class AggregateTrade(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    """Fills of one order at one price within 100 ms, market trades only."""

    T: Millis
    s: str
    a: Id
    p: str
    q: str
    m: bool


class MarkPrice(msgspec.Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    """Mark p, index i, rate r of the current funding interval, which ends at T."""

    E: Millis
    s: str
    p: Text
    r: Text
    T: Millis
    i: Text = ""


class Bar(msgspec.Struct, gc=False):
    """A candle of interval i from t on; x: it is final."""

    t: Millis
    i: Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w"]
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    c: str
    v: str
    x: bool


class Kline(msgspec.Struct, tag_field="e", tag="kline", gc=False):
    """The candle of a symbol as it stands at E."""

    E: Millis
    s: str
    k: Bar


class LiquidationOrder(msgspec.Struct, gc=False):
    """The order of a liquidation: side S, size q, average price ap."""

    s: str
    S: Literal["BUY", "SELL"]
    q: Text
    ap: Text
    T: Millis


class ForceOrder(msgspec.Struct, tag_field="e", tag="forceOrder", gc=False):
    """A liquidation; only the newest of each second is sent."""

    o: LiquidationOrder

    @property
    def s(self) -> str:
        """The symbol, where other events have it."""
        return self.o.s


Data = Depth | BookTicker | RawTrade | AggregateTrade | MarkPrice | ForceOrder | Kline


class Refusal(msgspec.Struct, gc=False):
    """Why a request on the socket was refused."""

    code: int = 0
    msg: str = ""


class Frame(msgspec.Struct, gc=False):
    """One message of a combined stream, or the answer to a request."""

    data: Data | None = None
    id: int | None = None
    error: Refusal | None = None
    code: int = 0
    msg: str = ""


class Snapshot(msgspec.Struct, gc=False):
    """The answer of the depth endpoint."""

    last: Id = msgspec.field(name="lastUpdateId")
    T: Millis
    bids: list[TextLevel]
    asks: list[TextLevel]


class OpenInterest(msgspec.Struct, gc=False, rename="camel"):
    """The answer of openInterest."""

    open_interest: Text
    time: Millis


class Filter(msgspec.Struct, gc=False, rename="camel"):
    """One rule of an instrument; only the two grids matter here."""

    filter_type: str
    tick_size: str = ""
    step_size: str = ""


class SymbolInfo(msgspec.Struct, gc=False, rename="camel"):
    """One instrument of exchangeInfo: COIN-M says `contractStatus`, and the quote units of a contract."""

    symbol: str
    filters: list[Filter]
    status: str = ""
    contract_status: str = ""
    contract_size: int | None = None
    base_asset: str = ""
    quote_asset: str = ""


class ExchangeInfo(msgspec.Struct, gc=False):
    """The answer of exchangeInfo."""

    symbols: list[SymbolInfo]


class FundingInfo(msgspec.Struct, gc=False, rename="camel"):
    """One row of fundingInfo, which lists only instruments whose interval is not eight hours."""

    symbol: str
    funding_interval_hours: Annotated[int, Meta(ge=1, le=24)]


FRAME: Final = msgspec.json.Decoder(Frame)
SNAPSHOT: Final = msgspec.json.Decoder(Snapshot)
OPEN_INTEREST: Final = msgspec.json.Decoder(OpenInterest)
EXCHANGE_INFO: Final = msgspec.json.Decoder(ExchangeInfo)
FUNDING_INFO: Final = msgspec.json.Decoder(list[FundingInfo])
