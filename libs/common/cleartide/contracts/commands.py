"""Commands: what may change money. They enter the COMMANDS stream and are sequenced there.

Amounts, prices and sizes are decimal strings here, because a sender need not know a market's tick or lot;
matching turns them into integers and answers every command with an event.
"""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Contract, Message
from cleartide.contracts.limits import BatchTerms, MarketLimits
from cleartide.contracts.liquidation_rules import LiquidationRules
from cleartide.contracts.types import (
    AccountId,
    FundingType,
    MarketId,
    MessageId,
    Micros,
    NonNegativePpb,
    NonNegativeQuanta,
    PositiveDecimal,
    Ppb,
    Seq,
    SignedDecimal,
    Ticks,
    VenueName,
)


class MarginBracket(Contract):
    """One slice of position notional (domain rule R8). `upper_notional_quanta` null = without bound."""

    upper_notional_quanta: NonNegativeQuanta | None
    initial_margin_ppb: NonNegativePpb
    maintenance_fraction_ppb: NonNegativePpb


class MarketSpec(Contract):
    """A perpetual market's rules. `tick_size` * `lot_size` must be a whole number of 1e-6 quote.

    limits: null is without price bands, circuit breaker and caps, for markets that only take outside trades.
    funding_interval_seconds: a part of a day in whole minutes, 3600 and 28800 being usual; null is the venue's.
    liquidation: null closes in one go, and leaves what the insurance fund cannot pay for where it is.
    batching: null is without; else orders that may take have to be sealed, and are executed in batches.
    oi_scale_*: between these values of open interest at the index the initial margin rises to the whole notional (3.2).
    """

    market: MarketId
    base: str
    quote: str
    tick_size: PositiveDecimal
    lot_size: PositiveDecimal
    brackets: tuple[MarginBracket, ...] = Field(min_length=1, max_length=16)
    taker_fee_ppb: NonNegativePpb
    maker_fee_ppb: NonNegativePpb
    liquidation_fee_ppb: NonNegativePpb
    mark_band_ppb: NonNegativePpb
    market_order_band_ppb: NonNegativePpb
    impact_notional_quanta: NonNegativeQuanta
    interest_8h_ppb: Ppb
    funding_clamp_ppb: NonNegativePpb
    funding_cap_hourly_ppb: NonNegativePpb
    limits: MarketLimits | None = None
    oi_scale_lower_quanta: NonNegativeQuanta = 0
    oi_scale_upper_quanta: NonNegativeQuanta = 0
    liquidation: LiquidationRules | None = None
    funding_interval_seconds: int | None = Field(default=None, ge=60, le=86_400)
    batching: BatchTerms | None = None


class ListMarket(Message):
    """Open a market for trading."""

    subject_template: ClassVar[str] = "admin.markets"
    type: Literal["ListMarket"] = "ListMarket"
    version: Literal[1] = 1
    spec: MarketSpec


class FundInsurance(Message):
    """Move money from outside into a market's insurance fund."""

    subject_template: ClassVar[str] = "admin.insurance"
    type: Literal["FundInsurance"] = "FundInsurance"
    version: Literal[1] = 1
    market: MarketId
    amount: PositiveDecimal


class Deposit(Message):
    """Credit an account's collateral. The id is the transfer's identity: a second one is a duplicate."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["Deposit"] = "Deposit"
    version: Literal[1] = 1
    account: AccountId
    asset: Literal["USDC"]
    amount: PositiveDecimal
    actor: AccountId | None = None


class Withdraw(Message):
    """Debit an account's collateral, up to what domain rule R11 allows."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["Withdraw"] = "Withdraw"
    version: Literal[1] = 1
    account: AccountId
    asset: Literal["USDC"]
    amount: PositiveDecimal
    actor: AccountId | None = None


class ReportTrade(Message):
    """A trade that another engine matched. One side may be absent: then the venue's outside account stands in.

    `trade_id` identifies the trade at its source; the pair (source, trade_id) is applied once.
    """

    subject_template: ClassVar[str] = "trades.{market}"
    type: Literal["ReportTrade"] = "ReportTrade"
    version: Literal[1] = 1
    market: MarketId
    trade_id: MessageId
    price: PositiveDecimal
    size: PositiveDecimal
    buyer: AccountId | None = None
    seller: AccountId | None = None
    executed_at: Micros


class IndexSource(Contract):
    """One venue's contribution to an index price, used or rejected with a reason."""

    venue: VenueName
    price: PositiveDecimal
    weight: int = Field(ge=0, le=1000)
    age_micros: int = Field(ge=0)
    rejected: str = ""


class UpdateIndexPrice(Message):
    """The composite index price (domain rule R13). `price` null = too few fresh sources: the index is stale."""

    subject_template: ClassVar[str] = "prices.index.{market}"
    type: Literal["UpdateIndexPrice"] = "UpdateIndexPrice"
    version: Literal[1] = 1
    market: MarketId
    price: PositiveDecimal | None
    sources: tuple[IndexSource, ...] = Field(max_length=64)


class LiquidateAccount(Message):
    """Risk's request to liquidate, with the figures it decided on. Matching checks them again (R37)."""

    subject_template: ClassVar[str] = "liquidations.{market}"
    type: Literal["LiquidateAccount"] = "LiquidateAccount"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    equity: SignedDecimal
    maintenance_margin: SignedDecimal
    mark_price_ticks: Ticks
    observed_seq: Seq


class SettleFunding(Message):
    """Settle one market's funding for one interval; a second one for the interval changes nothing (R18)."""

    subject_template: ClassVar[str] = "funding.settle.{market}"
    type: Literal["SettleFunding"] = "SettleFunding"
    version: Literal[1] = 1
    market: MarketId
    interval_start: Micros
    interval_micros: int = Field(gt=0)
    rate_ppb: Ppb
    samples: int = Field(ge=0)
    funding_type: FundingType = "automatic"
