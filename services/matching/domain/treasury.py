"""What the venue holds and takes beside positions: assets, pools, and what of them has changed."""

from typing import Final, NamedTuple

from cleartide.rules.assets import SETTLEMENT_ASSET

from services.matching.domain.assets import Asset, settlement_asset
from services.matching.domain.custody.records import Custody
from services.matching.domain.fees.book import FeeBook
from services.matching.domain.ledger import Ledger
from services.matching.domain.transfer_log import TransferLog

SWAP_POOL: Final = "swap"
"""The pool that buys and sells collateral at index prices."""
PLATFORM_POOL: Final = "platform"
"""The pool that takes the platform's part of rewards."""


class Pool(NamedTuple):
    """One of the venue's pools: money that is nobody's collateral. Its balances are in the ledger."""

    name: str


class Escrow(NamedTuple):
    """What is locked of an account until its withdrawal has left. It counts in nobody's equity."""

    name: str


class Treasury:
    """Assets by id, the settlement asset among them; pools by name; what is on its way; and what has moved.

    debtors: accounts without positions that owe cash while they hold collateral; see `conversion`.
    """

    __slots__ = ("assets", "changed_assets", "custody", "debtors", "fees", "log", "pools")

    def __init__(self, ledger: Ledger) -> None:
        self.assets: dict[str, Asset] = {SETTLEMENT_ASSET: settlement_asset(ledger)}
        self.pools: dict[str, Pool] = {}
        self.debtors: set[str] = set()
        self.custody = Custody()
        self.log = TransferLog()
        self.fees = FeeBook(ledger)
        self.changed_assets: dict[str, Asset] = {}
