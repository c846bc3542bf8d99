"""What a user of the embedded PostgreSQL gets: it starts for everybody, keeps what it confirmed, explains itself."""

import os
import pwd
import shutil
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.errors import PortTakenError, StackError
from deploy.local.identity import drop_to
from deploy.local.postgres import PostgresServer
from deploy.local.process import tail
from deploy.local.server import find_program
from deploy.local.tests.support import run_as

CYCLE = """
import asyncio, sys
from pathlib import Path
import asyncpg
from deploy.local.postgres import PostgresServer

async def main():
    server = PostgresServer(Path(sys.argv[1]), password="p", durable=False)
    await server.start()
    connection = await asyncpg.connect(server.dsn)
    print(await connection.fetchval("SELECT 'served as ' || current_user"), server.runner.identity)
    await connection.close()
    await server.stop()

asyncio.run(main())
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    server = PostgresServer(tmp_path / "postgres", password="a-password", durable=False)
    await server.start()
    yield server
    await server.stop()


class TestLife:
    async def test_what_was_confirmed_is_there_after_kill_9(self, server: PostgresServer) -> None:
        port = server.port
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("CREATE TABLE kept (n bigint); INSERT INTO kept SELECT generate_series(1, 1000)")
        await server.kill()
        assert not server.running
        await server.start()
        assert server.port == port, "clients find it where it was"
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT count(*) FROM kept") == 1000
        await connection.close()

    async def test_a_stop_is_quick_although_clients_are_connected_and_leaves_nothing(
        self, server: PostgresServer
    ) -> None:
        connection = await asyncpg.connect(server.dsn)
        assert server.process is not None
        await server.stop()
        assert server.process.exit_code == 0
        assert not (server.data / "postmaster.pid").exists()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetchval("SELECT 1")
        connection.terminate()

    async def test_a_commit_never_waits_for_more_than_a_megabyte_of_new_log(self, server: PostgresServer) -> None:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SHOW wal_segment_size") == "1MB"
        await connection.close()

    async def test_a_second_start_changes_nothing(self, server: PostgresServer) -> None:
        process = server.process
        await server.start()
        assert server.process is process

    async def test_the_database_asked_for_is_made(self, tmp_path: Path) -> None:
        server = PostgresServer(tmp_path, password="p", database="cleartide", durable=False)
        await server.start()
        try:
            connection = await asyncpg.connect(server.dsn)
            assert await connection.fetchval("SELECT current_database()") == "cleartide"
            await connection.close()
        finally:
            await server.stop()


class TestSettings:
    async def test_core_settings(self, server: PostgresServer) -> None:
        connection = await asyncpg.connect(server.dsn)
        rows = await connection.fetch("SELECT name, setting FROM pg_settings")
        settings = {row["name"]: row["setting"] for row in rows}
        provider = await connection.fetchrow("SELECT datlocprovider::text AS kind, datlocale FROM pg_database LIMIT 1")
        await connection.close()
        assert settings["server_version_num"].startswith("18")
        assert (settings["listen_addresses"], settings["unix_socket_directories"]) == ("127.0.0.1", "")
        assert (settings["server_encoding"], settings["TimeZone"]) == ("UTF8", "UTC")
        assert provider is not None
        assert (provider["kind"], provider["datlocale"]) == ("b", "C.UTF-8")

    async def test_a_durable_server_syncs(self, tmp_path: Path) -> None:
        server = PostgresServer(tmp_path, password="p")
        await server.start()
        try:
            connection = await asyncpg.connect(server.dsn)
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
                assert await connection.fetchval("SELECT current_setting($1)", name) == "on", name
            assert await connection.fetchval("SHOW min_wal_size") == "1GB"  # log that commits need not make
            await connection.close()
        finally:
            await server.stop()

    async def test_no_sign_in_without_the_password(self, server: PostgresServer) -> None:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn.replace("a-password", "another"))

    async def test_passwords_are_not_readable_by_others(self, server: PostgresServer) -> None:
        assert not (server.folder / "password").exists()
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


class TestWhoRunsIt:
    """PostgreSQL refuses root and nameless users; the stack starts it for both."""

    @pytest.mark.parametrize("uid", [65534, 54321], ids=["a user with a name", "a uid without a passwd entry"])
    def test_started_by(self, tmp_path: Path, uid: int) -> None:
        done = run_as(f"map:{uid}:{uid}", CYCLE, str(tmp_path / "postgres"))
        assert done.stdout.startswith("served as postgres"), done.stderr
        named = any(entry.pw_uid == uid for entry in pwd.getpwall())
        assert done.stdout.split()[-1].startswith("same" if named else "map:")

    @pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
    async def test_by_root_where_user_namespaces_are_forbidden(
        self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From a readable copy, as nobody; pytest's own folders are closed to nobody, so this one is elsewhere."""
        closed = tmp_path_factory.mktemp("closed")
        original = PostgresServer(closed, password="p").runner.programs
        package = original.parent.parent
        shutil.copytree(package, closed / "wheel" / package.name, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = package.with_name(package.name + ".libs")
        shutil.copytree(libraries, closed / "wheel" / libraries.name)
        (closed / "wheel").chmod(0o700)
        home = Path("/var/tmp") / f"cleartide-test-{os.getpid()}"
        home.mkdir(mode=0o711)
        home.chmod(0o711)
        try:
            programs = closed / "wheel" / package.name / original.parent.name / original.name
            runner = drop_to(pwd.getpwnam("nobody"), programs, home / "postgres")
            assert runner.programs.is_relative_to(home), "the programs were out of nobody's reach"
            server = PostgresServer(home / "postgres", password="p", durable=False, runner=runner)
            await server.start()
            assert server.process is not None
            owner = Path(f"/proc/{server.process.pid}").stat().st_uid
            await server.stop()
            assert owner == pwd.getpwnam("nobody").pw_uid
        finally:
            shutil.rmtree(home)

    @pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
    def test_a_folder_nobody_can_enter_is_named(self, tmp_path: Path) -> None:
        programs = PostgresServer(tmp_path, password="p").runner.programs
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(StackError, match=r"may not enter .* set CLEARTIDE_HOME"):
            drop_to(pwd.getpwnam("nobody"), programs, closed / "postgres")


class TestWhatCanBeWrong:
    """One sentence, with the remedy, and nothing left running."""

    async def test_a_busy_port(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            server = PostgresServer(tmp_path, password="p", port=other.getsockname()[1], durable=False)
            with pytest.raises(PortTakenError, match=rf"in use by .*pid {os.getpid()}.*set CLEARTIDE_PORT_POSTGRES"):
                await server.start()
        assert not server.running

    async def test_a_folder_that_is_no_data_folder(self, tmp_path: Path) -> None:
        server = PostgresServer(tmp_path, password="p", durable=False)
        server.data.mkdir()
        (server.data / "something").touch()
        with pytest.raises(StackError, match=r"is not a PostgreSQL data folder .*PG_VERSION"):
            await server.start()

    async def test_data_of_another_major_version(self, tmp_path: Path) -> None:
        server = PostgresServer(tmp_path, password="p", durable=False)
        server.data.mkdir()
        (server.data / "PG_VERSION").write_text("16\n")
        with pytest.raises(StackError, match="written by PostgreSQL 16 and this is PostgreSQL 18: dump it"):
            await server.start()

    async def test_damaged_data(self, server: PostgresServer) -> None:
        await server.stop()
        (server.data / "global" / "pg_control").write_bytes(b"\0" * 8192)
        with pytest.raises(StackError, match=r"could not start on .*(restore|Restore)") as caught:
            await server.start()
        assert "\n" not in str(caught.value)
        assert not server.running

    async def test_a_lost_password(self, server: PostgresServer) -> None:
        await server.stop()
        other = PostgresServer(server.folder, password="another", durable=False)
        with pytest.raises(StackError, match=r"password does not open .* restore .*secrets.json"):
            await other.start()
        assert not other.running

    async def test_an_interrupted_first_start_is_begun_again(self, tmp_path: Path) -> None:
        server = PostgresServer(tmp_path, password="p", durable=False)
        draft = tmp_path / "data.draft"
        draft.mkdir()
        (draft / "PG_VERSION").write_text("18\n")
        await server.start()
        await server.stop()
        assert not draft.exists()

    def test_a_program_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("CLEARTIDE_PG_BIN", str(tmp_path / "nowhere"))
        with pytest.raises(StackError, match=r"CLEARTIDE_PG_BIN names .*nowhere, which does not exist"):
            find_program("CLEARTIDE_PG_BIN", tmp_path)

    def test_a_program_of_another_major_version(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        program = tmp_path / "postgres"
        program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.18'\n")
        program.chmod(0o755)
        monkeypatch.setenv("CLEARTIDE_PG_BIN", str(tmp_path))
        with pytest.raises(StackError, match=r"is not PostgreSQL 18 .*15\.18"):
            _ = PostgresServer(tmp_path / "home", password="p").runner

    async def test_the_log_says_what_happened(self, server: PostgresServer) -> None:
        assert any("ready to accept connections" in line for line in tail(server.log.path))
