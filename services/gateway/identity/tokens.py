"""Tokens: the short-lived signed one that travels with requests, and opaque ones of which only the hash is kept."""

import hashlib
import secrets
from collections import OrderedDict
from typing import Final, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from services.gateway.identity.secret import Secrets, derived

ISSUER: Final = "cleartide"
ALGORITHM: Final = "HS256"
MAX_TOKEN: Final = 4_096
MOST_READ: Final = 10_000


class BadToken(Exception):  # noqa: N818 - a verdict on a token
    """It is none of ours, or no longer good; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Claims(NamedTuple):
    """Whose it is and of which session."""

    user: str
    session: str


class AccessTokens:
    """Signed, for `lasts` seconds. They prove nothing alone: the session is looked up with every request."""

    def __init__(self, installation: Secrets, lasts: int) -> None:
        self._installation, self.lasts = installation, lasts
        self._keys: KeySet | None = None
        self._read: OrderedDict[str, tuple[Claims, int]] = OrderedDict()

    async def issue(self, claims: Claims, now: int) -> str:
        """`now` in seconds."""
        keys = await self._key_set()
        body = {"iss": ISSUER, "sub": claims.user, "sid": claims.session, "iat": now, "exp": now + self.lasts}
        kid = keys.keys[0].kid
        return jwt.encode({"alg": ALGORITHM, "kid": kid, "typ": "at+jwt"}, body, keys.keys[0], [ALGORITHM])

    async def read(self, token: str, now: int) -> Claims:
        """Raises BadToken: `token_invalid` or `token_expired`. A signature that was good is not looked at again."""
        if (known := self._read.get(token)) is None:
            known = self._read[token] = await self._checked(token)
            if len(self._read) > MOST_READ:
                self._read.popitem(last=False)
        claims, expires = known
        if expires <= now:
            raise BadToken("token_expired")
        return claims

    async def _checked(self, token: str) -> tuple[Claims, int]:
        """Whose it is, and until when, in seconds."""
        if len(token) > MAX_TOKEN:
            raise BadToken("token_invalid")
        try:
            found = jwt.decode(token, await self._key_set(), [ALGORITHM])
        except (JoseError, ValueError, TypeError) as error:
            raise BadToken("token_invalid") from error
        claims = found.claims
        user, session, expires = claims.get("sub"), claims.get("sid"), claims.get("exp")
        if claims.get("iss") != ISSUER or found.header.get("typ") != "at+jwt" or not isinstance(expires, int):
            raise BadToken("token_invalid")
        if not isinstance(user, str) or not isinstance(session, str):
            raise BadToken("token_invalid")
        return Claims(user, session), expires

    async def _key_set(self) -> KeySet:
        if self._keys is None:
            made = [derived(secret, "access tokens") for secret in await self._installation.all()]
            self._keys = KeySet(
                [
                    OctKey.import_key(key, {"kid": hashlib.sha256(key).hexdigest()[:12], "alg": ALGORITHM})
                    for key in made
                ]
            )
        return self._keys


def new_opaque(prefix: str) -> str:
    """256 random bits behind a prefix by which people, and scanners for leaked secrets, know what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest(token: str) -> bytes:
    """What is kept of an opaque token. It has 256 random bits: a slow hash would protect nothing more."""
    return hashlib.sha256(token.encode()).digest()
