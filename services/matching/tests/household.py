"""Everything that accounts can do beside trading, once each: so that every table and every question has an answer."""

from cleartide.contracts import (
    AssetSpec,
    DepositCollateral,
    FeeTier,
    FundPool,
    GrantDelegate,
    ListAsset,
    OpenSubaccount,
    ReportDeposit,
    RequestWithdrawal,
    SetFeeSchedule,
    SetLeverage,
    SetReferralTerms,
    SetReferrer,
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
    tiers = (FeeTier(volume_quanta=0, taker_fee_ppb=500_000, maker_fee_ppb=100_000),)
    ex.send(SetFeeSchedule, source="operator", tiers=tiers)
    ex.send(SetReferralTerms, source="operator", referee_discount_ppb=50_000_000, referrer_share_ppb=200_000_000)
    ex.send(SetReferrer, account="gus", referrer="eve")
