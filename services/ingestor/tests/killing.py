"""A capture whose service is killed at random, against one that nobody disturbs: the same rows, the same messages.

`python -m services.ingestor.tests.killing --kills 20 --seed 7`. Each start gets the capture from its beginning, as a
recorded day is played again after a kill; what a venue numbers or dates itself (quotes, trades, funding, open interest,
figures of a day, liquidations) must then be there once, digit for digit. Books, their forms in steps and what they can
bear are samples, at most one in a while from wherever the feed joined: what both captures tell of one update they tell
alike. Gaps and states tell of the kills themselves. All tables, those too, are in the end what the messages on the
stream come to when they are folded once, without a kill.
"""

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cleartide.contracts import Message
from cleartide.fold import Table
from cleartide.ops.rebuild import rebuild

from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from services.ingestor.repository import (
    BOOKS,
    FUNDING,
    GROUPED_BOOKS,
    INTEREST,
    LIQUIDATIONS,
    LIQUIDITY,
    STATS,
    TICKERS,
    TRADES,
)
from services.ingestor.simulator.capture import CapturedStage
from services.ingestor.simulator.host import RECORDED, Host
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.tape import Captured
from services.ingestor.simulator.twin import Traded, twins
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.venues.kit import CAPTURED
from tests.support.installation import Installation, installation
from tests.support.streams import events_of

LINES: Final = 3_000
SPEED: Final = 20.0
LIQUIDATING: Final = "lighter"
LIQUIDATED: Final = [CAPTURED / "lighter" / f"{name}_0_ETH.jsonl.gz" for name in ("order_book", "trade")]
"""A captured session with fifty liquidations, which may not be part of the repository."""
SYMBOLS: Final = {RECORDED: "BTCUSDT", "okx": "BTC-USDT-SWAP", "bitmex": "XBTUSD"}
"""The recorded venue, one that tells a predicted rate and figures of a day, and one that tells open interest."""
EXACT: Final = {
    "VenueTicker": TICKERS,
    "VenueTrade": TRADES,
    "VenueFunding": FUNDING,
    "VenueOpenInterest": INTEREST,
    "VenueStats": STATS,
    "VenueLiquidation": LIQUIDATIONS,
}
SAMPLED: Final = {"VenueBook": BOOKS, "VenueGroupedBook": GROUPED_BOOKS, "VenueLiquidity": LIQUIDITY}
UNLIKE: Final = ("received_at", "quality")
MARKS: Final = f"{SYMBOLS[RECORDED].lower()}@markPrice@1s"
LEAST: Final = {
    "VenueTicker": 1_000,
    "VenueTrade": 100,
    "VenueFunding": 20,
    "VenueOpenInterest": 1,
    "VenueStats": 5,
    "VenueLiquidation": 10,
}
"""So much of each kind there must be, for the comparison to mean something."""


@dataclass(frozen=True)
class Outcome:
    """What a capture left, by contract: rows without when they were received, and the ids of messages."""

    rows: Mapping[str, Sequence[Any]]
    samples: Mapping[str, Mapping[Any, Any]]
    ids: Mapping[str, Sequence[str]]
    kills: int


@asynccontextmanager
async def market() -> AsyncIterator[tuple["asyncio.Task[None]", dict[str, str]]]:
    """The venues playing, once all of them are listened to; and the service's settings that lead to them."""
    replay, captured, symbols = Replay(first_lines(LINES), Pace(SPEED)), [], dict(SYMBOLS)
    if all(path.exists() for path in LIQUIDATED):
        twin = twins()[LIQUIDATING]([Traded("ETH", tick="0.01", lot="0.0001")])
        captured.append(CapturedStage(twin, Captured.of(twin, LIQUIDATED), speed=SPEED))
        symbols[LIQUIDATING] = "ETH"
    host = Host([replay], dict.fromkeys(SYMBOLS, ()), captured=captured)

    async def play() -> None:
        await replay.subscribed.wait()
        await asyncio.gather(*(stage.subscribed.wait() for stage in host.stages.values()))
        while not any(each.wants(MARKS) for each in replay.subscribers):  # noqa: ASYNC110 - the feed is another process
            await asyncio.sleep(0.01)
        await asyncio.gather(replay.run(), *(stage.play(wait=False) for stage in captured))

    address, playing = f"127.0.0.1:{await host.start()}", asyncio.create_task(play())
    try:
        yield (
            playing,
            {
                "CLEARTIDE_INGESTOR_SIMULATOR": address,
                "CLEARTIDE_INGESTOR_VENUES": json.dumps({name: {"symbols": [each]} for name, each in symbols.items()}),
            },
        )
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await host.stop()


