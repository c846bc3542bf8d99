"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import CHAIN
from cleartide.service import Service
from cleartide.store.partitions import Partitioned

from services.vaults.archive import ARCHIVED
from services.vaults.commissions import COMMISSIONS
from services.vaults.handlers import HANDLERS
from services.vaults.lag import watch_lag
from services.vaults.offers import OFFERS
from services.vaults.positions import POSITIONS
from services.vaults.queries import QUERIES
from services.vaults.repository import VaultsRepository

SERVICE: Final = Service(
    name="vaults",
    reads=CHAIN,
    handlers=HANDLERS,
    repository=VaultsRepository(),
    queries={**QUERIES, **POSITIONS, **OFFERS, **COMMISSIONS},
    personal=frozenset({"days", "months", "moves", "positions"}),
    migrations=Path(__file__).parent / "migrations",
    partitions=(Partitioned("vault_days", found_by="number"),),
    archived=ARCHIVED,
    background=(watch_lag,),
    journal=True,
)
