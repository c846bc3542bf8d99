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
from cleartide.contracts import Message, TradeExecuted
from cleartide.contracts.codec import encode
from cleartide.store.digest import table_digests

from deploy.local.postgres import PostgresServer
from services.analytics.app import SERVICE
from services.analytics.queries import CANDLES_SQL
from services.analytics.tests.naive import MINUTE, TIMEFRAMES, Naive
from services.analytics.tests.tape import MARKETS
from services.analytics.tests.venue import DAY, Venue
from services.analytics.views.days import ACCOUNT_DAYS_SQL, MARKET_DAYS_SQL
from tests.support.fold_bench import in_batches, trading_message
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import new_database

ACCOUNTS = tuple(f"user-{number:03}" for number in range(40))
MIDNIGHT = 20_000 * DAY
FAR = 2**53 - 1


class Difference(Exception):  # noqa: N818 - what was found, not a fault
    """The service and the recount do not agree."""


def disturbed(corrections: int, seed: int = 7, *, least_referral: int = -(10**6), days: int = 5) -> Venue:
    """Random trades of about so many days, until so many have been taken back or corrected, some more than once.

    least_referral: quanta; matching gives referrers their shares and takes none back.
    """
    draw, venue = random.Random(seed), Venue(MIDNIGHT)
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


async def compare(schema: ServiceSchema, venue: Venue, folder: Path) -> dict[str, int]:
    """Fold, ask, recount. Raises Difference; returns how many rows of each kind were equal."""
    given = list(twice(venue.events, 200))
    path = folder / "events.jsonl"
    with path.open("wb") as file:
        for batch in given:
            file.writelines(encode(event) + b"\n" for event in batch)
    dead = await schema.run_epoch([trading_message(batch)] for batch in given)
    if dead:
        raise Difference(f"{dead} events were refused")
    before = await _digests(schema)
    await schema.run_epoch([trading_message(batch)] for batch in given)
    if before != await _digests(schema):
        raise Difference("the same input once more changed a table")
    naive = Naive(path)
    equal: dict[str, int] = {}
    async with schema.pool() as pool:
        for name, minutes in TIMEFRAMES.items():
            equal[f"candles {name}"] = _equal(name, await _candles(pool, minutes), naive.candles(minutes))
        equal["market days"] = _equal("market days", await _market_days(pool), naive.market_days())
        equal["account days"] = _equal("account days", await _account_days(pool), naive.account_days())
    return equal


async def _digests(schema: ServiceSchema) -> dict[str, str]:
    connection = await asyncpg.connect(schema.dsn)
    try:
        return await table_digests(connection, schema.fold.repository.tables)
    finally:
        await connection.close()


async def _candles(pool: Any, minutes: int) -> list[tuple[Any, ...]]:
    """Page by page, as a chart asks."""
    found: list[tuple[Any, ...]] = []
    for market in MARKETS:
        before, rows = FAR, []
        while page := await pool.fetch(CANDLES_SQL, market, "trade", minutes * MINUTE, 1_000, before):
            rows += page
            before = page[-1]["bucket"]
        found += [(market, *map(int, tuple(row)[:8])) for row in reversed(rows)]
    return found


async def _market_days(pool: Any) -> list[tuple[Any, ...]]:
    rows = await pool.fetch(MARKET_DAYS_SQL, None, 0, FAR, 100_000)
    names = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots", "quote_quanta", "trades")
    more = ("open_interest_lots", "funding_ppb", "fundings", "fees_quanta", "referral_quanta")
    return sorted(tuple(row[name] for name in ("market", "day", *names, *more)) for row in rows)


async def _account_days(pool: Any) -> list[tuple[Any, ...]]:
    names = ("equity_start", "equity_end", "flows", "pnl", "funding", "fees", "realized", "volume", "trades")
    found = []
    for number, account in await pool.fetch("SELECT number, account FROM accounts"):
        rows = await pool.fetch(ACCOUNT_DAYS_SQL, number, 0, FAR, 10_000)
        found += [(account, row["day"], *(row[name] for name in names)) for row in rows]
    return sorted(found, key=lambda row: row[:2])


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
