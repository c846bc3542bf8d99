"""A rebuild of what a stream that keeps a week can no longer give back."""

import asyncpg
import pytest
from cleartide.bus.nats import NatsBus
from cleartide.bus.streams import PRODUCT
from cleartide.ops.rebuild import rebuild
from cleartide.ops.set_aside import RebuildError

from tests.support.clients import Clients
from tests.support.installation import Installation

BATCHES = 120
LONG_AGO = """
INSERT INTO product.platform_days VALUES ('2020-02-29', 'page', '/', 7, 9, 0, 0);
INSERT INTO product.metric_days VALUES ('2020-02-29', 'paint', 3, 5)
"""


async def _execute(installed: Installation, statement: str) -> None:
    connection = await asyncpg.connect(installed.admin_dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _forget_before(installed: Installation, place: int) -> None:
    """The stream's age limit reaches a message."""
    async with installed.client() as client:
        await client.jetstream().purge_stream("PRODUCT", seq=place)
        assert (await NatsBus(client).state(PRODUCT)).first_seq == place


async def test_a_rebuild_carries_over_what_the_stream_has_forgotten(installed: Installation) -> None:
    """PROD-REBUILD-001: choices, erasures, dead letters, sums of months that are gone; wherever the stream begins.

    PROD-REBUILD-002: a sum that is not that of its rows is noticed.
    """
    await installed.start("product")
    async with installed.client() as client:
        clients = Clients(client, seed=5)
        for _ in range(BATCHES):
            await clients.step()
        await installed.settled(("product",))
    installed.stop_services()
    await _execute(installed, LONG_AGO)
    before, end = (await installed.digests("product"))["product"], await installed.position("product")
    assert {"choices", "erasures", "outbox:DEAD_LETTERS", "sessions", "platform_days"} <= before.keys()
    for place in (1, end // 2, end + 1):
        await _forget_before(installed, place)
        assert (await rebuild(installed.ops, "product")).digests == before
    await installed.start("product")
    async with installed.client() as client:
        clients = Clients(client, seed=6)
        for _ in range(BATCHES // 4):
            await clients.step()
        await installed.settled(("product",))
    installed.stop_services()
    await rebuild(installed.ops, "product")
    await _execute(installed, "UPDATE product.platform_days SET events = events + 1 WHERE kind = '' AND name = ''")
    with pytest.raises(RebuildError, match="platform_days"):
        await rebuild(installed.ops, "product")
