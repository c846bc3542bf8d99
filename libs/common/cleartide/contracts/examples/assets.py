"""Examples of collateral: BTC counts at 85 % and 90 %; bob pays some in, sells a part of it, and moves money about.

At an index of 63,490 a sale of 0.001 BTC brings 63.49 less the fee of 0.1 %: 63.426510.
"""

from typing import Any, Final

from cleartide.contracts.assets import (
    AssetChanged,
    AssetListed,
    AssetSpec,
    ChangeAsset,
    CollateralChanged,
    CollateralSwapped,
    DepositCollateral,
    FundPool,
    ListAsset,
    PayFromPool,
    PoolChanged,
    SwapCollateral,
    TransferFunds,
    TransferToPool,
    WithdrawCollateral,
    WithdrawPool,
)
from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import MARKET, OPENED, said, sent

_BTC: Final = AssetSpec(
    asset="BTC",
    decimals=8,
    index_market=MARKET,
    initial_weight_ppb=850_000_000,
    maintenance_weight_ppb=900_000_000,
    cap="500",
    conversion_fee_ppb=1_000_000,
)
_LOWER: Final = _BTC.model_copy(update={"initial_weight_ppb": 800_000_000})


def _event(contract: type[Message], seq: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, OPENED, cause, **body)


ASSET_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(ListAsset, "list-BTC", "operator", spec=_BTC, by="ops@venue", note="first asset beside the dollar"),
    sent(ChangeAsset, "change-BTC", "operator", spec=_LOWER),
    sent(DepositCollateral, "deposit-2", "gateway", account="bob", asset="BTC", amount="0.01"),
    sent(WithdrawCollateral, "withdraw-2", "gateway", account="bob", asset="BTC", amount="0.002"),
    sent(TransferFunds, "transfer-1", "gateway", account="bob", to_account="bob--btc", asset="USDC", amount="20"),
    sent(TransferToPool, "transfer-2", "gateway", account="bob", pool="rewards", asset="USDC", amount="1.5"),
    sent(
        SwapCollateral,
        "swap-1",
        "gateway",
        account="bob",
        sell_asset="BTC",
        sell_amount="0.001",
        buy_asset="USDC",
        least_amount="63",
    ),
    sent(FundPool, "pool-1", "operator", pool="swap", asset="USDC", amount="100000"),
    sent(WithdrawPool, "pool-2", "operator", pool="swap", asset="BTC", amount="0.001"),
    sent(PayFromPool, "pool-3", "operator", pool="rewards", asset="USDC", amount="0.5", account="alice"),
    _event(AssetListed, 22, "list-BTC", asset="BTC", spec=_BTC),
    _event(AssetChanged, 23, "change-BTC", asset="BTC", spec=_LOWER),
    _event(
        CollateralChanged,
        24,
        "deposit-2",
        account="bob",
        asset="BTC",
        amount_units=1_000_000,
        balance_units=1_000_000,
        kind="deposit",
    ),
    _event(
        PoolChanged,
        25,
        "pool-1",
        pool="swap",
        asset="USDC",
        amount_units=100_000_000_000,
        balance_units=100_000_000_000,
        kind="deposit",
    ),
    _event(
        CollateralSwapped,
        28,
        "swap-1",
        account="bob",
        sold_asset="BTC",
        sold_units=100_000,
        sold_balance_units=900_000,
        bought_asset="USDC",
        bought_units=63_426_510,
        bought_balance_units=163_101_510,
        kind="swap",
    ),
)
