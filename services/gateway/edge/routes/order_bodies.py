"""What requests about orders and money carry: the contracts' own fields, as text where they are decimal."""

from typing import Annotated, Any, Literal

from cleartide.contracts.accounts import Leverage
from cleartide.contracts.assets import AssetId
from cleartide.contracts.auctions import DEFAULT_SLOTS, MOST_SLOTS
from cleartide.contracts.custody import Destination
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
    SignedDecimal,
    TimeInForce,
    TriggerSource,
)
from pydantic import ConfigDict, Field, StringConstraints

from services.gateway.edge.routes.bodies import Body, Referral

MOST_INSTRUCTIONS = 100
Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{0,23}$")]


class LegBody(Body):
    """A reduce-only order that is armed when its parent fills; without `limit_price` it is a market order."""

    trigger_price: PositiveDecimal
    trigger_source: TriggerSource = "mark"
    limit_price: PositiveDecimal | None = None


class AuctionBody(Body):
    """How an immediate order is auctioned among makers first."""

    start: SignedDecimal | None = None
    end: SignedDecimal | None = None
    offsets: bool = False
    slots: Annotated[int, Field(ge=1, le=MOST_SLOTS)] = DEFAULT_SLOTS


class TermsBody(Body):
    """An order: side and size, and what docs/orders.md says goes with its type."""

    side: Side
    size: PositiveDecimal
    order_type: OrderType = "limit"
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
    take_profit: LegBody | None = None
    stop_loss: LegBody | None = None
    auction: AuctionBody | None = None


class OrderBody(TermsBody):
    """A new order. Without `client_order_id` it is given one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"market": "BTC-PERP", "side": "buy", "size": "0.010", "price": "61800.0", "post_only": True}]
        }
    )

    market: MarketId
    client_order_id: ClientOrderId | None = None


class AmendBody(Body):
    """What to change of an order; what is left out stays. `size` is the total, what has traded included."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"market": "BTC-PERP", "price": "61799.5"},
                {"market": "BTC-PERP", "display_size": "0.010", "expires_at": 1_797_930_151_000_000},
            ]
        }
    )

    market: MarketId
    price: PositiveDecimal | None = None
    size: PositiveDecimal | None = None
    trigger_price: PositiveDecimal | None = None
    trail_amount: PositiveDecimal | None = None
    trail_rate_ppb: NonNegativePpb | None = None
    expires_at: Micros | None = None
    display_size: PositiveDecimal | None = None


class PlaceBody(TermsBody):
    """Place an order, in a batch."""

    action: Literal["place"]
    client_order_id: ClientOrderId


class CancelBody(Body):
    """Cancel an order, in a batch."""

    action: Literal["cancel"]
    client_order_id: ClientOrderId


class AmendOneBody(Body):
    """Change an order, in a batch."""

    action: Literal["amend"]
    client_order_id: ClientOrderId
    price: PositiveDecimal | None = None
    size: PositiveDecimal | None = None
    trigger_price: PositiveDecimal | None = None
    trail_amount: PositiveDecimal | None = None
    trail_rate_ppb: NonNegativePpb | None = None
    expires_at: Micros | None = None
    display_size: PositiveDecimal | None = None


Instruction = Annotated[PlaceBody | CancelBody | AmendOneBody, Field(discriminator="action")]


class BatchBody(Body):
    """Up to 100 instructions for one market, applied in order; each is answered by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "market": "BTC-PERP",
                    "instructions": [
                        {"action": "cancel", "client_order_id": "mine-1"},
                        {
                            "action": "place",
                            "client_order_id": "mine-2",
                            "side": "sell",
                            "size": "0.010",
                            "price": "61900.0",
                        },
                    ],
                }
            ]
        }
    )

    market: MarketId
    instructions: Annotated[list[Instruction], Field(min_length=1, max_length=MOST_INSTRUCTIONS)]


class LeverageBody(Body):
    """How many times its initial margin a position may be worth; null takes the choice back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"leverage": 10}]})

    leverage: Leverage | None


class WithdrawalBody(Body):
    """An amount to be paid out. It is locked at once, and comes back when custody does not begin within an hour."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"asset": "USDC", "amount": "250.5", "destination": "0x52908400098527886E0F7030069857D2E4169EE7"}
            ]
        }
    )

    amount: PositiveDecimal
    destination: Destination
    asset: Asset = "USDC"


class SwapBody(Body):
    """How much of one asset to sell for another; refused when it would bring less than `least_amount`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"sell_asset": "BTC", "sell_amount": "0.1", "buy_asset": "USDC", "least_amount": "6100"}]
        }
    )

    sell_asset: AssetId
    sell_amount: PositiveDecimal
    buy_asset: AssetId
    least_amount: PositiveDecimal | None = None


class ReferrerBody(Body):
    """The referral code of whoever gets a share of this family's fees from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "SJQNHYGBAU"}]})

    code: Annotated[Referral, StringConstraints(min_length=1)]


class TransferBody(Body):
    """An amount for another account of the same family."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to_account": "u0123456789abcdef0123--hedge", "amount": "100"}]}
    )

    to_account: AccountId
    amount: PositiveDecimal
    asset: Asset = "USDC"


def given(body: Body, **more: Any) -> dict[str, Any]:
    """A body's fields and more, without those that are null."""
    return {**body.model_dump(exclude_none=True), **more}
