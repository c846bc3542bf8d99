"""A whole installation on real servers: its own database, its own NATS server, secrets, roles, schemas and streams."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import asyncpg
from cleartide.bus.nats import CONSUMER_NOT_FOUND, ApiError, NatsBus
from cleartide.bus.permissions import OPERATOR, USERS, users
from cleartide.bus.streams import READS, SERVICES, services
from cleartide.connect import connected, nats_broker
from cleartide.contracts.pools import POOLS, base_of
from cleartide.ops.settings import OpsSettings
from cleartide.ops.setup import set_up_database, set_up_roles, set_up_streams
from cleartide.store.digest import schema_digests
from cleartide.store.names import enter_schema, role_of
from nats.aio.client import Client

from deploy.local.nats import NatsServer
from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from tests.support.nursery import Forked
from tests.support.servers import forget_addresses

ROOT = Path(__file__).resolve().parents[2]
_databases = itertools.count(1)
_standbys = itertools.count(2)
_templates: dict[PostgresServer, str] = {}


def _dsn(base: str, database: str, user: str = "", password: str = "") -> str:
    scheme, rest = base.split("://", 1)
    credentials, address = rest.rsplit("@", 1)
    host = address.split("/", 1)[0]
    return f"{scheme}://{f'{user}:{password}' if user else credentials}@{host}/{database}"


@dataclass
class ServiceProcess:
    """One running service."""

    name: str
    process: "Forked | subprocess.Popen[bytes]"
    port: int
    log: Path

    def progress(self) -> dict[str, Any]:
        """What `/health/progress` says; {} while it does not answer."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health/progress", timeout=1) as answer:
                report: dict[str, Any] = json.load(answer)
                return report
        except OSError:
            return {}

    async def ready(self, seconds: float = 60) -> None:
        """Wait until the service says that it is ready."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (await asyncio.to_thread(self.progress)).get("ready"):
                return
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.03)
        raise AssertionError(f"{self.name} is not ready:\n{self.log.read_text()[-4000:]}")

    async def becomes(self, role: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the service is ready in a role, a standby with the state in memory; returns its report."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            report = await asyncio.to_thread(self.progress)
            if report.get("ready") and report["role"] == role and (role == "active" or report["warm"]):
                return report
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.name} is not {role}: {self.progress()}\n{self.log.read_text()[-4000:]}")

    def freeze(self) -> None:
        """`kill -STOP`: the process stands still and keeps its connections."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """`kill -CONT`."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 60) -> int:
        """Drain and end; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@dataclass
class Installation:
    """Servers, credentials and processes of one test."""

    folder: Path
    postgres: PostgresServer
    nats: NatsServer
    valkey: ValkeyServer
    database: str
    processes: dict[str, ServiceProcess] = field(default_factory=dict)
    extra_environment: dict[str, str] = field(default_factory=dict)
    risk_pools: int = 1

    @property
    def admin_dsn(self) -> str:
        """The database as its owner."""
        return _dsn(self.postgres.dsn, self.database)

    def service_dsn(self, service: str) -> str:
        """The database as a service's role."""
        return _dsn(self.postgres.dsn, self.database, role_of(service), f"db-{service}")

    @property
    def ops(self) -> OpsSettings:
        """Settings of the operator's tools."""
        return OpsSettings(
            admin_dsn=self.admin_dsn,
            nats_url=self.nats.url,
            nats_admin_user=OPERATOR,
            nats_admin_password=f"nats-{OPERATOR}",
            secrets_file=self.folder / "secrets.json",
            risk_pools=self.risk_pools,
        )

    def write_secrets(self) -> None:
        """The passwords of the services' roles, where the operator's tools look for them."""
        secrets = {"postgres_roles": {service: f"db-{service}" for service in services(self.risk_pools)}}
        (self.folder / "secrets.json").write_text(json.dumps(secrets))

    @asynccontextmanager
    async def client(self, user: str = OPERATOR) -> AsyncIterator[Client]:
        """A NATS connection as one of the users."""
        broker = nats_broker(self.nats.url, user, f"nats-{user}", f"test-{user}")
        try:
            yield await connected(broker, give_up_after=10)
        finally:
            await broker.stop()

    def environment(self, service: str, port: int) -> dict[str, str]:
        """What the supervisor would give the service."""
        return {
            **os.environ,
            "CLEARTIDE_NATS_URL": self.nats.url,
            "CLEARTIDE_NATS_USER": service,
            "CLEARTIDE_NATS_PASSWORD": f"nats-{service}",
            "CLEARTIDE_POSTGRES_DSN": self.service_dsn(service),
            "CLEARTIDE_REDIS_URL": self.valkey.url,
            "CLEARTIDE_HTTP_PORT": str(port),
            "CLEARTIDE_RISK_POOLS": str(self.risk_pools),
            "CLEARTIDE_RISK_POOL": str(POOLS["risk"].index(service) + 1 if service in POOLS["risk"] else 1),
            "CLEARTIDE_GATEWAY_ACCESS": "demo",
            **self.extra_environment,
        }

    async def start(self, *services: str, environment: Mapping[str, str] | None = None) -> None:
        """Start service processes and wait until they are ready."""
        started = [self.spawn(service, environment) for service in services]
        await asyncio.gather(*(service.ready() for service in started))

    def spawn(
        self, service: str, environment: Mapping[str, str] | None = None, *, beside: bool = False, part: str = ""
    ) -> ServiceProcess:
        """Start one service process without waiting. `beside`: a further one, for a service that runs already.

        `part`: of the service's package, which is a process of its own, such as `edge`.
        """
        port = free_port()
        name = f"{service}-{next(_standbys)}" if beside else service
        log = self.folder / f"{name}.log"
        surroundings = {**self.environment(service, port), **(environment or {})}
        process = Forked(".".join(filter(None, ("services", base_of(service), part))), surroundings, log)
        self.processes[name] = ServiceProcess(name, process, port, log)
        return self.processes[name]

    def stop_services(self) -> dict[str, int]:
        """Drain every service, all at once; returns the exit codes."""
        for running in self.processes.values():
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGTERM)
        codes = {name: running.stop() for name, running in self.processes.items()}
        self.processes.clear()
        return codes

    def kill_services(self) -> None:
        """Whatever still runs is killed."""
        for running in self.processes.values():
            if running.process.poll() is None:
                running.kill()
        self.processes.clear()

    async def digests(self, *services: str) -> dict[str, dict[str, str]]:
        """Digests of the services' schemas."""
        from cleartide.ops.registry import definition

        connection = await asyncpg.connect(self.admin_dsn)
        try:
            found = {}
            for service in services:
                await enter_schema(connection, service)
                found[service] = await schema_digests(connection, definition(service).compared)
                await connection.execute("RESET ROLE")
            return found
        finally:
            await connection.close()

    async def fetch(self, service: str, query: str, *arguments: Any) -> Sequence[Any]:
        """Rows of a query in a service's schema."""
        connection = await asyncpg.connect(self.service_dsn(service))
        try:
            rows: Sequence[Any] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()

    async def position(self, service: str) -> int:
        """The service's committed position."""
        return int((await self.fetch(service, "SELECT position FROM consumer_position"))[0][0])

    async def settled(self, services: Sequence[str], seconds: float = 60) -> None:
        """Wait until every service has committed all of its input and published all of its output."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if await self._all_caught_up(services):
                return
            await asyncio.sleep(0.05)
        logs = "\n".join(f"--- {name}\n{p.log.read_text()[-2500:]}" for name, p in self.processes.items())
        raise AssertionError(f"not settled: {[(s, await self.position(s)) for s in services]}\n{logs}")

    async def _all_caught_up(self, services: Sequence[str]) -> bool:
        async with self.client() as client:
            bus = NatsBus(client)
            for service in services:
                stream = READS[base_of(service)]
                last = (await bus.state(stream)).last_seq
                row = (await self.fetch(service, "SELECT position, stream_seq FROM consumer_position"))[0]
                if (row["stream_seq"] if stream.single_writer else row["position"]) < last:
                    return False
                # The commit comes before the publish, the acknowledgement after it.
                if await _acknowledged(bus, stream.name, service) < last:
                    return False
        return True


async def _acknowledged(bus: NatsBus, stream: str, service: str) -> int:
    """The stream sequence up to which the service's consumer has acknowledged; 0 while it has none."""
    try:
        consumer = await bus.api(f"CONSUMER.INFO.{stream}.{service}")
    except ApiError as error:
        if error.code != CONSUMER_NOT_FOUND:
            raise
        return 0
    return int(consumer["ack_floor"]["stream_seq"])


