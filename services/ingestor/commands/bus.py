"""The bus for commands: an address as people write it, and a client or one line of why there is none."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final
from urllib.parse import SplitResult, urlsplit

import nats.errors
import structlog
from cleartide.connect import connected, nats_broker
from cleartide.console import CommandError
from nats.aio.client import Client

GIVE_UP_SECONDS: Final = 10.0


@asynccontextmanager
async def bus(address: SplitResult, name: str) -> AsyncIterator[tuple[Client, str]]:
    """A client, and where it is connected, without credentials. Raises CommandError when nobody lets it in.

    name: how the server is to know the connection.
    """
    place = f"{address.scheme}://{address.hostname}:{address.port or 4222}"
    user = address.username or os.environ.get("CLEARTIDE_NATS_USER", "")
    password = address.password or os.environ.get("CLEARTIDE_NATS_PASSWORD", "")
    broker = nats_broker(place, user, password, name)
    try:
        try:
            with _quiet():
                async with asyncio.timeout(GIVE_UP_SECONDS):
                    client = await connected(broker, give_up_after=GIVE_UP_SECONDS / 2)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise CommandError(f"{place}: {str(error) or 'nobody answers'}") from error
        yield client, place
    finally:
        await broker.stop()


def bus_address(url: str, remedy: str) -> SplitResult:
    """Where the bus is. Raises CommandError, with the remedy, for what is no address of one."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("nats", "tls") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:  # a port that is none
        is_one = False
    if not is_one:
        raise CommandError(remedy)
    return parts


@contextmanager
def _quiet() -> Iterator[None]:
    """What the connection tells of its tries is left out: how they ended is said."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
