"""What an indexer tells of a chain in a run: late, twice, taken back, and now and then no event at all."""

from collections.abc import Iterator
from random import Random
from typing import Final

from cleartide.contracts.codec import encode

from services.vaults.tests.chain import disturbed, random_events
from tests.simulation.script import NOISE, Sending

DAYS: Final = 9
OWNERS: Final = 6
NONSENSE: Final = 0.06


def chain_events(random: Random, count: int) -> Iterator[Sending]:
    """At least `count` messages on CHAIN; the chain's days lie before the run's."""
    for event in disturbed(random_events(random.randrange(10**9), count, DAYS, OWNERS), random.randrange(10**9)):
        payload, identity = encode(event), f"{event.source}.{event.id}"
        if random.random() < NONSENSE:
            payload, identity = random.choice((*NOISE, payload[: random.randrange(len(payload))])), ""
        yield Sending("CHAIN", event.subject, payload, identity)
