"""The lease on Postgres: a row that the holder touches several times a second, and the session that it does so from.

A process that dies takes its session along, which a standby sees with its next look. One that is frozen, or whose host
is lost, keeps the session and falls silent. Behind a proxy that pools transactions sessions mean nothing; there the
silence alone decides.
"""

import asyncio
from typing import Any, Final

import asyncpg

from cleartide.bus.ports import Epoch, Holder, Progress, Sign
from cleartide.store.in_place import in_its_place

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 2.0
LOADING_SECONDS: Final = 60.0
"""How long a holder may be silent while it loads: the larger the state, the longer the event loop stands still."""

_BEAT: Final = """
UPDATE lease SET beats = beats + 1, patience_ms = $2, session = $3,
    session_start = (SELECT backend_start FROM pg_stat_get_activity($3))
WHERE epoch = $1
"""
_LOOK: Final = """
SELECT c.epoch, c.position, c.stream_seq, c.stream_created, c.at, l.code, l.session, l.patience_ms, l.beats,
    CASE WHEN l.session = 0 OR l.session_start < pg_postmaster_start_time() THEN NULL
         ELSE EXISTS (SELECT FROM pg_stat_get_activity(l.session) a WHERE a.backend_start = l.session_start)
    END AS connected,
    ARRAY(SELECT channel FROM outbox_position ORDER BY channel) AS channels,
    ARRAY(SELECT last_seq FROM outbox_position ORDER BY channel) AS last_seqs
FROM consumer_position c CROSS JOIN lease l
"""


class PostgresLease:
    """One process's view of its service's lease, on a connection of its own."""

    def __init__(self, dsn: str, service: str, code: str, patience: float) -> None:
        """`code`: fingerprint of this process's fold. `patience`: how long it may be silent, in seconds."""
        self._dsn, self._service, self._code, self._patience = dsn, service, code, patience
        self._held: asyncpg.Connection[Any] | None = None
        self._session = 0
        self._turn = asyncio.Lock()

    async def _connection(self) -> "asyncpg.Connection[Any]":
        if self._held is None or self._held.is_closed():
            self._held = await in_its_place(
                self._service,
                self._dsn,
                timeout=CONNECT_SECONDS,
                command_timeout=ANSWER_SECONDS,
                server_settings={
                    "application_name": f"cleartide-{self._service}-lease",
                    # A sign of life that a crash of the server takes back has done its work.
                    "synchronous_commit": "off",
                },
            )
            backend = await self._held.fetchval("SELECT pg_backend_pid()")
            # A proxy that lends out sessions answers the greeting with a number of its own.
            self._session = backend if backend == self._held.get_server_pid() else 0
        return self._held

    async def sign(self) -> Sign:
        """The sign of this process, with the patience that a start needs."""
        async with self._turn:
            await self._connection()
            return Sign(self._code, self._session, LOADING_SECONDS)

    async def beat(self, epoch: int, *, loading: bool) -> bool:
        """Say that the holder of this epoch lives; False when a newer one has begun."""
        patience = LOADING_SECONDS if loading else self._patience
        async with self._turn:
            connection = await self._connection()
            done = await connection.execute(_BEAT, epoch, round(patience * 1000), self._session)
        return bool(done == "UPDATE 1")

    async def look(self) -> Holder:
        """Position, numbers of output and sign of life, all of one moment."""
        async with self._turn:
            row = await (await self._connection()).fetchrow(_LOOK)
        if row is None:
            raise RuntimeError(f"{self._service}: the schema holds no position")
        numbers = dict(zip(row["channels"], row["last_seqs"], strict=True))
        progress = Progress(row["position"], row["stream_seq"], row["stream_created"], row["at"])
        sign = Sign(row["code"], row["session"], row["patience_ms"] / 1000)
        return Holder(Epoch(row["epoch"], progress, numbers, {}), sign, row["beats"], row["connected"])

    async def release(self, epoch: int) -> None:
        """The holder of this epoch is done: nobody need wait for it."""
        async with self._turn:
            connection = await self._connection()
            await connection.execute("UPDATE lease SET patience_ms = 0 WHERE epoch = $1", epoch)

    def abandon(self) -> None:
        """Drop the connection without waiting: after an error its state is unknown."""
        held, self._held = self._held, None
        if held is not None:
            held.terminate()

    async def close(self) -> None:
        """Close the connection; a lost one is simply dropped."""
        held, self._held = self._held, None
        if held is not None and not held.is_closed():
            await held.close(timeout=CONNECT_SECONDS)
