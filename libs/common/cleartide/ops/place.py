"""Where the system is: said by the environment, or read from the folder of the stack that `make up` started."""

import json
import os
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlsplit

from cleartide.bus.streams import SERVICES
from cleartide.connect import connected, nats_broker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.client import Client

FOLDER: Final = ".cleartide"
LOOPBACK: Final = "127.0.0.1"
CONNECT_SECONDS: Final = 5.0
_HEALTH: Final = {"gateway": "gateway_health"}


class NoPlace(OSError):  # noqa: N818 - a state of the world, told to a person
    """Nobody said where the system is."""


@dataclass(frozen=True)
class Place:
    """Addresses with credentials, as far as they are known. `nats`: by user, `health`: by service."""

    home: Path | None = None
    nats: Mapping[str, str] = field(default_factory=dict)
    admin_dsn: str = ""
    redis_url: str = ""
    health: Mapping[str, str] = field(default_factory=dict)
    gateway: str = ""
    simulator_token: str = ""
    units: tuple[Mapping[str, Any], ...] = ()

    def nats_as(self, user: str) -> str:
        """The bus as a user. Raises NoPlace, with what to do."""
        if not self.nats:
            raise NoPlace(
                "no system found: start one with `make up`, or set CLEARTIDE_URL to nats://user:password@host:port"
            )
        if (found := self.nats.get(user) or self.nats.get("")) is None:
            raise NoPlace(f"there is no password of {user} here: set CLEARTIDE_URL to nats://{user}:password@host:port")
        return found

    @asynccontextmanager
    async def bus(self, user: str) -> "AsyncIterator[Client]":
        """A connection as a user."""
        parts = urlsplit(self.nats_as(user))
        name, password = unquote(parts.username or ""), unquote(parts.password or "")
        broker = nats_broker(f"nats://{parts.hostname}:{parts.port or 4222}", name, password, "cleartide-cli")
        try:
            yield await connected(broker, give_up_after=CONNECT_SECONDS)
        finally:
            await broker.stop()


def find_place(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Place:
    """What the environment says; beside it, the nearest stack of this folder and those above it."""
    found = _stack(environment, start or Path.cwd())
    nats = dict(found.nats)
    if password := environment.get("CLEARTIDE_NATS_ADMIN_PASSWORD"):
        user = environment.get("CLEARTIDE_NATS_ADMIN_USER", "operator")
        address = environment.get("CLEARTIDE_NATS_URL", "nats://127.0.0.1:4222")
        nats = {user: address.replace("://", f"://{user}:{quote(password, safe='')}@", 1)}
    if url := environment.get("CLEARTIDE_URL"):
        nats = {"": url}
    urls = environment.get("CLEARTIDE_SERVICE_URLS")
    return Place(
        home=found.home,
        nats=nats,
        admin_dsn=environment.get("CLEARTIDE_ADMIN_DSN", found.admin_dsn),
        redis_url=environment.get("CLEARTIDE_REDIS_URL", found.redis_url),
        health=json.loads(urls) if urls else found.health,
        gateway=environment.get("CLEARTIDE_GATEWAY_URL", found.gateway),
        simulator_token=found.simulator_token,
        units=found.units,
    )


def _stack(environment: Mapping[str, str], start: Path) -> Place:
    named = environment.get("CLEARTIDE_HOME")
    homes = [Path(named).expanduser()] if named else [folder / FOLDER for folder in (start, *start.parents)]
    for home in homes:
        state, secrets = _json(home / "state.json"), _json(home / "secrets.json")
        if state and secrets:
            return _of(home, state, secrets)
    return Place()


def _of(home: Path, state: dict[str, Any], secrets: dict[str, Any]) -> Place:
    ports = {unit["name"]: unit.get("port") for unit in state.get("units", ())}
    address = state["urls"]["nats"].partition("://")[2]
    users = secrets.get("nats_users", {})
    redis = f"redis://:{secrets.get('valkey', '')}@{LOOPBACK}:{ports['valkey']}/0" if ports.get("valkey") else ""
    postgres = f"postgresql://postgres:{secrets.get('postgres_admin', '')}@{LOOPBACK}:{ports['postgres']}/cleartide"
    return Place(
        home=home,
        nats={user: f"nats://{user}:{quote(password, safe='')}@{address}" for user, password in users.items()},
        admin_dsn=state.get("admin_dsn") or (postgres if ports.get("postgres") else ""),
        redis_url=redis,
        health={name: f"http://{LOOPBACK}:{ports[name]}" for name in SERVICES if ports.get(name)},
        gateway=state["urls"].get("dashboard", "").rstrip("/"),
        simulator_token=secrets.get("simulator", ""),
        units=tuple(state.get("units", ())),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
