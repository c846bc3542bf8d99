"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import PRODUCT
from cleartide.service import Service
from cleartide.store.partitions import Partitioned

from services.product.handlers import HANDLERS
from services.product.queries import QUERIES
from services.product.repository import EVENTS, ROLL_UPS, ProductRepository

KEEP_MONTHS: Final = 13
"""What is kept of single persons: a year and the month that runs. Sums without persons stay."""
PARTITIONED: Final = (
    Partitioned(EVENTS.name, ahead_days=45, by="month", keep_months=KEEP_MONTHS),
    Partitioned("usage_days", ahead_days=45, column="day", by="month", keep_months=KEEP_MONTHS),
    Partitioned("sessions", ahead_days=45, column="day", by="month", keep_months=KEEP_MONTHS),
)
SERVICE: Final = Service(
    name="product",
    reads=PRODUCT,
    handlers=HANDLERS,
    repository=ProductRepository(),
    queries=QUERIES,
    migrations=Path(__file__).parent / "migrations",
    partitions=PARTITIONED,
    derived=ROLL_UPS,
)
