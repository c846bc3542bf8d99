"""Signing in: a nonce, a signed statement that carries it, a session. Linking a wallet goes the same way.

The nonce is used up in the transaction that opens the session, and only after the signature has been found good: a bad
attempt costs nobody a nonce, a good one cannot be made twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cleartide.store.truth import After, Row, Truth, TruthStore

from services.gateway.domain.statement import CHAINS, BadStatement, Statement, check, compose, read
from services.gateway.edge.errors import ApiError
from services.gateway.identity import local, people
from services.gateway.identity.external import ExternalIssuers
from services.gateway.identity.people import now_micros
from services.gateway.identity.sessions import MAX_AGENT, SECOND, Caller, Sessions
from services.gateway.identity.signatures import BadAddress, canonical_address, signed_by
from services.gateway.identity.tokens import new_opaque

NONCE_SECONDS: Final = 300
SKEW_SECONDS: Final = 60
ABOUT: Final[Mapping[str, str]] = {
    "sign_in": "Sign in to Cleartide. This costs nothing and moves nothing.",
    "link": "Link this wallet to my Cleartide account. This costs nothing and moves nothing.",
}


@dataclass(frozen=True)
class Proof:
    """What a wallet has signed, and how the signature reads."""

    message: str
    signature: str
    provider: str = ""


class SignIn:
    """Proofs in, sessions out."""

    def __init__(
        self,
        truth: TruthStore,
        sessions: Sessions,
        issuers: ExternalIssuers,
        links: local.LocalLinks,
        domains: tuple[str, ...],
    ) -> None:
        """`domains`: under which names this installation is reached; a statement for another is refused."""
        self._truth, self._sessions, self._issuers, self._links = truth, sessions, issuers, links
        self._domains = tuple(domain.lower() for domain in domains)

    async def nonce(self, purpose: str, chain: str, address: str | None, user: str = "") -> dict[str, Any]:
        """A nonce for one signature, and the text to sign when the address is known."""
        now, nonce = now_micros(), new_opaque("n").replace("_", "").replace("-", "")[:32]
        message = None
        if address is not None:
            domain = self._domains[0]
            scheme = "http" if domain.split(":")[0] in ("localhost", "127.0.0.1") else "https"
            message = compose(
                domain=domain,
                uri=f"{scheme}://{domain}",
                chain=chain,
                address=_address(chain, address),
                nonce=nonce,
                at=now,
                lasts=NONCE_SECONDS * SECOND,
                about=ABOUT[purpose],
            )
        expires_at = now + NONCE_SECONDS * SECOND
        async with self._truth.acting() as truth:
            await truth.add("nonces", nonce=nonce, purpose=purpose, user_id=user or None, expires_at=expires_at)
        return {"nonce": nonce, "message": message, "expires_at": expires_at}

    async def by_wallet(self, proof: Proof, caller: Caller, referral: str = "") -> dict[str, Any]:
        """A session of whoever holds the wallet's key; a person who comes for the first time is made."""
        statement, address = self._checked(proof)
        try:
            return await self._enter(statement, address, proof, caller, referral)
        except ApiError as error:
            if error.code != "wallet_taken":
                raise
            # The same wallet came for the first time twice at once: the other was first.
            return await self._enter(statement, address, proof, caller, "")

    async def _enter(
        self, statement: Statement, address: str, proof: Proof, caller: Caller, referral: str
    ) -> dict[str, Any]:
        async with self._truth.acting() as truth:
            await _use(truth, statement.nonce, "sign_in", None)
            person = await people.of_wallet(truth, statement.family, address)
            if person is None:
                person = await people.make(truth, referral=referral)
            await people.link_wallet(truth, person["id"], statement.chain, statement.family, address)
            opened = await self._sessions.open(truth, person, f"wallet:{statement.family}", caller)
            connection = {"user_id": person["id"], "session_id": opened["session"], "chain": statement.chain}
            await truth.add(
                "wallet_connections",
                **connection,
                address=address,
                provider=proof.provider,
                ip=caller.ip,
                user_agent=caller.user_agent[:MAX_AGENT],
                connected_at=now_micros(),
            )
            return opened

    async def by_token(self, token: str, caller: Caller, referral: str = "") -> dict[str, Any]:
        """A session of whoever an outside issuer, whose key we hold, says it is; or by a link of this machine's own."""
        if token.startswith(local.PREFIX):
            return await self._by_link(self._links.read(token, caller.ip, now_micros() // SECOND), caller)
        known = self._issuers.read(token, now_micros() // SECOND)
        async with self._truth.acting() as truth:
            person = await people.of_identity(truth, known.issuer, known.subject)
            if person is None:
                person = await people.make(truth, referral=referral, email=known.email)
                identity = {"issuer": known.issuer, "subject": known.subject, "user_id": person["id"]}
                if not await truth.add_new("external_identities", **identity, linked_at=now_micros()):
                    raise ApiError(409, "identity_taken", "This identity has just been used: sign in again.")
            return await self._sessions.open(truth, person, f"external:{known.issuer}", caller)

    async def _by_link(self, link: local.Link, caller: Caller) -> dict[str, Any]:
        async with self._truth.acting() as truth:
            await local.use(truth, link)
            return await self._sessions.open(truth, await local.operator(truth), "link", caller)

    async def link(self, user: str, proof: Proof, label: str) -> Row:
        """A further wallet of a person who has signed in. ApiError 409 when it is somebody else's."""
        statement, address = self._checked(proof)
        async with self._truth.acting() as truth:
            await _use(truth, statement.nonce, "link", user)
            await people.link_wallet(truth, user, statement.chain, statement.family, address, label)
            row = await truth.first(
                "SELECT chain, address, label, is_main, linked_at FROM wallets "
                "WHERE user_id = $1 AND chain = $2 AND address = $3 LIMIT 1",
                user,
                statement.chain,
                address,
            )
            assert row is not None, "we have just linked it"
            return row

    def _checked(self, proof: Proof) -> tuple[Statement, str]:
        lasts, skew = NONCE_SECONDS * SECOND, SKEW_SECONDS * SECOND
        try:
            statement = read(proof.message)
            check(statement, now=now_micros(), lasts=lasts, skew=skew, domains=self._domains)
            address = canonical_address(statement.family, statement.address)
        except (BadStatement, BadAddress) as error:
            raise ApiError(401, "statement_refused", "The signed text does not hold here.", str(error)) from None
        if not signed_by(statement.family, address, proof.message, proof.signature):
            raise ApiError(401, "signature_refused", "The signature is not by the key of this address.")
        return statement, address


async def _use(truth: Truth, nonce: str, purpose: str, user: str | None) -> None:
    now = now_micros()
    good = {"nonce": nonce, "purpose": purpose, "user_id": user, "used_at": None, "expires_at": After(now)}
    if not await truth.change("nonces", good, used_at=now):
        raise ApiError(401, "nonce_refused", "The nonce is unknown, has been used or has expired.")


def _address(chain: str, address: str) -> str:
    try:
        return canonical_address(CHAINS[chain], address)
    except BadAddress as error:
        raise ApiError(422, "invalid_parameter", "The address is not one of this chain.", str(error)) from None
