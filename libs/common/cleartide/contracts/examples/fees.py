"""Examples of fees: tiers with a rebate at the top, and alice, who was brought by bob."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import OPENED, said, sent
from cleartide.contracts.fees import (
    ClaimReferralRewards,
    FeeScheduleSet,
    FeeTier,
    ReferralTermsSet,
    ReferrerSet,
    SetFeeSchedule,
    SetReferralTerms,
    SetReferrer,
)

_TIERS: Final = (
    FeeTier(volume_quanta=0, taker_fee_ppb=500_000, maker_fee_ppb=200_000),
    FeeTier(volume_quanta=10**13, taker_fee_ppb=400_000, maker_fee_ppb=100_000),
    FeeTier(volume_quanta=10**15, taker_fee_ppb=300_000, maker_fee_ppb=-50_000),
)
_SHARES: Final = {"referee_discount_ppb": 100_000_000, "referrer_share_ppb": 250_000_000}


def _event(contract: type[Message], seq: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, OPENED, cause, **body)


FEE_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(SetFeeSchedule, "fees-1", "operator", tiers=_TIERS),
    sent(SetReferralTerms, "fees-2", "operator", **_SHARES),
    sent(SetReferrer, "refer-1", "gateway", account="alice", referrer="bob"),
    sent(ClaimReferralRewards, "claim-1", "gateway", account="bob"),
    _event(FeeScheduleSet, 38, "fees-1", market=None, tiers=_TIERS),
    _event(ReferralTermsSet, 39, "fees-2", **_SHARES),
    _event(ReferrerSet, 42, "refer-1", account="alice", referrer="bob"),
)
