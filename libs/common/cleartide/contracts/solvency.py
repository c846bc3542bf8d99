"""Who bears what nobody's margin covers: outside liquidators, the insurance funds, deleveraging, and a shared loss."""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    AccountId,
    Lots,
    MarketId,
    NonNegativeQuanta,
    Quanta,
    ReasonCode,
    Seq,
    Side,
    SignedLots,
    Ticks,
)


class RequestLiquidation(Message):
    """An outside liquidator asks for an account to be liquidated. Matching judges it as it judges risk's requests.

    If a step closes something, the keeper is paid a share of the fees of all steps (`KeeperRewarded`).
    """

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["RequestLiquidation"] = "RequestLiquidation"
    version: Literal[1] = 1
    keeper: AccountId
    account: AccountId
    market: MarketId


class KeeperRewarded(TradingEvent):
    """A keeper's share of the fees that a liquidation brought the market's insurance fund."""

    type: Literal["KeeperRewarded"] = "KeeperRewarded"
    version: Literal[1] = 1
    keeper: AccountId
    account: AccountId
    market: MarketId
    reward_quanta: NonNegativeQuanta
    cash_quanta: Quanta


class InsuranceChanged(TradingEvent):
    """A market's insurance fund after a command that moved it: by how much in all, and what is in it now.

    `reason`: liquidation, disposal (of what the fund holds), settlement (of a delisted market), bond (of what was
    committed to and not revealed).
    """

    type: Literal["InsuranceChanged"] = "InsuranceChanged"
    version: Literal[1] = 1
    market: MarketId
    change_quanta: Quanta
    balance_quanta: NonNegativeQuanta
    reason: ReasonCode


class InsuranceQuoted(TradingEvent):
    """A fund offers a part of what it holds, as the post-only and reduce-only order that was just accepted (R23).

    `reason`: taken_over (a position, just now), minute_began, mark_moved (away from its last quote).
    """

    type: Literal["InsuranceQuoted"] = "InsuranceQuoted"
    version: Literal[1] = 1
    market: MarketId
    order_id: Seq
    side: Side
    price_ticks: Ticks
    size_lots: Lots
    held_lots: SignedLots
    mark_ticks: Ticks
    reason: ReasonCode


class PositionDeleveraged(TradingEvent):
    """Part of a profitable position was closed against a bankrupt one, at the bankruptcy price and without fee (R24).

    `rank` is the place among the `candidates` on the other side, 1 being the first to be closed.
    """

    type: Literal["PositionDeleveraged"] = "PositionDeleveraged"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    against: AccountId
    trade_id: Seq
    lots: Lots
    price_ticks: Ticks
    rank: int = Field(ge=1)
    candidates: int = Field(ge=1)


class LossSocialized(TradingEvent):
    """A loss that fund and counterparties could not bear was taken from the profits in the market, pro rata (R25).

    Each charge is a `TransferApplied` of kind `socialized_loss`; what rounding up brings beyond the loss is the fund's.
    """

    type: Literal["LossSocialized"] = "LossSocialized"
    version: Literal[1] = 1
    market: MarketId
    account: AccountId
    loss_quanta: NonNegativeQuanta
    charged_quanta: NonNegativeQuanta
    accounts: int = Field(ge=0)


SOLVENCY_COMMANDS: tuple[type[Message], ...] = (RequestLiquidation,)
SOLVENCY_EVENTS: tuple[type[Message], ...] = (
    KeeperRewarded,
    InsuranceChanged,
    InsuranceQuoted,
    PositionDeleveraged,
    LossSocialized,
)
