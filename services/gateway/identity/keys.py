"""API keys: shown once, kept as a hash, narrowed by scope, account, address, domain and number of requests.

A key with a signing secret signs its requests (HMAC-SHA256), and may then do what changes something. Such a request
carries no secret: it names the key, and a copy of it is good for nothing, once and within a few seconds.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

import msgspec
from cleartide.store.truth import Row, Truth, TruthStore

from services.gateway.domain.access import TIERS, Principal, Tier, grantable
from services.gateway.edge.errors import ApiError
from services.gateway.identity import people
from services.gateway.identity.once import AHEAD_MS, PAST_MS, Forgotten, Once
from services.gateway.identity.people import now_micros
from services.gateway.identity.remembered import Remembered
from services.gateway.identity.secret import Secrets
from services.gateway.identity.sessions import SECOND, Caller
from services.gateway.identity.standings import Standings
from services.gateway.identity.tokens import digest, new_opaque

PREFIX: Final = "ctk"
SIGNING_PREFIX: Final = "cts"
SHOWN_LETTERS: Final = 12
ROTATION_SECONDS: Final = 86_400
TOUCH_SECONDS: Final = 60
MOST_KEYS: Final = 1_000
_SHOWN: Final = (
    "id, name, prefix, scopes, accounts, addresses, domains, per_minute, per_hour, per_day, signing_secret IS NOT NULL "
    "AS signs, created_at, expires_at, revoked_at, reason, replaces, last_used_at"
)
_CARRIED_OVER: Final = (
    *("name", "scopes", "accounts", "addresses", "domains"),
    *("per_minute", "per_hour", "per_day", "expires_at"),
)
_STANDING_SQL: Final = (
    "SELECT k.*, u.tier, u.scopes AS own FROM api_keys k JOIN users u ON u.id = k.user_id "
    "WHERE k.{} = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) "
    "AND u.status = 'active' LIMIT 1"
)

_WORKING_SQL: Final = (
    "SELECT k.reason, p.id AS predecessor FROM api_keys k LEFT JOIN api_keys p ON p.id = k.replaces "
    "AND p.revoked_at IS NULL AND (p.expires_at IS NULL OR p.expires_at > $3) "
    "WHERE k.id = $1 AND k.user_id = $2 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $3) "
    "LIMIT 1"
)


class KeyStanding(msgspec.Struct):
    """What is remembered of a key. `secret`: the sealed signing secret."""

    id: str
    user: str
    tier: Tier
    scopes: list[str]
    accounts: list[str]
    addresses: list[str]
    domains: list[str]
    limits: tuple[int, int, int]
    expires_at: int | None
    secret: bytes | None


@dataclass(frozen=True)
class KeyWish:
    """What a person wants of a new key. Limits that are not named are the tier's; none exceeds it."""

    name: str
    scopes: Sequence[str]
    accounts: Sequence[str] = ()
    addresses: Sequence[str] = ()
    domains: Sequence[str] = ()
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    expires_at: int | None = None
    signs: bool = False


@dataclass(frozen=True)
class SignedRequest:
    """What a signature is about. `sent_at`: milliseconds, as the client wrote it."""

    key: str
    sent_at: str
    signature: str
    method: str
    target: str
    body: bytes

    @property
    def text(self) -> bytes:
        """The bytes that are signed."""
        parts = ("cleartide-v1", self.sent_at, self.method, self.target, hashlib.sha256(self.body).hexdigest())
        return "\n".join(parts).encode()


