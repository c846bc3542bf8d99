"""A sign-in without a wallet, where the installation is somebody's own machine: links that its owner has printed.

A link is `local.<expiry in seconds>.<random>.<HMAC-SHA256 of both>` by a secret that only an installation that is local
has (`make up` makes it). It opens one session, soon, from this machine, as the installation's operator.
"""

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from cleartide.store.truth import Row, Truth

from services.gateway.edge.errors import ApiError
from services.gateway.identity import people
from services.gateway.identity.people import now_micros

PREFIX: Final = "local."
ISSUER: Final = "this-installation"
SUBJECT: Final = "operator"
LONGEST_SECONDS: Final = 900
_ABOUT: Final = b"cleartide-local-sign-in\n"


@dataclass(frozen=True)
class Link:
    """A link that holds. `nonce` is good once; instants in seconds."""

    nonce: str
    expires_at: int


class LocalLinks:
    """Reads links. Without a secret there are none: a link is then like any token that nobody has signed."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def read(self, token: str, ip: str, now: int) -> Link:
        """ApiError 401 for a link that is not ours, is over, or comes from another machine."""
        expiry, _, rest = token.removeprefix(PREFIX).partition(".")
        random, _, mark = rest.partition(".")
        good = hmac.new(self._secret, _ABOUT + f"{expiry}.{random}".encode(), hashlib.sha256).hexdigest()
        signed = bool(self._secret) and hmac.compare_digest(good.encode(), mark.encode("utf-8", "replace"))
        if not signed or not now < int(expiry) <= now + LONGEST_SECONDS or not _is_here(ip):
            raise ApiError(401, "link_refused", "The link is over, or not for this machine: print a new one.")
        return Link(f"local-{random}", int(expiry))


async def use(truth: Truth, link: Link) -> None:
    """In the transaction that opens the session. ApiError 401 when it has opened one before."""
    used = {"purpose": "sign_in", "used_at": now_micros(), "expires_at": link.expires_at * 1_000_000}
    if not await truth.add_new("nonces", nonce=link.nonce, **used):
        raise ApiError(401, "link_used", "This link has opened a session before: print a new one.")


async def operator(truth: Truth) -> Row:
    """The installation's operator: an owner who reads for the venue; made when the first link is used."""
    held = await people.of_identity(truth, ISSUER, SUBJECT)
    if held is not None:
        return held
    made = await people.make(truth)
    user, now = made["id"], now_micros()
    identity = {"issuer": ISSUER, "subject": SUBJECT, "user_id": user}
    if not await truth.add_new("external_identities", **identity, linked_at=now):
        raise ApiError(409, "identity_taken", "Somebody has just come by another link: print a new one.")
    [row] = await truth.change("users", {"id": user}, scopes=["venue:read"], display_name="Operator")
    await truth.add_new("admin_roles", user_id=user, role="owner", granted_by=ISSUER, granted_at=now)
    await people.note(truth, user, "account.updated", actor=user, detail={"changed": ["role", "scopes"]})
    return row


def _is_here(ip: str) -> bool:
    try:
        return ip_address(ip).is_loopback
    except ValueError:
        return False
