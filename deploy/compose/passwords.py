"""The passwords of an installation in containers, as environment variables: one per NATS user and Postgres role."""

import secrets
from collections.abc import Mapping
from typing import Final

from cleartide.bus.permissions import USERS
from cleartide.bus.streams import SERVICES, services

POSTGRES_ADMIN: Final = "POSTGRES_PASSWORD_ADMIN"
VALKEY: Final = "VALKEY_PASSWORD"
GATEWAY: Final = "CLEARTIDE_GATEWAY_SECRET"
"""Not a password: what signs access tokens and seals secrets at rest."""
MOST_POOLS: Final = 2
"""Of risk, that the files of containers have parts for."""
POOLS: Final = services(MOST_POOLS)[len(SERVICES) :]
_BYTES: Final = 24


class MissingPasswordError(Exception):
    """A variable that should hold a password is empty or not set."""


def postgres_variable(service: str) -> str:
    """Where the password of a service's Postgres role is."""
    return f"POSTGRES_PASSWORD_{service.upper()}"


def nats_variable(user: str) -> str:
    """Where the password of a NATS user is."""
    return f"NATS_PASSWORD_{user.upper()}"


def variables() -> list[str]:
    """Every variable, in the order in which people read them."""
    roles = [postgres_variable(service) for service in (*SERVICES, *POOLS)]
    return [POSTGRES_ADMIN, *roles, *(nats_variable(user) for user in (*USERS, *POOLS)), VALKEY, GATEWAY]


def generate() -> dict[str, str]:
    """New passwords for everything; URL-safe, since they travel inside addresses."""
    return {name: secrets.token_urlsafe(_BYTES) for name in variables()}


def postgres_roles(environment: Mapping[str, str]) -> dict[str, str]:
    """Service -> password of its Postgres role, pools as far as they have one. Raises MissingPasswordError."""
    pools = [pool for pool in POOLS if environment.get(postgres_variable(pool))]
    return {service: _password(environment, postgres_variable(service)) for service in (*SERVICES, *pools)}


def nats_users(environment: Mapping[str, str]) -> dict[str, str]:
    """NATS user -> password, pools as far as they have one. Raises MissingPasswordError."""
    pools = [pool for pool in POOLS if environment.get(nats_variable(pool))]
    return {user: _password(environment, nats_variable(user)) for user in (*USERS, *pools)}


def valkey(environment: Mapping[str, str]) -> str:
    """The cache's password. Raises MissingPasswordError."""
    return _password(environment, VALKEY)


def _password(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise MissingPasswordError(f"{name} is not set: make the passwords first (docs/runbooks/compose.md)")
    return value
