"""How `make ps`, `make down` and the like talk to the supervisor: one line of JSON each way.

Over a private Unix socket, or, where the folder's path is too long for one, over loopback TCP with a token.
"""

import asyncio
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from deploy.local.errors import StackError
from deploy.local.ports import LOOPBACK

_LINE_BYTES = 2**20
_CONNECT_SECONDS = 5.0

Request = dict[str, Any]
Handler = Callable[[Request], Awaitable[Mapping[str, Any]]]


class ControlServer:
    """Answers requests with `handler`; a StackError becomes the answer's `error`.

    A request of a verb in `ends_with_asker` is cancelled when whoever asked leaves; any other goes on to its end.
    """

    def __init__(self, handler: Handler, socket: Path | None, ends_with_asker: Collection[str] = ()) -> None:
        self._handler = handler
        self._ends_with_asker = ends_with_asker
        self._socket = socket
        self._token = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None

    async def start(self) -> dict[str, Any]:
        """Listen; returns the address as the state file keeps it."""
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, self._socket, limit=_LINE_BYTES)
            self._socket.chmod(0o600)
            return {"socket": str(self._socket), "token": self._token}
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, limit=_LINE_BYTES)
        return {"port": self._server.sockets[0].getsockname()[1], "token": self._token}

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(await reader.readline(), reader)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except ConnectionError:
            pass  # the asker left
        finally:
            writer.close()

    async def _answer(self, line: bytes, reader: asyncio.StreamReader) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
            if not hmac.compare_digest(str(request.pop("token")), self._token):
                return {"error": "The control token is wrong."}
            return await self._handled(request, reader)
        except StackError as error:
            return {"error": str(error)}
        except (ValueError, KeyError, AttributeError):
            return {"error": "That is not a request."}

    async def _handled(self, request: Request, reader: asyncio.StreamReader) -> Mapping[str, Any]:
        work = asyncio.ensure_future(self._handler(request))
        left = asyncio.ensure_future(reader.read(1))  # nothing more is said, so this ends when the asker leaves
        try:
            await asyncio.wait((work, left), return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and request["verb"] in self._ends_with_asker:
                work.cancel()
            return await work
        except asyncio.CancelledError:
            raise StackError(f"{request['verb']} was given up.") from None
        finally:
            left.cancel()


async def ask(address: Mapping[str, Any], verb: str, **fields: Any) -> dict[str, Any]:
    """Send one request and return the answer. Raises StackError with the supervisor's words, or if it is not there."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await _connect(address)
    except (OSError, TimeoutError):
        raise StackError("The supervisor does not answer; `make down` clears what is left of it.") from None
    try:
        writer.write(json.dumps({"token": address["token"], "verb": verb, **fields}).encode() + b"\n")
        line = await reader.readline()
    finally:
        writer.close()
    if not line:
        raise StackError("The supervisor ended before it answered.")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise StackError(answer["error"])
    return answer


async def _connect(address: Mapping[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if "socket" in address:
        return await asyncio.open_unix_connection(address["socket"], limit=_LINE_BYTES)
    return await asyncio.open_connection(LOOPBACK, address["port"], limit=_LINE_BYTES)
