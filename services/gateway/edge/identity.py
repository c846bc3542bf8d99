"""Everything about who comes in, made once per process."""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from cleartide.store.trouble import STORE_TROUBLE
from cleartide.store.truth import Before, TruthStore

from services.gateway.edge.authentication import Authentication
from services.gateway.edge.redis_guard import RedisGuard
from services.gateway.identity.external import ExternalIssuers
from services.gateway.identity.idempotency import Idempotency
from services.gateway.identity.keys import ApiKeys
from services.gateway.identity.local import LocalLinks
from services.gateway.identity.once import Once
from services.gateway.identity.people import now_micros
from services.gateway.identity.remembered import Remembered
from services.gateway.identity.resealing import reseal
from services.gateway.identity.secret import Secrets
from services.gateway.identity.sessions import SECOND, Sessions
from services.gateway.identity.signin import SignIn
from services.gateway.identity.standings import Standings
from services.gateway.identity.tokens import AccessTokens
from services.gateway.settings import GatewaySettings

log = structlog.get_logger()

SETTLE_SECONDS: Final = 1.0
SWEEP_EVERY: Final = 60
KEPT_AFTER_SECONDS: Final = 90 * 86_400
"""How long an ended session can still be looked up."""


@dataclass(frozen=True)
class Identity:
    """The parts."""

    truth: TruthStore
    sessions: Sessions
    sign_in: SignIn
    keys: ApiKeys
    idempotency: Idempotency
    authentication: Authentication
    remembered: Remembered
    standings: Standings
    installation: Secrets
    once: Once

    async def run(self) -> None:
        """Seal what is kept, set the marks that are owed, and sweep out what is over, until cancelled."""
        turns, sealed = 0, False
        while True:
            await self.remembered.settle()
            await self.once.begin()
            if not sealed:
                sealed = await self._reseal()
            if turns % SWEEP_EVERY == 0:
                try:
                    await self.sweep()
                except STORE_TROUBLE as error:
                    log.warning("sweep_failed", error=str(error)[:200])
            turns += 1
            await asyncio.sleep(SETTLE_SECONDS)

    async def _reseal(self) -> bool:
        try:
            done = await reseal(self.truth, self.installation)
        except STORE_TROUBLE as error:
            log.warning("reseal_failed", error=str(error)[:200])
            return False
        if done:
            log.info("secrets_sealed", count=done)
        return True

    async def sweep(self) -> None:
        """Remove what has expired: nonces, kept answers, tokens, and sessions that ended long ago."""
        now = now_micros()
        async with self.truth.acting() as truth:
            for table in ("nonces", "idempotency_keys"):
                await truth.remove(table, {"expires_at": Before(now)})
            long_ago = {"expires_at": Before(now - KEPT_AFTER_SECONDS * SECOND)}
            await truth.remove("refresh_tokens", long_ago)
            await truth.remove("sessions", long_ago)


def identity(truth: TruthStore, guard: RedisGuard, settings: GatewaySettings) -> Identity:
    """The parts, put together."""
    secrets = Secrets(truth, settings.gateway_secret, settings.gateway_secrets_before)
    remembered = Remembered(guard)
    standings = Standings(truth, settings.live_recheck_seconds, remembered.let_go)
    tokens = AccessTokens(secrets, settings.access_token_seconds)
    sessions = Sessions(truth, tokens, remembered, standings)
    once = Once(truth, guard)
    keys = ApiKeys(truth, secrets, remembered, once, standings)
    domains = settings.sign_in_domains or (f"localhost:{settings.gateway_port}", f"127.0.0.1:{settings.gateway_port}")
    links = LocalLinks(settings.local_sign_in_secret)
    return Identity(
        truth=truth,
        sessions=sessions,
        sign_in=SignIn(truth, sessions, ExternalIssuers(settings.external_issuers), links, domains),
        keys=keys,
        idempotency=Idempotency(truth, secrets),
        authentication=Authentication(sessions, keys, settings.gateway_access),
        remembered=remembered,
        standings=standings,
        installation=secrets,
        once=once,
    )
