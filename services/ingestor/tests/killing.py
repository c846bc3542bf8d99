"""A capture whose service is killed at random, against one that nobody disturbs: the same rows, the same messages.

`python -m services.ingestor.tests.killing --kills 20 --seed 7`. Each start gets the capture from its beginning, as
a recorded day is played again after a kill; what a venue numbers itself (quotes, trades) must then be there once, digit
for digit. Books are samples, at most one a quarter of a second from wherever the feed joined, and gaps and states tell
of the kills themselves: those are not compared.
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from services.ingestor.simulator.replay import Pace
from services.ingestor.tests.rig import venue
from tests.support.installation import Installation, installation
from tests.support.streams import events_of

LINES: Final = 3_000
SPEED: Final = 20.0
ROWS: Final = {
    "VenueTicker": "SELECT ts, venue, symbol, venue_seq, bid_ticks, bid_lots, ask_ticks, ask_lots FROM venue_tickers "
    "ORDER BY venue_seq",
    "VenueTrade": "SELECT ts, venue, symbol, venue_seq, trade_id, price_ticks, size_lots, taker_side FROM venue_trades "
    "ORDER BY venue_seq",
}


@dataclass(frozen=True)
class Outcome:
    """What a capture left, by contract: rows without when they were received, and the ids of messages."""

    rows: Mapping[str, Sequence[Any]]
    ids: dict[str, list[str]]
    kills: int


async def capture(installed: Installation, kills: int, chance: random.Random) -> Outcome:
    """The capture, with so many kills at random moments, then to its end."""
    for _ in range(kills):
        async with venue(LINES, pace=Pace(SPEED)) as (_, address):
            running = installed.spawn("ingestor", _places(address))
            # From before it is connected until after the capture's end.
            await asyncio.sleep(chance.uniform(0.3, 2.5))
            running.kill()
    async with venue(LINES, pace=Pace(SPEED)) as (replay, address):
        await installed.start("ingestor", environment=_places(address))
        async with asyncio.timeout(60):
            await replay.finished.wait()
        await _heard_out(installed)
        assert installed.stop_services() == {"ingestor": 0}
    return await _outcome(installed, kills)


def _places(address: str) -> dict[str, str]:
    return {"CLEARTIDE_INGESTOR_SIMULATOR": address.partition("/")[0]}


async def _heard_out(installed: Installation) -> None:
    """Until the stream has stood still but for heartbeats, and all of it is folded."""
    before = -1
    while True:
        count = (await installed.fetch("ingestor", "SELECT sum(rows)::bigint FROM series_rows WHERE venue <> ''"))[0][0]
        if count == before:
            break
        before = count
        await asyncio.sleep(1.0)
    await installed.settled(["ingestor"])


async def _outcome(installed: Installation, kills: int) -> Outcome:
    rows = {name: [tuple(row) for row in await installed.fetch("ingestor", query)] for name, query in ROWS.items()}
    ids: dict[str, list[str]] = {name: [] for name in ROWS}
    async with installed.client() as client:
        async for event in events_of(client, "MARKET"):
            if event.type in ids:
                ids[event.type].append(event.id)
    return Outcome(rows, {name: sorted(set(each)) for name, each in ids.items()}, kills)


def compared(undisturbed: Outcome, killed: Outcome) -> str:
    """What was compared. Raises AssertionError for the first difference."""
    for name in ROWS:
        assert len(undisturbed.rows[name]) > 100, name
        assert killed.rows[name] == undisturbed.rows[name], f"rows of {name} differ"
        assert killed.ids[name] == undisturbed.ids[name], f"messages of {name} differ"
        assert len(killed.ids[name]) == len(killed.rows[name]), name
    sizes = ", ".join(f"{len(rows):,} rows and messages of {name}" for name, rows in killed.rows.items())
    return f"{killed.kills} kills: {sizes}, equal to those of an undisturbed run"


async def main(kills: int, seed: int) -> None:
    """Both captures, each in an installation of its own."""
    with tempfile.TemporaryDirectory(prefix="cleartide-kills-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = PostgresServer(folder / "postgres", password="test-only", durable=True)
        valkey = ValkeyServer(folder / "valkey", password="test-only", durable=False)
        await asyncio.gather(postgres.start(), valkey.start())
        outcomes = []
        try:
            for count in (0, kills):
                own = folder / f"kills-{count}"
                own.mkdir()
                async with installation(own, postgres, valkey, durable=True) as installed:
                    outcomes.append(await capture(installed, count, random.Random(seed)))
        finally:
            await asyncio.gather(postgres.stop(), valkey.stop())
    print(compared(*outcomes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m services.ingestor.tests.killing")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    asyncio.run(main(given.kills, given.seed))
