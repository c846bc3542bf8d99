"""Wiring, and nothing else."""

from pathlib import Path
from typing import Final

from cleartide.bus.streams import EVENTS
from cleartide.service import Service

from services.risk.analysis import analyses
from services.risk.handlers import HANDLERS
from services.risk.queries import queries
from services.risk.repository import RiskRepository
from services.risk.settings import RiskSettings

SCAN: Final = RiskSettings().risk_scan_accounts

SERVICE: Final = Service(
    name="risk",
    reads=EVENTS,
    handlers=HANDLERS,
    repository=RiskRepository(),
    queries={**queries(SCAN), **analyses(SCAN)},
    migrations=Path(__file__).parent / "migrations",
)
