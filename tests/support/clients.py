"""Browsers and apps on the real bus: what they tell is late, told twice and now and then too late."""

import asyncio
import time
from dataclasses import dataclass
from random import Random

from cleartide.contracts.codec import encode
from nats.aio.client import Client
from nats.errors import Error as NatsError

from services.product.tests.clients import random_batches

ATTEMPTS = 200


@dataclass
class Clients:
    """Sends batches in the order of a seed, as the gateway does; which of them arrive twice is drawn too."""

    client: Client
    seed: int = 1

    def __post_init__(self) -> None:
        self._batches = random_batches(self.seed, lambda: time.time_ns() // 1000)
        self._random = Random(self.seed)

    async def step(self) -> None:
        """The next batch, until the bus has it; without an identity, so a repeat is stored again."""
        payload = b"[" + b",".join(map(encode, next(self._batches))) + b"]"
        for _ in range(ATTEMPTS):
            try:
                await self.client.request("product.events", payload, timeout=2)
            except (NatsError, OSError, TimeoutError):
                await asyncio.sleep(0.05)
                continue
            if self._random.random() > 0.1:
                return
        raise AssertionError("a batch was never acknowledged")
