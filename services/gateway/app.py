"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import RISK
from cleartide.service import Service

from services.gateway import metering, notify, operations, usage
from services.gateway.edge.server import serve_edge
from services.gateway.handlers import HANDLERS
from services.gateway.identity.tables import TRUTH
from services.gateway.notify.run import serve_notifications
from services.gateway.queries import QUERIES
from services.gateway.repository import AlertRepository
from services.gateway.settings import EdgeSettings

EDGE: Final = EdgeSettings().gateway_edge == "here"
SERVICE: Final = Service(
    name="gateway",
    reads=RISK,
    handlers=HANDLERS,
    repository=AlertRepository(),
    queries=QUERIES,
    migrations=Path(__file__).parent / "migrations",
    background=(*([serve_edge] if EDGE else []), serve_notifications),
    listens=EDGE,
    truth=(*TRUTH, *notify.TABLES, *operations.TABLES, *metering.TABLES, *usage.TABLES),
)
