"""The embedded NATS server with JetStream: users, permissions and durability from one written configuration."""

import json
import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from deploy.local import ports
from deploy.local.files import write_private
from deploy.local.probe import http_status
from deploy.local.process import Log
from deploy.local.server import Server, find_program

_MAX_PAYLOAD = 8 * 2**20
# JetStream refuses a stream when the `max_bytes` of all streams exceed this. It is a bound on promises, not on disk:
# the streams of the system promise 8 GiB each.
_STORE_BYTES = 256 * 2**30
_MEMORY_BYTES = 256 * 2**20


class User(Protocol):
    """One NATS user, as cleartide.bus.permissions makes them; `publish` and `subscribe` are all it may do."""

    @property
    def name(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def publish(self) -> tuple[str, ...]: ...
    @property
    def subscribe(self) -> tuple[str, ...]: ...
    @property
    def allow_responses(self) -> bool: ...


class NatsServer(Server):
    """NATS on loopback. Without users anybody on this machine may do anything: for tests only."""

    name: ClassVar[str] = "nats"
    port_variable: ClassVar[str] = "CLEARTIDE_PORT_NATS"

    def __init__(
        self,
        folder: Path,
        *,
        users: Sequence[User] = (),
        port: int | None = None,
        monitor_port: int | None = None,
        log: Log | None = None,
        durable: bool = True,
    ) -> None:
        super().__init__(folder, port=port, log=log, durable=durable)
        self._users = tuple(users)
        self._monitor_port = monitor_port

    @property
    def url(self) -> str:
        """Where clients connect, without credentials."""
        return f"nats://{ports.LOOPBACK}:{self.port}"

    @property
    def monitor_port(self) -> int:
        """The port of the server's own HTTP pages (/healthz, /jsz, /connz); free at first start unless given."""
        if self._monitor_port is None:
            self._monitor_port = ports.free_port(frozenset({self.port}))
        return self._monitor_port

    def url_for(self, user: str) -> str:
        """Where clients connect, with the credentials of one user."""
        password = next(each.password for each in self._users if each.name == user)
        return f"nats://{user}:{password}@{ports.LOOPBACK}:{self.port}"

    async def prepare(self) -> None:
        """Nothing: the server makes its store itself."""

    def argv(self) -> list[str]:
        """The program with its configuration file, written now because the ports are known now."""
        settings = self.folder / "nats.conf"
        # The server reads JSON as its configuration language, which spares us a second set of quoting rules.
        write_private(settings, json.dumps(self.configuration(), indent=2) + "\n")
        return [str(_program()), "--config", str(settings)]

    def configuration(self) -> dict[str, Any]:
        """Contents of nats.conf."""
        configuration: dict[str, Any] = {
            "server_name": "cleartide",
            "listen": f"{ports.LOOPBACK}:{self.port}",
            "http": f"{ports.LOOPBACK}:{self.monitor_port}",
            "max_payload": _MAX_PAYLOAD,
            "jetstream": {
                "store_dir": str(self.folder / "store"),
                "max_file_store": _STORE_BYTES,
                "max_memory_store": _MEMORY_BYTES,
                # The server's own default acknowledges first and syncs two minutes later.
                "sync_interval": "always" if self.durable else "2m",
            },
        }
        if self._users:
            configuration["authorization"] = {"users": [_authorization(user) for user in self._users]}
        return configuration

    async def probe(self) -> None:
        """The server's own health page: green once every stream is recovered."""
        status = await http_status(self.monitor_port, "/healthz")
        if status != 200:
            raise ConnectionError(f"nats health is {status}")


def _authorization(user: User) -> dict[str, Any]:
    permissions: dict[str, Any] = {
        "publish": _allowed(user.publish),
        "subscribe": _allowed(user.subscribe),
    }
    if user.allow_responses:
        permissions["allow_responses"] = True
    return {"user": user.name, "password": user.password, "permissions": permissions}


def _allowed(subjects: tuple[str, ...]) -> dict[str, list[str]]:
    # An empty allow list would allow everything.
    return {"allow": list(subjects)} if subjects else {"deny": [">"]}


def _program() -> Path:
    wheel = Path(sysconfig.get_path("scripts")) / "nats-server"
    machine_wide = shutil.which("nats-server")
    return find_program("CLEARTIDE_NATS_BIN", wheel, *([Path(machine_wide)] if machine_wide else []))
