"""Everything that accounts can do beside trading, once each: so that every table and every question has an answer."""

from cleartide.contracts import (
    AssetSpec,
    DepositCollateral,
    FundPool,
    GrantDelegate,
    ListAsset,
    OpenSubaccount,
    ReportDeposit,
    RequestWithdrawal,
    SetLeverage,
    TransferFunds,
)

from services.matching.tests.support import MARKET, Exchange


def household(ex: Exchange) -> None:
    """gus opens an isolated account with a fifth of his money, lets dora act for him, and pays in a bitcoin."""
    ex.deposit("gus", "1000")
    ex.send(OpenSubaccount, account="gus", name="btc", margin_mode="isolated", market=MARKET)
    ex.send(GrantDelegate, account="gus", delegate="dora")
    ex.send(SetLeverage, account="gus--btc", market=MARKET, leverage=5)
    ex.send(TransferFunds, account="gus", to_account="gus--btc", asset="USDC", amount="200")
    bitcoin = AssetSpec(
        asset="BTC",
        decimals=8,
        index_market=MARKET,
        initial_weight_ppb=800_000_000,
        maintenance_weight_ppb=900_000_000,
        cap="1000",
    )
    ex.send(ListAsset, source="operator", spec=bitcoin)
    ex.send(DepositCollateral, account="gus", asset="BTC", amount="0.5")
    ex.send(FundPool, source="operator", pool="swap", asset="USDC", amount="500")
    ex.send(ReportDeposit, source="custody", account="gus", asset="BTC", amount="0.25", tx_id="4e3f", confirmations=3)
    ex.send(RequestWithdrawal, account="gus", asset="USDC", amount="70", destination="0x5aa1")
