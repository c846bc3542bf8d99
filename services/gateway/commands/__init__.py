"""The gateway's command of `cleartide`: serve the public API."""

import argparse
import os
import sys
from typing import Final

from cleartide.console import CommandError, Formatter

TEXT: Final = "serve the API and the pages over HTTP"
REQUIRED: Final = ("CLEARTIDE_POSTGRES_DSN", "CLEARTIDE_NATS_URL")


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", wanted: str) -> None:
    """The command; its options only where it is wanted."""
    parser = commands.add_parser(
        "serve",
        help=TEXT,
        description=f"{TEXT[:1].upper()}{TEXT[1:]}. Addresses of database and bus come from the environment.",
        epilog="examples:\n  cleartide serve --host 0.0.0.0 --port 8080",
        formatter_class=Formatter,
        add_help=wanted == "serve",
    )
    if wanted == "serve":
        parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8080, help="default: 8080")
        parser.set_defaults(run=_run)


async def _run(arguments: argparse.Namespace) -> None:
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        raise CommandError(f"set {' and '.join(missing)}; `make up` starts everything with its addresses")
    environment = {"CLEARTIDE_HTTP_HOST": arguments.host, "CLEARTIDE_GATEWAY_PORT": str(arguments.port)}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "services.gateway"], {**os.environ, **environment})
