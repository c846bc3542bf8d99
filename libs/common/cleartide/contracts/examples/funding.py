"""Examples of the operator's hand on a funding rate, on the story's second day."""

from typing import Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import DAY, LIQUIDATED, MARKET, said, sent
from cleartide.contracts.funding import FundingSet, SetFunding

_WHY: Final = "the index lags its sources"

FUNDING_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(
        SetFunding,
        "funding-1",
        "operator",
        by="ann",
        note=_WHY,
        market=MARKET,
        funding_type="emergency",
        hourly_rate_ppb=0,
    ),
    said(
        FundingSet,
        "matching",
        "events",
        90,
        LIQUIDATED + DAY,
        "funding-1",
        change_id=5,
        market=MARKET,
        funding_type="emergency",
        hourly_rate_ppb=0,
        by="ann",
        note=_WHY,
    ),
)
