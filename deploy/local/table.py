"""The process table of the whole system: who is started with what, after whom."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from cleartide.contracts.pools import POOLS, base_of

from deploy.local.ports import LOOPBACK
from deploy.local.secrets import Secrets
from deploy.local.settings import Settings, port_variable, standby_port
from deploy.local.sign_in import secret_of
from deploy.local.units import Program, Rank
from deploy.local.venues import ingestor_environment, recordings, simulator_arguments

SERVICES: Final = ("ingestor", "matching", "risk", "funding", "earnings", "analytics", "vaults", "product", "gateway")
EDGE: Final = "gateway"
ARCHIVING: Final = ("analytics", "earnings", "vaults")
SETUP: Final = "setup"
OPENING: Final = "opening"
_NATS_ADMIN: Final = "operator"
_SETUP_SECONDS: Final = 120.0
_NOT_PASSED_ON: Final = frozenset(
    {
        "PYTHONDONTWRITEBYTECODE",
        "CLEARTIDE_POSTGRES_DSN",
        "CLEARTIDE_REDIS_URL",
        "CLEARTIDE_NATS_USER",
        "CLEARTIDE_NATS_PASSWORD",
        "CLEARTIDE_NATS_ADMIN_USER",
        "CLEARTIDE_NATS_ADMIN_PASSWORD",
    }
)


def standby_of(service: str) -> str:
    """The name of a service's second process."""
    return f"{service}-standby"


@dataclass(frozen=True)
class Addresses:
    """Where the three servers answer, embedded or the user's own."""

    postgres_dsn: str
    nats_url: str
    redis_url: str

    def dsn_of(self, service: str, password: str) -> str:
        """The administrator's address with a service's role in place of the administrator."""
        parts = urlsplit(self.postgres_dsn)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"cleartide_{service}:{quote(password, safe='')}@{host}"))