class ApiKeys:
    """Every key of the installation."""

    def __init__(
        self, truth: TruthStore, installation: Secrets, remembered: Remembered, once: Once, standings: Standings
    ) -> None:
        self._truth, self._installation, self._remembered, self._once = truth, installation, remembered, once
        self._standings = standings
        self._touched: dict[str, int] = {}

    async def create(self, user: str, own: frozenset[str], tier: Tier, wish: KeyWish, caller: Caller) -> dict[str, Any]:
        """A new key, with the secrets that are shown this once. ApiError 403 or 422 for what the person cannot give."""
        _check_wish(user, own, tier, wish)
        async with self._truth.acting() as truth:
            # The person's row stands still meanwhile, so that two requests at once do not both find room.
            await truth.change("users", {"id": user}, updated_at=now_micros())
            row = await truth.first(
                "SELECT count(*) AS held FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL "
                "AND (expires_at IS NULL OR expires_at > $2)",
                user,
                now_micros(),
            )
            if row is not None and row["held"] >= TIERS[tier].keys:
                raise ApiError(403, "too_many_keys", f"The {tier} tier has {TIERS[tier].keys} keys.")
            return await self._add(truth, user, _values(tier, wish), signs=wish.signs, caller=caller)

    async def _add(
        self,
        truth: Truth,
        user: str,
        values: dict[str, Any],
        *,
        signs: bool,
        caller: Caller,
        replaces: str | None = None,
    ) -> dict[str, Any]:
        key, ident = new_opaque(PREFIX), new_opaque("k")[:20]
        signing = new_opaque(SIGNING_PREFIX) if signs else None
        sealed = await self._installation.seal(signing.encode(), f"key:{ident}") if signing else None
        prefix = key[: len(PREFIX) + 1 + SHOWN_LETTERS]
        await truth.add(
            "api_keys",
            id=ident,
            user_id=user,
            prefix=prefix,
            hash=digest(key),
            signing_secret=sealed,
            created_at=now_micros(),
            replaces=replaces,
            **values,
        )
        detail = {"key": ident, "scopes": list(values["scopes"]), "replaces": replaces}
        await people.note(truth, user, "key.created", actor=user, ip=caller.ip, detail=detail)
        return {"id": ident, "prefix": prefix, "key": key, "signing_secret": signing, **values}

    async def rotate(self, user: str, key: str, caller: Caller) -> dict[str, Any]:
        """A new key like this one, which goes on for a day so that its users can change over.

        ApiError 409 for one that has a successor, or a predecessor that still works: nobody gets more keys this way.
        """
        now = now_micros()
        async with self._truth.acting() as truth:
            await truth.change("users", {"id": user}, updated_at=now)  # one rotation at a time
            working = await truth.first(_WORKING_SQL, key, user, now)
            if working is None:
                raise ApiError(404, "not_found", "There is no such key that still works.")
            if working["reason"] is not None:
                raise ApiError(409, "key_rotated", "This key has a successor already: rotate that one.")
            if working["predecessor"] is not None:
                raise ApiError(409, "predecessor_works", "The key before this one still works: revoke it first.")
            old = await truth.change("api_keys", {"id": key}, reason="rotated")
            values = {name: old[0][name] for name in _CARRIED_OVER}
            ends = min(old[0]["expires_at"] or now + ROTATION_SECONDS * SECOND, now + ROTATION_SECONDS * SECOND)
            await truth.change("api_keys", {"id": key}, expires_at=ends)
            signs = old[0]["signing_secret"] is not None
            made = await self._add(truth, user, values, signs=signs, caller=caller, replaces=key)
        await self._forget(old[0])
        return {**made, "old_expires_at": ends}

    async def revoke(self, user: str, key: str, reason: str, caller: Caller) -> bool:
        """From here on nobody is let in by it. False when there is none that stands."""
        async with self._truth.acting() as truth:
            where = {"id": key, "user_id": user, "revoked_at": None}
            ended = await truth.change("api_keys", where, revoked_at=now_micros(), reason=reason)
            if ended:
                detail = {"key": key, "reason": reason}
                await people.note(truth, user, "key.revoked", actor=user, ip=caller.ip, detail=detail)
        for row in ended:
            await self._remembered.revoke(f"key:{row['hash'].hex()}")
            await self._remembered.revoke(f"key:{row['prefix']}")
            await self._standings.ring(user)
        if ended:
            await self._remembered.lapsed()
        return bool(ended)

    async def listed(self, user: str) -> list[dict[str, Any]]:
        """A person's keys without their secrets, newest first, as that person may see them."""
        async with self._truth.reading_as(user) as truth:
            rows = await truth.fetch(
                f"SELECT {_SHOWN} FROM api_keys ORDER BY created_at DESC LIMIT $1",  # noqa: S608 - written above
                MOST_KEYS,
            )
        return [dict(row) for row in rows]

    async def by_key(self, key: str, caller: Caller, origin: str) -> tuple[Principal, tuple[int, int, int]]:
        """Who sends this key, and how often it may be sent. ApiError 401 or 403."""
        standing = await self._standing("hash", digest(key), digest(key).hex())
        return await self._entered(standing, caller, origin, signed=False)

    async def by_signature(
        self, request: SignedRequest, caller: Caller, origin: str
    ) -> tuple[Principal, tuple[int, int, int]]:
        """Who signed this request. ApiError 401: the key, the time or the signature is not good, or it came before."""
        standing = await self._standing("prefix", request.key, request.key)
        if standing.secret is None:
            raise ApiError(401, "key_does_not_sign", "This key was made without a signing secret.")
        now_ms = now_micros() // 1_000
        if not request.sent_at.isascii() or not request.sent_at.isdigit() or len(request.sent_at) > 15:
            raise ApiError(401, "timestamp_refused", "The timestamp is in milliseconds since the Unix epoch.")
        sent_at = int(request.sent_at)
        if not now_ms - PAST_MS <= sent_at <= now_ms + AHEAD_MS:
            raise _untimely("The request was signed too long ago, or has yet to be.")
        secret = await self._installation.unseal(standing.secret, f"key:{standing.id}")
        good = hmac.new(secret, request.text, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(good.encode(), request.signature.lower().encode("utf-8", "replace")):
            raise ApiError(401, "signature_refused", "The signature is not of this request by this key.")
        try:
            first = await self._once.first(f"{standing.id}:{good}", sent_at)
        except Forgotten:
            raise _untimely("Whether this request has come before is not known any more: sign it anew.") from None
        if not first:
            raise ApiError(401, "request_replayed", "This very request has come before.")
        return await self._entered(standing, caller, origin, signed=True)

    async def _standing(self, column: str, value: Any, name: str) -> KeyStanding:
        kept = await self._remembered.get(f"key:{name}", lambda: self._load(column, value))
        standing = msgspec.json.decode(kept, type=KeyStanding) if kept is not None else None
        if standing is None or (standing.expires_at is not None and standing.expires_at <= now_micros()):
            raise ApiError(401, "key_refused", "The API key is unknown, has expired or was revoked.")
        return standing

    async def _load(self, column: str, value: Any) -> bytes | None:
        async with self._truth.acting() as truth:
            row = await truth.first(_STANDING_SQL.format(column), value, now_micros())
        return msgspec.json.encode(_standing_of(row)) if row is not None else None

    async def _entered(
        self, standing: KeyStanding, caller: Caller, origin: str, *, signed: bool
    ) -> tuple[Principal, tuple[int, int, int]]:
        if standing.addresses and not _within(caller.ip, standing.addresses):
            raise ApiError(403, "address_not_allowed", "This key may not be used from this address.")
        if standing.domains and origin not in standing.domains:
            raise ApiError(403, "domain_not_allowed", "This key may not be used from this domain.")
        await self._touch(standing.id)
        principal = Principal(
            "key",
            standing.user,
            standing.tier,
            frozenset(standing.scopes),
            key=standing.id,
            signed=signed,
            accounts=tuple(standing.accounts),
        )
        return principal, standing.limits

    async def _touch(self, key: str) -> None:
        """Note the use, once a minute at most."""
        now = now_micros()
        if now - self._touched.get(key, 0) < TOUCH_SECONDS * SECOND:
            return
        if len(self._touched) > MOST_KEYS:
            self._touched.clear()
        self._touched[key] = now
        async with self._truth.acting() as truth:
            await truth.change("api_keys", {"id": key}, last_used_at=now)

    async def _forget(self, row: Row) -> None:
        await self._remembered.forget(f"key:{row['hash'].hex()}")
        await self._remembered.forget(f"key:{row['prefix']}")


def _untimely(why: str) -> ApiError:
    detail = {"now": now_micros() // 1_000, "within_ms": PAST_MS, "ahead_ms": AHEAD_MS}
    return ApiError(401, "timestamp_refused", why, detail)


def _standing_of(row: Row) -> KeyStanding:
    most = TIERS[row["tier"]]
    wanted = (row["per_minute"], row["per_hour"], row["per_day"])
    # A tier that was taken back since the key was made counts.
    limits = tuple(min(pair) for pair in zip(wanted, (most.per_minute, most.per_hour, most.per_day), strict=True))
    return KeyStanding(
        row["id"],
        row["user_id"],
        row["tier"],
        list(row["scopes"]),
        list(row["accounts"]),
        list(row["addresses"]),
        list(row["domains"]),
        (limits[0], limits[1], limits[2]),
        row["expires_at"],
        row["signing_secret"],
    )


def _check_wish(user: str, own: frozenset[str], tier: Tier, wish: KeyWish) -> None:
    if not grantable(wish.scopes, own):
        raise ApiError(403, "scope_not_grantable", "A key is given scopes that its owner has, and at least one.")
    if wish.expires_at is not None and wish.expires_at <= now_micros():
        raise ApiError(422, "invalid_parameter", "The key would have expired already.")
    if any(account.partition("--")[0] != user for account in wish.accounts):
        raise ApiError(403, "account_not_owned", "A key is narrowed to accounts of its owner.")
    for network in wish.addresses:
        try:
            ip_network(network, strict=False)
        except ValueError as error:
            raise ApiError(422, "invalid_parameter", "An address is not one.", str(error)) from None
    most = TIERS[tier]
    wanted = ((wish.per_minute, most.per_minute), (wish.per_hour, most.per_hour), (wish.per_day, most.per_day))
    if any(asked is not None and asked > allowed for asked, allowed in wanted):
        detail = {"per_minute": most.per_minute, "per_hour": most.per_hour, "per_day": most.per_day}
        raise ApiError(403, "limit_above_tier", f"The {tier} tier does not give so many requests.", detail)


def _values(tier: Tier, wish: KeyWish) -> dict[str, Any]:
    most = TIERS[tier]
    return {
        "name": wish.name,
        "scopes": sorted(set(wish.scopes)),
        "accounts": sorted(set(wish.accounts)),
        "addresses": sorted(set(wish.addresses)),
        "domains": sorted({domain.lower() for domain in wish.domains}),
        "per_minute": wish.per_minute or most.per_minute,
        "per_hour": wish.per_hour or most.per_hour,
        "per_day": wish.per_day or most.per_day,
        "expires_at": wish.expires_at,
    }


def _within(address: str, networks: Sequence[str]) -> bool:
    try:
        client = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(client, "ipv4_mapped", None)
    return any((mapped or client) in ip_network(network, strict=False) for network in networks)
