"""Running a venue: markets that are listed, changed, halted and delisted, and the switches that stop trading.

The commands are the operator's alone: nobody else may publish on `admin.>`, but for the auditor's alarm, and
for the gateway on `admin.venue`, whose desk admits operators by role and address and logs what they do. Each is
answered by the event that says what is different now, or it becomes a dead letter with the reason; every change is kept
with who made it and when.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.base import Message
from cleartide.contracts.commands import MarketSpec
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    AccountId,
    Lots,
    MarketId,
    Micros,
    PositiveDecimal,
    Quanta,
    ReasonCode,
    Seq,
    SignedLots,
    Ticks,
)

MarketState = Literal["trading", "post_only", "auction", "reduce_only", "halted", "delisting", "delisted"]
VenueMode = Literal["demo", "live"]
VenueSwitch = Literal["kill_switch", "maintenance"]
AccountStanding = Literal["active", "reduce_only", "suspended"]
TierName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Operator = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._@-]{0,63})?$"),
    Field(description="person or tool that asked for the change; empty where it did not say"),
]
Note = Annotated[str, Field(max_length=200, description="why, for people")]
OrderCap = Annotated[int, Field(ge=0, le=1_000_000)]


class AdminCommand(Message):
    """Base of the operator's commands."""

    by: Operator = ""
    note: Note = ""


class MarketCommand(AdminCommand):
    """Base of what the operator does to one market."""

    subject_template: ClassVar[str] = "admin.markets"
    market: MarketId


class ChangeMarket(AdminCommand):
    """Give a listed market new rules, from this place in the sequence on.

    `expected_version` is the version of the rules that the new ones were written against: what somebody else changed
    meanwhile is not overwritten.
    """

    subject_template: ClassVar[str] = "admin.markets"
    type: Literal["ChangeMarket"] = "ChangeMarket"
    version: Literal[1] = 1
    spec: MarketSpec
    expected_version: Seq


class HaltMarket(MarketCommand):
    """Stop trading in a market: wholly, or but for orders that reduce, or but for orders that wait."""

    type: Literal["HaltMarket"] = "HaltMarket"
    version: Literal[1] = 1
    state: Literal["halted", "reduce_only", "post_only"] = "halted"


class ResumeMarket(MarketCommand):
    """Trade again. Orders are collected for `auction_micros` first; a crossed book is always uncrossed first (14.3)."""

    type: Literal["ResumeMarket"] = "ResumeMarket"
    version: Literal[1] = 1
    auction_micros: int = Field(default=0, ge=0, le=86_400_000_000)


class DelistMarket(MarketCommand):
    """Close a market for good: reduce-only for `notice_micros`, then every position is settled at the mark."""

    type: Literal["DelistMarket"] = "DelistMarket"
    version: Literal[1] = 1
    notice_micros: int = Field(ge=0, le=31_536_000_000_000)


class SetVenueMode(AdminCommand):
    """Switch between demo and live. Refused while positions are open or the venue is not healthy."""

    subject_template: ClassVar[str] = "admin.venue"
    type: Literal["SetVenueMode"] = "SetVenueMode"
    version: Literal[1] = 1
    mode: VenueMode


class SetVenueSwitch(AdminCommand):
    """Turn the kill switch or the maintenance flag on or off: orders stop, reducing and withdrawing go on."""

    subject_template: ClassVar[str] = "admin.venue"
    type: Literal["SetVenueSwitch"] = "SetVenueSwitch"
    version: Literal[1] = 1
    switch: VenueSwitch
    on: bool


class SetVenueLimits(AdminCommand):
    """Limits of every account while the venue is in a mode; amounts in quote, null is no limit."""

    subject_template: ClassVar[str] = "admin.venue"
    type: Literal["SetVenueLimits"] = "SetVenueLimits"
    version: Literal[1] = 1
    mode: VenueMode
    max_position: PositiveDecimal | None = None
    max_leverage: int | None = Field(default=None, ge=1, le=1_000)
    max_daily_loss: PositiveDecimal | None = None


class SetOrderTier(AdminCommand):
    """How many orders an account of a tier may send in any minute, hour and day; null is no cap."""

    subject_template: ClassVar[str] = "admin.venue"
    type: Literal["SetOrderTier"] = "SetOrderTier"
    version: Literal[1] = 1
    tier: TierName
    per_minute: OrderCap | None = None
    per_hour: OrderCap | None = None
    per_day: OrderCap | None = None


class SetAccountTerms(AdminCommand):
    """Put an account into a tier, or restrict it; what is null stays."""

    subject_template: ClassVar[str] = "admin.venue"
    type: Literal["SetAccountTerms"] = "SetAccountTerms"
    version: Literal[1] = 1
    account: AccountId
    tier: TierName | None = None
    standing: AccountStanding | None = None


class MarketChanged(TradingEvent):
    """A market has new rules. `changed` names the fields that differ."""

    type: Literal["MarketChanged"] = "MarketChanged"
    version: Literal[1] = 1
    market: MarketId
    spec: MarketSpec
    quanta_per_lot_tick: int = Field(ge=1, le=10**12)
    spec_version: Seq
    changed: tuple[str, ...]
    by: Operator
    note: Note


class MarketStateChanged(TradingEvent):
    """A market trades differently from here on. `ends_at`: when it does so again by itself; null is not by itself."""

    type: Literal["MarketStateChanged"] = "MarketStateChanged"
    version: Literal[1] = 1
    market: MarketId
    state: MarketState
    previous_state: MarketState
    reason: ReasonCode
    ends_at: Micros | None
    by: Operator
    note: Note


class AuctionUncrossed(TradingEvent):
    """The orders collected in an auction traded at one price, the middle of those at which most trades (14.3)."""

    type: Literal["AuctionUncrossed"] = "AuctionUncrossed"
    version: Literal[1] = 1
    market: MarketId
    price_ticks: Ticks
    lowest_ticks: Ticks
    highest_ticks: Ticks
    size_lots: Lots


class PositionSettled(TradingEvent):
    """A delisted market's position was closed at the final mark: what moved, and the state after it.

    cash' = cash + realized_pnl + funding, and no fee; the fields mean what they mean in PositionChanged.
    """

    type: Literal["PositionSettled"] = "PositionSettled"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    fill_lots: SignedLots
    fill_price_ticks: Ticks
    realized_pnl_quanta: Quanta
    funding_quanta: Quanta
    lots: SignedLots
    quote_quanta: Quanta
    cash_quanta: Quanta
    funding_index_quanta: Quanta


class VenueChanged(TradingEvent):
    """One setting of the venue is different: `scope` says of what, `name` which one."""

    type: Literal["VenueChanged"] = "VenueChanged"
    version: Literal[1] = 1
    change_id: Seq
    scope: str
    name: str
    old: str
    new: str
    by: Operator
    note: Note


VENUE_COMMANDS: tuple[type[Message], ...] = (
    ChangeMarket,
    HaltMarket,
    ResumeMarket,
    DelistMarket,
    SetVenueMode,
    SetVenueSwitch,
    SetVenueLimits,
    SetOrderTier,
    SetAccountTerms,
)
VENUE_EVENTS: tuple[type[Message], ...] = (
    MarketChanged,
    MarketStateChanged,
    AuctionUncrossed,
    PositionSettled,
    VenueChanged,
)
