"""What the ingestor says of itself when it starts."""

from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from services.ingestor.engine import INTERPRETED_BECAUSE

log = structlog.get_logger()

METRIC: Final = "cleartide_venue_books_compiled"


def announce_books(registry: CollectorRegistry, because: str = INTERPRETED_BECAUSE) -> None:
    """Log which form reads numbers and keeps the venues' books, a warning with the reason when it is the slow one."""
    gauge = Gauge(METRIC, "1 where the venues' books run compiled, 0 where they run interpreted", registry=registry)
    gauge.set(not because)
    if because:
        log.warning("venue_books_interpreted", reason=because)
    else:
        log.info("venue_books_compiled")
