"""Wiring, and nothing else."""

from typing import Final

from cleartide.contracts.pools import POOLS

from services.risk.pools import pool
from services.risk.settings import RiskSettings

SERVICE: Final = pool(POOLS["risk"][RiskSettings().risk_pool - 1])
