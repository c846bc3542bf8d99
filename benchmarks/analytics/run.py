"""`make bench ONLY=analytics`: candles beside streaming engines; a month of account days beside PostgreSQL and Parquet.

TRADES and ROWS make it smaller or larger: `TRADES=200000 ROWS=1000000` takes a minute, ROWS=100000000 is the full size.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import duckdb
import msgspec
from cleartide.store.parquet import export
from cleartide.store.partitions import Partitioned, ensure_days

from benchmarks.analytics.trades import WIDTHS, lines, trades
from benchmarks.engine.peers import ROOT, peers_python
from benchmarks.report import Row, median, write
from deploy.local.postgres import PostgresServer
from services.analytics.app import SERVICE
from services.analytics.domain.candle import Candle, minute_of
from services.analytics.tables import ACCOUNT_DAYS
from tests.support.schema import migrated
from tests.support.servers import new_database

TRADES: Final = int(os.environ.get("TRADES", "1000000"))
ROWS: Final = int(os.environ.get("ROWS", "10000000"))
DAYS: Final = 30
ROUNDS: Final = 3
FIRST: Final = datetime(2026, 9, 1, tzinfo=UTC)
PEERS: Final = {"bytewax": TRADES // 10, "pathway": TRADES // 2}
LOOKS: Final = 15
_DAY_SQL: Final = """
INSERT INTO account_days
SELECT to_timestamp($1), n, $1::bigint * 1000000, 'user-' || n, 1000000000 + n, 1000000000 + n + gain - fee,
       0, gain, 0, fee, gain / 2, abs(gain) * 1000, 1 + n % 40
FROM (SELECT n, hashint8(n * 64 + $3)::bigint % 5000000 AS gain, abs(hashint8(n * 64 + $3 + 1)::bigint) % 90000 AS fee
      FROM generate_series(1, $2::bigint) n) drawn
