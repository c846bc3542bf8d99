"""The same code on servers from container images. Needs a Docker engine; the rest of the tests need none."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from cleartide.bus.permissions import OPERATOR, USERS, users
from cleartide.bus.streams import SERVICES
from cleartide.client import Client
from cleartide.ops.settings import OpsSettings
from cleartide.ops.setup import setup

from deploy.local import ports
from deploy.local.nats import NatsServer
from tests.support.installation import ROOT, ServiceProcess


def _engine_answers() -> bool:
    """A socket that answers; asking the client library first would leave half-open clients behind."""
    engine = Path("/var/run/docker.sock")
    if "DOCKER_HOST" in os.environ:
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        return engine.exists() and probe.connect_ex(str(engine)) == 0


pytestmark = pytest.mark.skipif(not _engine_answers(), reason="no Docker engine answers on this machine")


@dataclass(frozen=True)
class Servers:
    """Addresses of the containers."""

    nats_url: str
    admin_dsn: str
    redis_url: str


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """NATS, Postgres and Valkey from images."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.postgres import PostgresContainer
    from testcontainers.redis import RedisContainer

    configuration = NatsServer(tmp_path, users=users({user: f"nats-{user}" for user in USERS})).configuration()
    configuration |= {"host": "0.0.0.0", "port": 4222, "jetstream": {"store_dir": "/data", "sync_interval": "always"}}
    written = tmp_path / "nats.conf"
    written.write_text(_as_text(configuration))
    nats = DockerContainer("nats:2.15.1").with_exposed_ports(4222).with_volume_mapping(str(written), "/nats.conf")
    with (
        nats.with_command("-c /nats.conf"),
        PostgresContainer("postgres:18") as postgres,
        RedisContainer("valkey/valkey:9") as valkey,
    ):
        yield Servers(
            nats_url=f"nats://{nats.get_container_host_ip()}:{nats.get_exposed_port(4222)}",
            admin_dsn=postgres.get_connection_url(driver=None),
            redis_url=f"redis://{valkey.get_container_host_ip()}:{valkey.get_exposed_port(6379)}",
        )


def _as_text(configuration: dict[str, object]) -> str:
    return json.dumps(configuration)


def _spawn(environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "services.matching"], cwd=ROOT, stdout=output, stderr=output, env=environment
        )


async def test_the_same_service_runs_on_servers_from_containers(servers: Servers) -> None:
    """SYS-CONTAINERS-001."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secrets = folder / "secrets.json"
        secrets.write_text(_as_text({"postgres_roles": {service: f"db-{service}" for service in SERVICES}}))
        await setup(
            OpsSettings(
                admin_dsn=servers.admin_dsn,
                nats_url=servers.nats_url,
                nats_admin_user=OPERATOR,
                nats_admin_password=f"nats-{OPERATOR}",
                secrets_file=secrets,
            )
        )
        address = servers.admin_dsn.rpartition("@")[2]
        port = ports.free_port()
        log = folder / "matching.log"
        environment = {
            "CLEARTIDE_NATS_URL": servers.nats_url,
            "CLEARTIDE_NATS_USER": "matching",
            "CLEARTIDE_NATS_PASSWORD": "nats-matching",
            "CLEARTIDE_POSTGRES_DSN": f"postgresql://cleartide_matching:db-matching@{address}",
            "CLEARTIDE_REDIS_URL": servers.redis_url,
            "CLEARTIDE_HTTP_PORT": str(port),
        }
        process = await asyncio.to_thread(_spawn, environment, log)
        service = ServiceProcess("matching", process, port, log)
        try:
            await service.ready(40)
            trader = f"nats://trader:nats-trader@{servers.nats_url.split('://', 1)[1]}"
            async with Client.connect(trader) as client:
                await client.deposit(account="alice", amount="12.5")
            assert await _cash(servers.admin_dsn, "alice") == 12_500_000
        finally:
            service.stop()


async def _cash(dsn: str, account: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(20):
            while True:
                query = "SELECT balance_quanta FROM matching.ledger_balances WHERE account = $1"
                if (found := await connection.fetchval(query, f"cash:{account}")) is not None:
                    return int(found)
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
