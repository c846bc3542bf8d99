"""Who may operate what: four roles and their permissions. Pure, so that one can read the whole of it here."""

from collections.abc import Mapping
from typing import Final, Literal

Role = Literal["owner", "operator", "support", "auditor"]
Permission = Literal[
    "alerts.read",
    "alerts.write",
    "audit.read",
    "dead_letters.read",
    "dead_letters.redrive",
    "networks.write",
    "people.read",
    "people.write",
    "roles.read",
    "roles.write",
    "trace.read",
    "usage.read",
    "venue.read",
    "venue.write",
]

_READING: Final[frozenset[Permission]] = frozenset(
    {
        "alerts.read",
        "audit.read",
        "dead_letters.read",
        "people.read",
        "roles.read",
        "trace.read",
        "usage.read",
        "venue.read",
    }
)
_RUNNING: Final[frozenset[Permission]] = frozenset(
    {"alerts.write", "dead_letters.redrive", "people.write", "venue.write"}
)
PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    "owner": _READING | _RUNNING | {"networks.write", "roles.write"},
    "operator": _READING | _RUNNING,
    "support": frozenset(
        {"alerts.read", "alerts.write", "dead_letters.read", "people.read", "trace.read", "venue.read"}
    ),
    "auditor": _READING,
}
ROLES: Final[tuple[Role, ...]] = ("owner", "operator", "support", "auditor")


def may(role: Role | None, permission: Permission) -> bool:
    """Whether a role has a permission; nobody without a role has one."""
    return role is not None and permission in PERMISSIONS[role]
