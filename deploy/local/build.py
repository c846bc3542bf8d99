"""From settings to units: which servers are embedded, where everything answers, what the supervisor gets."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from cleartide.bus.permissions import TRADER, USERS, VIEWER, users

from deploy.local.logs import PumpedLog
from deploy.local.nats import NatsServer
from deploy.local.ports import LOOPBACK
from deploy.local.postgres import PostgresServer
from deploy.local.secrets import load_or_create
from deploy.local.settings import ROOT, Settings
from deploy.local.table import SERVICES, Addresses, Table
from deploy.local.units import ProgramUnit, Rank, ServerUnit, Unit
from deploy.local.valkey import ValkeyServer

LogListener = Callable[[str, str], None]


@dataclass(frozen=True)
class Plan:
    """All units of one stack, and what people need to know about it."""

    units: list[Unit]
    table: Table

    def urls(self) -> dict[str, str]:
        """Addresses for people."""
        ports = self.table.ports
        return {
            "dashboard": f"http://{LOOPBACK}:{ports['gateway']}/",
            "nats": self.table.addresses.nats_url,
            "nats_viewer": self._nats_as(VIEWER),
            "nats_trader": self._nats_as(TRADER),
            "nats_monitor": f"http://{LOOPBACK}:{ports['nats_monitor']}/",
            **{f"nats_{guest}": self._nats_as(guest) for guest in self.table.secrets.guests},
            **{f"postgres_{guest}": self._postgres_as(guest) for guest in self.table.secrets.guests},
        }

    def _nats_as(self, user: str) -> str:
        credentials = f"{user}:{self.table.secrets.nats_users[user]}@"
        return self.table.addresses.nats_url.replace("://", f"://{credentials}", 1)

    def _postgres_as(self, service: str) -> str:
        return self.table.addresses.dsn_of(service, self.table.secrets.postgres_roles[service])

    def versions(self) -> dict[str, str]:
        """Versions of the running embedded servers; takes some milliseconds each."""
        found = {}
        for unit in self.units:
            if isinstance(unit, ServerUnit) and unit.process is not None:
                program = [unit.process.argv[0], "--version"]
                answer = subprocess.run(program, capture_output=True, text=True, check=False).stdout
                match = re.search(r"\d+(\.\d+)+", answer)
                found[unit.name] = match[0] if match else "unknown"
        return found


Planner = Callable[[Settings, LogListener], Plan]


def plan(settings: Settings, listener: LogListener) -> Plan:
    """Decide ports and passwords and make every unit; nothing is started. Raises StackError."""
    pools = settings.risk_pools
    secrets = load_or_create(settings.home.secrets, (*SERVICES, *pools), (*USERS, *pools))
    ports = settings.choose_ports()

    def log(name: str) -> PumpedLog:
        return PumpedLog(settings.home.log(name), lambda line: listener(name, line))

    data, external = settings.home.data, settings.external
    servers: list[Unit] = []
    postgres_dsn, nats_url, redis_url = external.postgres_dsn, external.nats_url, external.redis_url
    if postgres_dsn is None:
        postgres = PostgresServer(
            data / "postgres",
            password=secrets.postgres_admin,
            database="cleartide",
            port=ports["postgres"],
            log=log("postgres"),
        )
        servers.append(ServerUnit(postgres, Rank.DATABASE))
        postgres_dsn = postgres.dsn
    if nats_url is None:
        nats = NatsServer(
            data / "nats",
            users=users(secrets.nats_users, secrets.guests),
            port=ports["nats"],
            monitor_port=ports["nats_monitor"],
            log=log("nats"),
        )
        servers.append(ServerUnit(nats, Rank.BROKER))
        nats_url = nats.url
    if redis_url is None:
        valkey = ValkeyServer(data / "valkey", password=secrets.valkey, port=ports["valkey"], log=log("valkey"))
        servers.append(ServerUnit(valkey, Rank.BROKER))
        redis_url = valkey.url
    table = Table(
        settings=settings,
        secrets=secrets,
        addresses=Addresses(postgres_dsn, nats_url, redis_url),
        ports=ports,
        servers=[server.name for server in servers],
    )
    programs = (ProgramUnit(program, log=log(program.name), folder=ROOT) for program in table.programs())
    return Plan([*servers, *programs], table)
