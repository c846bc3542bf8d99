"""The installation's one secret, and what is derived from it: keys that sign access tokens and seal what is kept.

It is `CLEARTIDE_GATEWAY_SECRET`, which every way of installing makes at its first run and keeps outside of the
database: whoever gets a copy of that opens nothing. Where none is set, one is made at first use and kept in the schema,
which only the gateway's role reads; it goes on opening what it closed until `resealing` has run with another.
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
        self._loaded = False
        self._keys = [hashlib.sha256(text.encode()).digest() for text in (configured, *previous) if text]

    async def all(self) -> list[bytes]:
        """The present secret first. Asks the schema once for one that was made there."""
        if not self._loaded:
            if not self._keys:
                self._keys = [await self._generated()]
            else:
                self._keys += await self._kept()
            self._loaded = True
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
            except (InvalidTag, ValueError):
                continue
        raise Unsealable(place)

    async def is_present(self, sealed: bytes, place: str) -> bool:
        """Whether the present secret closed it, and not a former one."""
        try:
            AESGCM(derived((await self.all())[0], "seal")).decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
        except (InvalidTag, ValueError):
            return False
        return True

    async def _kept(self) -> list[bytes]:
        async with self._truth.acting() as truth:
            row = await truth.first("SELECT secret FROM gateway_secret LIMIT 1")
        return [bytes(row["secret"])] if row is not None else []

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
