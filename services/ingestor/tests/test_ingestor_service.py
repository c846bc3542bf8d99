"""The service as a process: venue in, rows and index out, on real servers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import pairwise
from typing import Any

from services.ingestor.settings import SANDBOX_INDEX
from services.ingestor.simulator.replay import Pace
from services.ingestor.tests.rig import venue
from tests.support.installation import Installation
from tests.support.streams import events_of


async def ask(installed: Installation, query: str, **params: Any) -> Any:
    async with installed.client() as client:
        answer = json.loads((await client.request(f"query.ingestor.{query}", json.dumps(params).encode(), 5)).data)
    assert answer["ok"], answer
    return answer["data"]


async def commands(installed: Installation) -> list[Any]:
    async with installed.client() as client:
        return [command async for command in events_of(client, "COMMANDS")]


async def until(found: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for it, however slow the machine is today."""
    try:
        async with asyncio.timeout(60):
            while not await found():  # noqa: ASYNC110 - the service is another process
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"no {what} within a minute") from None


async def has_status(installed: Installation, status: str) -> bool:
    statuses = await ask(installed, "statuses")
    return [(each["symbol"], each["status"]) for each in statuses] == [("BTCUSDT", status)]


async def has_trades(installed: Installation, count: int) -> bool:
    return len(await ask(installed, "recent_trades", symbol="BTCUSDT")) > count


async def trades_stored(installed: Installation) -> int:
    return int((await installed.fetch("ingestor", "SELECT count(*) FROM venue_trades"))[0][0])


async def has_stored(installed: Installation, more_than: int) -> bool:
    return await trades_stored(installed) > more_than


async def is_priced(installed: Installation, times: int) -> bool:
    index = await ask(installed, "index", market="BTC-PERP", limit=times)
    return len(index) == times and all(
        row["price"] is not None and row["sources"][0]["age_micros"] < 2_000_000 for row in index
    )


async def is_stale(installed: Installation) -> bool:
    return (await ask(installed, "index", market="BTC-PERP"))[0]["price"] is None


QUICKLY_STALE = [each.model_copy(update={"max_age_micros": 2_000_000}).model_dump() for each in SANDBOX_INDEX]


async def test_a_venue_becomes_rows_and_an_index_and_its_silence_makes_the_index_stale(installed: Installation) -> None:
    """ING-E2E-001"""
    async with venue(pace=Pace(1.0, loop=True, shift_time=True), wait=False) as (_, address):
        environment = {
            "CLEARTIDE_INGESTOR_SIMULATOR": address.partition("/")[0],
            "CLEARTIDE_INGESTOR_INDEX_MARKETS": json.dumps(QUICKLY_STALE),
        }
        await installed.start("ingestor", environment=environment)
        await until(lambda: has_status(installed, "synced"), "a synchronised book")
        await until(lambda: has_trades(installed, 20), "trades")
        await until(lambda: is_priced(installed, 3), "a fresh index")
    await until(lambda: has_status(installed, "disconnected"), "the venue's silence")
    await until(lambda: is_stale(installed), "a stale index")
    await installed.settled(["ingestor"])
    assert installed.stop_services() == {"ingestor": 0}
    said = await commands(installed)
    times = [command.occurred_at for command in said]
    assert len(said) >= 5
    assert all(later - earlier >= 1_000_000 for earlier, later in pairwise(times))
    assert [command.seq for command in said] == list(range(1, len(said) + 1))
    assert said[-1].price is None


async def test_killed_again_and_again_it_loses_no_row_that_was_published(installed: Installation) -> None:
    """ING-E2E-002"""
    async with venue(pace=Pace(1.0, loop=True, shift_time=True), wait=False) as (_, address):
        environment = {
            "CLEARTIDE_INGESTOR_SIMULATOR": address.partition("/")[0],
        }
        for life in range(5):
            stored = await trades_stored(installed) if life else 0
            await installed.start("ingestor", environment=environment)
            await until(partial(has_stored, installed, stored), "trades are stored")
            if life < 4:
                installed.processes["ingestor"].kill()
    await installed.settled(["ingestor"])
    installed.stop_services()
    async with installed.client() as client:
        said = [event async for event in events_of(client, "MARKET")]
    for contract, table in (
        ("VenueTrade", "venue_trades"),
        ("VenueTicker", "venue_tickers"),
        ("VenueGap", "venue_gaps"),
    ):
        ids = {event.id for event in said if event.type == contract}
        rows = (await installed.fetch("ingestor", f"SELECT count(*) FROM {table}"))[0][0]
        assert rows == len(ids), table
    assert [event for event in said if event.type == "VenueGap"] != []
