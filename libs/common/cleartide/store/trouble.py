"""What a database says that is away for a moment."""

from typing import Final

import asyncpg

STORE_TROUBLE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Of a connection whose server died in the middle of a statement; it is neither of the two.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""For whatever reads or writes beside the fold and tries again: its failure must not end the service."""
