"""Who makes a market's funding rate: its premium, or for a time the operator."""

from typing import Literal

from cleartide.contracts.base import Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import FundingType, MarketId, Ppb, Seq
from cleartide.contracts.venue import MarketCommand, Note, Operator


class SetFunding(MarketCommand):
    """Set how a market's rate is made, from the open interval on.

    manual: every interval has this rate until it is automatic again. emergency: the open interval alone has it,
    whatever would hold otherwise. The rate is an hour's, within the market's hourly cap; null with automatic.
    """

    type: Literal["SetFunding"] = "SetFunding"
    version: Literal[1] = 1
    funding_type: FundingType
    hourly_rate_ppb: Ppb | None = None


class FundingSet(TradingEvent):
    """A market's rate is made in another way from the open interval on."""

    type: Literal["FundingSet"] = "FundingSet"
    version: Literal[1] = 1
    change_id: Seq
    market: MarketId
    funding_type: FundingType
    hourly_rate_ppb: Ppb | None
    by: Operator
    note: Note


FUNDING_COMMANDS: tuple[type[Message], ...] = (SetFunding,)
FUNDING_CHANGES: tuple[type[Message], ...] = (FundingSet,)
