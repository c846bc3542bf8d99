"""Connections to NATS, the same for services, tools and clients: reconnect for ever, own inbox."""

import asyncio
from typing import Any, Final

import structlog
from faststream.nats import NatsBroker
from faststream.security import SASLPlaintext
from nats.aio.client import Client
from nats.errors import Error as NatsError

from cleartide.bus.permissions import inbox_prefix

log = structlog.get_logger()

PENDING_BYTES: Final = 64 * 2**20
CONNECT_RETRY_SECONDS: Final = 0.2


def nats_broker(url: str, user: str, password: str, name: str) -> NatsBroker:
    """A FastStream broker whose client reconnects for ever and listens on an inbox that only this user may read."""

    async def on_error(error: Exception) -> None:
        log.warning("nats_error", error=str(error)[:200])

    options: dict[str, Any] = {
        "name": name,
        "allow_reconnect": True,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.1,
        "connect_timeout": 2,
        "ping_interval": 5,
        "max_outstanding_pings": 2,
        "pending_size": PENDING_BYTES,
        "error_cb": on_error,
        "logger": None,
    }
    if user:
        options["inbox_prefix"] = inbox_prefix(user)
        options["security"] = SASLPlaintext(username=user, password=password, use_ssl=False)
    return NatsBroker(url, **options)


async def connected(broker: NatsBroker, give_up_after: float | None = None) -> Client:
    """The broker's client once it is connected; waits for a server that is not up yet."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        try:
            client: Client = await broker.connect()
            return client
        except (OSError, NatsError, TimeoutError) as error:
            if give_up_after is not None and loop.time() - started > give_up_after:
                raise
            log.info("nats_not_reachable_yet", error=str(error)[:120])
            await asyncio.sleep(CONNECT_RETRY_SECONDS)
