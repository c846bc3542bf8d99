"""python -m services.analytics.tests.recount: the service against a naive recount of raw events, row by row.

A venue of random trades, of which many are taken back or corrected, also days later, and of which every batch may come
twice, is folded into a real PostgreSQL. Then candles in six timeframes and the days of markets and accounts are asked
for as users ask, and must equal what DuckDB counts from the events alone. Ends with 1 at the first difference.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from cleartide.bus.ports import Delivery
from cleartide.contracts import Message, TradeExecuted
from cleartide.contracts.codec import encode
from cleartide.store.digest import table_digests

from deploy.local.postgres import PostgresServer
from services.analytics.app import SERVICE
from services.analytics.tests import asked, summed
from services.analytics.tests.naive import HOUR, MINUTE, TIMEFRAMES, Naive
from services.analytics.tests.tape import MARKETS
from services.analytics.tests.venue import DAY, Venue
from tests.support.fold_bench import in_batches, message_of_lines
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import new_database

ACCOUNTS = tuple(f"user-{number:03}" for number in range(40))
MIDNIGHT = 20_000 * DAY


class Difference(Exception):  # noqa: N818 - what was found, not a fault
    """The service and the recount do not agree."""


def disturbed(corrections: int, seed: int = 7, *, least_referral: int = -(10**6), days: int = 5) -> Venue:
    """Random trades of about so many days, until so many have been taken back or corrected, some more than once.

    least_referral: quanta; matching gives referrers their shares and takes none back.
    """
    draw, hits, venue = random.Random(seed), random.Random(seed + 1), Venue(MIDNIGHT)
    step = days * DAY // max(1, corrections * 2)
    for account in ACCOUNTS:
        venue.deposit(account, 10**12)
    known: list[TradeExecuted] = []
    restated = 0
    while restated < corrections:
        venue.at += draw.randint(1, 2 * step)
        buyer, seller = draw.sample(ACCOUNTS, 2)
        market = draw.choice(MARKETS)
        known.append(
            venue.deal(market, draw.randint(900, 1_100), draw.randint(1, 500), buyer, seller, draw.randint(0, 900))
        )
        if draw.random() < 0.2:
            venue.mark(market, draw.randint(900, 1_100), open_interest=draw.randint(0, 999))
        if draw.random() < 0.01:
            venue.pay_funding(market, draw.randint(-9_000, 9_000), 1_000)
        if draw.random() < 0.01:
            amount, kind = draw.randint(-(10**6), 10**6), draw.choice(("external", "referral"))
            venue.deposit(buyer, max(amount, least_referral) if kind == "referral" else amount, kind)
        if hits.random() < 0.02:
            venue.liquidate(market, hits.randint(-500, 500), hits.randint(-500, 500), hits.randint(900, 1_100))
        if draw.random() < 0.6:
            restated += 1
            place = draw.randrange(len(known))
            if draw.random() < 0.4:
                venue.take_back(known.pop(place))
            else:
                known[place] = venue.put_right(known[place], draw.randint(800, 1_200), draw.randint(1, 500))
    for later in (DAY, DAY + 90 * MINUTE):
        venue.at += later
        for market in MARKETS:
            venue.mark(market, 1_000, open_interest=5)
    return venue


def twice(events: Sequence[Message], size: int, seed: int = 3) -> Iterator[Sequence[Message]]:
    """The batches in order, some of them again right away and some once more later."""
    draw, earlier = random.Random(seed), []
    for batch in in_batches(events, size):
        yield batch
        if draw.random() < 0.3:
            earlier.append(batch)
            yield batch
        if earlier and draw.random() < 0.2:
            yield draw.choice(earlier)


def in_commits(batches: Sequence[Sequence[Message]], path: Path, most: int = 8) -> list[list[Delivery]]:
    """The batches as messages, for each commit one or several as a service takes them; their events also as lines of a
    file. A batch that comes again is the same bytes again.
    """
    draw, encoded = random.Random(len(batches)), {id(batch): [encode(event) for event in batch] for batch in batches}
    with path.open("wb") as file:
        for batch in batches:
            file.writelines(line + b"\n" for line in encoded[id(batch)])
    messages = [message_of_lines(encoded[id(batch)], batch[-1].occurred_at) for batch in batches]
    commits: list[list[Delivery]] = []
    while messages:
        size = draw.randint(1, most)
        commits.append(messages[:size])
        del messages[:size]
    return commits


async def compare(schema: ServiceSchema, venue: Venue, folder: Path) -> dict[str, int]:
    """Fold, ask, recount. Raises Difference; returns how many rows of each kind were equal."""
    path = folder / "events.jsonl"
    commits = in_commits(list(twice(venue.events, 200)), path)
    dead = await schema.run_epoch(commits)
    if dead:
        raise Difference(f"{dead} events were refused")
    before = await _digests(schema)
    await schema.run_epoch(commits)
    if before != await _digests(schema):
        raise Difference("the same input once more changed a table")
    naive = Naive(path)
    market_days, account_days = naive.market_days(), naive.account_days()
    hour = venue.at - venue.at % HOUR
    equal: dict[str, int] = {}
    async with schema.pool() as pool:
        for name, minutes in TIMEFRAMES.items():
            equal[f"candles {name}"] = _equal(name, await asked.candles(pool, minutes), naive.candles(minutes))
        for name, kept, counted in (
            ("trades", await asked.trades(pool), naive.trades()),
            ("market days", await asked.market_days(pool), market_days),
            ("account days", await asked.account_days(pool), account_days),
            ("account hours", await asked.account_hours(pool), [r for r in naive.account_hours() if r[1] < hour]),
            ("venue days", await asked.venue_days(pool), summed.venue_days(market_days, account_days)),
            ("leaders", await asked.leaders(pool), summed.leaders(account_days)),
        ):
            equal[name] = _equal(name, kept, counted)
    return equal


async def _digests(schema: ServiceSchema) -> dict[str, str]:
    connection = await asyncpg.connect(schema.dsn)
    try:
        return await table_digests(connection, schema.fold.repository.tables)
    finally:
        await connection.close()


def _equal(name: str, kept: list[tuple[Any, ...]], counted: list[tuple[Any, ...]]) -> int:
    if kept != counted:
        pairs = [pair for pair in zip(kept, counted, strict=False) if pair[0] != pair[1]][:3]
        raise Difference(f"{name}: {len(kept)} rows kept, {len(counted)} counted; first that differ: {pairs}")
    if not kept:
        raise Difference(f"{name}: nothing to compare")
    return len(kept)


async def recount(corrections: int, seed: int) -> None:
    """On a server of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cleartide-recount-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder / "postgres", password="recount-only", durable=False)
        await server.start()
        try:
            async with new_database(server, folder) as database:
                schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
                venue = disturbed(corrections, seed)
                print(f"{len(venue.events):,} events, {corrections:,} trades taken back or corrected", flush=True)
                for kind, rows in (await compare(schema, venue, folder)).items():
                    print(f"{kind:14} {rows:>9,} rows equal")
        finally:
            await server.stop()
    print(f"the same input once more changed nothing; {time.monotonic() - started:.0f} s")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m services.analytics.tests.recount")
    parser.add_argument("corrections", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    try:
        asyncio.run(recount(given.corrections, given.seed))
    except (Difference, asyncpg.PostgresError) as error:
        raise SystemExit(f"different: {error}") from error


if __name__ == "__main__":
    main()
