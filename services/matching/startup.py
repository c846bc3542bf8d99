"""What a sequencer says of itself when it starts."""

from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from services.matching.engine import INTERPRETED_BECAUSE

log = structlog.get_logger()

METRIC: Final = "cleartide_engine_compiled"


def announce_engine(registry: CollectorRegistry, because: str = INTERPRETED_BECAUSE) -> None:
    """Log which form of the engine keeps the books, a warning with the reason when it is the slow one, and show it."""
    gauge = Gauge(METRIC, "1 where the matching engine runs compiled, 0 where it runs interpreted", registry=registry)
    gauge.set(not because)
    if because:
        log.warning("engine_interpreted", reason=because)
    else:
        log.info("engine_compiled")
