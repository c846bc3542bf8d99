"""Sessions: opened by a proof, kept alive by a refresh token that is good once, ended by their owner or by a theft.

A refresh token that comes a second time has been copied: whoever has the newer one may be the thief, so the whole
session ends, and with it every token of it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from cleartide.store.truth import After, Row, Truth, TruthStore

from services.gateway.domain.access import OWNER_SCOPES, Principal, Tier
from services.gateway.edge.errors import ApiError
from services.gateway.identity import people
from services.gateway.identity.people import now_micros
from services.gateway.identity.remembered import Remembered
from services.gateway.identity.standings import Standings
from services.gateway.identity.tokens import AccessTokens, BadToken, Claims, digest, new_opaque

SECOND: Final = 1_000_000
REFRESH_SECONDS: Final = 14 * 86_400
SESSION_SECONDS: Final = 30 * 86_400
REFRESH_PREFIX: Final = "ctr"
MOST_SESSIONS: Final = 100
MAX_AGENT: Final = 256


class Caller(NamedTuple):
    """Where a request came from."""

    ip: str
    user_agent: str = ""


class Standing(msgspec.Struct):
    """What is remembered of a session or a key: who it is, and what that person may do. Instants in microseconds."""

    user: str
    tier: Tier
    scopes: list[str]
    expires_at: int


class Sessions:
    """Every session of the installation."""

    def __init__(self, truth: TruthStore, tokens: AccessTokens, remembered: Remembered, standings: Standings) -> None:
        self._truth, self._tokens, self._remembered, self._standings = truth, tokens, remembered, standings

    async def open(self, truth: Truth, person: Row, method: str, caller: Caller) -> dict[str, Any]:
        """A session of a person whose proof has been checked, in the transaction that used the proof up."""
        if person["status"] != "active":
            raise ApiError(403, "account_not_active", f"The account is {person['status']}.")
        now, session = now_micros(), new_opaque("s")[:26]
        await truth.add(
            "sessions",
            id=session,
            user_id=person["id"],
            method=method,
            ip=caller.ip,
            user_agent=caller.user_agent[:MAX_AGENT],
            created_at=now,
            refreshed_at=now,
            expires_at=now + SESSION_SECONDS * SECOND,
        )
        await truth.change("users", {"id": person["id"]}, last_sign_in_at=now)
        detail = {"session": session, "method": method}
        await people.note(truth, person["id"], "session.opened", actor=person["id"], ip=caller.ip, detail=detail)
        return await self._issue(truth, person["id"], session, now + SESSION_SECONDS * SECOND)

    async def refresh(self, token: str, caller: Caller) -> dict[str, Any]:
        """The next pair of tokens. ApiError 401; a token that was used before ends its session."""
        now, stolen = now_micros(), None
        async with self._truth.acting() as truth:
            fresh = {"hash": digest(token), "used_at": None, "expires_at": After(now)}
            used = await truth.change("refresh_tokens", fresh, used_at=now)
            if used:
                return await self._continue(truth, used[0], now)
            stolen = await truth.first(
                "SELECT session_id, user_id FROM refresh_tokens WHERE hash = $1 AND used_at IS NOT NULL LIMIT 1",
                digest(token),
            )
        if stolen is not None:
            await self.revoke(stolen["user_id"], stolen["session_id"], "refresh_token_reused", caller)
            raise ApiError(401, "refresh_token_reused", "This token was used before: its session has been ended.")
        raise ApiError(401, "refresh_token_invalid", "The refresh token is unknown or has expired.")

    async def _continue(self, truth: Truth, used: Row, now: int) -> dict[str, Any]:
        alive = {"id": used["session_id"], "revoked_at": None, "expires_at": After(now)}
        held = await truth.change("sessions", alive, refreshed_at=now)
        person = await people.of_id(truth, used["user_id"])
        if not held or person is None or person["status"] != "active":
            raise ApiError(401, "session_ended", "The session has ended: sign in again.")
        return await self._issue(truth, used["user_id"], used["session_id"], held[0]["expires_at"])

    async def _issue(self, truth: Truth, user: str, session: str, ends_at: int) -> dict[str, Any]:
        now, refresh = now_micros(), new_opaque(REFRESH_PREFIX)
        expires_at = min(now + REFRESH_SECONDS * SECOND, ends_at)
        await truth.add(
            "refresh_tokens",
            hash=digest(refresh),
            session_id=session,
            user_id=user,
            issued_at=now,
            expires_at=expires_at,
        )
        access = await self._tokens.issue(Claims(user, session), now // SECOND)
        return {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": self._tokens.lasts,
            "refresh_token": refresh,
            "refresh_expires_at": expires_at,
            "user": user,
            "session": session,
        }

    async def principal(self, token: str) -> Principal:
        """Who sends this access token, if its session still stands. ApiError 401."""
        now = now_micros()
        try:
            claims = await self._tokens.read(token, now // SECOND)
        except BadToken as error:
            raise ApiError(401, error.reason, "The access token is not good, or no longer.") from None
        kept = await self._remembered.get(f"session:{claims.session}", lambda: self._load(claims, now_micros()))
        expires_at, principal = _stands(kept, claims.session) if kept is not None else (0, None)
        if principal is None or principal.user != claims.user or expires_at <= now:
            raise ApiError(401, "session_ended", "The session has ended: sign in again.")
        return principal

    async def _load(self, claims: Claims, now: int) -> bytes | None:
        async with self._truth.acting() as truth:
            row = await truth.first(
                "SELECT s.user_id, s.expires_at, u.tier, u.scopes FROM sessions s JOIN users u ON u.id = s.user_id "
                "WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.status = 'active' LIMIT 1",
                claims.session,
                now,
            )
        if row is None:
            return None
        return msgspec.json.encode(Standing(row["user_id"], row["tier"], list(row["scopes"]), row["expires_at"]))

    async def revoke(self, user: str, session: str, reason: str, caller: Caller) -> bool:
        """End one session of a person, in every process. False when there is none that stands."""
        return await self._revoke_each(user, [session], reason, caller) > 0

    async def _revoke_each(self, user: str, sessions: Sequence[str], reason: str, caller: Caller) -> int:
        ended = [await self._end(user, session, reason, caller) for session in sessions]
        if any(mine for mine, _ in ended):
            await self._standings.ring(user)
            await self._remembered.lapsed()
        return sum(count for _, count in ended)

    async def _end(self, user: str, session: str, reason: str, caller: Caller) -> tuple[bool, int]:
        """Whether the session is this person's, and how many have ended now."""
        now = now_micros()
        async with self._truth.acting() as truth:
            where = {"id": session, "user_id": user, "revoked_at": None}
            ended = await truth.change("sessions", where, revoked_at=now, reason=reason)
            if ended:
                open_ones = {"session_id": session, "disconnected_at": None}
                await truth.change("wallet_connections", open_ones, disconnected_at=now)
                detail = {"session": session, "reason": reason}
                await people.note(truth, user, "session.ended", actor=user, ip=caller.ip, detail=detail)
            # Nobody ends another's; one that has ended before is forgotten again, should that have failed then.
            owned = "SELECT 1 AS held FROM sessions WHERE id = $1 AND user_id = $2 LIMIT 1"
            mine = await truth.first(owned, session, user) is not None
        if mine:
            await self._remembered.revoke(f"session:{session}")
        return mine, len(ended)

    async def revoke_all(self, user: str, reason: str, caller: Caller) -> int:
        """End every session of a person; returns how many stood."""
        async with self._truth.acting() as truth:
            rows = await truth.fetch(
                "SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC LIMIT $2",
                user,
                MOST_SESSIONS,
            )
        return await self._revoke_each(user, [row["id"] for row in rows], reason, caller)

    async def listed(self, user: str) -> list[dict[str, Any]]:
        """A person's sessions, newest first, as that person may see them."""
        async with self._truth.reading_as(user) as truth:
            rows = await truth.fetch(
                "SELECT id, method, ip, user_agent, created_at, refreshed_at, expires_at, revoked_at, reason "
                "FROM sessions ORDER BY created_at DESC LIMIT $1",
                MOST_SESSIONS,
            )
        return [dict(row) for row in rows]


@lru_cache(maxsize=4_096)
def _stands(kept: bytes, session: str) -> tuple[int, Principal]:
    """Until when, and for whom, by what is remembered of a session."""
    standing = msgspec.json.decode(kept, type=Standing)
    scopes = frozenset((*OWNER_SCOPES, *standing.scopes))
    return standing.expires_at, Principal("session", standing.user, standing.tier, scopes, session=session)