async def capture(installed: Installation, kills: int, chance: random.Random) -> Outcome:
    """The capture, with so many kills at random moments, then to its end."""
    for _ in range(kills):
        async with market() as (_, settings):
            running = installed.spawn("ingestor", settings)
            # From before it is connected until after the capture's end.
            await asyncio.sleep(chance.uniform(0.3, 3.5))
            running.kill()
    async with market() as (playing, settings):
        await installed.start("ingestor", environment=settings)
        async with asyncio.timeout(120):
            await asyncio.shield(playing)
        await _heard_out(installed)
        assert installed.stop_services() == {"ingestor": 0}
    outcome, digests = await _outcome(installed, kills), await installed.digests("ingestor")
    assert (await rebuild(installed.ops, "ingestor")).digests == digests["ingestor"], "folded once it is something else"
    return outcome


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
    rows = {name: await _rows(installed, table) for name, table in EXACT.items()}
    samples = {
        name: {_update(table, row): row for row in await _rows(installed, table)} for name, table in SAMPLED.items()
    }
    ids: dict[str, set[str]] = {name: set() for name in EXACT}
    async with installed.client() as client:
        async for event in events_of(client, "MARKET"):
            if event.type in ids and not _is_polled(event):
                ids[event.type].add(event.id)
    return Outcome(rows, samples, {name: sorted(each) for name, each in ids.items()}, kills)


async def _rows(installed: Installation, table: Table) -> list[Any]:
    columns = ", ".join(name for name in table.columns if name not in UNLIKE)
    polled = f"WHERE venue <> '{RECORDED}'" if table is INTEREST else ""
    query = f"SELECT {columns} FROM {table.name} {polled} ORDER BY {', '.join(table.key)}"
    return [tuple(row) for row in await installed.fetch("ingestor", query)]


def _is_polled(event: Message) -> bool:
    """Open interest that is asked for depends on when it is asked."""
    return event.type == "VenueOpenInterest" and event.id.startswith(f"{RECORDED}:")


def _update(table: Table, row: Sequence[Any]) -> Any:
    """What a sample is of: an update of a book, in steps of so many ticks where it is told in steps."""
    named = dict(zip((name for name in table.columns if name not in UNLIKE), row, strict=True))
    return tuple(named.get(name) for name in ("venue", "symbol", "venue_seq", "multiple"))


def compared(undisturbed: Outcome, killed: Outcome) -> str:
    """What was compared. Raises AssertionError for the first difference."""
    said = []
    for name in EXACT:
        least = LEAST[name] if name != "VenueLiquidation" or all(path.exists() for path in LIQUIDATED) else 0
        assert len(undisturbed.rows[name]) >= least, (name, len(undisturbed.rows[name]))
        assert killed.rows[name] == undisturbed.rows[name], f"rows of {name} differ"
        other = {*killed.ids[name]} ^ {*undisturbed.ids[name]}
        assert not other, f"messages of {name} differ: {sorted(other)[:5]}"
        assert len(killed.ids[name]) == len(killed.rows[name]), name
        said.append(f"{len(killed.rows[name]):,} of {name}")
    alike = []
    for name in SAMPLED:
        one, second = undisturbed.samples[name], killed.samples[name]
        both = one.keys() & second.keys()
        assert both, f"{name}: no update of which both tell"
        assert {key: one[key] for key in both} == {key: second[key] for key in both}, f"rows of {name} differ"
        alike.append(f"{len(both):,} of {len(second):,} of {name}")
    return (
        f"{killed.kills} kills: rows and messages of an undisturbed run, {', '.join(said)}; told of the same update "
        f"alike, {', '.join(alike)}; every table is what the stream's messages come to when they are folded once"
    )


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
