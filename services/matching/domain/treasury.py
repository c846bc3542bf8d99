"""What the venue holds and takes beside positions: assets, pools, and what of them has changed."""

from typing import Final, NamedTuple

from cleartide.rules.assets import SETTLEMENT_ASSET

from services.matching.domain.assets import Asset, settlement_asset
from services.matching.domain.ledger import Ledger

SWAP_POOL: Final = "swap"
"""The pool that buys and sells collateral at index prices."""


class Pool(NamedTuple):
    """One of the venue's pools: money that is nobody's collateral. Its balances are in the ledger."""

    name: str


class Treasury:
    """Assets by id, the settlement asset among them; pools by name.

    debtors: accounts without positions that owe cash while they hold collateral; see `conversion`.
    """

    __slots__ = ("assets", "changed_assets", "debtors", "pools")

    def __init__(self, ledger: Ledger) -> None:
        self.assets: dict[str, Asset] = {SETTLEMENT_ASSET: settlement_asset(ledger)}
        self.pools: dict[str, Pool] = {}
        self.debtors: set[str] = set()
        self.changed_assets: dict[str, Asset] = {}
