"""Questions to a service's read model, on NATS request and reply."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from faststream.nats import NatsBroker
from faststream.nats.annotations import NatsMessage

from cleartide.service.definition import Query, QueryError, Service
from cleartide.store.tenant import TenantReads
from cleartide.store.trouble import STORE_TROUBLE

log = structlog.get_logger()

TENANT: Final = "Cleartide-Tenant"
"""In whose name a question is asked: a person's account, for the family of it, or one account. None: the venue's."""

_POSITION_SQL: Final = "SELECT position FROM consumer_position LIMIT 1"
_EMITTED_SQL: Final = "SELECT channel, last_seq FROM outbox_position ORDER BY channel LIMIT 100"


async def position(pool: Any, _: dict[str, Any]) -> Any:
    """How far the committed tables are: the last message of the input that they know, the last one of each output.

    Who has given a command at position n, and asks again when `position` is n or more, reads what he wrote.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        reached = await connection.fetchval(_POSITION_SQL)
        emitted = await connection.fetch(_EMITTED_SQL)
    return {"position": reached, "emitted": {row["channel"]: row["last_seq"] for row in emitted}}


async def serve_queries(service: Service, broker: NatsBroker, pool: "asyncpg.Pool[Any]") -> None:
    """Answer on `query.<service>.<name>` from now on; every service tells its `position`."""
    for name, query in {"position": position, **service.queries}.items():
        walled = service.name if name in service.personal else None
        broker.subscriber(f"query.{service.name}.{name}")(_answering(query, pool, walled))
    await broker.start()


def _answering(
    query: Query, pool: "asyncpg.Pool[Any]", walled: str | None
) -> Callable[[NatsMessage], Awaitable[bytes]]:
    async def answer(message: NatsMessage) -> bytes:
        try:
            params = msgspec.json.decode(message.body or b"{}", type=dict[str, Any])
            tenant = message.headers.get(TENANT)
            reads = TenantReads(pool, walled, tenant) if walled and tenant else pool
            return msgspec.json.encode({"ok": True, "data": await query(reads, params)})
        except QueryError as error:
            return _refusal(error.code, str(error))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            return _refusal("bad_parameters", f"{type(error).__name__}: {error}")
        except asyncpg.CharacterNotInRepertoireError:
            return _refusal("bad_parameters", "a text has a character that none can have: U+0000")
        except STORE_TROUBLE as error:
            log.warning("query_failed", error=str(error)[:200])
            return _refusal("unavailable", "the read model cannot be reached at the moment")

    return answer


def _refusal(code: str, message: str) -> bytes:
    return msgspec.json.encode({"ok": False, "error": {"code": code, "message": message}})