@dataclass(frozen=True)
class Table:
    """Makes the rows. servers: names of the embedded servers in the graph, which the set-up waits for."""

    settings: Settings
    secrets: Secrets
    addresses: Addresses
    ports: Mapping[str, int]
    servers: Sequence[str]

    @property
    def services(self) -> tuple[str, ...]:
        """Every service, with risk's pools."""
        return (*SERVICES, *self.settings.risk_pools)

    def programs(self) -> list[Program]:
        """Every program, in the order `ps` lists them."""
        programs = [self.operation([SETUP], _SETUP_SECONDS)]
        if not self.settings.live_feed:
            programs.append(self._simulator())
        if self.settings.sandbox:
            programs.append(self._sandbox_program(OPENING, after=(SETUP,), once=True))
        programs += [self._service(name) for name in self.services]
        programs += [self._standby(name) for name in self.settings.standbys]
        if self.settings.sandbox:
            programs.append(self._sandbox_program("sandbox", after=self.services, essential=False))
        return programs

    def operation(self, arguments: Sequence[str], deadline: float) -> Program:
        """One run of the operator's tools: `python -m cleartide.ops`, or of `cleartide` where that comes first."""
        user, password = self._nats_user(_NATS_ADMIN, "CLEARTIDE_NATS_ADMIN")
        environment = {**ingestor_environment(), **self._base()} | {
            "CLEARTIDE_ADMIN_DSN": self.addresses.postgres_dsn,
            "CLEARTIDE_NATS_USER": user,
            "CLEARTIDE_NATS_PASSWORD": password,
            "CLEARTIDE_NATS_ADMIN_USER": user,
            "CLEARTIDE_NATS_ADMIN_PASSWORD": password,
            "CLEARTIDE_SECRETS_FILE": str(self.secrets.path),
        }
        program = arguments if arguments[0] == "cleartide" else ("cleartide.ops", *arguments)
        if not self.settings.live_feed:
            environment["CLEARTIDE_INGESTOR_SIMULATOR"] = f"{LOOPBACK}:{self.ports['simulator']}"
        return Program(
            name=arguments[0],
            argv=(sys.executable, "-m", *program),
            env=environment,
            after=tuple(self.servers),
            once=True,
            deadline=deadline,
        )

    def _simulator(self) -> Program:
        port, chosen = self.ports["simulator"], self.settings.environment.get("RECORDING", "")
        return Program(
            name="simulator",
            argv=(
                *(sys.executable, "-m", "services.ingestor.simulator"),
                *("--port", str(port)),
                *(text for path in recordings(chosen) for text in ("--recording", path)),
                # Endless, with the times of now, from its first line when the ingestor is there to hear it.
                *("--loop", "--shift-time", "--wait"),
                *simulator_arguments(),
            ),
            env=self._base() | {"CLEARTIDE_SIMULATOR_TOKEN": self.secrets.simulator},
            ready_port=port,
            listens={port_variable("simulator"): port},
            rank=Rank.VENUE,
        )

    def _service(self, name: str) -> Program:
        user, password = self._nats_user(name, "CLEARTIDE_NATS")
        environment = self._base() | {
            "CLEARTIDE_NATS_USER": user,
            "CLEARTIDE_NATS_PASSWORD": password,
            "CLEARTIDE_POSTGRES_DSN": self.addresses.dsn_of(name, self.secrets.postgres_roles[name]),
            "CLEARTIDE_HTTP_HOST": LOOPBACK,
            "CLEARTIDE_HTTP_PORT": str(self._health_port(name)),
        }
        after, base = [SETUP], base_of(name)
        if base in POOLS:
            environment["CLEARTIDE_RISK_POOL"] = str(POOLS[base].index(name) + 1)
        if name == EDGE:
            environment["CLEARTIDE_REDIS_URL"] = self.addresses.redis_url
            environment.setdefault("CLEARTIDE_GATEWAY_SECRET", self.secrets.gateway)
            environment["CLEARTIDE_LOCAL_SIGN_IN_SECRET"] = secret_of(self.secrets.gateway)
        if name == "ingestor":
            environment = ingestor_environment() | environment  # what the user set goes before
        if name == "ingestor" and not self.settings.live_feed:
            environment["CLEARTIDE_INGESTOR_SIMULATOR"] = f"{LOOPBACK}:{self.ports['simulator']}"
            after.append("simulator")
        if name == "ingestor" and self.settings.sandbox:
            after.append(OPENING)
        opened = ("gateway", "gateway_health") if name == EDGE else (name,)
        if name in ARCHIVING:
            environment = {"CLEARTIDE_ARCHIVE_ADDRESS": str(self.settings.home.data / "archive")} | environment
        return Program(
            name=name,
            argv=(sys.executable, "-m", f"services.{base}"),
            env=environment,
            after=tuple(after),
            ready_port=self._health_port(name),
            ready_path="/health/ready",
            listens={port_variable(each): self.ports[each] for each in opened},
        )

    def _standby(self, name: str) -> Program:
        """A second process of a service. Which of the two is active they settle between themselves."""
        first, port = self._service(name), self.ports[standby_port(name)]
        return replace(
            first,
            name=standby_of(name),
            env={**first.env, "CLEARTIDE_HTTP_PORT": str(port)},
            after=(name,),
            ready_port=port,
            listens={port_variable(standby_port(name)): port},
        )

    def processes(self, service: str) -> list[str]:
        """The names of a service's programs, the standby first: who stops them so, stops the service."""
        return [*([standby_of(service)] if service in self.settings.standbys else []), service]

    def _sandbox_program(
        self, name: str, *, after: Sequence[str], once: bool = False, essential: bool = True
    ) -> Program:
        user, password = self._nats_user("trader", "CLEARTIDE_NATS")
        operator, operator_password = self._nats_user(_NATS_ADMIN, "CLEARTIDE_NATS_ADMIN")
        return Program(
            name=name,
            argv=(sys.executable, "-m", f"deploy.local.sandbox{'.opening' if once else ''}"),
            env=self._base()
            | {
                "CLEARTIDE_NATS_USER": user,
                "CLEARTIDE_NATS_PASSWORD": password,
                "CLEARTIDE_NATS_ADMIN_USER": operator,
                "CLEARTIDE_NATS_ADMIN_PASSWORD": operator_password,
            },
            after=tuple(after),
            once=once,
            essential=essential,
        )

    def _base(self) -> dict[str, str]:
        """For every program: our own environment without what is not theirs, and where things are."""
        kept = {key: value for key, value in self.settings.environment.items() if key not in _NOT_PASSED_ON}
        return kept | {
            "PYTHONUNBUFFERED": "1",
            "CLEARTIDE_NATS_URL": self.addresses.nats_url,
            "CLEARTIDE_GATEWAY_PORT": str(self.ports["gateway"]),
            # Who looks at it on this machine may read everything, as an onlooker who changes nothing.
            "CLEARTIDE_GATEWAY_ACCESS": kept.get("CLEARTIDE_GATEWAY_ACCESS", "demo"),
            "CLEARTIDE_GATEWAY_URL": f"http://{LOOPBACK}:{self.ports['gateway']}",
            "CLEARTIDE_SERVICE_URLS": json.dumps(
                {name: f"http://{LOOPBACK}:{self._health_port(name)}" for name in self.services}
            ),
            "CLEARTIDE_WEBHOOK_NETWORKS": json.dumps(["127.0.0.0/8", "::1/128"]),
        }

    def _health_port(self, service: str) -> int:
        return self.ports["gateway_health" if service == "gateway" else service]

    def _nats_user(self, name: str, variables: str) -> tuple[str, str]:
        """Credentials of one user; for a server of the user's own, what the environment says, if it does."""
        if self.settings.external.nats_url:
            user = self.settings.environment.get(f"{variables}_USER")
            if user is not None:
                return user, self.settings.environment.get(f"{variables}_PASSWORD", "")
        return name, self.secrets.nats_users[name]
