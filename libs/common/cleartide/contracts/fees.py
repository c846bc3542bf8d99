"""Fees: tiers by trailing volume, rebates, and what a referrer gets of the fees of those it brought."""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Contract, Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import AccountId, MarketId, NonNegativePpb, NonNegativeQuanta, Ppb
from cleartide.contracts.venue import AdminCommand


class FeeTier(Contract):
    """From this volume of the last 30 whole days on, in quote quanta, these rates; a maker rate below 0 is a rebate."""

    volume_quanta: NonNegativeQuanta
    taker_fee_ppb: NonNegativePpb
    maker_fee_ppb: Ppb


class SetFeeSchedule(AdminCommand):
    """Set the tiers of one market, or with null of every market without tiers of its own; none: the markets' own fees.

    Volumes rise from 0, rates never rise with them; a rebate stays below every taker fee that it may meet, so that
    nobody earns by trading with himself.
    """

    subject_template: ClassVar[str] = "admin.fees"
    type: Literal["SetFeeSchedule"] = "SetFeeSchedule"
    version: Literal[1] = 1
    market: MarketId | None = None
    tiers: tuple[FeeTier, ...] = Field(max_length=16)


class SetReferralTerms(AdminCommand):
    """Set how much less a referred account pays as taker, and how much of its fee the referrer gets."""

    subject_template: ClassVar[str] = "admin.fees"
    type: Literal["SetReferralTerms"] = "SetReferralTerms"
    version: Literal[1] = 1
    referee_discount_ppb: NonNegativePpb
    referrer_share_ppb: NonNegativePpb


class SetReferrer(Message):
    """Say who brought this family to the venue; once, and not oneself."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["SetReferrer"] = "SetReferrer"
    version: Literal[1] = 1
    account: AccountId
    referrer: AccountId
    actor: AccountId | None = None


class ClaimReferralRewards(Message):
    """Move what has accrued from others' fees into the account's cash."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["ClaimReferralRewards"] = "ClaimReferralRewards"
    version: Literal[1] = 1
    account: AccountId
    actor: AccountId | None = None


class FeeScheduleSet(TradingEvent):
    """The tiers in force from here on; market null: of all markets without their own; none: the markets' own fees."""

    type: Literal["FeeScheduleSet"] = "FeeScheduleSet"
    version: Literal[1] = 1
    market: MarketId | None
    tiers: tuple[FeeTier, ...]


class ReferralTermsSet(TradingEvent):
    """Discount and share from here on."""

    type: Literal["ReferralTermsSet"] = "ReferralTermsSet"
    version: Literal[1] = 1
    referee_discount_ppb: NonNegativePpb
    referrer_share_ppb: NonNegativePpb


class ReferrerSet(TradingEvent):
    """Who brought the family to the venue, for good."""

    type: Literal["ReferrerSet"] = "ReferrerSet"
    version: Literal[1] = 1
    account: AccountId
    referrer: AccountId


FEE_COMMANDS: tuple[type[Message], ...] = (SetFeeSchedule, SetReferralTerms, SetReferrer, ClaimReferralRewards)
FEE_EVENTS: tuple[type[Message], ...] = (FeeScheduleSet, ReferralTermsSet, ReferrerSet)
