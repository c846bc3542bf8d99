"""What an account may still do: its margin, what it may take out, and where its positions would be liquidated.

Computed by the very rules of the fold, on the account's rows among all markets, as of the last committed message.
"""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.money import ceil_div, health_factor_text, quanta_to_text
from cleartide.rules.collateral import quanta_of
from cleartide.rules.liquidation_price import PricedPosition, liquidation_price
from cleartide.rules.margin import AccountMargin
from cleartide.service import Query

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.assets import Asset
from services.matching.domain.ledger import locked_name
from services.matching.domain.margin import (
    free_equity,
    initial_collateral,
    order_margin,
    standing,
    withdrawable,
    withdrawable_units,
)
from services.matching.domain.state import MatchingState
from services.matching.views.account_state import read_account
from services.matching.views.transfers import units_text


async def margin(pool: Any, params: dict[str, Any]) -> Any:
    """One account. Parameters: account. Error `not_found`.

    utilisation: share of initial equity that margin and reserved losses take, from 0 to 1; max_borrowable: how much
    more could be owed against collateral, if losses, fees and funding were to take it.
    """
    name = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        found = await read_account(connection, name)
    return {"as_of_seq": found.as_of_seq, **margin_view(found.state, found.account)}


def margin_view(state: MatchingState, account: Account) -> dict[str, Any]:
    """The account's figures as text; ratios are floored or raised against it."""
    now, (equity, required) = standing(account), order_margin(account)
    used = required + account.reserved
    return {
        "account": account.name,
        "equity": quanta_to_text(now.equity_quanta),
        "maintenance_margin": quanta_to_text(now.maintenance_margin_quanta),
        "health_factor": health_factor_text(now.equity_quanta, now.maintenance_margin_quanta),
        "initial_equity": quanta_to_text(equity),
        "initial_margin": quanta_to_text(now.initial_margin_quanta),
        "initial_margin_with_orders": quanta_to_text(required),
        "reserved": quanta_to_text(account.reserved),
        "free": quanta_to_text(max(0, free_equity(account))),
        "utilisation": quanta_to_text(utilisation_ppm(equity, used)),
        "max_borrowable": quanta_to_text(max_borrowable(account)),
        "assets": [_asset_view(state, account, asset) for _, asset in sorted(state.treasury.assets.items())],
        "positions": [
            _position_view(now, held) for _, held in sorted(account.holdings.items()) if held.lots or held.leverage
        ],
    }


def utilisation_ppm(equity: int, used: int) -> int:
    """used / equity in ppm, rounded up, from 0 to 1; 1 where something is used and no equity is there."""
    if used <= 0:
        return 0
    return min(1_000_000, ceil_div(used * 1_000_000, equity)) if equity > 0 else 1_000_000


def max_borrowable(account: Account) -> int:
    """How many quanta more could be owed with E >= IM, as far as collateral stands for it. Cash goes first."""
    equity, required = order_margin(account)
    cash = account.cash.balance
    return max(0, min(equity - account.reserved - required - max(0, cash), initial_collateral(account) + min(0, cash)))


def _asset_view(state: MatchingState, account: Account, asset: Asset) -> dict[str, Any]:
    decimals, price = asset.spec.decimals, asset.price
    pocket = account.collateral.get(asset.id)
    held, free = account.cash.balance, withdrawable(account)
    if not asset.is_settlement:
        held, free = (pocket.held.balance, withdrawable_units(account, pocket)) if pocket is not None else (0, 0)
    locked = state.ledger.accounts.get(locked_name(asset.id, account.name))
    return {
        "asset": asset.id,
        "balance": units_text(held, decimals),
        "locked": units_text(locked.balance if locked is not None else 0, decimals),
        "withdrawable": units_text(free, decimals),
        "value": quanta_to_text(quanta_of(held, price)),
        "counts_for_health": quanta_to_text(quanta_of(held, price, asset.spec.maintenance_weight_ppb)),
        "counts_for_new_risk": quanta_to_text(quanta_of(held, price, asset.initial_weight_ppb)),
        "price_is_fresh": asset.is_fresh,
    }


def _position_view(now: AccountMargin, held: Holding) -> dict[str, Any]:
    market = held.market
    initial, maintenance = held.requirements(abs(held.value)) if held.lots else (0, 0)
    ticks = liquidation_price(now, PricedPosition(held.lots * market.unit, market.prices.mark, market.brackets))
    return {
        "market": market.id,
        "size": market.grid.size_text(held.lots),
        "leverage": held.leverage or None,
        "initial_margin": quanta_to_text(initial),
        "maintenance_margin": quanta_to_text(maintenance),
        "liquidation_price": None if ticks is None else market.grid.price_text(ticks),
    }


QUERIES: Final[Mapping[str, Query]] = {"margin": margin}
