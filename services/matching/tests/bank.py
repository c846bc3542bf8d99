"""An exchange that takes five assets beside the settlement asset, and its small verbs."""

from typing import Any, Final

from cleartide.contracts import (
    AssetSpec,
    ChangeAsset,
    ConfirmDeposit,
    DepositCollateral,
    FundPool,
    ListAsset,
    Message,
    OpenSubaccount,
    PayFromPool,
    ReportDeposit,
    RequestWithdrawal,
    SwapCollateral,
    TransferFunds,
    TransferRejected,
    TransferToPool,
    WithdrawCollateral,
    WithdrawPool,
)

from services.matching.tests.support import Exchange, only

PERCENT: Final = 10_000_000
ASSETS: Final = {
    "BTC": AssetSpec(
        asset="BTC",
        decimals=8,
        index_market="BTC-PERP",
        initial_weight_ppb=80 * PERCENT,
        maintenance_weight_ppb=90 * PERCENT,
        cap="1000",
        conversion_fee_ppb=PERCENT,
    ),
    "ETH": AssetSpec(
        asset="ETH",
        decimals=9,
        index_market="ETH-PERP",
        initial_weight_ppb=85 * PERCENT,
        maintenance_weight_ppb=85 * PERCENT,
        cap="10000",
    ),
    "SOL": AssetSpec(
        asset="SOL",
        decimals=9,
        index_market="SOL-PERP",
        initial_weight_ppb=70 * PERCENT,
        maintenance_weight_ppb=80 * PERCENT,
        cap="100000",
        conversion_fee_ppb=PERCENT // 2,
    ),
    "USDT": AssetSpec(
        asset="USDT",
        decimals=6,
        fixed_price="1",
        initial_weight_ppb=95 * PERCENT,
        maintenance_weight_ppb=95 * PERCENT,
        cap="1000000",
    ),
    "EURC": AssetSpec(
        asset="EURC",
        decimals=2,
        fixed_price="1.0873",
        initial_weight_ppb=90 * PERCENT,
        maintenance_weight_ppb=95 * PERCENT,
        cap="1000000",
        conversion_fee_ppb=PERCENT,
    ),
}
INDEX: Final = {"BTC-PERP": "1000", "ETH-PERP": "100", "SOL-PERP": "10"}


class Bank(Exchange):
    """Three markets without fees, five assets, a swap pool with 100,000 of cash."""

    def __init__(self, **rules: Any) -> None:
        free = {"taker_fee_ppb": 0, "maker_fee_ppb": 0}
        super().__init__(listed=False)
        for market, price in INDEX.items():
            self.list(**{"market": market, "base": market[:3], **free, **rules})
            self.price(price, market)
        for asset in ASSETS.values():
            self.send(ListAsset, source="operator", spec=asset)
        self.fund("swap", "USDC", "100000")

    def bring(self, account: str, asset: str, amount: str, **more: Any) -> list[Message]:
        return self.send(DepositCollateral, account=account, asset=asset, amount=amount, **more)

    def draw(self, account: str, asset: str, amount: str, **more: Any) -> list[Message]:
        return self.send(WithdrawCollateral, account=account, asset=asset, amount=amount, **more)

    def move(self, account: str, to: str, asset: str, amount: str, **more: Any) -> list[Message]:
        return self.send(TransferFunds, account=account, to_account=to, asset=asset, amount=amount, **more)

    def swap(self, account: str, sell: str, amount: str, buy: str, **more: Any) -> list[Message]:
        body = {"sell_asset": sell, "sell_amount": amount, "buy_asset": buy, **more}
        return self.send(SwapCollateral, account=account, **body)

    def give(self, account: str, pool: str, asset: str, amount: str, **more: Any) -> list[Message]:
        return self.send(TransferToPool, account=account, pool=pool, asset=asset, amount=amount, **more)

    def fund(self, pool: str, asset: str, amount: str) -> list[Message]:
        return self.send(FundPool, source="operator", pool=pool, asset=asset, amount=amount)

    def drain(self, pool: str, asset: str, amount: str) -> list[Message]:
        return self.send(WithdrawPool, source="operator", pool=pool, asset=asset, amount=amount)

    def pay(self, pool: str, account: str, asset: str, amount: str) -> list[Message]:
        return self.send(PayFromPool, source="operator", pool=pool, account=account, asset=asset, amount=amount)

    def seen(self, account: str, amount: str, tx: str = "tx", asset: str = "BTC", **more: Any) -> list[Message]:
        body = {"account": account, "asset": asset, "amount": amount, "tx_id": tx, **more}
        return self.send(ReportDeposit, source="custody", **body)

    def confirmed(self, confirmations: int, tx: str = "tx", asset: str = "BTC", **more: Any) -> list[Message]:
        body = {"asset": asset, "tx_id": tx, "confirmations": confirmations, **more}
        return self.send(ConfirmDeposit, source="custody", **body)

    def ask(self, account: str, amount: str, asset: str = "USDC", **more: Any) -> list[Message]:
        body = {"account": account, "asset": asset, "amount": amount, "destination": "0xabc", **more}
        return self.send(RequestWithdrawal, **body)

    def custody(self, contract: type[Message], **body: Any) -> list[Message]:
        return self.send(contract, source="custody", **body)

    def change(self, asset: str, **rules: Any) -> list[Message]:
        spec = self.state.treasury.assets[asset].spec.model_copy(update=rules)
        return self.send(ChangeAsset, source="operator", spec=spec)

    def open(self, parent: str, name: str) -> str:
        self.send(OpenSubaccount, account=parent, name=name)
        return f"{parent}--{name}"

    def units(self, account: str, asset: str) -> int:
        return self.balance_of(f"collateral:{asset}:{account}")

    def balance_of(self, name: str) -> int:
        held = self.state.ledger.accounts.get(name)
        return held.balance if held else 0


def refused(events: list[Message]) -> str:
    """The reason why a transfer was refused."""
    assert len(events) == 1, events
    return only(events, TransferRejected).reason
