"""Collateral beside the settlement asset, the venue's pools, and moves of either between accounts and pools.

`Deposit` and `Withdraw` are about the settlement asset, whose moves are told by `TransferApplied`; moves of any other
asset are told by `CollateralChanged`. Amounts are decimal strings in commands and whole smallest units in events.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.base import Contract, Message
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    JSON_SAFE,
    AccountId,
    MarketId,
    NonNegativePpb,
    PositiveDecimal,
    ReasonCode,
)
from cleartide.contracts.venue import AdminCommand

AssetId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,11}$")]
PoolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,23}$")]
Units = Annotated[int, Field(ge=-JSON_SAFE, le=JSON_SAFE, description="smallest units of the asset, signed")]


class AssetSpec(Contract):
    """An asset that counts as collateral: amount * price * weight, floored to a quantum.

    Its price is the index of `index_market`, or `fixed_price`; exactly one is given. The initial weight counts where
    risk is taken on or money leaves, the maintenance weight in the health factor; initial <= maintenance <= 1.
    `cap` bounds what the venue holds of it; `conversion_fee_ppb` is kept by the pool when it buys or sells the asset.
    """

    asset: AssetId
    decimals: int = Field(ge=0, le=12)
    index_market: MarketId | None = None
    fixed_price: PositiveDecimal | None = None
    initial_weight_ppb: NonNegativePpb
    maintenance_weight_ppb: NonNegativePpb
    cap: PositiveDecimal
    conversion_fee_ppb: NonNegativePpb = 0


class ListAsset(AdminCommand):
    """Take an asset as collateral from here on."""

    subject_template: ClassVar[str] = "admin.assets"
    type: Literal["ListAsset"] = "ListAsset"
    version: Literal[1] = 1
    spec: AssetSpec


class ChangeAsset(AdminCommand):
    """Give a listed asset new rules; its decimals stay."""

    subject_template: ClassVar[str] = "admin.assets"
    type: Literal["ChangeAsset"] = "ChangeAsset"
    version: Literal[1] = 1
    spec: AssetSpec


class DepositCollateral(Message):
    """Credit an account with an asset that has arrived."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["DepositCollateral"] = "DepositCollateral"
    version: Literal[1] = 1
    account: AccountId
    asset: AssetId
    amount: PositiveDecimal
    actor: AccountId | None = None


class WithdrawCollateral(Message):
    """Pay an asset out, up to what the account does not need of it (R11)."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["WithdrawCollateral"] = "WithdrawCollateral"
    version: Literal[1] = 1
    account: AccountId
    asset: AssetId
    amount: PositiveDecimal
    actor: AccountId | None = None


class TransferFunds(Message):
    """Move an amount to another account of the same family; the source must keep what R11 asks for."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["TransferFunds"] = "TransferFunds"
    version: Literal[1] = 1
    account: AccountId
    to_account: AccountId
    asset: AssetId
    amount: PositiveDecimal
    actor: AccountId | None = None


class TransferToPool(Message):
    """Move an amount into one of the venue's pools; the source must keep what R11 asks for."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["TransferToPool"] = "TransferToPool"
    version: Literal[1] = 1
    account: AccountId
    pool: PoolName
    asset: AssetId
    amount: PositiveDecimal
    actor: AccountId | None = None


class SwapCollateral(Message):
    """Exchange one asset for another with the venue's swap pool, at index prices less the conversion fee.

    Refused when it would bring less than `least_amount`.
    """

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["SwapCollateral"] = "SwapCollateral"
    version: Literal[1] = 1
    account: AccountId
    sell_asset: AssetId
    sell_amount: PositiveDecimal
    buy_asset: AssetId
    least_amount: PositiveDecimal | None = None
    actor: AccountId | None = None


class PoolCommand(AdminCommand):
    """Base of what the operator does with a pool."""

    subject_template: ClassVar[str] = "admin.pools"
    pool: PoolName
    asset: AssetId
    amount: PositiveDecimal


class FundPool(PoolCommand):
    """Move an amount from outside into a pool; the first one opens it."""

    type: Literal["FundPool"] = "FundPool"
    version: Literal[1] = 1


class WithdrawPool(PoolCommand):
    """Move an amount from a pool to outside."""

    type: Literal["WithdrawPool"] = "WithdrawPool"
    version: Literal[1] = 1


class PayFromPool(PoolCommand):
    """Move an amount from a pool to an account."""

    type: Literal["PayFromPool"] = "PayFromPool"
    version: Literal[1] = 1
    account: AccountId


class AssetListed(TradingEvent):
    """An asset counts as collateral."""

    type: Literal["AssetListed"] = "AssetListed"
    version: Literal[1] = 1
    asset: AssetId
    spec: AssetSpec


class AssetChanged(TradingEvent):
    """An asset has new rules."""

    type: Literal["AssetChanged"] = "AssetChanged"
    version: Literal[1] = 1
    asset: AssetId
    spec: AssetSpec


class CollateralChanged(TradingEvent):
    """An account has more or less of an asset; `balance_units` is what it has now."""

    type: Literal["CollateralChanged"] = "CollateralChanged"
    version: Literal[1] = 1
    account: AccountId
    asset: AssetId
    amount_units: Units
    balance_units: Units
    kind: ReasonCode
    counterparty: str = ""


class CollateralSwapped(TradingEvent):
    """An account exchanged one asset for another with the swap pool; the balances are what it has now.

    `kind`: swap on request, repayment of a debt, or liquidation. The settlement asset is one like the others here.
    """

    type: Literal["CollateralSwapped"] = "CollateralSwapped"
    version: Literal[1] = 1
    account: AccountId
    sold_asset: AssetId
    sold_units: Units
    sold_balance_units: Units
    bought_asset: AssetId
    bought_units: Units
    bought_balance_units: Units
    kind: ReasonCode


class PoolChanged(TradingEvent):
    """A pool has more or less of an asset; `balance_units` is what it has now."""

    type: Literal["PoolChanged"] = "PoolChanged"
    version: Literal[1] = 1
    pool: PoolName
    asset: AssetId
    amount_units: Units
    balance_units: Units
    kind: ReasonCode
    counterparty: str = ""


ASSET_COMMANDS: tuple[type[Message], ...] = (
    ListAsset,
    ChangeAsset,
    DepositCollateral,
    WithdrawCollateral,
    TransferFunds,
    TransferToPool,
    SwapCollateral,
    FundPool,
    WithdrawPool,
    PayFromPool,
)
ASSET_EVENTS: tuple[type[Message], ...] = (AssetListed, AssetChanged, CollateralChanged, CollateralSwapped, PoolChanged)
