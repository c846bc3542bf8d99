"""Order books as clients follow them: a snapshot, then what changed, numbered; who is behind gets a new snapshot.

matching tells every change of a book, numbered without a gap. The hub keeps the books that somebody follows, lets what
changed leave at most every PACE_SECONDS, each level once, and reads a book anew when a change was missed.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import structlog
from cleartide.book_view import BookView
from cleartide.contracts import BookChanged
from cleartide.money import Grid
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import TypeAdapter, ValidationError

from services.gateway.edge.errors import ApiError
from services.gateway.edge.markets import MarketDirectory
from services.gateway.edge.upstream import Upstream
from services.gateway.live.mailbox import Mailbox

log = structlog.get_logger()

SUBJECT: Final = "books.>"
PACE_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 0.5
LEVELS: Final = 1_000
_changes: Final = TypeAdapter(list[BookChanged])
_Levels = dict[int, int]


class BookSeat:
    """One client's interest in one book."""

    def __init__(self, mailbox: Mailbox, market: str) -> None:
        self.mailbox, self.market, self.key = mailbox, market, f"book:{market}"


class _Room:
    """A book that somebody follows."""

    def __init__(self, market: str, grid: Grid) -> None:
        self.grid, self.view = grid, BookView(market)
        self.seats: set[BookSeat] = set()
        self.changed: tuple[_Levels, _Levels] = ({}, {})
        self.told = 0
        self.loading = asyncio.Lock()

    def hear(self, change: BookChanged) -> None:
        """One change; what it touched leaves with the next frame."""
        if self.view.apply(change) and self.view.book_seq == change.book_seq:
            for levels, news in zip(self.changed, (change.bids, change.asks), strict=True):
                levels.update(news)

    def snapshot(self) -> bytes:
        """The whole book."""
        sides = (self.view.bids.levels(), self.view.asks.levels())
        return self._frame("snapshot", *sides)

    def update(self) -> bytes:
        """What has changed since the last frame."""
        return self._frame("update", *(levels.items() for levels in self.changed), previous_seq=self.told)

    def forget(self) -> None:
        """All is told."""
        self.changed, self.told = ({}, {}), self.view.book_seq

    def _frame(self, op: str, bids: Iterable[Any], asks: Iterable[Any], **more: int) -> bytes:
        head = {"op": op, "channel": "book", "market": self.view.market, "seq": self.view.book_seq, **more}
        return msgspec.json.encode({**head, "data": {"bids": self._text(bids), "asks": self._text(asks)}})

    def _text(self, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
        return [[self.grid.price_text(ticks), self.grid.size_text(lots)] for ticks, lots in levels]


class BookHub:
    """The books that somebody follows."""

    def __init__(self, directory: MarketDirectory, upstream: Upstream) -> None:
        self._directory, self._upstream = directory, upstream
        self._rooms: dict[str, _Room] = {}
        self._changed = asyncio.Event()

    async def run(self, client: Client) -> None:
        """Broadcast until cancelled."""
        subscription = await client.subscribe(SUBJECT, cb=self._hear)
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for room in [*self._rooms.values()]:
                    await self._broadcast(room)
                await asyncio.sleep(PACE_SECONDS)
        finally:
            if not client.is_closed:
                await subscription.unsubscribe()

    async def join(self, seat: BookSeat) -> None:
        """The book, then its changes. ApiError 404 for an unknown market; pair with `leave`."""
        grid = await self._directory.require(seat.market)
        room = self._rooms.setdefault(seat.market, _Room(seat.market, grid))
        room.seats.add(seat)
        if room.view.ready:
            seat.mailbox.offer(room.snapshot(), seat.key)
        else:
            await self._load(room)

    def leave(self, seat: BookSeat) -> None:
        """Deliver nothing more."""
        room = self._rooms.get(seat.market)
        if room is not None:
            room.seats.discard(seat)
            if not room.seats:
                del self._rooms[seat.market]

    async def _hear(self, message: Msg) -> None:
        room = self._rooms.get(message.subject.partition(".")[2])
        if room is None:
            return
        try:
            changes = _changes.validate_json(message.data, extra="ignore")
        except ValidationError as error:
            log.warning("book_change_unreadable", error=str(error)[:200])
            return
        for change in changes:
            room.hear(change)
        self._changed.set()

    async def _load(self, room: _Room) -> None:
        async with room.loading:
            while not room.view.ready:
                asked = {"market": room.view.market, "depth": LEVELS, "steps": True}
                room.view.load(await self._upstream.ask("matching", "book", **asked))
            room.forget()
        self._show(room)

    def _show(self, room: _Room) -> None:
        """The whole book to everybody."""
        whole = room.snapshot()
        for seat in room.seats:
            seat.mailbox.offer(whole, seat.key)

    async def _broadcast(self, room: _Room) -> None:
        if not room.view.ready:
            try:
                await self._load(room)
            except ApiError as error:
                log.info("book_not_known_yet", error=str(error))
                self._changed.set()
                await asyncio.sleep(RETRY_SECONDS)
        elif room.view.book_seq > room.told:
            news, whole = room.update(), b""
            for seat in room.seats:
                behind = seat.mailbox.holds(seat.key)
                if behind:
                    whole = whole or room.snapshot()
                seat.mailbox.offer(whole if behind else news, seat.key)
            room.forget()
