"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import MARKET
from cleartide.service import Service
from cleartide.store.partitions import Partitioned

from services.ingestor.feed import feed
from services.ingestor.handlers import HANDLERS
from services.ingestor.queries import QUERIES
from services.ingestor.repository import SERIES, IngestorRepository
from services.ingestor.settings import IngestorSettings
from services.ingestor.startup import announce_books

SETTINGS: Final = IngestorSettings()
SERVICE: Final = Service(
    name="ingestor",
    reads=MARKET,
    handlers=HANDLERS,
    repository=IngestorRepository(SETTINGS.index, SETTINGS.liquidity_stored_micros),
    queries=QUERIES,
    migrations=Path(__file__).parent / "migrations",
    partitions=tuple(Partitioned(table.name, ahead_days=3) for table in SERIES),
    truth=("venue_fees",),
    background=(feed,),
    starting=(announce_books,),
)
