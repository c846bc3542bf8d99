"""The head of an answer leaves with the first of its body: one write instead of two.

uvicorn writes each as it comes, and each write is a call of the system that wakes whoever reads:
two fifths of the processor time of an answer that is held already. ASGI has servers wait for the body with the head.
"""

import asyncio
from typing import Any


class Joined:
    """What uvicorn writes one answer to, in place of the connection's transport."""

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport, cycle: Any) -> None:
        """`cycle`: uvicorn's, which says whether what it writes is the answer yet, and whether that has a body."""
        self._transport, self._head = transport, b""
        self._cycle = None if cycle.scope["method"] == "HEAD" else cycle

    def write(self, data: bytes) -> None:
        """The head first; then the body, piece by piece."""
        if self._cycle is None or not self._cycle.response_started:
            self._transport.write(data)
        elif not self._head:
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._cycle = None  # it has this; two that have each other would wait for the garbage collector

    def close(self) -> None:
        """Nothing more comes; a head without a body is not an answer."""
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it has ended."""
        return self._transport.is_closing()
