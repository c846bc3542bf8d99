"""Notifications on real servers of their own, each step made by hand, for tests."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from cleartide.bus.nats import NatsBus
from cleartide.bus.permissions import OPERATOR
from cleartide.bus.streams import EVENTS, RISK
from cleartide.store.truth import TruthStore
from nats.aio.client import Client

from services.gateway.domain.webhooks import SECOND, Policy
from services.gateway.notify.addresses import Networks
from services.gateway.notify.desk import NotificationDesk, WebhookDesk
from services.gateway.notify.feeder import Feeder
from services.gateway.notify.postman import Postman, caller
from services.gateway.tests.support import START, publish_events
from services.gateway.tests.test_gateway_notices import Btc
from tests.support.servers import Broker, Database


@dataclass(frozen=True)
class Servers:
    """A database with the gateway's tables, and a bus."""

    database: Database
    broker: Broker

    def client(self, user: str = OPERATOR) -> "AbstractAsyncContextManager[Client]":
        return self.broker.client(user)

    def service_dsn(self, service: str) -> str:
        return self.database.dsn(service)


LOOPBACK = Networks(["127.0.0.0/8"])


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def on(self, seconds: int) -> None:
        self.now += seconds * SECOND


class Desk:
    """Everything of notifications, each step made by hand."""

    def __init__(self, store: TruthStore, nats: Client, postman: Postman, clock: Clock) -> None:
        self.store, self.nats, self.postman, self.clock = store, nats, postman, clock
        self.webhooks = WebhookDesk(store, LOOPBACK, clock)
        self.people = NotificationDesk(store, ("email", "push", "chat"), clock)
        self.feeders = [Feeder(store, NatsBus(nats), stream, Btc(), _known) for stream in (EVENTS, RISK)]

    async def feed(self) -> None:
        """Read both streams to their ends."""
        for feeder in self.feeders:
            place, more = await feeder.place(), True
            while more:
                place, more = await feeder.step(place)

    async def deliver(self) -> None:
        """Make every delivery that is due now."""
        await self.postman.look()
        await self.postman.settled()

    async def states(self, owner: str, endpoint: str) -> list[tuple[str, int]]:
        """(state, attempts) of an endpoint's deliveries, oldest first."""
        rows = await self.webhooks.deliveries(owner, endpoint)
        return [(row["state"], row["attempts"]) for row in reversed(rows)]


async def _known() -> None:
    """The steps are known."""


class Reached(Protocol):
    """Where the gateway's schema and the bus are."""

    def client(self, user: str = ...) -> "AbstractAsyncContextManager[Client]": ...

    def service_dsn(self, service: str) -> str: ...


@asynccontextmanager
async def made(light: Reached, networks: Networks = LOOPBACK, seconds: float = 10) -> AsyncIterator[Desk]:
    """As the gateway's own users, with their rights and no more."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(TruthStore.open(light.service_dsn("gateway"), "gateway", connections=6))
        nats = await stack.enter_async_context(light.client("gateway"))
        http = await stack.enter_async_context(caller(networks, seconds))
        postman = Postman(store, http, networks, policy=Policy(attempts=3), count=lambda _outcome: None, clock=clock)
        found = Desk(store, nats, postman, clock)
        await found.feed()
        yield found


async def say(light: Servers, *events: Any) -> None:
    """As matching would."""
    async with light.client() as client:
        await publish_events(client, *events)
