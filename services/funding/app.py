"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import EVENTS
from cleartide.service import Service

from services.funding.handlers import HANDLERS
from services.funding.queries import QUERIES
from services.funding.repository import FundingRepository
from services.funding.settings import FundingSettings

SERVICE: Final = Service(
    name="funding",
    reads=EVENTS,
    handlers=HANDLERS,
    repository=FundingRepository(FundingSettings().funding_interval_micros),
    queries=QUERIES,
    personal=frozenset({"payments"}),
    migrations=Path(__file__).parent / "migrations",
)
