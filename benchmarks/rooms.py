"""A whole installation on servers of its own, every fsync on, for the length of a benchmark."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import ports
from deploy.local.postgres import PostgresServer
from deploy.local.valkey import ValkeyServer
from tests.support.installation import Installation, installation


@asynccontextmanager
async def room() -> AsyncIterator[Installation]:
    """Set up, without services; gone at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="cleartide-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = PostgresServer(folder / "postgres", password="bench-only", durable=True)
        valkey = ValkeyServer(folder / "valkey", password="bench-only", durable=False)
        await asyncio.gather(postgres.start(), valkey.start())
        try:
            async with installation(folder, postgres, valkey, durable=True) as installed:
                installed.extra_environment["CLEARTIDE_GATEWAY_PORT"] = str(ports.free_port())
                yield installed
        finally:
            await asyncio.gather(postgres.stop(), valkey.stop())
