"""One service for each pool of the accounts: the same fold over the same events, each for its own share."""

from pathlib import Path

from cleartide.bus.streams import EVENTS
from cleartide.contracts.pools import POOLS, Pool
from cleartide.service import Service

from services.risk.analysis import analyses
from services.risk.handlers import HANDLERS
from services.risk.queries import queries
from services.risk.repository import RiskRepository
from services.risk.settings import RiskSettings
from services.risk.startup import announce_wheel


def pool(name: str, settings: RiskSettings | None = None) -> Service:
    """The service of this name, as the environment says how many there are. SystemExit: it is none of them."""
    settings = settings or RiskSettings()
    number, scan = POOLS["risk"].index(name) + 1, settings.risk_scan_accounts
    if number > settings.risk_pools:
        raise SystemExit(f"{name} is pool {number} of {settings.risk_pools}: CLEARTIDE_RISK_POOLS says how many")
    return Service(
        name=name,
        reads=EVENTS,
        handlers=HANDLERS,
        repository=RiskRepository(Pool(number, settings.risk_pools)),
        queries={**queries(scan), **analyses(scan)},
        personal=frozenset({"account", "alerts", "tail", "watching", "what_if_order", "what_if_prices"}),
        migrations=Path(__file__).parent / "migrations",
        starting=(announce_wheel,),
    )
