"""The installation's one secret, and what is derived from it: keys that sign access tokens and seal what is kept.

It is `CLEARTIDE_GATEWAY_SECRET`. Where none is set, one is made at first use and kept in the schema, which only the
gateway's role reads: enough for one machine, not against whoever gets a copy of the database.
"""

import hashlib
import secrets
import time
from typing import Final

from cleartide.store.truth import TruthStore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

BYTES: Final = 32
_NONCE: Final = 12


class Unsealable(Exception):  # noqa: N818 - a verdict on stored bytes
    """It was sealed with another secret, for another place, or has been changed."""


class Secrets:
    """The secret, and those before it, which still open what they closed."""

    def __init__(self, truth: TruthStore, configured: str = "", previous: tuple[str, ...] = ()) -> None:
        self._truth = truth
        self._keys = [hashlib.sha256(text.encode()).digest() for text in (configured, *previous) if text]

    async def all(self) -> list[bytes]:
        """The present secret first. Asks the schema once when none was configured."""
        if not self._keys:
            self._keys = [await self._generated()]
        return self._keys

    async def seal(self, plain: bytes, place: str) -> bytes:
        """Readable with the secret alone, and only as what belongs to this place."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(derived((await self.all())[0], "seal")).encrypt(nonce, plain, place.encode())

    async def unseal(self, sealed: bytes, place: str) -> bytes:
        """What was sealed. Raises Unsealable."""
        for secret in await self.all():
            try:
                return AESGCM(derived(secret, "seal")).decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
            except InvalidTag:
                continue
        raise Unsealable(place)

    async def _generated(self) -> bytes:
        async with self._truth.acting() as truth:
            now = time.time_ns() // 1_000
            await truth.add_new("gateway_secret", one=True, secret=secrets.token_bytes(BYTES), made_at=now)
            row = await truth.first("SELECT secret FROM gateway_secret LIMIT 1")
            assert row is not None, "it was there, or we have just made it"
            return bytes(row["secret"])


def derived(secret: bytes, purpose: str) -> bytes:
    """One key per purpose (HKDF): none can be used for what another is for."""
    return HKDF(SHA256(), BYTES, salt=None, info=f"cleartide gateway {purpose}".encode()).derive(secret)
