"""Beside the fold: closed days go to the object store, for as long as the service runs."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from cleartide.store.datasets import Dataset, archive_closed_days
from cleartide.store.objects import ObjectStoreError, open_store
from cleartide.store.trouble import STORE_TROUBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from cleartide.settings import ServiceSettings

log = structlog.get_logger()
CHECK_SECONDS: Final = 600.0


async def keep_archive(
    pool: "asyncpg.Pool[Any]", settings: "ServiceSettings", datasets: "Sequence[Dataset]", stopping: asyncio.Event
) -> None:
    """Archive what is over. Off without CLEARTIDE_ARCHIVE_ADDRESS."""
    if not settings.archive_address:
        await stopping.wait()
        return
    store = open_store(settings.archive_address, settings.archive_key, settings.archive_secret)
    while not stopping.is_set():
        over = datetime.now(UTC) - timedelta(hours=settings.archive_after_hours)
        try:
            async with pool.acquire() as connection:
                await archive_closed_days(connection, store, datasets, over.date())
        except (*STORE_TROUBLE, ObjectStoreError) as error:
            log.warning("archive_failed", error=str(error)[:200])
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await stopping.wait()
