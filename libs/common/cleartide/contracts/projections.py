"""What funding, earnings and analytics say to others."""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.types import (
    JSON_SAFE,
    AccountId,
    FundingType,
    MarketId,
    Micros,
    NonNegativeQuanta,
    Ppb,
    Quanta,
    Ticks,
)


class FundingRatePublished(Message):
    """The hourly rate of one interval (domain rule R17), as sent to matching for settlement."""

    subject_template: ClassVar[str] = "funding.rates.{market}"
    type: Literal["FundingRatePublished"] = "FundingRatePublished"
    version: Literal[1] = 1
    market: MarketId
    interval_start: Micros
    interval_micros: int = Field(gt=0)
    average_premium_ppb: Ppb
    rate_ppb: Ppb
    samples: int = Field(ge=0)
    funding_type: FundingType = "automatic"


class EarningsDayRecorded(Message):
    """One account's closed UTC day: equity_end - equity_start = flows + pnl + funding - fees + yield, exactly (R34).

    Fees are net of rebates, those of makers and the shares of referrers: fees paid are fees + rebates. The
    yield is what shares of the venue's vaults gained beside what was paid in, out, and as fees. flows = deposits -
    withdrawals; the cumulative figures are pnl + funding + yield since the account's first day, before fees and after
    them; the return is the day's by Modified Dietz in 1e-12 (R35), null where nothing was at work.
    """

    subject_template: ClassVar[str] = "earnings.daily.{account}"
    type: Literal["EarningsDayRecorded"] = "EarningsDayRecorded"
    version: Literal[1] = 1
    account: AccountId
    day: Micros
    equity_start_quanta: Quanta
    equity_end_quanta: Quanta
    flows_quanta: Quanta
    pnl_quanta: Quanta
    funding_quanta: Quanta
    fees_quanta: Quanta
    rebates_quanta: NonNegativeQuanta = 0
    yield_quanta: Quanta = 0
    deposits_quanta: NonNegativeQuanta = 0
    withdrawals_quanta: NonNegativeQuanta = 0
    cumulative_earned_quanta: Quanta = 0
    cumulative_net_quanta: Quanta = 0
    return_1e12: int | None = Field(default=None, ge=-JSON_SAFE, le=JSON_SAFE)


class CandleClosed(Message):
    """A finished candle of one market. Times are the interval's start and length; prices in ticks."""

    subject_template: ClassVar[str] = "analytics.candles.{market}"
    type: Literal["CandleClosed"] = "CandleClosed"
    version: Literal[1] = 1
    market: MarketId
    open_time: Micros
    interval_micros: int = Field(gt=0)
    open_ticks: Ticks
    high_ticks: Ticks
    low_ticks: Ticks
    close_ticks: Ticks
    volume_lots: int = Field(ge=0)
    quote_volume_quanta: NonNegativeQuanta
    trades: int = Field(ge=1)


class CandleRestated(Message):
    """Trades of a candle that was told were taken back or corrected: what was told stays, and asking again gives what
    holds now. `restatements` is how many of its trades this is about; the same candle may be restated again.
    """

    subject_template: ClassVar[str] = "analytics.restated.{market}"
    type: Literal["CandleRestated"] = "CandleRestated"
    version: Literal[1] = 1
    market: MarketId
    open_time: Micros
    interval_micros: int = Field(gt=0)
    restatements: int = Field(ge=1)