"""
_MONTH_SQL: Final = """
SELECT number, sum(pnl) AS pnl, sum(fees) AS fees, sum(volume) AS volume, count(*) AS days FROM {} GROUP BY number
"""


class Line(msgspec.Struct, gc=False):
    """A trade as it comes in JSON."""

    market: str
    at: int
    price: int
    lots: int
    quanta: int


async def run() -> None:
    """Measure and write `results/analytics.json`."""
    write("analytics", [*_candle_rows(), *await _day_rows()])


def _candle_rows() -> list[Row]:
    rows = trades(TRADES)
    encoded = list(lines(rows))
    decoder = msgspec.json.Decoder(Line)
    decoded = median([_seconds(lambda: six_timeframes(rows)) for _ in range(ROUNDS)])
    read = median([_seconds(lambda: six_timeframes(map(_fields, map(decoder.decode, encoded)))) for _ in range(ROUNDS)])
    ours = {"decoded": TRADES / decoded, "json": TRADES / read}
    found = [
        Row("analytics.candles.decoded", ours["decoded"], "trades/s of processor, six timeframes"),
        Row("analytics.candles.json", ours["json"], "trades/s of processor, six timeframes, JSON decoded"),
    ]
    python = peers_python(ROOT / "requirements-streams.lock")
    for peer, count in PEERS.items() if python is not None else ():
        for way, aim in (("decoded", ">= 100"), ("json", ">= 10")):
            told = _peer(str(python), peer, count, way)
            if told is not None:
                rate, what = count / told["seconds"], f"trades/s of {peer}, one timeframe"
                total = sum(row[3] for row in trades(count))
                note = "" if told["lots"] == total else f"counted {told['lots']} lots of {total}"
                name = f"analytics.candles.{way}.{peer}"
                found.append(Row(name, rate, what, "ours/theirs", ours[way] / rate, aim, note))
    return found


def _peer(python: str, peer: str, count: int, way: str) -> dict[str, Any] | None:
    script = Path(__file__).with_name("peers.py")
    done = subprocess.run([python, str(script), peer, str(count), way], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"without {peer}: {done.stderr.strip()[-300:]}", flush=True)
        return None
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def six_timeframes(rows: Any) -> dict[tuple[str, int, int], Candle]:
    """As the service does it: a trade touches its minute alone; wider candles are made of closed minutes."""
    minutes: dict[str, Candle] = {}
    made: dict[tuple[str, int, int], Candle] = {}
    for market, at, price, lots, quanta in rows:
        candle = minutes.get(market)
        if candle is None or at >= candle.open_time + 60_000_000:
            if candle is not None:
                widen(made, market, candle)
            candle = minutes[market] = Candle.starting(minute_of(at), price)
        candle.add(price, lots, quanta)
    for market, candle in minutes.items():
        widen(made, market, candle)
    return made


def widen(made: dict[tuple[str, int, int], Candle], market: str, minute: Candle) -> None:
    """First, highest, lowest, last, sums: a closed minute in each of the timeframes."""
    for width in WIDTHS:
        start = minute.open_time - minute.open_time % (width * 1_000_000)
        wide = made.get((market, width, start))
        if wide is None:
            wide = made[market, width, start] = Candle.starting(start, minute.open_ticks)
        wide.high_ticks = max(wide.high_ticks, minute.high_ticks)
        wide.low_ticks = min(wide.low_ticks, minute.low_ticks)
        wide.close_ticks = minute.close_ticks
        wide.volume_lots += minute.volume_lots
        wide.quote_quanta += minute.quote_quanta
        wide.entries += minute.entries


async def _day_rows() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgresServer(folder / "postgres", password="bench-only", durable=False)
        await server.start()
        try:
            async with new_database(server, folder) as database:
                schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
                connection = await asyncpg.connect(schema.dsn, command_timeout=3_600)
                try:
                    return await _measured(connection, folder)
                finally:
                    await connection.close()
        finally:
            await server.stop()


async def _measured(connection: "asyncpg.Connection[Any]", folder: Path) -> list[Row]:
    users, files = max(1, ROWS // DAYS), []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        await ensure_days(connection, Partitioned("account_days"), [day])
        await connection.execute(_DAY_SQL, int(day.timestamp()), users, number)
        table = f"account_days_{day:%Y_%m_%d}"
        files.append(folder / f"{table}.parquet")
        columns = ", ".join(ACCOUNT_DAYS.columns)
        await export(connection, f"SELECT {columns} FROM {table}", ACCOUNT_DAYS.columns, files[-1])
        print(f"day {number + 1} of {DAYS}", end="\r", flush=True)
    await connection.execute("VACUUM ANALYZE account_days")
    stored = await connection.fetchval(
        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'account_days'::regclass"
    )
    packed = sum(path.stat().st_size for path in files)
    looks = [await _history_ms(connection, 1 + look * (users - 1) // LOOKS) for look in range(LOOKS)]
    theirs, ours = await _months(connection, files)
    return [
        Row("analytics.days.rows", users * DAYS, "account days"),
        Row(
            "analytics.days.storage",
            packed / 2**20,
            "MB of Parquet",
            "rows in PostgreSQL",
            float(stored) / packed,
            ">= 8",
        ),
        Row("analytics.days.history", median(looks), "ms, one account's 30 days", aim="< 20"),
        Row(
            "analytics.days.month",
            ours,
            "s, month of every account from Parquet",
            "GROUP BY in PostgreSQL",
            theirs / ours,
            ">= 5",
        ),
    ]


async def _history_ms(connection: "asyncpg.Connection[Any]", number: int) -> float:
    started = time.perf_counter()
    rows = await connection.fetch("SELECT * FROM account_days WHERE number = $1 AND ts >= $2", number, FIRST)
    assert len(rows) == DAYS
    return (time.perf_counter() - started) * 1_000


async def _months(connection: "asyncpg.Connection[Any]", files: list[Path]) -> tuple[float, float]:
    """Seconds of PostgreSQL and of DuckDB for the same sums; both results are compared."""
    digest = "count(*), sum(pnl), sum(fees), sum(volume), sum(days), sum(pnl % 1009 * number)"
    started = time.perf_counter()
    kept = await connection.fetchrow(f"SELECT {digest} FROM ({_MONTH_SQL.format('account_days')}) m")
    theirs = time.perf_counter() - started
    source = "read_parquet([" + ", ".join(f"'{path}'" for path in files) + "])"
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with duckdb.connect() as duck:
            counted = duck.execute(f"SELECT {digest} FROM ({_MONTH_SQL.format(source)}) m").fetchall()[0]
        seconds.append(time.perf_counter() - started)
    assert kept is not None and tuple(map(int, kept)) == tuple(map(int, counted)), (kept, counted)
    return theirs, median(seconds)


def _fields(line: Line) -> tuple[str, int, int, int, int]:
    return line.market, line.at, line.price, line.lots, line.quanta


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
