"""What operators decide about people: tier, KYC, risk state, whether they may come in at all."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from services.gateway.domain.access import Tier
from services.gateway.edge.errors import ApiError
from services.gateway.edge.identity import Identity
from services.gateway.identity import people
from services.gateway.identity.sessions import Caller
from services.gateway.operations.audit import Audit, Operator

TierOf = Tier
Kyc = Literal["none", "pending", "verified", "refused"]
Risk = Literal["low", "normal", "high", "blocked"]
Status = Literal["active", "suspended", "closed"]
READS_VENUE: Final = "venue:read"
_SHOWN: Final = "id, display_name, username, tier, kyc, risk, status, scopes, created_at, last_sign_in_at"


@dataclass(frozen=True)
class Change:
    """What is to be different; None stays."""

    tier: TierOf | None = None
    kyc: Kyc | None = None
    risk: Risk | None = None
    status: Status | None = None
    venue: bool | None = None
    note: str = ""


class PeopleDesk:
    """Finds people, and changes what is decided about them."""

    def __init__(self, identity: Identity, audit: Audit) -> None:
        self._identity, self._audit = identity, audit

    async def found(self, wanted: str, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """People whose id, username, referral code or wallet is this, who came before an instant; newest first."""
        async with self._identity.truth.acting() as truth:
            rows = await truth.fetch(
                f"SELECT {_SHOWN} FROM users WHERE ($1 = '' OR id = $1 OR username = $1 OR referral_code = $1 "  # noqa: S608
                "OR id IN (SELECT user_id FROM wallet_keys WHERE address = $1)) "
                "AND ($3::bigint IS NULL OR created_at < $3) ORDER BY created_at DESC, id LIMIT $2",
                wanted,
                limit,
                before,
            )
        return [dict(row) for row in rows]

    async def change(self, operator: Operator, user: str, wish: Change, caller: Caller) -> dict[str, Any]:
        """The person afterwards. ApiError 404, 409 for oneself, 422 without a wish.

        It counts from the next request on: what is remembered of sessions and keys is forgotten, and who may no longer
        come in is put out.
        """
        if user == operator.user:
            raise ApiError(409, "own_states", "Somebody else has to decide about you.")
        wanted = {name: value for name, value in asdict(wish).items() if name != "note" and value is not None}
        if not wanted:
            raise ApiError(422, "nothing_to_change", "Say what is to be different.")
        async with self._audit.doing(operator, "people.write", user, wish.note) as action:
            # The row stands still until this is done, so that `old` is what it says.
            [*held] = await action.truth.change("users", {"id": user}, updated_at=people.now_micros())
            if not held:
                raise ApiError(404, "unknown_person", "There is no such person.")
            if "venue" in wanted:
                others = [scope for scope in held[0]["scopes"] if scope != READS_VENUE]
                wanted["scopes"] = [*others, READS_VENUE] if wanted.pop("venue") else others
            action.old = " ".join(f"{name}={_text(held[0][name])}" for name in sorted(wanted))
            action.new = " ".join(f"{name}={_text(wanted[name])}" for name in sorted(wanted))
            [after] = await action.truth.change("users", {"id": user}, **wanted)
            detail = {"changed": sorted(wanted)}
            await people.note(action.truth, user, "account.updated", actor=operator.user, detail=detail)
        await self._forget(user)
        if wish.status not in (None, "active"):
            await self._identity.sessions.revoke_all(user, f"account_{wish.status}", caller)
        return {name.strip(): after[name.strip()] for name in _SHOWN.split(",")}

    async def _forget(self, user: str) -> None:
        async with self._identity.truth.acting() as truth:
            sessions = await truth.fetch(
                "SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL LIMIT 1000", user
            )
            keys = await truth.fetch(
                "SELECT hash, prefix FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL LIMIT 1000", user
            )
        names = [f"session:{row['id']}" for row in sessions]
        names += [name for row in keys for name in (f"key:{row['hash'].hex()}", f"key:{row['prefix']}")]
        for name in names:
            await self._identity.remembered.forget(name)
        await self._identity.standings.ring(user)
        await self._identity.remembered.lapsed()


def _text(value: Any) -> str:
    return ",".join(value) or "none" if isinstance(value, list) else str(value)
