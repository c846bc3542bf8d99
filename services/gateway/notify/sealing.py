"""Signing secrets of webhooks as they are kept: sealed with the installation's secret, each for its own endpoint alone.

A row of a former version holds its secret in the clear; it is read so until the next start seals it.
"""

import base64
import binascii
from typing import Final

from services.gateway.identity.secret import Secrets, Unsealable

MARK: Final = "sealed:"


async def closed(installation: Secrets, endpoint: str, secret: str) -> str:
    """What is kept of a secret."""
    return MARK + base64.b64encode(await installation.seal(secret.encode(), _place(endpoint))).decode()


async def opened(installation: Secrets, endpoint: str, kept: str) -> str:
    """The secret. Raises Unsealable."""
    if not kept.startswith(MARK):
        return kept
    return (await installation.unseal(_bytes(kept, endpoint), _place(endpoint))).decode()


async def is_present(installation: Secrets, endpoint: str, kept: str) -> bool:
    """Whether it is sealed, and with the present secret."""
    return kept.startswith(MARK) and await installation.is_present(_bytes(kept, endpoint), _place(endpoint))


def _place(endpoint: str) -> str:
    return f"webhook:{endpoint}"


def _bytes(kept: str, endpoint: str) -> bytes:
    try:
        return base64.b64decode(kept.removeprefix(MARK), validate=True)
    except binascii.Error:
        raise Unsealable(_place(endpoint)) from None
