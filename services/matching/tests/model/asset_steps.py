"""Steps about assets beside cash: listing them, paying in and out, exchanging them, and the venue's pools."""

from typing import Any, Final

from cleartide.contracts import (
    AssetSpec,
    ChangeAsset,
    DepositCollateral,
    FundPool,
    Message,
    PayFromPool,
    SwapCollateral,
    TransferToPool,
    WithdrawCollateral,
    WithdrawPool,
)
from cleartide.contracts.assets import ListAsset

from services.matching.tests.model.collateral import SETTLEMENT, holding
from services.matching.tests.model.margin import beyond, spare, withdrawable
from services.matching.tests.model.scenes import ASSETS, TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.swaps import POOL
from services.matching.tests.model.world import Market, World

WEIGHTS: Final = ((700_000_000, 800_000_000), (0, 1_000_000_000), (500_000_001, 500_000_001), (999, 333_333_333))
POOLS: Final = (POOL, POOL, POOL, "reserve", "none")


def asset(world: World, number: int, step: Step, market: Market) -> Body:
    """One is listed, or has other rules; now and then one that cannot be valued, or is there, or is not."""
    spec = ASSETS[step.amount % len(ASSETS)]
    initial, maintenance = WEIGHTS[step.terms % len(WEIGHTS)]
    changes: dict[str, Any] = {"initial_weight_ppb": initial, "maintenance_weight_ppb": maintenance}
    changes |= {"conversion_fee_ppb": step.links * 5_000_001, "cap": str(1 + step.amount)}
    wrong: tuple[dict[str, Any], ...] = (
        {"fixed_price": "1", "index_market": market.name},
        {"fixed_price": None, "index_market": None},
        {"fixed_price": "0", "index_market": None},
        {"fixed_price": None, "index_market": "NONE-PERP"},
        {"initial_weight_ppb": maintenance + 1},
        {"conversion_fee_ppb": 10**9},
        {"cap": "0"},
        {"decimals": spec.decimals + 1},
        {"asset": SETTLEMENT},
    )
    changes |= wrong[step.terms % len(wrong)] if step.flags % 4 == 0 else {}
    contract: type[Message] = ChangeAsset if spec.asset in world.assets and step.flags % 8 else ListAsset
    return contract, {"spec": spec.model_copy(update=changes), "by": "ops"}


def collateral(world: World, number: int, step: Step, market: Market) -> Body:
    """Some is paid in; or out comes all that is free, a unit more, or a part."""
    spec, name = ASSETS[step.amount % len(ASSETS)], TRADERS[step.who]
    named = {"account": name, "asset": "NONE" if step.flags == 63 else spec.asset}
    account = world.accounts.get(name)
    if account is None or step.flags % 4 < 2 or spec.asset not in account.collateral:
        return DepositCollateral, {**named, "amount": _text(spec, step.amount * 10**spec.decimals // 3_000)}
    free = spare(world, account, spec.asset)
    return WithdrawCollateral, {**named, "amount": _text(spec, (free, free + 1, free // 2)[step.terms % 3])}


def swap(world: World, number: int, step: Step, market: Market) -> Body:
    """Something that somebody has, for anything else; all of it, a part, or a unit more, and at least so much."""
    holders = [name for name in TRADERS if name in world.accounts and world.accounts[name].collateral]
    name = holders[step.who % len(holders)] if holders and step.flags % 8 else TRADERS[step.who]
    if holders and step.flags % 8 > 4:
        name = min(holders, key=lambda one: beyond(world, world.accounts[one]))
    account = world.accounts.get(name)
    names = [SETTLEMENT, *(spec.asset for spec in ASSETS)]
    mine = list(account.collateral) if account is not None else []
    sold = mine[step.amount % len(mine)] if mine and step.flags % 4 else names[step.amount % len(names)]
    stock = [asset for asset, units in world.pools.get(POOL, {}).items() if units] or names
    bought = stock[step.links // 2 % len(stock)] if step.links % 2 else names[step.links // 2 % len(names)]
    held = max(0, holding(account, sold)) if account is not None else 0
    units = (held, held, held // 2, held // 7, held + 1)[step.terms % 5]
    least = {"least_amount": text_of(step.amount * 10_000, "0.000001")} if step.flags % 4 == 1 else {}
    amount = text_of(units, f"{10 ** -_decimals(sold):.12f}")
    return SwapCollateral, {"account": name, "sell_asset": sold, "buy_asset": bought, "sell_amount": amount, **least}


def pool(world: World, number: int, step: Step, market: Market) -> Body:
    """Cash or another asset into a pool, out of it, to somebody or from him; now and then more than there is."""
    named = POOLS[step.amount % len(POOLS)]
    name = SETTLEMENT if step.terms % 2 else ASSETS[step.links % len(ASSETS)].asset
    name = "NONE" if step.terms % 16 == 15 else name
    body: dict[str, Any] = {"pool": named, "asset": name}
    held, unit = world.pools.get(named, {}).get(name, 0), f"{10 ** -_decimals(name):.12f}"
    way, who = step.flags % 5, TRADERS[step.who]
    if way > 2:
        return FundPool, {**body, "amount": text_of(step.amount * 10 ** _decimals(name) // 200, unit), "by": "ops"}
    if way == 2:
        account = world.accounts.get(who)
        free = 0 if account is None else withdrawable(world, account) if name == SETTLEMENT else 0
        free = spare(world, account, name) if account is not None and name in account.collateral else free
        return TransferToPool, {**body, "account": who, "amount": text_of((free // 9, free + 1)[step.links % 2], unit)}
    units = (held // 2, held, held + 1)[step.links % 3]
    if step.links % 8 == 0:
        body["pool"] = "none"
    if way:
        return PayFromPool, {**body, "account": who, "amount": text_of(units, unit), "by": "ops"}
    return WithdrawPool, {**body, "amount": text_of(units, unit), "by": "ops"}


def _decimals(name: str) -> int:
    return next((spec.decimals for spec in ASSETS if spec.asset == name), 6)


def _text(spec: AssetSpec, units: int) -> str:
    return text_of(units, f"{10**-spec.decimals:.12f}")
