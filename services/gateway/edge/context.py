"""Everything that routes use, made once per process."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from cleartide.bus.nats import NatsBus
from starlette.responses import Response

from services.gateway.edge.after import AFTER
from services.gateway.edge.alerts import AlertHistory, AlertPresenter
from services.gateway.edge.authorisation import Authorisation
from services.gateway.edge.cache import CACHE_STATUS, Outcome, ResponseCache
from services.gateway.edge.commands import Commands
from services.gateway.edge.errors import ApiError
from services.gateway.edge.freshness import Freshness
from services.gateway.edge.health import HealthChecks
from services.gateway.edge.identity import Identity
from services.gateway.edge.limits import RateLimiter
from services.gateway.edge.markets import MarketDirectory
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.near import FOUND
from services.gateway.edge.quotas import Quotas
from services.gateway.edge.tenancy import TENANT
from services.gateway.edge.upstream import Upstream
from services.gateway.live.session import LiveHubs
from services.gateway.metering.meter import Meter
from services.gateway.notify.desk import NotificationDesk, WebhookDesk
from services.gateway.operations.audit import Audit
from services.gateway.operations.dead import DeadLetterDesk
from services.gateway.usage.desk import UseDesk

log = structlog.get_logger()

SHORT_MS: Final = 500
LONG_MS: Final = 1_000


@dataclass(frozen=True)
class Edge:
    """The parts of the edge."""

    upstream: Upstream
    directory: MarketDirectory
    cache: ResponseCache
    freshness: Freshness
    limiter: RateLimiter
    health: HealthChecks
    history: AlertHistory
    present: AlertPresenter
    live: LiveHubs
    metrics: EdgeMetrics
    identity: Identity
    authorise: Authorisation
    quotas: Quotas
    commands: Commands
    body_seconds: float
    webhooks: WebhookDesk
    notices: NotificationDesk
    audit: Audit
    dead_letters: DeadLetterDesk
    bus: NatsBus
    meter: Meter
    use: UseDesk

    async def answer(self, key: tuple[object, ...], ttl_ms: int, make: Callable[[], Awaitable[Any]]) -> Response:
        """What `make` returns as JSON, kept for `ttl_ms` under the key: the route's name and its checked parameters.

        What changes by trading events alone is kept until the next one about it (`edge.freshness`).
        """

        async def encoded() -> bytes:
            try:
                return msgspec.json.encode(await make())
            except (KeyError, TypeError) as error:
                log.error("unexpected_shape", route=key[0], exc_info=error)
                message = "A service answered in a form that the gateway does not know."
                raise ApiError(502, "bad_upstream_reply", message, {"route": key[0]}) from error

        outcome: Outcome
        if AFTER.get():
            body, outcome = await encoded(), "bypass"  # what is kept may be older than what was asked for
        else:
            # A tenant's answers are kept for that tenant: the wall is not passed through what somebody else was told.
            version = self.freshness.version(key, ttl_ms)
            name = ":".join(map(str, (*key, TENANT.get(), version.name if version else "")))
            body, outcome = await self.cache.get(name, version.kept_ms if version else ttl_ms, encoded)
            if (found := FOUND.get()) is not None:
                found.about, found.version = (key, ttl_ms), version
        headers = {"Cache-Control": "no-store", "Cache-Status": CACHE_STATUS[outcome]}
        return Response(body, headers=headers, media_type="application/json")
