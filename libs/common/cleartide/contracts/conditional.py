"""Trading events about conditional orders: one that is armed is triggered and works on, or is closed with a reason."""

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
    OrderType,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TriggerSource,
)


class OrderArmed(TradingEvent):
    """A conditional order waits for its price, or waits on with other terms. It is not in the book and needs no margin.

    OrderTriggered or OrderClosed follows at some time. Stops and take-profits have a `trigger_price_ticks`; trailing
    stops have a distance and the best price so far, null before they have seen one.
    """

    type: Literal["OrderArmed"] = "OrderArmed"
    version: Literal[1] = 1
    order_id: Seq
    account: AccountId
    market: MarketId
    client_order_id: ClientOrderId
    side: Side
    order_type: OrderType
    size_lots: Lots
    price_ticks: Ticks | None
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    expires_at: Micros | None
    trigger_source: TriggerSource
    trigger_price_ticks: Ticks | None
    trail_ticks: Ticks | None
    trail_rate_ppb: NonNegativePpb | None
    extreme_ticks: Ticks | None
    oco_group: ClientOrderId | None
    parent_order_id: Seq | None


class OrderTriggered(TradingEvent):
    """The price of a conditional order came: it is placed now, behind all that were there before it.

    OrderAccepted follows in the same batch of events, or OrderClosed with the state `rejected`, which is final.
    `trigger_price_ticks` is where the order was due, `source_price_ticks` the price that was there or beyond.
    """

    type: Literal["OrderTriggered"] = "OrderTriggered"
    version: Literal[1] = 1
    order_id: Seq
    account: AccountId
    market: MarketId
    client_order_id: ClientOrderId
    trigger_source: TriggerSource
    trigger_price_ticks: Ticks
    source_price_ticks: Ticks
    source_seq: int = Field(ge=1, le=2**53 - 1)
    trade_id: Seq | None
    extreme_ticks: Ticks | None


CONDITIONAL_EVENTS = (OrderArmed, OrderTriggered)
