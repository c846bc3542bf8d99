"""The three servers together, for tests, benchmarks and fault runs.

async with EmbeddedStack(tmp_path, durable=False) as stack:
    stack.postgres.dsn, stack.nats.url, stack.valkey.url
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.nats import NatsServer, User
from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer

_PASSWORD = "embedded"  # of servers that live as long as a test


class EmbeddedStack:
    """Real PostgreSQL, NATS and Valkey on free loopback ports, gone at the end of the block.

    folder: where data, configuration and logs go. users: NATS users; none means no sign-in.
    The servers do not depend on the event loop that started them, so a session-wide stack may serve many loops.
    """

    def __init__(self, folder: Path, *, durable: bool = True, users: Sequence[User] = ()) -> None:
        self.postgres = PostgresServer(folder / "postgres", password=_PASSWORD, durable=durable)
        self.nats = NatsServer(folder / "nats", users=users, durable=durable)
        self.valkey = ValkeyServer(folder / "valkey", password=_PASSWORD, durable=durable)

    async def start(self) -> None:
        """Start all three; if one fails the others are stopped."""
        starts = [server.start() for server in (self.postgres, self.nats, self.valkey)]
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            await self.stop()
            raise failures[0]

    async def stop(self) -> None:
        """Stop all three."""
        await asyncio.gather(self.nats.stop(), self.valkey.stop(), self.postgres.stop())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
