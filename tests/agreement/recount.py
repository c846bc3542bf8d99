"""python -m tests.agreement.recount: earnings against a naive recount of raw events in SQL, row by row.

The venue is that of analytics' recount: random trades of which many are taken back or corrected, also days later, and
batches that come twice. They are folded into a real PostgreSQL, then once more, which must change nothing; every
closed day and every month of every account must equal what DuckDB makes of the events alone. Ends with 1 at the
first difference.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
from cleartide.contracts import Message
from cleartide.rules.returns import apr_ppb, apy_of_growth_ppb
from cleartide.store.digest import table_digests

from deploy.local.postgres import PostgresServer
from services.analytics.tests.recount import disturbed, in_commits, twice
from services.earnings.app import SERVICE
from tests.agreement.earned import Earned
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import new_database

DAY = 86_400_000_000
BATCH = 200
SPAN = 40
"""Days, in which a month ends."""
DAYS_SQL = """
SELECT account, day, equity_start_quanta, equity_end_quanta, flows_quanta, pnl_quanta, funding_quanta, fees_quanta,
       rebates_quanta, deposits_quanta, withdrawals_quanta, cumulative_earned_quanta, cumulative_net_quanta, return_1e12
FROM earnings_days ORDER BY account, day
"""
MONTHS_SQL = """
SELECT account, month, equity_start_quanta, equity_end_quanta, deposits_quanta, withdrawals_quanta, pnl_quanta,
       funding_quanta, fees_quanta, rebates_quanta, active_days, return_days, return_sum, growth
FROM (SELECT * FROM earnings_months UNION ALL SELECT * FROM earnings_open_months) m ORDER BY account, month
"""


async def compare(schema: ServiceSchema, batches: Sequence[Sequence[Message]], folder: Path) -> tuple[int, int]:
    """Fold, fold again, recount; returns how many days and months were equal. Raises AssertionError."""
    path = folder / "events.jsonl"
    commits = in_commits(batches, path)
    assert await schema.run_epoch(commits) == 0
    before = await _digests(schema)
    await schema.run_epoch(commits)
    assert before == await _digests(schema), "the same input once more changed a table"
    async with schema.pool() as pool:
        days = [tuple(row) for row in await pool.fetch(DAYS_SQL)]
        months = [_with_rates(row) for row in await pool.fetch(MONTHS_SQL)]
    naive = Earned(path, max(event.occurred_at for batch in batches for event in batch) // DAY * DAY)
    return _equal("days", days, naive.days()), _equal("months", months, naive.months())


def _with_rates(row: Sequence[Any]) -> tuple[Any, ...]:
    *figures, days, returns, growth = row
    return (*figures, days, returns, apr_ppb(returns, days), apy_of_growth_ppb(Decimal(growth), days))


def _equal(kind: str, kept: list[tuple[Any, ...]], counted: list[tuple[Any, ...]]) -> int:
    different = [pair for pair in zip(kept, counted, strict=False) if pair[0] != pair[1]]
    assert kept, f"no {kind} to compare"
    assert kept == counted, f"{kind}: {len(kept)} kept, {len(counted)} counted; first that differ: {different[:3]}"
    return len(kept)


async def _digests(schema: ServiceSchema) -> dict[str, str]:
    connection = await asyncpg.connect(schema.dsn)
    try:
        return await table_digests(connection, schema.fold.repository.tables)
    finally:
        await connection.close()


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
                events = disturbed(corrections, seed, least_referral=0, days=SPAN).events
                print(f"{len(events):,} events, {corrections:,} trades taken back or corrected", flush=True)
                days, months = await compare(schema, list(twice(events, BATCH, seed)), folder)
        finally:
            await server.stop()
    print(f"{days:,} days and {months:,} months of accounts equal; the same input once more changed nothing")
    print(f"{time.monotonic() - started:.0f} s")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement.recount")
    parser.add_argument("corrections", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    try:
        asyncio.run(recount(given.corrections, given.seed))
    except (AssertionError, asyncpg.PostgresError) as error:
        raise SystemExit(f"different: {error}") from error


if __name__ == "__main__":
    main()
