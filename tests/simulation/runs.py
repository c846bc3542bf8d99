"""Runs of the real services."""

from collections.abc import Sequence
from typing import Any, Final

import structlog
from cleartide.bus.folder import Fold

from services.analytics.app import SERVICE as ANALYTICS
from services.earnings.app import SERVICE as EARNINGS
from services.funding.app import SERVICE as FUNDING
from services.gateway.app import SERVICE as GATEWAY
from services.ingestor.app import SERVICE as INGESTOR
from services.matching.app import SERVICE as MATCHING
from services.product.app import SERVICE as PRODUCT
from services.risk.app import SERVICE as RISK
from services.vaults.app import SERVICE as VAULTS
from tests.simulation.check import check
from tests.simulation.loop import run_virtually
from tests.simulation.world import World

SERVICES: Final = (INGESTOR, MATCHING, RISK, FUNDING, EARNINGS, ANALYTICS, VAULTS, PRODUCT, GATEWAY)


def folds() -> dict[str, Fold]:
    """What each service's runner would run."""
    return {service.name: service.fold for service in SERVICES}


def run_seed(seed: int, **changes: Any) -> World:
    """One run to its end; raises what went wrong in it. `changes` replace parts of the world."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    try:
        world = World(seed, **{"folds": folds(), **changes})
        run_virtually(world.run())
        return world
    finally:
        structlog.reset_defaults()


def checked_seed(seed: int, **changes: Any) -> World:
    """One run and everything that must be true after it."""
    world = run_seed(seed, **changes)
    check(world)
    return world


def seeds_of(text: str) -> Sequence[int]:
    """`7` or `1-500`."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
