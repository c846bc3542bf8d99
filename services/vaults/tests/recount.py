"""python -m services.vaults.tests.recount: the service against a naive recompute in SQL, row by row.

Events of sixty days are told by an unreliable indexer: a third of them late, by anything up to ten days, some
twice, some taken back. They are folded into a real PostgreSQL, then told once more, which must change nothing; and
every day and month must equal what SQL makes of the raw events alone. Ends with 1 at the first difference.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
from cleartide.contracts.chain import ChainEvent
from cleartide.store.digest import table_digests

from deploy.local.postgres import PostgresServer
from services.vaults.app import SERVICE
from services.vaults.recompute import compare
from services.vaults.tests.chain import DAY, START, closing, delivery, disturbed, random_events
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import new_database

DAYS = 60
BATCH = 50
RESULT_TABLES = ("vault_days", "vault_months", "vault_holdings", "chain_events", "vault_states", "vault_clock")


async def _fold(schema: ServiceSchema, events: list[ChainEvent], clock: int) -> int:
    messages = []
    for each in events:
        clock = max(clock, each.block_time)
        messages.append(delivery(each, clock))
    refused = await schema.run_epoch(in_batches(messages, BATCH))
    if refused:
        raise SystemExit(f"{refused} events were refused")
    return clock


async def _digests(schema: ServiceSchema) -> dict[str, Any]:
    connection = await asyncpg.connect(schema.dsn)
    try:
        return dict(await table_digests(connection, [t for t in SERVICE.repository.tables if t.name in RESULT_TABLES]))
    finally:
        await connection.close()


async def recount(schema: ServiceSchema, count: int, seed: int) -> bool:
    """Fold, tell again, compare; prints what it found. True when all is equal."""
    events = random_events(seed, count, DAYS, owners=max(10, count // 1_000))
    told = [*disturbed(events, seed, reach=count // 6), *closing(events, 10 * count)]
    started = time.perf_counter()
    clock = await _fold(schema, told, START)
    print(
        f"{len(told)} events told for {count} that happened, folded in {time.perf_counter() - started:.1f} s",
        flush=True,
    )
    before = await _digests(schema)
    await _fold(schema, disturbed(events, seed, reach=count // 6), clock)
    unchanged = await _digests(schema) == before
    print(f"told once more: {'nothing changed' if unchanged else 'TABLES CHANGED'}", flush=True)
    connection = await asyncpg.connect(schema.dsn)
    try:
        restated = await connection.fetchval("SELECT count(*) FROM vault_days WHERE revision > 0")
        await connection.execute("ANALYZE")
        closed_before = max(each.block_time for each in told) // DAY * DAY
        days, months, differences = await compare(connection, closed_before)
    finally:
        await connection.close()
    print(f"{days} days and {months} months beside SQL from the raw events, {restated} days told again:", flush=True)
    print("all equal, bit for bit" if not differences else f"DIFFERENT: {differences[:3]}", flush=True)
    return unchanged and not differences


async def _run(count: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="cleartide-recount-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = PostgresServer(folder / "postgres", password="recount", durable=False)
        await postgres.start()
        try:
            async with new_database(postgres, folder) as database:
                schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
                return await recount(schema, count, seed)
        finally:
            await postgres.stop()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m services.vaults.tests.recount")
    parser.add_argument("events", nargs="?", type=int, default=10_000, help="events that happen")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    raise SystemExit(0 if asyncio.run(_run(arguments.events, arguments.seed)) else 1)


if __name__ == "__main__":
    main()