@asynccontextmanager
async def installation(
    folder: Path, postgres: PostgresServer, valkey: ValkeyServer, *, durable: bool = False
) -> AsyncIterator[Installation]:
    """A fresh installation on a running Postgres and Valkey, with a NATS server of its own."""
    passwords = {user: f"nats-{user}" for user in (*USERS, *POOLS["risk"])}
    nats = NatsServer(folder / "nats", users=users(passwords), durable=durable)
    made = Installation(folder, postgres, nats, valkey, f"cleartide_{os.getpid()}_{next(_databases)}")
    made.write_secrets()
    await forget_addresses(valkey)
    await nats.start()
    try:
        await _administer(postgres, f"CREATE DATABASE {made.database} TEMPLATE {await _template(made)}")
        await asyncio.gather(set_up_roles(made.ops), set_up_streams(made.ops))
        yield made
    finally:
        made.kill_services()
        await nats.stop()
        await _administer(postgres, f"DROP DATABASE IF EXISTS {made.database} WITH (FORCE)")


async def _template(installation: Installation) -> str:
    """A database with every schema migrated, made once on each Postgres: its copies are there at once."""
    postgres = installation.postgres
    if postgres not in _templates:
        name = f"{installation.database}_template"
        await _administer(postgres, f"CREATE DATABASE {name}")
        await set_up_database(replace(installation, database=name).ops, SERVICES)
        _templates[postgres] = name
    return _templates[postgres]


async def _administer(postgres: PostgresServer, statement: str) -> None:
    admin = await asyncpg.connect(postgres.dsn)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()
