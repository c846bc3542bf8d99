"""`make bench ONLY=archive`: closed days leave for a bucket and a folder, asked there as docs/analytics.md has it.

By `cleartide ask`, by ClickHouse in the bucket, by Spark in the folder: all must give PostgreSQL's rows. ROWS makes it
smaller or larger: `ROWS=300000`.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import asyncpg
from cleartide.store.asking import ask
from cleartide.store.datasets import archive_closed_days
from cleartide.store.objects import FolderStore, ObjectStore, open_store

from benchmarks.analytics import documented
from benchmarks.analytics.days import DAYS, FIRST, fill_day
from benchmarks.engine.peers import ROOT, peers_python
from benchmarks.report import Row, median, write
from deploy.local.postgres import PostgresServer
from services.analytics.app import SERVICE
from services.analytics.archive import ARCHIVED
from tests.support.bucket import KEY, SECRET, serving_bucket
from tests.support.schema import migrated
from tests.support.servers import new_database

ROWS: Final = int(os.environ.get("ROWS", "3000000"))
ROUNDS: Final = 3
DAY_ONE: Final = FIRST.date()
LAST: Final = DAY_ONE + timedelta(days=DAYS - 1)
QUERY: Final = documented.query(DAY_ONE, LAST)
SPAN: Final = {"account_days": (DAY_ONE, LAST)}
Rows = list[tuple[Any, ...]]


async def run() -> None:
    """Measure and write `results/archive.json`. Raises RuntimeError where two readers differ."""
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        async with serving_bucket(folder) as address:
            stores = {"bucket": open_store(address, KEY, SECRET), "folder": FolderStore(folder / "archive")}
            rows, meant = await _written(folder, stores)
            rows += await _ours(stores, address, meant)
            rows += _theirs(address, folder / "archive", meant, {row.id: row.value for row in rows})
    write("archive", rows)


async def _written(folder: Path, stores: dict[str, ObjectStore]) -> tuple[list[Row], Rows]:
    """A month of account days as the service archives it, and what PostgreSQL answered before it left."""
    server = PostgresServer(folder / "postgres", password="bench-only", durable=False)
    await server.start()
    try:
        async with new_database(server, folder) as database:
            schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
            connection = await asyncpg.connect(schema.dsn, command_timeout=3_600)
            try:
                return await _archived(connection, folder, stores)
            finally:
                await connection.close()
    finally:
        await server.stop()


async def _archived(
    connection: "asyncpg.Connection[Any]", folder: Path, stores: dict[str, ObjectStore]
) -> tuple[list[Row], Rows]:
    await connection.execute("SET statement_timeout TO 0; SET TimeZone TO 'UTC'")
    for number in range(DAYS):
        await fill_day(connection, folder, max(1, ROWS // DAYS), number)
    after = FIRST + timedelta(days=DAYS)
    await connection.execute("INSERT INTO clock VALUES (true, $1, $1, 0)", int(after.timestamp()) * 10**6)
    seconds = {}
    for name, store in stores.items():
        started = time.perf_counter()
        await archive_closed_days(connection, store, ARCHIVED, after.date())
        seconds[name] = time.perf_counter() - started
    found = await connection.fetch(QUERY.replace("WHERE day", "WHERE ts::date"))
    sizes = await stores["bucket"].sizes("")
    told = [
        Row("archive.rows", ROWS // DAYS * DAYS, "account days"),
        Row("archive.size", sum(sizes.values()) / 2**20, f"MB of Parquet in {len(sizes)} files"),
        *(Row(f"archive.write.{name}", ROWS / took, f"rows/s into a {name}") for name, took in seconds.items()),
    ]
    return told, [tuple(row) for row in found]


async def _ours(stores: dict[str, ObjectStore], address: str, meant: Rows) -> list[Row]:
    """By `cleartide ask` from start to end, and the question alone, in a bucket and in a folder."""
    rows = []
    started = time.perf_counter()
    _agree("cleartide ask", await _command(address), meant)
    rows.append(Row("archive.command", time.perf_counter() - started, "s, `cleartide ask` of a bucket, start to end"))
    for name, store in stores.items():
        seconds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            answer = await ask(store, QUERY, SPAN)
            seconds.append(time.perf_counter() - started)
            _agree(f"DuckDB in a {name}", answer.rows, meant)
        rows.append(Row(f"archive.ask.{name}", median(seconds), f"s, the documented query of a {name}"))
    return rows


def _theirs(address: str, folder: Path, meant: Rows, ours: dict[str, float]) -> list[Row]:
    """Each round in a process of its own, so that nothing is kept from the round before."""
    python = peers_python(ROOT / "requirements-readers.lock")
    bucket, _, query = address.removeprefix("s3://").partition("?")
    endpoint = parse_qs(query)["endpoint"][0]
    views = {
        "clickhouse": ("bucket", documented.clickhouse_view(f"{endpoint}/{bucket}", KEY, SECRET)),
        "spark": ("folder", documented.spark_view(str(folder))),
    }
    if shutil.which("java") is None:
        print("without Spark, which needs a Java runtime", flush=True)
        del views["spark"]
    rows = []
    for engine, (place, view) in views.items() if python is not None else ():
        seconds = [_asked(str(python), engine, view, meant) for _ in range(ROUNDS)]
        mine = ours[f"archive.ask.{place}"]
        name, what, took = f"archive.ask.{place}.{engine}", f"s, {engine}, the same of the {place}", median(seconds)
        rows.append(
            Row(name, took, what, "theirs/ours", took / mine, note="the first question of an engine that started")
        )
    return rows


def _asked(python: str, engine: str, view: str, meant: Rows) -> float:
    command = [python, str(Path(__file__).with_name("readers.py")), engine, view, QUERY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{engine}: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    _agree(engine, told["rows"], meant)
    seconds: float = told["seconds"]
    return seconds


async def _command(address: str) -> Rows:
    program = str(Path(sys.executable).with_name("cleartide"))
    keys = {"CLEARTIDE_ARCHIVE_ADDRESS": address, "CLEARTIDE_ARCHIVE_KEY": KEY, "CLEARTIDE_ARCHIVE_SECRET": SECRET}
    command = [program, "ask", QUERY, "--from", str(DAY_ONE), "--to", str(LAST), "--json"]
    asked = await asyncio.create_subprocess_exec(*command, env=os.environ | keys, stdout=PIPE, stderr=PIPE)
    out, error = await asked.communicate()
    if asked.returncode:
        raise RuntimeError(f"cleartide ask: {error.decode().strip()}")
    return [tuple(json.loads(line).values()) for line in out.decode().splitlines()]


def _agree(reader: str, told: Iterable[Sequence[Any]], meant: Rows) -> None:
    found = [(account, int(gain)) for account, gain in told]
    if found != [(account, int(gain)) for account, gain in meant]:
        raise RuntimeError(f"{reader} does not give PostgreSQL's rows: {found} instead of {meant}")
