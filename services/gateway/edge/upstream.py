"""Questions to the services' read models: NATS request/reply on `query.<service>.<name>`, JSON both ways."""

from time import perf_counter
from typing import Any, Final

import msgspec
from cleartide.bus.streams import COMMANDS
from cleartide.contracts.pools import base_of
from cleartide.service.queries import TENANT as HEADER
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError

from services.gateway.edge import after
from services.gateway.edge.errors import ApiError
from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.tenancy import TENANT

_STATUS: Final = {"not_found": 404, "unknown_query": 404, "bad_parameters": 422, "unavailable": 503}


class Reply(msgspec.Struct):
    """What a service answers."""

    ok: bool
    data: Any = None
    error: dict[str, Any] = {}


_reply = msgspec.json.Decoder(Reply)


class Upstream:
    """Asks with a deadline, and turns every failure into the API's error form."""

    def __init__(self, client: Client, metrics: EdgeMetrics, timeout_seconds: float) -> None:
        self._client, self._metrics, self._timeout = client, metrics, timeout_seconds

    async def ask(self, service: str, query: str, **params: Any) -> Any:
        """The `data` of the answer. ApiError 504 without an answer in time, 503 when nobody serves, 404, 422, 502."""
        started, outcome = perf_counter(), "error"
        try:
            await after.reached(service, base_of(service), self._position, self._stands)
            data = await self._ask(service, query, params)
            outcome = "ok"
            return data
        except ApiError as error:
            outcome = error.code
            raise
        finally:
            self._metrics.upstream.labels(service, query, outcome).observe(perf_counter() - started)

    async def _position(self, service: str) -> Any:
        return await self._ask(service, "position", {})

    async def _stands(self, place: int) -> bool:
        """Whether the sequence of commands holds this place."""
        try:
            body = msgspec.json.encode({"seq": place})
            # lint: allow one-publish: a question to the stream itself, by a subject that stores nothing
            found = await self._client.request(f"$JS.API.DIRECT.GET.{COMMANDS.name}", body, timeout=self._timeout)
        except (NatsError, OSError, NatsTimeoutError) as error:
            raise ApiError(503, "bus_unavailable", "The event bus cannot be reached.") from error
        return "Status" not in (found.headers or {})

    async def _ask(self, service: str, query: str, params: dict[str, Any]) -> Any:
        detail = {"service": service, "query": query}
        body = msgspec.json.encode({name: value for name, value in params.items() if value is not None})
        try:
            tenant = TENANT.get()
            message = await self._client.request(
                f"query.{service}.{query}", body, timeout=self._timeout, headers={HEADER: tenant} if tenant else None
            )
            reply = _reply.decode(message.data)
        except NoRespondersError as error:
            raise ApiError(503, "service_unavailable", f"The {service} service is not running.", detail) from error
        except NatsTimeoutError as error:
            raise ApiError(504, "upstream_timeout", f"The {service} service did not answer in time.", detail) from error
        except (NatsError, OSError) as error:
            raise ApiError(503, "bus_unavailable", "The event bus cannot be reached.", detail) from error
        except msgspec.DecodeError as error:
            raise ApiError(502, "bad_upstream_reply", f"The {service} service answered unreadably.", detail) from error
        if reply.ok:
            return reply.data
        code = str(reply.error.get("code", "upstream_error"))
        text = str(reply.error.get("message", f"The {service} service refused the query."))
        raise ApiError(_STATUS.get(code, 502), code, text, detail)
