"""Connections, the same for services, tools and clients: to NATS, reconnected for ever, with an own inbox; to Redis."""

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from faststream.nats import NatsBroker
from faststream.security import SASLPlaintext
from nats.aio.client import Client
from nats.errors import ConnectionDrainingError
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError

from cleartide.bus.permissions import inbox_prefix

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger()

PENDING_BYTES: Final = 64 * 2**20
CONNECT_RETRY_SECONDS: Final = 0.2


class SturdyClient(Client):
    """A client that outlives bytes which are not text.

    Subjects and headers are whatever their publisher sent. The plain client ends its read loop, for good and in
    silence, on a subject or a status line that is not UTF-8: one such message in a stream would stop its readers.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tokens = itertools.count(1)

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Any:
        return super()._build_message(sid, _printable(subject).encode(), reply, data, headers)

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        return read_headers(headers) if headers else None

    async def _request_new_style(
        self, subject: str, payload: bytes, timeout: float = 1, headers: dict[str, Any] | None = None
    ) -> Any:
        """A question by the connection's one inbox. What is random in a reply's subject is so once a connection.

        The plain client draws random bytes for each and waits by `asyncio.wait_for`, which in Python 3.11 forgets a
        cancellation that comes together with the answer.
        """
        if self.is_draining_pubs:
            raise ConnectionDrainingError
        if not self._resp_sub_prefix:
            await self._init_request_sub()
        loop, token = asyncio.get_running_loop(), str(next(self._tokens))
        answer: asyncio.Future[Any] = loop.create_future()
        self._resp_map[token] = answer
        late = loop.call_later(timeout, _give_up, answer)
        try:
            reply = bytes(cast(bytearray, self._resp_sub_prefix)).decode() + token
            # lint: allow one-publish: what a question is sent by
            await self.publish(subject, payload, reply=reply, headers=headers)
            return await answer
        finally:
            late.cancel()
            self._resp_map.pop(token, None)


def _give_up(answer: "asyncio.Future[Any]") -> None:
    if not answer.done():
        answer.set_exception(NatsTimeoutError())


def read_headers(block: bytes) -> dict[str, str]:
    """`NATS/1.0[ status[ description]]`, then `name: value` lines; what is no such line is passed over.

    The last line of a name wins: the server adds its own behind those of the publisher. Three times faster than the
    parser of mail headers, which the plain client uses.
    """
    first, *lines = _printable(block).split("\r\n")
    found: dict[str, str] = {}
    status, _, description = first.removeprefix("NATS/1.0").strip().partition(" ")
    if status:
        found["Status"] = status
    if description:
        found["Description"] = description
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            found[name] = value.strip(" ")
    return found


def _printable(said: bytes) -> str:
    """The same for all that is honest; the rest becomes text that PostgreSQL and JSON can hold."""
    return said.decode(errors="backslashreplace").replace("\x00", "\\x00")


class _Broker(NatsBroker):
    async def _connect(self) -> Client:
        client = SturdyClient()
        try:
            await client.connect(**self._connection_kwargs)
        except BaseException:
            # Left alone it goes on trying, or reading, for as long as the loop runs.
            await client.close()
            raise
        self.config.connect(client)
        return client


def nats_broker(url: str, user: str, password: str, name: str) -> NatsBroker:
    """A FastStream broker whose client reconnects for ever and listens on an inbox that only this user may read."""

    async def on_error(error: Exception) -> None:
        log.warning("nats_error", error=str(error)[:200])

    options: dict[str, Any] = {
        "name": name,
        "allow_reconnect": True,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.1,
        "connect_timeout": 2,
        "ping_interval": 5,
        "max_outstanding_pings": 2,
        "pending_size": PENDING_BYTES,
        "error_cb": on_error,
        "logger": None,
    }
    if user:
        options["inbox_prefix"] = inbox_prefix(user)
        options["security"] = SASLPlaintext(username=user, password=password, use_ssl=False)
    return _Broker(url, **options)


async def connected(broker: NatsBroker, give_up_after: float | None = None) -> Client:
    """The broker's client once it is connected; waits for a server that is not up yet."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        try:
            client: Client = await broker.connect()
            return client
        except (OSError, NatsError, TimeoutError) as error:
            if give_up_after is not None and loop.time() - started > give_up_after:
                raise
            log.info("nats_not_reachable_yet", error=str(error)[:120])
            await asyncio.sleep(CONNECT_RETRY_SECONDS)


def redis_client(url: str) -> "Redis":
    """A client of Redis; how long a call may take is its caller's to say.

    The client's own limit rests on `asyncio.wait_for`, which in Python 3.11 forgets a cancellation that comes together
    with the answer.
    """
    from redis.asyncio import Redis  # only the edge has a cache, and the others start sooner without it

    redis: Redis = Redis.from_url(url, socket_timeout=None)
    return redis
