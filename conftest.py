"""Real servers for every test that asks: PostgreSQL and Valkey once per test process, NATS anew for each installation.

The servers do not depend on the event loop that started them, so tests with loops of their own share them.
"""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest

from deploy.local.identity import find_runner
from deploy.local.ports import begin_at
from deploy.local.postgres import PostgresServer
from deploy.local.server import Server
from deploy.local.valkey import ValkeyServer
from tests.support import timescale
from tests.support.installation import Installation, installation
from tests.support.servers import Broker, Database, new_broker, new_database

# A machine shared with other work must not fail a test for being slow.
hypothesis.settings.register_profile("cleartide", deadline=None, print_blob=True)
hypothesis.settings.load_profile("cleartide")

PASSWORD = "test-only"
YOUNG_OBJECTS = 20_000
"""What most tests make and drop; the collector looks at them once so many have stayed."""
MEMORY = Path("/dev/shm")
ROOM_BYTES = 6 * 2**30
"""For the servers of three workers, with some to spare."""
S = TypeVar("S", bound=Server)


def pytest_configure() -> None:
    """Each worker gets its ports from a place of its own: services of one must not come upon servers of another."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        begin_at(int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end: the collector need not look through all of it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A short-lived folder that the database's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="cleartide-test-", dir=_in_memory()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _in_memory() -> Path | None:
    """A file system in memory, where there is a roomy one that runs programs; None is where temporary files belong.

    An installation's database is 1,350 files, and each new file costs a disk's file system a fraction of a millisecond.
    """
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > ROOM_BYTES else None


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[PostgresServer]:
    """PostgreSQL; each test makes a database of its own on it."""
    yield from _running(PostgresServer(server_folder / "postgres", password=PASSWORD, durable=False))


@pytest.fixture(scope="session")
def timescale_postgres(server_folder: Path) -> Iterator[PostgresServer]:
    """The same with TimescaleDB, for databases that want it."""
    programs = timescale.programs()
    if programs is None:
        pytest.skip(f"there is no TimescaleDB here; for one: {timescale.COMMAND}")
    runner = find_runner(programs, server_folder / "timescale_programs")
    yield from _running(PostgresServer(server_folder / "timescale", password=PASSWORD, durable=False, runner=runner))


@pytest.fixture(scope="session")
def valkey(server_folder: Path) -> Iterator[ValkeyServer]:
    """Valkey."""
    yield from _running(ValkeyServer(server_folder / "valkey", password=PASSWORD, durable=False))


def _running(server: S) -> Iterator[S]:
    _run(server.start())
    yield server
    _run(server.stop())


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end on a passing loop, and leave the thread's current loop, which is the test's, alone."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


@pytest.fixture
def folder(server_folder: Path) -> Iterator[Path]:
    """A test's own place for the files of its servers."""
    made = Path(tempfile.mkdtemp(dir=server_folder))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def installed(folder: Path, postgres: PostgresServer, valkey: ValkeyServer) -> AsyncIterator[Installation]:
    """A whole installation of its own: database, NATS server, roles, schemas, streams; no service runs yet."""
    async with installation(folder, postgres, valkey) as made:
        yield made


@pytest.fixture
async def database(folder: Path, postgres: PostgresServer) -> AsyncIterator[Database]:
    """A database with every service's role and empty schema, for tests of the library alone."""
    async with new_database(postgres, folder) as made:
        yield made


@pytest.fixture
async def broker(folder: Path) -> AsyncIterator[Broker]:
    """A NATS server with every user and stream, for tests of the library alone."""
    async with new_broker(folder / "nats") as made:
        yield made
