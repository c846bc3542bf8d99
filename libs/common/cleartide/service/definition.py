"""What a service is: the definition that its `app.py` makes, and what its background tasks may use."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from nats.aio.client import Client
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry

from cleartide.bus.folder import Fold
from cleartide.bus.streams import Stream
from cleartide.bus.worker import Worker
from cleartide.fold import Handlers, Repository, Table
from cleartide.settings import ServiceSettings
from cleartide.store.datasets import Dataset
from cleartide.store.partitions import Partitioned

if TYPE_CHECKING:
    from redis.asyncio import Redis

Query = Callable[[Any, dict[str, Any]], Awaitable[Any]]


class QueryError(Exception):
    """A query that cannot be answered as asked; `code` reaches the caller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Surroundings:
    """What a task of a service may use. `pool` reads the service's own schema; writing is the fold's alone.

    The background task of a service with a public port sets `listening` as soon as the port takes connections.
    """

    name: str
    settings: ServiceSettings
    nats: Client
    jetstream: JetStreamContext
    pool: "asyncpg.Pool[Any]"
    redis: "Redis | None"
    registry: CollectorRegistry
    stopping: asyncio.Event
    listening: asyncio.Event


@dataclass
class ServiceContext(Surroundings):
    """The same in the process that folds."""

    worker: Worker


Starting = Callable[[CollectorRegistry], None]
"""Says something of the process when it starts, in the log or as a metric."""
Background = Callable[[ServiceContext], Awaitable[None]]
Beside = Callable[[Surroundings], Awaitable[None]]
"""A task that needs no fold in its process: `cleartide.service.beside` runs it alone, as many times as one likes."""


@dataclass(frozen=True)
class Service:
    """A service's definition: what it reads, how it folds, what it owns.


    Queries are answered and background tasks run in the active process alone; a standby begins with them when it takes
    the place. One with a public port (`listens`) is ready when that takes connections too.

    personal: queries about one person. Who asks in a person's name is answered out of that person's rows alone, by the
    database (`cleartide.store.tenant`).
    truth: tables of the schema that no stream could give back; a rebuild keeps them as they are.
    archived: whose closed days go to the object store as Parquet, when there is one.
    derived: tables that triggers of the schema keep, from the rows of the fold; a rebuild compares them as well.
    """

    name: str
    reads: Stream
    handlers: Handlers
    repository: Repository[Any]
    migrations: Path
    queries: Mapping[str, Query] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    partitions: Sequence[Partitioned] = ()
    archived: Sequence[Dataset] = ()
    starting: Sequence[Starting] = ()
    background: Sequence[Background] = ()
    journal: bool = False
    listens: bool = False
    truth: Sequence[str] = ()
    derived: Sequence[Table] = ()

    @property
    def compared(self) -> Sequence[Table]:
        """The tables that a rebuild must reproduce."""
        return (*self.repository.tables, *self.derived)

    @property
    def fold(self) -> Fold:
        """The part that the runner needs."""
        return Fold(self.name, self.reads, self.handlers, self.repository, self.journal)
