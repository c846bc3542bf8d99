"""The holders of one market judged by PostgreSQL in one statement, on the same positions."""

import statistics
import tempfile
import time
from pathlib import Path

import asyncpg

from benchmarks.risk_scale.data import FRACTION_PPB, INITIAL_PPB, MARKETS, Data
from deploy.local.postgres import PostgresServer

ROUNDS = 5
TABLES = """
CREATE UNLOGGED TABLE accounts (account integer PRIMARY KEY, keep bigint NOT NULL);
CREATE UNLOGGED TABLE prices (market integer PRIMARY KEY, ticks bigint NOT NULL);
CREATE UNLOGGED TABLE positions (account integer, market integer, slope bigint NOT NULL, PRIMARY KEY (account, market));
"""
JUDGE = f"""
WITH held AS (
    SELECT account, sum(slope * ticks) AS value,
           sum(((abs(slope * ticks) * {INITIAL_PPB} + 999999999) / 1000000000
                * {FRACTION_PPB} + 999999999) / 1000000000) AS margin
    FROM positions JOIN prices USING (market)
    WHERE account IN (SELECT account FROM positions WHERE market = $1) GROUP BY account)
SELECT count(*) FROM held JOIN accounts USING (account) WHERE (keep + value) * 1000000 < margin * 1500000
"""


async def sql_seconds(data: Data) -> float:
    """Median seconds of one price: every account that holds the market, judged anew."""
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
        Path(name).chmod(0o755)
        server = PostgresServer(Path(name) / "postgres", password="bench-only", durable=False)
        await server.start()
        try:
            connection = await asyncpg.connect(server.dsn)
            try:
                return await _measure(connection, data)
            finally:
                await connection.close()
        finally:
            await server.stop()


async def _measure(connection: "asyncpg.Connection[asyncpg.Record]", data: Data) -> float:
    await connection.execute(TABLES)
    await connection.copy_records_to_table("accounts", records=enumerate(data.keep))
    await connection.copy_records_to_table("prices", records=enumerate(data.price))
    held = zip(data.owner, data.market, data.slope, strict=True)
    await connection.copy_records_to_table("positions", records=held)
    await connection.execute("CREATE INDEX ON positions (market, account)")
    await connection.execute("VACUUM ANALYZE")
    took = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        await connection.fetchval(JUDGE, number % MARKETS)
        took.append(time.perf_counter() - started)
    return statistics.median(took)
