"""Processes beside a service's fold are seen on the server by a session that each holds while it is at work.

Whoever wants the schema for himself looks for such sessions. One of a killed process ends with it. Behind a proxy that
pools transactions sessions mean nothing, and nobody is seen.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import structlog

from cleartide.bus.together import end
from cleartide.store.trouble import STORE_TROUBLE

log = structlog.get_logger()

CONNECT_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0


def _session_name(service: str) -> str:
    return f"cleartide-{service}-beside"


@asynccontextmanager
async def seen_beside(service: str, dsn: str) -> AsyncIterator[None]:
    """From the first attempt on, and again whenever the session is lost."""
    tried = asyncio.Event()
    holding = asyncio.create_task(_hold(service, dsn, tried))
    try:
        await tried.wait()
        yield
    finally:
        await end([holding])


async def _hold(service: str, dsn: str, tried: asyncio.Event) -> None:
    while True:
        try:
            held: asyncpg.Connection[Any] = await asyncpg.connect(
                dsn, timeout=CONNECT_SECONDS, server_settings={"application_name": _session_name(service)}
            )
        except STORE_TROUBLE as error:
            log.info("not_seen_beside", error=str(error)[:120])
        else:
            tried.set()
            await _until_lost(held)
        tried.set()
        await asyncio.sleep(RETRY_SECONDS)


async def _until_lost(held: "asyncpg.Connection[Any]") -> None:
    lost = asyncio.Event()
    held.add_termination_listener(lambda _: lost.set())
    try:
        await lost.wait()
    finally:
        held.terminate()


async def count_beside(admin: "asyncpg.Connection[Any]", service: str) -> int:
    """How many are at work now."""
    return int(
        await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
            _session_name(service),
        )
    )
