"""Taking back and correcting trades that another engine has reported. Nothing is edited: a reversal is a new trade."""

from typing import ClassVar, Literal

from cleartide.contracts.base import Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    AccountId,
    Lots,
    MarketId,
    MessageId,
    Micros,
    NonNegativeQuanta,
    PositiveDecimal,
    ReasonCode,
    Seq,
    Side,
    SourceName,
    Ticks,
)


class BustTrade(Message):
    """Take back an outside trade that should not have been. Only its own source may, and only for a time."""

    subject_template: ClassVar[str] = "trades.{market}"
    type: Literal["BustTrade"] = "BustTrade"
    version: Literal[1] = 1
    market: MarketId
    trade_id: MessageId
    reason: ReasonCode = "erroneous"


class CorrectTrade(Message):
    """Put an outside trade right: it is reversed, and the trade as it should have been takes its place.

    The terms are the whole trade, not what differs. Its identity (source, trade_id) stays: it may be corrected again.
    """

    subject_template: ClassVar[str] = "trades.{market}"
    type: Literal["CorrectTrade"] = "CorrectTrade"
    version: Literal[1] = 1
    market: MarketId
    trade_id: MessageId
    price: PositiveDecimal
    size: PositiveDecimal
    buyer: AccountId | None = None
    seller: AccountId | None = None
    reason: ReasonCode = "erroneous"


class Restated(TradingEvent):
    """What a bust and a correction have in common: the trade that is void from here on, and its reversal.

    `reversal_id` numbers the reversal; PositionChanged of both sides follow under that number, with the quantities of
    the void trade the other way round. `first_trade_id` is the number under which the trade was first executed.
    `last_ticks` is the market's last price after this.
    """

    market: MarketId
    trade_id: Seq
    first_trade_id: Seq
    reversal_id: Seq
    outside_source: SourceName
    outside_trade_id: MessageId
    traded_at: Micros
    price_ticks: Ticks
    size_lots: Lots
    quote_quanta: NonNegativeQuanta
    buyer: AccountId
    seller: AccountId
    reason: ReasonCode
    last_ticks: Ticks | None


class TradeBusted(Restated):
    """An outside trade was taken back: positions and cash move as if both sides had traded the other way round."""

    type: Literal["TradeBusted"] = "TradeBusted"
    version: Literal[1] = 1


class TradeCorrected(Restated):
    """An outside trade was put right: after the reversal, PositionChanged under `replacement_id` follow."""

    type: Literal["TradeCorrected"] = "TradeCorrected"
    version: Literal[1] = 1
    replacement_id: Seq
    new_price_ticks: Ticks
    new_size_lots: Lots
    new_quote_quanta: NonNegativeQuanta
    new_buyer: AccountId
    new_seller: AccountId
    new_taker_side: Side


CORRECTION_COMMANDS: tuple[type[Message], ...] = (BustTrade, CorrectTrade)
CORRECTION_EVENTS: tuple[type[Message], ...] = (TradeBusted, TradeCorrected)
