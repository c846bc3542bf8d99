"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import EVENTS
from cleartide.service import Service
from cleartide.store.partitions import Partitioned

from services.earnings.archive import ARCHIVED
from services.earnings.handlers import HANDLERS
from services.earnings.queries import QUERIES
from services.earnings.repository import EarningsRepository

SERVICE: Final = Service(
    name="earnings",
    reads=EVENTS,
    handlers=HANDLERS,
    repository=EarningsRepository(),
    queries=QUERIES,
    personal=frozenset({"days", "months", "summary"}),
    migrations=Path(__file__).parent / "migrations",
    partitions=(Partitioned("earnings_days", found_by="number"),),
    archived=ARCHIVED,
)
