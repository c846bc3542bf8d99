"""Trading events: what happened, said by matching alone, in one total order with gapless `seq`.

All figures are integers with the unit in the name; `MarketListed` carries what turns them into decimals.
"""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.commands import MarketSpec
from cleartide.contracts.types import (
    AccountId,
    FundingType,
    Lots,
    MarketId,
    Micros,
    NonNegativeQuanta,
    Ppb,
    Quanta,
    ReasonCode,
    Seq,
    Side,
    SignedLots,
    Ticks,
)


class TradingEvent(Message):
    """Base of everything on EVENTS."""

    subject_template: ClassVar[str] = "trading.main"
    packed: ClassVar[bool] = True


class MarketListed(TradingEvent):
    """A market opened. `quanta_per_lot_tick` is u of domain rule R1: notional = |lots| * ticks * u."""

    type: Literal["MarketListed"] = "MarketListed"
    version: Literal[1] = 1
    market: MarketId
    spec: MarketSpec
    quanta_per_lot_tick: int = Field(ge=1, le=10**12)


class TransferApplied(TradingEvent):
    """Cash moved: `amount_quanta` signed from the account's view, `cash_quanta` the balance after.

    `kind` says why; the counterparty is another account, a pool or a market's fund, empty for the outside world.
    """

    type: Literal["TransferApplied"] = "TransferApplied"
    version: Literal[1] = 1
    account: AccountId
    amount_quanta: Quanta
    cash_quanta: Quanta
    kind: ReasonCode = "external"
    counterparty: str = ""


class TransferRejected(TradingEvent):
    """A transfer that was refused; nothing moved."""

    type: Literal["TransferRejected"] = "TransferRejected"
    version: Literal[1] = 1
    account: AccountId
    reason: ReasonCode


class InsuranceFunded(TradingEvent):
    """Money entered a market's insurance fund from outside."""

    type: Literal["InsuranceFunded"] = "InsuranceFunded"
    version: Literal[1] = 1
    market: MarketId
    amount_quanta: NonNegativeQuanta
    balance_quanta: Quanta


TradeOrigin = Literal["book", "outside", "liquidation", "takeover"]


class TradeExecuted(TradingEvent):
    """One trade. Order ids are null where a side had no order here (outside trades, takeovers)."""

    type: Literal["TradeExecuted"] = "TradeExecuted"
    version: Literal[1] = 1
    market: MarketId
    trade_id: Seq
    price_ticks: Ticks
    size_lots: Lots
    quote_quanta: NonNegativeQuanta
    buyer: AccountId
    seller: AccountId
    buy_order_id: Seq | None
    sell_order_id: Seq | None
    taker_side: Side
    origin: TradeOrigin
    outside_trade_id: str = ""


class PositionChanged(TradingEvent):
    """One account's side of a trade or settlement: what moved, and the state after it.

    cash' = cash + realized_pnl + funding - fee;  `quote_quanta` is Q of domain rule R4 after the change;
    a fee below zero is a rebate, and `referral_quanta` is what of a taker's fee accrued to its referrer;
    `funding_index_quanta` is the market's index (quanta per lot) up to which funding is now settled.
    """

    type: Literal["PositionChanged"] = "PositionChanged"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    trade_id: Seq
    fill_lots: SignedLots
    fill_price_ticks: Ticks
    realized_pnl_quanta: Quanta
    funding_quanta: Quanta
    fee_quanta: Quanta
    lots: SignedLots
    quote_quanta: Quanta
    cash_quanta: Quanta
    funding_index_quanta: Quanta
    origin: TradeOrigin
    referral_quanta: NonNegativeQuanta = 0


class MarkPriceUpdated(TradingEvent):
    """The mark price (domain rule R14), computed from the sequenced index and the book at this point.

    `index_stale` true: no fresh index; mark is the last one, nobody is liquidated and no premium is sampled (R13).
    `sourced_from` and `sourced_to`: the oldest and the newest of the venues' prices that the index is made of (R16).
    """

    type: Literal["MarkPriceUpdated"] = "MarkPriceUpdated"
    version: Literal[1] = 1
    market: MarketId
    mark_ticks: Ticks
    index_ticks: Ticks
    index_stale: bool
    best_bid_ticks: Ticks | None
    best_ask_ticks: Ticks | None
    last_ticks: Ticks | None
    open_interest_lots: int = Field(ge=0, lt=2**50)
    spec_version: int = Field(default=1, ge=1)
    sourced_from: Micros | None = None
    sourced_to: Micros | None = None


class PremiumSampled(TradingEvent):
    """The premium of the impact prices over the index at the first price of a minute (R17), in ppb."""

    type: Literal["PremiumSampled"] = "PremiumSampled"
    version: Literal[1] = 1
    market: MarketId
    minute: Micros
    premium_ppb: Ppb
    mark_ticks: Ticks
    index_ticks: Ticks


class FundingSettled(TradingEvent):
    """The market's funding index moved: a position of `lots` pays lots * index_step_quanta (long pays when > 0)."""

    type: Literal["FundingSettled"] = "FundingSettled"
    version: Literal[1] = 1
    market: MarketId
    interval_start: Micros
    rate_ppb: Ppb
    mark_ticks: Ticks
    index_step_quanta: Quanta
    funding_index_quanta: Quanta
    funding_type: FundingType = "automatic"


class LiquidationExecuted(TradingEvent):
    """A liquidation step: what was closed, where, at which bankruptcy price, and who paid.

    `waits` says why the rest stays: cooling_down, not_filled, fund_short, no_counterparty; null when nothing waits.
    """

    type: Literal["LiquidationExecuted"] = "LiquidationExecuted"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    closed_lots: SignedLots
    taken_over_lots: SignedLots
    mark_ticks: Ticks
    bankruptcy_price_ticks: Ticks
    fee_quanta: NonNegativeQuanta
    insurance_paid_quanta: NonNegativeQuanta
    equity_before_quanta: Quanta
    maintenance_margin_before_quanta: NonNegativeQuanta
    remaining_lots: SignedLots
    deleveraged_lots: SignedLots = 0
    waits: ReasonCode | None = None


class LiquidationRejected(TradingEvent):
    """Matching found the liquidation not (or no longer) due, or not possible at this moment."""

    type: Literal["LiquidationRejected"] = "LiquidationRejected"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    reason: ReasonCode
    equity_quanta: Quanta
    maintenance_margin_quanta: NonNegativeQuanta
