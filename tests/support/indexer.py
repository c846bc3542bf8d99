"""An unreliable indexer on the real bus: what it says is late, told twice and taken back."""

import itertools
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client

from services.vaults.tests.chain import disturbed, random_events
from tests.support.traffic import publish_surely

EVENTS: Final = 3_000
DAYS: Final = 40
OWNERS: Final = 12
REACH: Final = 60


@dataclass
class Indexer:
    """Tells a chain's events in the order of a seed; at their end it replays them all."""

    client: Client
    seed: int = 1

    def __post_init__(self) -> None:
        told = disturbed(random_events(self.seed, EVENTS, DAYS, OWNERS), self.seed, reach=REACH)
        self._events = itertools.cycle(told)

    async def step(self) -> None:
        """The next event, until the bus has it."""
        await publish_surely(self.client, next(self._events))
