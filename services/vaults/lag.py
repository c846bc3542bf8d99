"""How far behind its chain the feed is, as a gauge."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from cleartide.service import ServiceContext
from cleartide.store.trouble import STORE_TROUBLE
from prometheus_client import Gauge

POLL_SECONDS: Final = 2.0
_SQL: Final = """
SELECT chain, slot, block_time, greatest(received_at - block_time, 0) AS lag FROM chain_cursors LIMIT 100
"""


async def watch_lag(context: ServiceContext) -> None:
    """Set the gauges every two seconds: seconds from the newest block to its arrival here, its slot, and its own time.

    The lag stays as it is when nothing comes any more; the time since the block's own does not.
    """
    lag = Gauge("cleartide_chain_lag_seconds", "newest block to its arrival", ["chain"], registry=context.registry)
    slot = Gauge("cleartide_chain_slot", "highest slot that was read", ["chain"], registry=context.registry)
    block = Gauge(
        "cleartide_chain_block_timestamp_seconds", "time of the newest block", ["chain"], registry=context.registry
    )
    while not context.stopping.is_set():
        with suppress(*STORE_TROUBLE):
            for row in await _cursors(context.pool):
                lag.labels(row["chain"]).set(row["lag"] / 1_000_000)
                slot.labels(row["chain"]).set(row["slot"])
                block.labels(row["chain"]).set(row["block_time"] / 1_000_000)
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await context.stopping.wait()


async def _cursors(pool: Any) -> Any:
    return await pool.fetch(_SQL)
