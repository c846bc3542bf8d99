"""Who operates, from where, and the log of it. An action and its line in the log are one transaction."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final

from cleartide.store.truth import Truth, TruthStore

from services.gateway.domain.roles import ROLES, Permission, Role, may
from services.gateway.edge.errors import ApiError

MOST_NETWORKS: Final = 200
MOST_ROLES: Final = 500


def now_micros() -> int:
    """The time of this moment, UTC."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, as what, and from where."""

    user: str
    role: Role
    ip: str


@dataclass
class Action:
    """What is being done; `old` and `new` are filled in as it becomes known."""

    truth: Truth
    old: str = ""
    new: str = ""
    note: str = field(default="")


class Audit:
    """Admits operators and writes down what they do. `owners` are owners by the installation's settings."""

    def __init__(self, store: TruthStore, owners: Sequence[str]) -> None:
        self._store, self._owners = store, frozenset(owners)

    async def admit(self, user: str, ip: str, permission: Permission) -> Operator:
        """The operator, if his role has the permission and he comes from where operators may come from.

        ApiError 403, and a line in the log for whoever has a role; what strangers try is not the log's business.
        """
        async with self._store.acting() as truth:
            row = await truth.first("SELECT role FROM admin_roles WHERE user_id = $1 LIMIT 1", user)
            networks = await truth.fetch("SELECT network FROM admin_networks ORDER BY network LIMIT $1", MOST_NETWORKS)
            role: Role | None = "owner" if user in self._owners else row["role"] if row else None
            near = not networks or any(ip_address(ip) in ip_network(one["network"]) for one in networks)
            if role is not None and may(role, permission) and near:
                return Operator(user, role, ip)
            if role is not None:
                why = "not from this address" if may(role, permission) else "not with this role"
                await _write(truth, Operator(user, role, ip), permission, "", "refused", Action(truth, note=why))
        raise ApiError(403, "not_permitted", "This is for operators who may do it, from where they may do it.")

    @asynccontextmanager
    async def doing(self, operator: Operator, action: str, resource: str, note: str = "") -> AsyncIterator[Action]:
        """One action: what the block does in its transaction, and the line about it, are written together or not."""
        async with self._store.acting() as truth:
            doing = Action(truth, note=note)
            yield doing
            await _write(truth, operator, action, resource, "done", doing)

    async def log(self, *, before: int | None, limit: int) -> list[dict[str, Any]]:
        """The log, newest first."""
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                "SELECT id, at, actor, role, ip, action, resource, outcome, old_value, new_value, note FROM admin_log "
                "WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
                before,
                limit,
            )
        return [dict(row) for row in rows]

    async def roles(self) -> list[dict[str, Any]]:
        """Who has which role; those of the settings first."""
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                "SELECT user_id, role, granted_by, granted_at FROM admin_roles ORDER BY user_id LIMIT $1", MOST_ROLES
            )
        settled = [{"user_id": user, "role": "owner", "granted_by": "settings"} for user in sorted(self._owners)]
        return [*settled, *map(dict, rows)]

    async def grant(self, operator: Operator, user: str, role: Role | None, note: str) -> None:
        """Give somebody a role, or take it: null. Nobody changes his own."""
        if user == operator.user:
            raise ApiError(409, "own_role", "Somebody else has to change your role.")
        async with self.doing(operator, "roles.write", user, note) as action:
            row = await action.truth.first("SELECT role FROM admin_roles WHERE user_id = $1 LIMIT 1 FOR UPDATE", user)
            action.old, action.new = row["role"] if row else "", role or ""
            if row is not None:
                await action.truth.remove("admin_roles", {"user_id": user})
            if role is not None:
                assert role in ROLES
                granted = {"granted_by": operator.user, "granted_at": now_micros()}
                await action.truth.add("admin_roles", user_id=user, role=role, **granted)

    async def set_networks(self, operator: Operator, networks: Sequence[str], note: str) -> list[str]:
        """Replace the networks that operators may come from. One that would shut out the operator is refused."""
        try:
            wanted = sorted({str(ip_network(network)) for network in networks})
        except ValueError as error:
            raise ApiError(422, "bad_network", f"This is no network: {error}.") from error
        if wanted and not any(ip_address(operator.ip) in ip_network(network) for network in wanted):
            raise ApiError(409, "would_shut_you_out", "Your own address is in none of these networks.")
        async with self.doing(operator, "networks.write", "admin_networks", note) as action:
            held = await action.truth.fetch(
                "SELECT network FROM admin_networks ORDER BY network LIMIT $1", MOST_NETWORKS
            )
            action.old, action.new = " ".join(row["network"] for row in held), " ".join(wanted)
            if held:
                await action.truth.remove("admin_networks", {"network": [row["network"] for row in held]})
            for network in wanted:
                await action.truth.add("admin_networks", network=network, added_by=operator.user, added_at=now_micros())
        return wanted


async def _write(truth: Truth, operator: Operator, name: str, resource: str, outcome: str, action: Action) -> None:
    await truth.add(
        "admin_log",
        at=now_micros(),
        actor=operator.user,
        role=operator.role,
        ip=operator.ip,
        action=name,
        resource=resource,
        outcome=outcome,
        old_value=action.old,
        new_value=action.new,
        note=action.note,
    )
