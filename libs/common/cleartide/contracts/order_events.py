"""Trading events about orders: every order command is answered by at least one of them."""

from typing import Literal

from pydantic import Field

from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    AccountId,
    ClientOrderId,
    Lots,
    MarketId,
    Micros,
    NonNegativePpb,
    OrderEnd,
    OrderType,
    ReasonCode,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TriggerSource,
)


class OrderAccepted(TradingEvent):
    """An order passed every check; fills, if any, follow in the same batch of events."""

    type: Literal["OrderAccepted"] = "OrderAccepted"
    version: Literal[1] = 1
    order_id: Seq
    account: AccountId
    market: MarketId
    client_order_id: ClientOrderId
    side: Side
    order_type: OrderType
    price_ticks: Ticks
    size_lots: Lots
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    expires_at: Micros | None = None
    self_trade_prevention: SelfTradePrevention = "expire_maker"
    display_lots: Lots | None = None
    trigger_price_ticks: Ticks | None = None
    trigger_source: TriggerSource | None = None
    trail_ticks: Ticks | None = None
    trail_rate_ppb: NonNegativePpb | None = None
    oco_group: ClientOrderId | None = None
    parent_order_id: Seq | None = None


class OrderRejected(TradingEvent):
    """An order, a change or a cancel was refused; the book did not change."""

    type: Literal["OrderRejected"] = "OrderRejected"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    client_order_id: ClientOrderId
    reason: ReasonCode
    action: Literal["place", "cancel", "amend"] = "place"


class OrderAmended(TradingEvent):
    """An open order has new terms. Fills that a new price brings follow in the same batch of events.

    `size_lots` is the total, what has traded included. `kept_priority` false: it stands behind the others of its price.
    `expires_at` is null where it has no end, `display_lots` where all of it is shown.
    """

    type: Literal["OrderAmended"] = "OrderAmended"
    version: Literal[1] = 1
    order_id: Seq
    account: AccountId
    market: MarketId
    client_order_id: ClientOrderId
    price_ticks: Ticks
    size_lots: Lots
    remaining_lots: Lots
    kept_priority: bool
    trigger_price_ticks: Ticks | None = None
    expires_at: Micros | None = None
    display_lots: Lots | None = None


class OrderClosed(TradingEvent):
    """An order left the book or never rested. `filled` orders closed by trading, the rest by `reason`."""

    type: Literal["OrderClosed"] = "OrderClosed"
    version: Literal[1] = 1
    order_id: Seq
    account: AccountId
    market: MarketId
    client_order_id: ClientOrderId
    filled_lots: int = Field(ge=0, lt=2**40)
    unfilled_lots: int = Field(ge=0, lt=2**40)
    reason: ReasonCode
    state: OrderEnd | None = None


class OrdersCanceled(TradingEvent):
    """The answer to a cancel of all orders: how many closed because of it, each by an event of its own before this."""

    type: Literal["OrdersCanceled"] = "OrdersCanceled"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId | None
    canceled: int = Field(ge=0, lt=2**31)
    reason: ReasonCode


class SelfTradePrevented(TradingEvent):
    """Two orders of one owner met and both shrank instead of trading: no fee, no volume, no last price (13)."""

    type: Literal["SelfTradePrevented"] = "SelfTradePrevented"
    version: Literal[1] = 1
    market: MarketId
    maker_order_id: Seq
    taker_order_id: Seq
    price_ticks: Ticks
    prevented_lots: Lots
    maker_remaining_lots: int = Field(ge=0, lt=2**40)
    taker_remaining_lots: int = Field(ge=0, lt=2**40)
