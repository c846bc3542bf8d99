"""What live connections were opened with, and whether it still stands: a connection ends with the session or key.

Who ends one rings, here and on the bus, and every process asks the schema at once about that person's connections.
The bell is only a bell: what is not rung for (an expiry, a lost message, a change by hand) is found within
`recheck_seconds`. While the schema cannot be asked, connections stay and are asked for until it can.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import structlog
from cleartide.bus.permissions import EDGE_ENDED
from cleartide.store.trouble import STORE_TROUBLE
from cleartide.store.truth import Truth, TruthStore
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from services.gateway.domain.access import OWNER_SCOPES, Principal
from services.gateway.identity.people import now_micros

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0
ENDED_CODE: Final = 4401
ENDED_REASON: Final = "ended: sign in again"
LONGEST_NAME: Final = 64
_SESSIONS: Final = (
    "SELECT s.id, u.scopes FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ANY($1) "
    "AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.status = 'active' LIMIT $3"
)
_KEYS: Final = (
    "SELECT k.id, k.scopes FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id = ANY($1) "
    "AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND u.status = 'active' LIMIT $3"
)


class Place:
    """One live connection, and everybody who has said on it who he is."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.principals: set[Principal] = set()


class Ended(Exception):  # noqa: N818 - a verdict
    """What the connection was opened with no longer stands."""


async def until_ended(place: Place) -> None:
    """Raise Ended as soon as the connection's time is over."""
    await place.ended.wait()
    raise Ended


class Standings:
    """The live connections of this process that belong to somebody."""

    def __init__(self, truth: TruthStore, recheck_seconds: float, rung: Callable[[], None]) -> None:
        """`rung` is called whenever somebody is put out, here or elsewhere."""
        self._truth, self._recheck_seconds, self._on_ring = truth, recheck_seconds, rung
        self._places: dict[str, set[Place]] = {}
        self._asked: set[str] = set()
        self._rung = asyncio.Event()
        self._client: Client | None = None

    @contextmanager
    def place(self, principal: Principal) -> Iterator[Place]:
        """A connection while it is open. `ended` is set when what it was opened with no longer stands."""
        place = Place()
        self.held(place, principal)
        try:
            yield place
        finally:
            for one in place.principals:
                self._leave(one.user, place)

    def held(self, place: Place, principal: Principal) -> None:
        """From here on this principal's end is the connection's; asked at once, it may have come unseen."""
        if principal.known:
            place.principals.add(principal)
            self._places.setdefault(principal.user, set()).add(place)
            self._ask_for(principal.user)

    async def ring(self, user: str) -> None:
        """Something of this person's has ended. Call it after the commit."""
        self._hear(user)
        if self._client is not None:
            try:
                # lint: allow one-publish: a bell among the gateway's own processes; what it is about is in the schema
                await self._client.publish(EDGE_ENDED, user.encode())
            except (NatsError, OSError) as error:
                log.warning("ending_not_rung", error=str(error)[:200])

    async def run(self, client: Client) -> None:
        """Ask until cancelled, when it rings and now and then."""
        self._client = client
        subscription = await client.subscribe(EDGE_ENDED, cb=self._heard)
        try:
            while True:
                await self._turn()
                try:
                    async with asyncio.timeout(self._recheck_seconds):
                        await self._rung.wait()
                except TimeoutError:
                    self._asked.update(self._places)
        finally:
            self._client = None
            if not client.is_closed:
                await subscription.unsubscribe()

    async def _heard(self, message: Msg) -> None:
        self._hear(message.data[:LONGEST_NAME].decode(errors="replace"))

    def _hear(self, user: str) -> None:
        self._on_ring()
        self._ask_for(user)

    def _ask_for(self, user: str) -> None:
        if user in self._places:
            self._asked.add(user)
            self._rung.set()

    async def _turn(self) -> None:
        self._rung.clear()
        users, self._asked = self._asked, set()
        try:
            await self._check([place for user in sorted(users) for place in self._places.get(user, ())])
        except STORE_TROUBLE as error:
            log.warning("standings_not_asked", error=str(error)[:200])
            self._asked |= users
            self._rung.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def _check(self, places: Sequence[Place]) -> None:
        asked = [(place, one) for place in places for one in place.principals]
        if not asked:
            return
        async with self._truth.acting() as truth:
            sessions = await _standing(truth, _SESSIONS, sorted({one.session for _, one in asked if one.session}))
            keys = await _standing(truth, _KEYS, sorted({one.key for _, one in asked if one.key}))
        for place, one in asked:
            now = sessions.get(one.session) if one.kind == "session" else keys.get(one.key)
            if now is None or not one.scopes <= now | set(OWNER_SCOPES):
                place.ended.set()

    def _leave(self, user: str, place: Place) -> None:
        places = self._places.get(user)
        if places is not None:
            places.discard(place)
            if not places:
                del self._places[user]


async def _standing(truth: Truth, query: str, names: list[str]) -> dict[str, set[str]]:
    """Of these sessions or keys those that stand, with the scopes beyond an owner's."""
    if not names:
        return {}
    rows = await truth.fetch(query, names, now_micros(), len(names))
    return {row["id"]: set(row["scopes"]) for row in rows}
