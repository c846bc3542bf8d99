"""`kill -9` while an unreliable indexer talks: the days are those of an untroubled fold."""

import asyncio

from services.vaults.tests.chain import Harness, disturbed, random_events
from tests.support.installation import Installation
from tests.support.traffic import publish_surely

EVENTS = 120
POINTS = ("before_commit", "after_commit")
"""On both sides of the one commit; every other point is the runner's own, and tried with the other services."""


async def test_killed_around_its_commit_it_ends_with_the_same_days(installed: Installation) -> None:
    """VLT-KILL-001: slow, as the service is started three times; nothing is lost or doubled."""
    # The bus itself drops what is sent again within two minutes.
    events = list({each.id: each for each in disturbed(random_events(5, EVENTS, 12, owners=8), 5)}.values())
    share = len(events) // len(POINTS)
    async with installed.client("trader") as trader:
        for number, point in enumerate(POINTS):
            running = installed.spawn("vaults", {"CLEARTIDE_CRASH_AT": f"{point}:1"})
            for each in events[number * share : (number + 1) * share]:
                await publish_surely(trader, each)
            async with asyncio.timeout(90):
                assert await asyncio.to_thread(running.process.wait) != 0, point
        for each in events[len(POINTS) * share :]:
            await publish_surely(trader, each)
    await installed.start("vaults")
    await installed.settled(["vaults"], 60)
    harness = Harness()
    harness.take(*events)
    told = [tuple(row) for row in await installed.fetch("vaults", "SELECT * FROM vault_days")]
    assert sorted(told, key=repr) == sorted(harness.tables["vault_days"].values(), key=repr)
    months = [tuple(row) for row in await installed.fetch("vaults", "SELECT * FROM vault_months")]
    assert sorted(months, key=repr) == sorted(harness.tables["vault_months"].values(), key=repr)
    heads = await installed.fetch("vaults", "SELECT last_seq FROM outbox_position WHERE channel = 'VAULTS'")
    assert heads[0][0] == len(harness.published)
