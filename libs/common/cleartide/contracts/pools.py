"""Margin pools: how several processes share the accounts of one service. What an account is worth depends on itself
alone, so accounts can be dealt out by name, and each pool judges its own as one process would judge all.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_POOLS: Final = 8
POOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "risk": ("risk", *(f"risk_{number}" for number in range(2, MOST_POOLS + 1))),
}
"""Services whose accounts may be shared, and the names of their pools; the first is the service itself."""
_BASES: Final = {pool: base for base, pools in POOLS.items() for pool in pools}


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool of `pools`, counted from 1. The only one owns everything."""

    number: int = 1
    pools: int = 1

    def owns(self, account: str) -> bool:
        """Whether the account is this pool's."""
        return self.pools == 1 or pool_of(account, self.pools) == self.number


EVERYBODY: Final = Pool()


def pool_of(account: str, pools: int) -> int:
    """The number of the pool that an account is in: from CRC-32 of its name, the same on every machine."""
    return zlib.crc32(account.encode()) % pools + 1


def base_of(name: str) -> str:
    """The service that a pool is one of; any other service is its own."""
    return _BASES.get(name, name)
