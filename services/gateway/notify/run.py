"""The background task of notifications, webhooks and referrals: two feeders, and who delivers, sends and refers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog
from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import EVENTS, RISK
from cleartide.bus.together import end, run_together
from cleartide.service import ServiceContext
from cleartide.store.truth import TruthStore
from nats.aio.client import Client
from prometheus_client import CollectorRegistry, Counter

from services.gateway.domain.webhooks import Policy
from services.gateway.edge.errors import ApiError
from services.gateway.edge.markets import MarketDirectory
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.upstream import Upstream
from services.gateway.identity.secret import Secrets
from services.gateway.notify.addresses import Networks
from services.gateway.notify.feeder import Feeder
from services.gateway.notify.postman import Postman, caller
from services.gateway.notify.referrals import Referring
from services.gateway.notify.sender import Sender
from services.gateway.notify.settings import NotifySettings

log = structlog.get_logger()

CONNECTIONS: Final = 6
KNOW_SECONDS: Final = 2.0


@dataclass(frozen=True)
class MarketUnits:
    """Decimals by the markets' steps, as far as they are known."""

    directory: MarketDirectory

    def price(self, market: str, ticks: int) -> str | None:
        """A price, or null."""
        grid = self.directory.known(market)
        return grid.price_text(ticks) if grid else None

    def size(self, market: str, lots: int) -> str | None:
        """A size, or null."""
        grid = self.directory.known(market)
        return grid.size_text(lots) if grid else None


@dataclass(frozen=True)
class Notifying:
    """The parts, as they run together."""

    feeders: tuple[Feeder, ...]
    postman: Postman
    sender: Sender
    referring: Referring
    directory: MarketDirectory

    async def run(self) -> None:
        """Feed, deliver and send until cancelled."""
        await run_together(
            self.directory.run(),
            self.postman.run(),
            self.sender.run(),
            self.referring.run(),
            *(feeder.run() for feeder in self.feeders),
            *(self._ring(feeder) for feeder in self.feeders),
        )

    async def _ring(self, feeder: Feeder) -> None:
        while True:
            await feeder.changed.wait()
            feeder.changed.clear()
            self.postman.rung.set()


def places_of(settings: NotifySettings) -> Mapping[str, str]:
    """The Apprise URL of each channel."""
    return {"email": settings.notify_email_url, "push": settings.notify_push_url, "chat": settings.notify_chat_url}


@asynccontextmanager
async def notifying(
    store: TruthStore, nats: Client, registry: CollectorRegistry, settings: NotifySettings
) -> AsyncIterator[Notifying]:
    """The parts of notifications, on a store and a connection."""
    networks = Networks(settings.webhook_networks)
    directory = MarketDirectory(Upstream(nats, EdgeMetrics(CollectorRegistry()), settings.upstream_timeout_seconds))

    async def know() -> None:
        """Learn the markets before the first words about them; without matching they are said without decimals."""
        if not directory.learned:
            with suppress(ApiError, TimeoutError):
                async with asyncio.timeout(KNOW_SECONDS):
                    await directory.refresh()

    async with caller(networks) as http:
        bus, units = NatsBus(nats), MarketUnits(directory)
        attempts = Counter(
            "cleartide_gateway_webhook_attempts", "Webhook attempts by outcome.", ["outcome"], registry=registry
        )
        policy = Policy(settings.webhook_attempts, settings.webhook_disable_failures)
        installation = Secrets(store, settings.gateway_secret, settings.gateway_secrets_before)
        yield Notifying(
            feeders=tuple(Feeder(store, bus, stream, units, know) for stream in (EVENTS, RISK)),
            postman=Postman(
                store,
                http,
                networks,
                policy=policy,
                count=lambda outcome: attempts.labels(outcome).inc(),
                installation=installation,
            ),
            sender=Sender(store, places_of(settings)),
            referring=Referring(store, nats),
            directory=directory,
        )


async def serve_notifications(context: ServiceContext) -> None:
    """The background task of the service."""
    settings = NotifySettings()
    async with (
        TruthStore.open(settings.postgres_dsn, context.name, connections=CONNECTIONS) as store,
        notifying(store, context.nats, context.registry, settings) as parts,
    ):
        running = asyncio.ensure_future(parts.run())
        stopping = asyncio.ensure_future(context.stopping.wait())
        try:
            await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
        finally:
            await end((running, stopping))
    log.info("notifications_stopped")
