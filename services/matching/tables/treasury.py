"""Assets that count as collateral. What accounts and pools hold of them is in the ledger's balances."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.contracts import AssetSpec
from cleartide.fold import Changes, Row, Table

from services.matching.domain.assets import Asset
from services.matching.domain.ledger import COLLATERAL, POOL
from services.matching.domain.moves import hold
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import Pool
from services.matching.tables.custody import collect_custody, restore_custody
from services.matching.tables.fees import collect_fees, restore_fees

ASSETS: Final = Table(
    "assets",
    key=("asset",),
    columns={
        "asset": "text",
        "decimals": "smallint",
        "index_market": "text",
        "fixed_price": "text",
        "initial_weight_ppb": "bigint",
        "maintenance_weight_ppb": "bigint",
        "cap": "text",
        "conversion_fee_ppb": "bigint",
    },
)


def restore(state: MatchingState, rows: Mapping[str, Sequence[Row]]) -> None:
    """Assets, then pools and collateral from the balances, then who owes cash against collateral, then custody."""
    names = list(ASSETS.columns)
    for row in rows[ASSETS.name]:
        spec = AssetSpec(**dict(zip(names, row, strict=True)))
        market = state.markets[spec.index_market] if spec.index_market is not None else None
        state.treasury.assets[spec.asset] = Asset(spec, market, state.ledger)
    for balance in list(state.ledger.accounts.values()):
        pot, *where = balance.name.split(":")
        if pot == POOL:
            state.treasury.pools[where[0]] = Pool(where[0])
        elif pot == COLLATERAL and balance.balance:
            hold(state, state.accounts[where[1]], state.treasury.assets[where[0]])
    for account in state.accounts.values():
        if account.is_debtor:
            state.treasury.debtors.add(account.name)
    restore_custody(state, rows)
    restore_fees(state.treasury.fees, rows)


def collect(changes: Changes, state: MatchingState) -> None:
    """Rows of assets that were listed or changed, and of what is on its way."""
    treasury = state.treasury
    for asset in treasury.changed_assets.values():
        changes.put(ASSETS, tuple(getattr(asset.spec, name) for name in ASSETS.columns))
    treasury.changed_assets = {}
    collect_custody(changes, treasury)
    collect_fees(changes, treasury.fees)
