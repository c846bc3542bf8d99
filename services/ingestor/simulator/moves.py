"""What happens on the simulated market, in no venue's words: the twins of the venues put it in theirs.

Prices and sizes are decimal text on the recording's grid (base units); times are milliseconds UTC.
"""

from decimal import Decimal
from typing import Final, Literal, NamedTuple

from services.ingestor.simulator.recording import Body, Level

Kind = Literal["book", "quote", "trade", "figures", "candle"]
KINDS: Final[tuple[Kind, ...]] = ("book", "quote", "trade", "figures")
"""What a client follows that follows everything. Candles are made of the trades for those who ask for them."""


class Change(NamedTuple):
    """Levels of the book that changed; size zero removes one."""

    bids: list[Level]
    asks: list[Level]
    millis: int


class Quote(NamedTuple):
    """Best bid and ask."""

    bid: Level
    ask: Level
    millis: int


class Deal(NamedTuple):
    """One trade; `side` is the taker's, `number` rises by one."""

    number: int
    price: str
    size: str
    side: str
    millis: int


class Figures(NamedTuple):
    """Mark, index, the funding rate until `next_millis`, and that predicted for the interval after it."""

    mark: str
    index_price: str
    rate: str
    predicted: str
    next_millis: int
    millis: int


class Bar(NamedTuple):
    """A candle as it stands at `millis`; prices are open, high, low and close. closed: no trade will change it."""

    interval: str
    open_at: int
    prices: tuple[str, str, str, str]
    volume: str
    closed: bool
    millis: int


Move = Change | Quote | Deal | Figures


def kind_of(move: Move) -> Kind:
    """The subscription that brings it."""
    if isinstance(move, Change):
        return "book"
    if isinstance(move, Quote):
        return "quote"
    return "trade" if isinstance(move, Deal) else "figures"


def move_of(body: Body, more_trades: int, more_millis: int) -> Move | None:
    """A recorded frame as a move, its numbers and times moved up; None for a fill outside the book."""
    millis = body.E + more_millis
    if body.e == "depthUpdate":
        return Change(_levels(body.b), _levels(body.a), millis)
    if body.e == "bookTicker":
        return Quote((str(body.b), body.B), (str(body.a), body.A), millis)
    if body.e != "trade" or body.X != "MARKET":
        return None
    return Deal(body.t + more_trades, body.p, body.q, "sell" if body.m else "buy", millis)


def shifted(move: Move, offset: Decimal, only_traded: bool = False) -> Move:
    """The move with every price `offset` higher; `only_traded` leaves the book where it is."""
    if isinstance(move, Change):
        if only_traded:
            return move
        bids, asks = ([(plus(price, offset), size) for price, size in side] for side in (move.bids, move.asks))
        return Change(bids, asks, move.millis)
    if isinstance(move, Quote):
        bid, ask = ((plus(price, offset), size) for price, size in (move.bid, move.ask))
        return Quote(bid, ask, move.millis)
    if isinstance(move, Deal):
        return move._replace(price=plus(move.price, offset))
    return move._replace(mark=plus(move.mark, offset), index_price=plus(move.index_price, offset))


def plus(price: str, offset: Decimal) -> str:
    """Price text plus an offset."""
    return format(Decimal(price) + offset, "f")


def _levels(side: list[Level] | str) -> list[Level]:
    return side if isinstance(side, list) else []
