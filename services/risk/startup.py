"""What risk says of itself when it starts."""

from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge

from services.risk.engine import INTERPRETED_BECAUSE

log = structlog.get_logger()

METRIC: Final = "cleartide_wheel_compiled"


def announce_wheel(registry: CollectorRegistry, because: str = INTERPRETED_BECAUSE) -> None:
    """Log which form of the price wheel watches the accounts, a warning with the reason when it is the slow one."""
    gauge = Gauge(METRIC, "1 where the price wheel runs compiled, 0 where it runs interpreted", registry=registry)
    gauge.set(not because)
    if because:
        log.warning("wheel_interpreted", reason=because)
    else:
        log.info("wheel_compiled")
