"""Where a webhook may go: addresses of the public internet, and private networks that the operator has named.

A name is resolved for each connection and its addresses are judged there, where they are used, so that a name which
answers differently the second time gains nothing.
"""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

MAX_URL: Final = 2_048
LOCAL: Final = "localhost"
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""NAT64: the last four bytes are an IPv4 address."""

Address = IPv4Address | IPv6Address


class Forbidden(OSError):  # noqa: N818 - a verdict on an address
    """The address is not one that we call."""


class Networks:
    """The private networks that may be called, beside the public internet."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = [ip_network(network) for network in allowed]

    def permits(self, text: str) -> bool:
        """Whether an address may be called."""
        address = _inner(ip_address(text.partition("%")[0]))
        if any(address in network for network in self._allowed):
            return True
        return address.is_global and not (address.is_multicast or address.is_reserved or address.is_private)

    def check(self, url: str) -> str:
        """The URL as given. Raises ValueError when its form, or its literal address, is not one that we call."""
        if len(url) > MAX_URL or any(ord(letter) < 33 or ord(letter) > 126 for letter in url):
            raise ValueError("a URL of at most 2048 printable ASCII characters is expected")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("only http and https URLs with a host can be called")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("a URL with credentials or a fragment is not taken")
        if parts.port == 0:
            raise ValueError("port 0 cannot be called")
        literal = _literal(parts.hostname)
        if literal is not None and not self.permits(literal):
            raise ValueError("this address is private: the operator has not allowed it")
        if parts.scheme == "http" and (_inner(ip_address(literal)).is_global if literal else parts.hostname != LOCAL):
            raise ValueError("only https goes over the public internet")
        return url


class GuardedResolver(AbstractResolver):
    """Resolves names and leaves out every address that may not be called."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses that may be called; Forbidden when there is none among those found."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        permitted = [
            (kind, str(address[0])) for kind, _, _, _, address in found if self._networks.permits(str(address[0]))
        ]
        if not permitted:
            raise Forbidden(f"{host} has no address that may be called")
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=flags)
            for kind, address in permitted
        ]

    async def close(self) -> None:
        """Nothing is held open."""


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
