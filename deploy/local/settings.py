"""Where the stack lives and which ports it uses, from the environment.

CLEARTIDE_HOME         folder of data, logs and passwords (default: .cleartide beside the Makefile)
CLEARTIDE_PORT_<NAME>  a port of one's own choice; must then be free. Defaults that are taken are moved.
CLEARTIDE_POSTGRES_DSN, CLEARTIDE_NATS_URL, CLEARTIDE_REDIS_URL   a server of one's own in place of the embedded one
RECORDING=file         another recording of BTCUSDT than the bundled one
FEED=live              connect to the venues instead of replaying the bundled recording
SANDBOX=0              no invented population of traders
STANDBY=matching,risk  a second process of these services, which takes over when the first one dies
CLEARTIDE_RISK_POOLS=2 how many processes share risk's accounts (1 to 8), for as long as the folder of data lives
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleartide.contracts.pools import MOST_POOLS, POOLS

from deploy.local import ports
from deploy.local.errors import StackError

ROOT: Final = Path(__file__).resolve().parents[2]
_SOCKET_PATH_BYTES = 100  # the kernel's limit is 107

STANDBY_OFFSET: Final = 10
POOL_PORTS: Final = 8120
MAY_STAND_BY: Final = ("ingestor", "matching", "risk", "funding", "earnings", "analytics", "vaults", "product")
"""Not the gateway: what it serves, it serves on one port of this machine."""
DEFAULT_PORTS: Final[dict[str, int]] = {
    "gateway": 8080,
    "nats": 4222,
    "nats_monitor": 8222,
    "postgres": 5432,
    "valkey": 6379,
    "simulator": 8110,
    "ingestor": 8101,
    "matching": 8102,
    "risk": 8103,
    "funding": 8104,
    "earnings": 8105,
    "analytics": 8106,
    "gateway_health": 8107,
    "vaults": 8108,
    "product": 8109,
}


@dataclass(frozen=True)
class Home:
    """The folder of one stack and what is where in it."""

    root: Path

    @property
    def data(self) -> Path:
        """One folder per server."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """One file per child, and the supervisor's own."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """The passwords."""
        return self.root / "secrets.json"

    @property
    def state(self) -> Path:
        """What runs, for people and for the next start."""
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / "run" / "lock"

    @property
    def socket(self) -> Path | None:
        """The control socket, or None where the path is too long for one."""
        path = self.root / "run" / "control.sock"
        return path if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES else None

    def log(self, name: str) -> Path:
        """The log of one child."""
        return self.logs / f"{name}.log"


@dataclass(frozen=True)
class External:
    """Servers of the user's own; None means the embedded one."""

    postgres_dsn: str | None
    nats_url: str | None
    redis_url: str | None


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides."""

    home: Home
    external: External
    live_feed: bool
    sandbox: bool
    standbys: tuple[str, ...]
    risk_pools: tuple[str, ...]
    environment: Mapping[str, str]

    def choose_ports(self) -> dict[str, int]:
        """A port for each of DEFAULT_PORTS and each standby: the default or a free one; a pinned one must be free."""
        chosen: dict[str, int] = {}
        wanted = DEFAULT_PORTS | {name: POOL_PORTS + number for number, name in enumerate(self.risk_pools, start=2)}
        wanted |= {standby_port(name): wanted[name] + STANDBY_OFFSET for name in self.standbys}
        # What the user pinned goes first, so that no default sits on it.
        for name in sorted(wanted, key=lambda name: port_variable(name) not in self.environment):
            value = self.environment.get(port_variable(name))
            chosen[name] = ports.choose(
                _port(port_variable(name), value) if value else wanted[name],
                pinned=bool(value),
                variable=port_variable(name),
                avoid=frozenset(chosen.values()),
            )
        return chosen


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment."""
    pools = _risk_pools(environment.get("CLEARTIDE_RISK_POOLS") or "1")
    home = environment.get("CLEARTIDE_HOME")
    return Settings(
        home=Home(Path(home).expanduser().absolute() if home else ROOT / ".cleartide"),
        external=External(
            postgres_dsn=environment.get("CLEARTIDE_POSTGRES_DSN") or None,
            nats_url=environment.get("CLEARTIDE_NATS_URL") or None,
            redis_url=environment.get("CLEARTIDE_REDIS_URL") or None,
        ),
        live_feed=environment.get("FEED", "").lower() == "live",
        sandbox=environment.get("SANDBOX", "1") != "0",
        standbys=_standbys(environment.get("STANDBY", ""), pools),
        risk_pools=pools,
        environment=dict(environment),
    )


def standby_port(service: str) -> str:
    """The name of a standby's health port."""
    return f"{service}_standby"


def _standbys(value: str, pools: Sequence[str]) -> tuple[str, ...]:
    names, may = (
        tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip())),
        (*MAY_STAND_BY, *pools),
    )
    for name in names:
        if name not in may:
            raise StackError(f"STANDBY names {name!r}, which can have none: choose from {', '.join(may)}.")
    return names


def _risk_pools(value: str) -> tuple[str, ...]:
    """The names of risk's pools beside the first."""
    if not value.isdigit() or not 1 <= int(value) <= MOST_POOLS:
        raise StackError(f"CLEARTIDE_RISK_POOLS is {value!r}: set it to a number from 1 to {MOST_POOLS}.")
    return POOLS["risk"][1 : int(value)]


def port_variable(name: str) -> str:
    """The setting that changes a port."""
    return f"CLEARTIDE_PORT_{name.upper()}"


def _port(variable: str, value: str) -> int:
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise StackError(f"{variable} is {value!r}, which is no port: set it to a number from 1 to 65535.")
    return int(value)
