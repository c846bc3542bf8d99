"""Where the sandbox's trader signs in."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit


def trader_url(environment: Mapping[str, str]) -> str:
    """The server's address with the trader's credentials."""
    address = urlsplit(environment["CLEARTIDE_NATS_URL"])
    user, password = environment["CLEARTIDE_NATS_USER"], quote(environment["CLEARTIDE_NATS_PASSWORD"])
    return f"nats://{user}:{password}@{address.hostname}:{address.port}"
