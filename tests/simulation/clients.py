"""What browsers and apps tell in a run: late, again, too late, choices and erasures, now and then no event."""

from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import Final

from cleartide.contracts.codec import encode

from services.product.tests.clients import random_batches
from tests.simulation.script import NOISE, Sending

NONSENSE: Final = 0.06


def client_batches(random: Random, count: int, now: Callable[[], int]) -> Iterator[Sending]:
    """So many messages on PRODUCT, at the times of the run."""
    for number, batch in enumerate(islice(random_batches(random.randrange(10**9), now), count)):
        payload, identity = b"[" + b",".join(map(encode, batch)) + b"]", f"gateway.use-{number}"
        if random.random() < NONSENSE:
            payload, identity = random.choice((*NOISE, payload[: random.randrange(len(payload))])), ""
        yield Sending("PRODUCT", "product.events", payload, identity)
