"""Who comes in, and goes.

Written by `make client` from the API's document: do not edit.
"""

from typing import Literal

from cleartide.answers.identity import EndedSession, Nonce, SessionTokens
from cleartide.rest.transport import Transport, given


class SignInOperations:
    """Who comes in, and goes."""

    _transport: Transport

    async def sign_in_nonce(
        self,
        *,
        chain: Literal["ethereum", "arbitrum", "base", "celo", "optimism", "polygon", "solana", "bitcoin"],
        address: str | None = None,
        once: str | None = None,
    ) -> Nonce:
        """A nonce for one signature, and the statement to sign."""
        told: Nonce = await self._transport.ask(
            "POST", "/api/v1/auth/nonce", body={"chain": chain, **given({"address": address})}, once=once
        )
        return told

    async def sign_in(
        self,
        *,
        message: str,
        signature: str,
        provider: str | None = None,
        referral_code: str | None = None,
        once: str | None = None,
    ) -> SessionTokens:
        """A session for a signed statement (EIP-4361, or its like on Solana and Bitcoin)."""
        told: SessionTokens = await self._transport.ask(
            "POST",
            "/api/v1/auth/sign-in",
            body={
                "message": message,
                "signature": signature,
                **given({"provider": provider, "referral_code": referral_code}),
            },
            once=once,
        )
        return told

    async def sign_in_external(
        self, *, token: str, referral_code: str | None = None, once: str | None = None
    ) -> SessionTokens:
        """A session for the token of an identity provider that is believed here."""
        told: SessionTokens = await self._transport.ask(
            "POST", "/api/v1/auth/external", body={"token": token, **given({"referral_code": referral_code})}, once=once
        )
        return told

    async def refresh(self, *, refresh_token: str, once: str | None = None) -> SessionTokens:
        """The next pair of tokens; a refresh token is good once."""
        told: SessionTokens = await self._transport.ask(
            "POST", "/api/v1/auth/refresh", body={"refresh_token": refresh_token}, once=once
        )
        return told

    async def sign_out(self, *, once: str | None = None) -> EndedSession:
        """End this session."""
        told: EndedSession = await self._transport.ask("POST", "/api/v1/auth/sign-out", once=once)
        return told
