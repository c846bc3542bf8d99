"""People: found by wallet or by an identity elsewhere, made when they first come, with profile, tier and states."""

import secrets
import time
from typing import Any, Final

import msgspec
from cleartide.store.truth import Row, Truth

from services.gateway.domain.occurrences import Occurrence
from services.gateway.domain.statement import Family
from services.gateway.edge.errors import ApiError
from services.gateway.notify.queue import add_delivery

_CODE_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
PROFILE: Final = (
    "id, display_name, username, email, tier, kyc, risk, status, scopes, referral_code, referred_by, preferences, "
    "created_at, updated_at, last_sign_in_at"
)


def now_micros() -> int:
    """The time of this moment, UTC."""
    return time.time_ns() // 1_000


async def of_wallet(truth: Truth, family: Family, address: str) -> Row | None:
    """Whose key this is, if anybody's."""
    return await truth.first(
        f"SELECT {PROFILE} FROM users WHERE id = "  # noqa: S608 - the columns are written above
        "(SELECT user_id FROM wallet_keys WHERE family = $1 AND address = $2) LIMIT 1",
        family,
        address,
    )


async def of_identity(truth: Truth, issuer: str, subject: str) -> Row | None:
    """Who is known elsewhere by this name, if anybody."""
    return await truth.first(
        f"SELECT {PROFILE} FROM users WHERE id = "  # noqa: S608 - the columns are written above
        "(SELECT user_id FROM external_identities WHERE issuer = $1 AND subject = $2) LIMIT 1",
        issuer,
        subject,
    )


async def of_id(truth: Truth, user: str) -> Row | None:
    """A person."""
    return await truth.first(f"SELECT {PROFILE} FROM users WHERE id = $1 LIMIT 1", user)  # noqa: S608


async def of_code(truth: Truth, code: str) -> str:
    """Whose referral code this is. ApiError 422 when it is nobody's: it is refused rather than forgotten."""
    row = await truth.first("SELECT id FROM users WHERE referral_code = $1 LIMIT 1", code)
    if row is None:
        raise ApiError(422, "unknown_referral_code", "Nobody has this referral code.")
    return str(row["id"])


async def make(truth: Truth, *, referral: str = "", email: str | None = None) -> Row:
    """A new person, of whose referrer the venue is told when both have an account there (`notify.referrals`)."""
    referrer = await of_code(truth, referral) if referral else None
    now, user = now_micros(), f"u{secrets.token_hex(10)}"
    await truth.add(
        "users",
        id=user,
        email=email,
        referral_code="".join(secrets.choice(_CODE_LETTERS) for _ in range(10)),
        referred_by=referrer,
        created_at=now,
        updated_at=now,
    )
    if referrer is not None:
        await truth.add("referrals", user_id=user, referrer=referrer)
    await note(truth, user, "account.created", actor=user, detail={"referred_by": referrer})
    await announce(truth, user, referrer, now)
    made = await of_id(truth, user)
    assert made is not None, "we have just made it"
    return made


async def announce(truth: Truth, user: str, referrer: str | None, at: int) -> None:
    """A new person is an `account.created` for the webhooks of whoever referred him, and of those who run the place."""
    rows = await truth.fetch(
        "SELECT id, owner FROM webhook_endpoints WHERE state = 'active' AND 'account.created' = ANY(kinds) AND "
        "(owner = $1 OR owner IN (SELECT user_id FROM admin_roles WHERE role IN ('owner', 'operator', 'support'))) "
        "ORDER BY id LIMIT 1000",
        referrer,
    )
    said = {"parent": None, "margin_mode": "cross", "referred_by": referrer}
    for row in rows:
        await add_delivery(
            truth, row["id"], row["owner"], Occurrence(f"signup-{user}.0", "account.created", user, at, said)
        )


async def link_wallet(truth: Truth, user: str, chain: str, family: Family, address: str, label: str = "") -> bool:
    """A wallet whose key has signed becomes this person's. False: it was. ApiError 409 when it is somebody else's."""
    now = now_micros()
    await truth.add_new("wallet_keys", family=family, address=address, user_id=user, proved_at=now)
    owner = await truth.first(
        "SELECT user_id FROM wallet_keys WHERE family = $1 AND address = $2 LIMIT 1", family, address
    )
    if owner is None or owner["user_id"] != user:
        raise ApiError(409, "wallet_taken", "This wallet belongs to another account.")
    first = await truth.first("SELECT 1 AS held FROM wallets WHERE user_id = $1 LIMIT 1", user) is None
    wallet = {"user_id": user, "chain": chain, "address": address, "family": family}
    linked = await truth.add_new("wallets", **wallet, label=label, is_main=first, linked_at=now)
    if linked:
        await note(truth, user, "wallet.linked", actor=user, detail={"chain": chain, "address": address})
    return linked


async def note(
    truth: Truth, user: str, kind: str, *, actor: str, ip: str = "", detail: dict[str, Any] | None = None
) -> None:
    """One line in the log of what happened to a person's access."""
    text = msgspec.json.encode(detail or {}).decode()
    await truth.add("account_log", user_id=user, at=now_micros(), kind=kind, actor=actor, ip=ip, detail=text)


def shown(person: Row) -> dict[str, Any]:
    """A person as the API shows it."""
    view = {name.strip(): person[name.strip()] for name in PROFILE.split(",")}
    return {**view, "account": person["id"], "preferences": msgspec.json.decode(person["preferences"])}
