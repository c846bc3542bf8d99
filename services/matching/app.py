"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import COMMANDS
from cleartide.service import Service

from services.matching.audit.task import audit
from services.matching.handlers import HANDLERS
from services.matching.queries import QUERIES
from services.matching.repository import MatchingRepository
from services.matching.startup import announce_engine

SERVICE: Final = Service(
    name="matching",
    reads=COMMANDS,
    handlers=HANDLERS,
    repository=MatchingRepository(),
    queries=QUERIES,
    personal=frozenset(
        {
            "account",
            "commitments",
            "fees",
            "ledger",
            "margin",
            "open_transfers",
            "orders",
            "transfers",
            "vault_holdings",
            "vault_moves",
        }
    ),
    migrations=Path(__file__).parent / "migrations",
    starting=(announce_engine,),
    journal=True,
    background=(audit,),
)
