"""A rebuild whose tables are different from those in service, and are taken all the same."""

import asyncpg
import pytest
from cleartide.ops.rebuild import adoptable, rebuild
from cleartide.ops.set_aside import RebuildError

from services.vaults.tests.chain import closing, random_events
from tests.support.installation import Installation
from tests.support.traffic import publish_surely

OLDER = """
UPDATE vault_days SET return_1e12 = NULL;
UPDATE vault_months SET return_days = 0, return_sum = 0;
UPDATE outbox SET payload = convert_to(
    regexp_replace(convert_from(payload, 'UTF8'), '"return_1e12":-?[0-9]+', '"return_1e12":null'), 'UTF8')
"""
"""As days were before they had returns, and as they were told."""
SAID = "SELECT md5(string_agg(payload::text, '' ORDER BY channel, first_seq)) FROM outbox"


async def test_an_older_form_gives_way_to_that_of_the_code_of_today(installed: Installation) -> None:
    """RUN-REBUILD-004: not by itself; nothing is said again, and the service goes on from there."""
    events = random_events(8, 60, 4, owners=5)
    async with installed.client("trader") as trader:
        await installed.start("vaults")
        for each in (*events, *closing(events, len(events))):
            await publish_surely(trader, each)
        await installed.settled(["vaults"], 60)
    installed.stop_services()
    fresh = (await installed.digests("vaults"))["vaults"]
    connection = await asyncpg.connect(installed.service_dsn("vaults"))
    try:
        await connection.execute(OLDER)
        said = await connection.fetchval(SAID)
        with pytest.raises(RebuildError, match="vault_days"):
            await rebuild(installed.ops, "vaults")
        assert await connection.fetchval("SELECT count(return_1e12) FROM vault_days") == 0
        done = await rebuild(installed.ops, "vaults", adopt=True)
        assert done.adopted == ["outbox:VAULTS", "vault_days", "vault_months"]
        assert done.digests == fresh
        assert await connection.fetchval(SAID) == said
        assert await connection.fetchval("SELECT count(return_1e12) FROM vault_days") > 0
        await connection.execute("DELETE FROM outbox WHERE first_seq = 1")
        with pytest.raises(RebuildError, match="outbox:VAULTS"):
            await rebuild(installed.ops, "vaults", adopt=True)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("was", "now", "taken"),
    [
        ({"days": "2:ab"}, {"days": "3:cd"}, True),
        ({"outbox:EARNINGS": "7:7:ab"}, {"outbox:EARNINGS": "7:7:cd"}, True),
        ({"outbox:EARNINGS": "7:7:ab"}, {"outbox:EARNINGS": "8:8:cd"}, False),
        ({"outbox:EARNINGS": "7:7:ab"}, {}, False),
        ({"outbox:PRICES": "7"}, {"outbox:PRICES": "8"}, False),
        ({"outbox:EVENTS": "7:7:ab"}, {"outbox:EVENTS": "7:7:cd"}, False),
        ({"position": "7"}, {"position": "8"}, False),
        ({"days": "2:ab", "position": "7"}, {"days": "3:cd", "position": "8"}, False),
    ],
)
def test_only_what_concerns_nobody_else_is_adopted(was: dict[str, str], now: dict[str, str], taken: bool) -> None:
    """RUN-REBUILD-004: the venue's events are in the tables of everybody who has folded them."""
    assert adoptable(frozenset({"EVENTS", "CHAIN"}), was, now, sorted(was)) is taken
