"""Passwords of the embedded stack: made on first start, kept in one private file."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.errors import StackError
from deploy.local.files import write_private

_BYTES = 24


@dataclass(frozen=True)
class Secrets:
    """Passwords: of the database's superuser, per service role, per NATS user, of the cache; the gateway's secret.

    simulator: the token by which the simulated market is moved. guests: the names of services of the user's own.
    """

    path: Path
    postgres_admin: str
    postgres_roles: Mapping[str, str]
    nats_users: Mapping[str, str]
    valkey: str
    gateway: str
    simulator: str
    guests: Sequence[str]


def load_or_create(path: Path, roles: Iterable[str], users: Iterable[str]) -> Secrets:
    """Read the file, adding what it lacks: all of it on first start, a new service's passwords later.

    Raises StackError if the file cannot be read as what this function writes.
    """
    stored = _read(path)
    guests = stored.get("guests", [])
    complete = {
        "postgres_admin": stored.get("postgres_admin") or _new(),
        "postgres_roles": {name: _new() for name in (*roles, *guests)} | stored.get("postgres_roles", {}),
        "nats_users": {name: _new() for name in (*users, *guests)} | stored.get("nats_users", {}),
        "valkey": stored.get("valkey") or _new(),
        "gateway": stored.get("gateway") or _new(),
        "simulator": stored.get("simulator") or _new(),
        "guests": guests,
    }
    if complete != stored:
        write_private(path, json.dumps(complete, indent=2) + "\n")
    return Secrets(path=path, **complete)


def admit(path: Path, guest: str) -> None:
    """Add a service of the user's own; its passwords are made at the next start. Raises StackError as above."""
    stored = _read(path)
    guests = stored.get("guests", [])
    if guest not in guests:
        write_private(path, json.dumps(stored | {"guests": [*guests, guest]}, indent=2) + "\n")


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StackError(
            f"{path} cannot be read ({error}): restore it, or remove it together with the data beside it."
        ) from None
    if not isinstance(stored, dict):
        raise StackError(f"{path} holds no passwords: restore it, or remove it together with the data beside it.")
    return stored


def _new() -> str:
    # URL-safe, since passwords travel inside addresses.
    return secrets.token_urlsafe(_BYTES)
