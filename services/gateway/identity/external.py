"""Tokens of an identity provider (OIDC, Privy): believed by a public key that the operator has pinned, nothing else.

No discovery and no key set is fetched: a provider whose network answer is forged cannot become another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.edge.errors import ApiError
from services.gateway.identity.tokens import MAX_TOKEN

MOST_LIFE_SECONDS: Final = 86_400
SKEW_SECONDS: Final = 60


class ExternalIssuer(BaseModel):
    """One provider. `public_key`: PEM, or a JWK as JSON. `algorithm`: the only one that is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1, max_length=200)
    audience: str = Field(min_length=1, max_length=200)
    algorithm: str = Field(pattern="^(ES256|ES384|RS256|PS256|EdDSA|Ed25519)$")
    public_key: str


@dataclass(frozen=True)
class Known:
    """Who a provider says it is."""

    issuer: str
    subject: str
    email: str | None


class ExternalIssuers:
    """The providers that are believed here."""

    def __init__(self, issuers: Sequence[ExternalIssuer]) -> None:
        self._issuers = [(issuer, import_key(issuer.public_key, _kind(issuer.algorithm))) for issuer in issuers]

    def read(self, token: str, now: int) -> Known:
        """Who the token is about; `now` in seconds. ApiError 401 `external_token_refused`, 404 without providers."""
        if not self._issuers:
            raise ApiError(404, "not_found", "No outside identity provider is believed here.")
        for issuer, key in self._issuers if len(token) <= MAX_TOKEN else ():
            try:
                claims = jwt.decode(token, key, [issuer.algorithm]).claims
            except (JoseError, ValueError, TypeError):
                continue
            if _holds(claims, issuer, now):
                email = claims.get("email") if claims.get("email_verified") is True else None
                return Known(issuer.issuer, claims["sub"], email if isinstance(email, str) else None)
        raise ApiError(401, "external_token_refused", "No provider that is believed here has signed this for us.")


def _holds(claims: dict[str, Any], issuer: ExternalIssuer, now: int) -> bool:
    audience = claims.get("aud")
    for_us = issuer.audience in audience if isinstance(audience, list) else audience == issuer.audience
    subject, expires, issued = claims.get("sub"), claims.get("exp"), claims.get("iat")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200:
        return False
    if not isinstance(expires, int) or not isinstance(issued, int) or not isinstance(claims.get("nbf", 0), int):
        return False
    lives = now < expires and now - MOST_LIFE_SECONDS < issued <= now + SKEW_SECONDS
    return claims.get("iss") == issuer.issuer and for_us and lives and claims.get("nbf", 0) <= now + SKEW_SECONDS


def _kind(algorithm: str) -> Any:
    return "EC" if algorithm.startswith("ES") else "RSA" if algorithm.startswith(("RS", "PS")) else "OKP"
