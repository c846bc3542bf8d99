"""Commands about orders. Every one of them is answered, by an event with a reason code where it is refused.

Prices and sizes are decimal strings, as in all commands. `OrderTerms` and its neighbours are what a single command and
an instruction of a batch have in common.
"""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.auctions import AuctionTerms
from cleartide.contracts.base import Contract, Message
from cleartide.contracts.types import (
    AccountId,
    ClientOrderId,
    MarketId,
    Micros,
    NonNegativePpb,
    OrderType,
    PositiveDecimal,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TriggerSource,
)


class BracketLeg(Contract):
    """A reduce-only order that is armed when its parent fills; without `limit_price` it is a market order."""

    trigger_price: PositiveDecimal
    trigger_source: TriggerSource = "mark"
    limit_price: PositiveDecimal | None = None


class OrderTerms(Contract):
    """What is asked of an order. Which fields go with which `order_type` and `time_in_force` is checked by matching."""

    client_order_id: ClientOrderId
    side: Side
    order_type: OrderType
    size: PositiveDecimal
    price: PositiveDecimal | None = None
    time_in_force: TimeInForce = "gtc"
    post_only: bool = False
    reduce_only: bool = False
    expires_at: Micros | None = None
    self_trade_prevention: SelfTradePrevention = "expire_maker"
    display_size: PositiveDecimal | None = None
    trigger_price: PositiveDecimal | None = None
    trigger_source: TriggerSource = "mark"
    trail_amount: PositiveDecimal | None = None
    trail_rate_ppb: NonNegativePpb | None = None
    oco_group: ClientOrderId | None = None
    take_profit: BracketLeg | None = None
    stop_loss: BracketLeg | None = None
    auction: AuctionTerms | None = None


class CancelTerms(Contract):
    """Which order to cancel."""

    client_order_id: ClientOrderId


class AmendTerms(Contract):
    """What to change of an order; what is null stays. `size` is the total, what has traded included.

    `expires_at` is another end of a gtt order. `display_size` is how much is shown at a time: all of it, for the size.
    """

    client_order_id: ClientOrderId
    price: PositiveDecimal | None = None
    size: PositiveDecimal | None = None
    trigger_price: PositiveDecimal | None = None
    trail_amount: PositiveDecimal | None = None
    trail_rate_ppb: NonNegativePpb | None = None
    expires_at: Micros | None = None
    display_size: PositiveDecimal | None = None


class PlaceOrder(OrderTerms, Message):
    """Place one order. A market order carries no price and is bounded by R27."""

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["PlaceOrder"] = "PlaceOrder"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    actor: AccountId | None = None


class CancelOrder(CancelTerms, Message):
    """Cancel one open order by the client's id."""

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["CancelOrder"] = "CancelOrder"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    actor: AccountId | None = None


class AmendOrder(AmendTerms, Message):
    """Change an open order's terms. It keeps its ids, and its place unless it has another price, more size, or more of
    it is shown at a time (12.8).
    """

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["AmendOrder"] = "AmendOrder"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    actor: AccountId | None = None


class CancelAllOrders(Message):
    """Cancel every open order of an account, in one market or, when it is null, in all of them."""

    subject_template: ClassVar[str] = "orders.all"
    type: Literal["CancelAllOrders"] = "CancelAllOrders"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId | None = None
    actor: AccountId | None = None


class PlaceInstruction(OrderTerms):
    """Place an order, as part of a batch."""

    action: Literal["place"]


class CancelInstruction(CancelTerms):
    """Cancel an order, as part of a batch."""

    action: Literal["cancel"]


class AmendInstruction(AmendTerms):
    """Change an order, as part of a batch."""

    action: Literal["amend"]


Instruction = PlaceInstruction | CancelInstruction | AmendInstruction


class SubmitOrders(Message):
    """A batch for one account and market, applied in order. Each instruction is answered on its own."""

    subject_template: ClassVar[str] = "orders.{market}"
    type: Literal["SubmitOrders"] = "SubmitOrders"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    instructions: tuple[Instruction, ...] = Field(min_length=1, max_length=100)
    actor: AccountId | None = None
