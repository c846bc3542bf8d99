"""The link by which who started the stack signs in without a wallet: good once, for ten minutes, on this machine."""

import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Final

LASTS_SECONDS: Final = 600
_ABOUT: Final = b"cleartide-local-sign-in\n"


def secret_of(gateway: str) -> str:
    """The secret of the links, derived from the gateway's, so that neither tells the other."""
    return hmac.new(gateway.encode(), _ABOUT, hashlib.sha256).hexdigest()


def link(dashboard: str, gateway: str) -> str:
    """A new link. `dashboard`: where the gateway is; `gateway`: its secret."""
    head = f"{int(time.time()) + LASTS_SECONDS}.{secrets.token_hex(16)}"
    mark = hmac.new(secret_of(gateway).encode(), _ABOUT + head.encode(), hashlib.sha256).hexdigest()
    return f"{dashboard}sign-in.html#token=local.{head}.{mark}"


def link_from(path: Path, dashboard: str) -> str:
    """A new link, by the stack's file of passwords."""
    return link(dashboard, json.loads(path.read_text())["gateway"])
