"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import EVENTS
from cleartide.service import Service
from cleartide.store.partitions import Partitioned

from services.analytics.archive import ARCHIVED
from services.analytics.handlers import HANDLERS
from services.analytics.queries import QUERIES
from services.analytics.repository import AnalyticsRepository

SERVICE: Final = Service(
    name="analytics",
    reads=EVENTS,
    handlers=HANDLERS,
    repository=AnalyticsRepository(),
    queries=QUERIES,
    personal=frozenset({"account_days", "portfolio"}),
    migrations=Path(__file__).parent / "migrations",
    partitions=(Partitioned("account_hours", found_by="number"), Partitioned("account_days", found_by="number")),
    archived=ARCHIVED,
)
