"""Connections that say nothing, or say it a byte at a time, are closed: a request's first lines have a deadline.

uvicorn waits for the head of a request for ever. A few hundred sockets that each send one byte now and then would
otherwise hold all the places there are. Bodies have their own deadline in `edge.door`.
"""

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.h11_impl import H11Protocol


class PatientProtocol(H11Protocol):
    """Closes the connection when the head of the next request has not come in time."""

    head_seconds: ClassVar[float] = 10.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock starts with the connection."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """And again with the first byte behind an answer, which ends the keep-alive timer."""
        super().data_received(data)
        if self._is_answering() or self._has_left():
            self._stop()
        elif self._deadline is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """No clock without a connection."""
        self._stop()
        super().connection_lost(exc)

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
