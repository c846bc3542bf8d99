"""Who may operate what: four roles and their permissions. Pure, so that one can read the whole of it here."""

from collections.abc import Mapping
from typing import Final, Literal

Role = Literal["owner", "operator", "support", "auditor"]
Permission = Literal[
    "audit.read",
    "dead_letters.read",
    "dead_letters.redrive",
    "networks.write",
    "roles.read",
    "roles.write",
    "trace.read",
    "venue.read",
]

_READING: Final[frozenset[Permission]] = frozenset(
    {"audit.read", "dead_letters.read", "roles.read", "trace.read", "venue.read"}
)
PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    "owner": _READING | {"dead_letters.redrive", "networks.write", "roles.write"},
    "operator": _READING | {"dead_letters.redrive"},
    "support": frozenset({"dead_letters.read", "trace.read", "venue.read"}),
    "auditor": _READING,
}
ROLES: Final[tuple[Role, ...]] = ("owner", "operator", "support", "auditor")


def may(role: Role | None, permission: Permission) -> bool:
    """Whether a role has a permission; nobody without a role has one."""
    return role is not None and permission in PERMISSIONS[role]
