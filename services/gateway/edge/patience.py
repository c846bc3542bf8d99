"""Connections that say nothing, or say it a byte at a time, are closed: a request's first lines have a deadline.

uvicorn waits for the head of a request for ever, and lets it grow. A few hundred sockets that each send one byte now
and then would otherwise hold all the places there are. Bodies have their own deadline in `edge.door`. What is refused
here, before there is a request, is told in the API's one form.
"""

import asyncio
from functools import partial
from typing import Any, ClassVar, Final, cast

import msgspec
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.gateway.edge.errors import ApiError, error_body, error_response
from services.gateway.edge.joined import Joined
from services.gateway.edge.turns import Turns

MOST_HEAD: Final = 65_536


class PatientProtocol(HttpToolsProtocol):
    """Closes the connection when the head of the next request has not come in time, or does not end."""

    head_seconds: ClassVar[float] = 10.0
    turns: ClassVar[Turns]
    _deadline: asyncio.TimerHandle | None = None
    _head: int | None = None
    """Bytes that have come of a head which is not whole."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock starts with the connection."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """And again with the first byte behind an answer, which ends the keep-alive timer."""
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > MOST_HEAD:
                self.send_400_response("The head of a request is too long.")
        if self._is_answering() or self._has_left():
            self._stop()
        elif self._deadline is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """No clock without a connection."""
        self._stop()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """And is whole."""
        self._head = None
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong and end the connection; while an answer is on its way there is nothing to be said."""
        if not self._is_answering() and not self.transport.is_closing():
            body = msgspec.json.encode(error_body("bad_request", msg))
            head = b"content-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n"
            self.transport.write(STATUS_LINE[400] + head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        chosen = cast(Any, _full) if app is service_unavailable else app
        cycle.transport = Joined(self.transport, cycle)
        self.turns.begin(partial(super()._start_asgi_task, cycle, chosen))

    def _is_answering(self) -> bool:
        cycle = cast(Any, self).cycle
        return cycle is not None and not cycle.response_complete

    def _has_left(self) -> bool:
        """Whether the connection became a WebSocket, which has a protocol and a clock of its own."""
        return self.transport.get_protocol() is not self

    def _await_head(self) -> None:
        self._deadline = asyncio.get_running_loop().call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_answering() and not self._has_left() and not self.transport.is_closing():
            self.transport.close()

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    """Told to whoever comes when every place is taken."""
    fields = {"Retry-After": "1", "Connection": "close"}
    await error_response(ApiError(503, "too_many_connections", "Every place is taken.", headers=fields))(
        scope, receive, send
    )
