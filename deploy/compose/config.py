"""Write the files that the servers and the set-up job read, from the passwords in the environment.

`python -m deploy.compose.config --nats /config/nats/nats.conf --valkey ... --setup ...`: each file is optional.
NATS users and their rights come from `cleartide.bus.permissions`; the rest of nats.conf is the embedded stack's.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cleartide.bus.permissions import users

from deploy.compose import passwords
from deploy.local.files import write_private
from deploy.local.nats import NatsServer

NATS_DATA: Final = Path("/data/nats")
NATS_PORT: Final = 4222
NATS_MONITOR_PORT: Final = 8222
VALKEY_LINES: Final = (
    "bind * -::*",
    "port 6379",
    "dir /data",
    "daemonize no",
    # A cache: whatever it holds is made again from the services.
    'save ""',
    "appendonly no",
    "maxmemory 192mb",
    "maxmemory-policy allkeys-lru",
)


def nats_configuration(environment: Mapping[str, str]) -> dict[str, Any]:
    """nats.conf of the containers: the embedded stack's, listening on every address of the container."""
    everyone = users(passwords.nats_users(environment))
    server = NatsServer(NATS_DATA, users=everyone, port=NATS_PORT, monitor_port=NATS_MONITOR_PORT)
    return {**server.configuration(), "listen": f"0.0.0.0:{NATS_PORT}", "http": f"0.0.0.0:{NATS_MONITOR_PORT}"}


def nats_text(environment: Mapping[str, str]) -> str:
    """Contents of nats.conf; the server reads JSON."""
    return json.dumps(nats_configuration(environment), indent=2) + "\n"


def valkey_text(environment: Mapping[str, str]) -> str:
    """Contents of valkey.conf."""
    return "\n".join((*VALKEY_LINES, f"requirepass {passwords.valkey(environment)}")) + "\n"


def setup_text(environment: Mapping[str, str]) -> str:
    """The secrets file of `cleartide.ops setup`: the roles' passwords."""
    return json.dumps({"postgres_roles": passwords.postgres_roles(environment)}, indent=2) + "\n"


RENDERERS: Final = {"nats": nats_text, "valkey": valkey_text, "setup": setup_text}


def main(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Write the files that were asked for, readable by this user alone; 1 when a password is missing."""
    parser = argparse.ArgumentParser(prog="python -m deploy.compose.config", description=__doc__)
    for name in RENDERERS:
        parser.add_argument(f"--{name}", type=Path, metavar="FILE")
    parsed = parser.parse_args(arguments)
    try:
        for name, render in RENDERERS.items():
            path: Path | None = getattr(parsed, name)
            if path is not None:
                write_private(path, render(environment))
    except passwords.MissingPasswordError as error:
        sys.stderr.write(f"config: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
