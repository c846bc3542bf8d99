"""What happens, as it happens: trades, auctions and funding of a market, everything about an account.

Trading events are numbered without a gap. A subscription has its place in them: it may go on after a break from the
last `seq` that it heard, as far back as the hub remembers; beyond that it is told so and begins with a snapshot again.
Should the hub itself miss an event, whoever listens is told to begin again: nobody is left with a hole.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

import msgspec
import structlog

from services.gateway.edge.convert import funding_view
from services.gateway.edge.decimals import told, whose
from services.gateway.edge.errors import ApiError, error_body
from services.gateway.edge.freshness import Freshness
from services.gateway.edge.markets import MarketDirectory
from services.gateway.edge.upstream import Upstream
from services.gateway.live.auctions import Running, auction_view
from services.gateway.live.rooms import Beat, Channel, Room, Seat, Told, head_of
from services.gateway.live.tail import TailEvent

log = structlog.get_logger()

REMEMBERED_BYTES: Final = 4 * 2**20
NEWEST_TRADES: Final = 50
MOST_TRADES: Final = 500
Topic = Literal["orders", "fills", "balance", "limits", "other"]
Event = dict[str, Any]
Name = tuple[Channel, str]
_TOPICS: Final[tuple[tuple[str, Topic], ...]] = (
    ("Order", "orders"),
    ("SelfTrade", "orders"),
    ("PositionChanged", "fills"),
    ("Liquidation", "fills"),
    ("Transfer", "balance"),
    ("Withdrawal", "balance"),
    ("Deposit", "balance"),
    ("Collateral", "balance"),
    ("RiskLimits", "limits"),
    ("Leverage", "limits"),
)
_PUBLIC_TRADE: Final[tuple[str, ...]] = ("seq", "at", "price", "size", "taker_side", "origin")


_events: Final = msgspec.json.Decoder(list[Event])


class TapeHub:
    """Hears the events, remembers the newest, and tells whoever listens."""

    def __init__(
        self, directory: MarketDirectory, upstream: Upstream, traded: Callable[[str], None], freshness: Freshness
    ) -> None:
        """`traded` is told the market of every trade."""
        self._directory, self._upstream, self._traded, self._freshness = directory, upstream, traded, freshness
        self._rooms: dict[Name, Room] = {}
        self._auctioned: dict[str, Running] = {}
        self._beat = Beat()
        self._remembered: deque[tuple[int, int, bytes]] = deque(maxlen=100_000)
        self._bytes = 0
        self.seq = 0

    async def join(self, seat: Seat) -> None:
        """What it has missed, or a snapshot; then what happens. ApiError for what is not there; pair with `leave`."""
        running = Running(())
        if seat.channel == "account":
            await self._join_account(seat)
        elif seat.channel == "trades":
            await self._join_trades(seat)
        elif seat.channel == "auctions":
            running = await self._join_auctions(seat)
        else:
            grid = await self._directory.require(seat.of)
            seat.cursor = self.seq
            found = await self._upstream.ask("funding", "funding", market=seat.of, limit=1)
            self._say(seat, "snapshot", int(found["as_of_seq"] or 0), funding_view(found, grid))
        for event in self._since(seat.cursor or 0):
            if (seat.channel, seat.of) in _audience(event, {seat.of: running}):
                seat.hear(self._told((seat.channel, seat.of), event))
        self._rooms.setdefault((seat.channel, seat.of), Room()).seats.add(seat)
        if seat.channel == "auctions":
            self._auctioned.setdefault(seat.of, running)

    def leave(self, seat: Seat) -> None:
        """Deliver nothing more."""
        name = (seat.channel, seat.of)
        room = self._rooms.get(name)
        if room is not None:
            room.seats.discard(seat)
            if not room.seats:
                del self._rooms[name]
                if seat.channel == "auctions":
                    del self._auctioned[seat.of]

    async def _join_account(self, seat: Seat) -> None:
        head = int((await self._upstream.ask("matching", "position"))["emitted"].get("EVENTS", 0))
        if seat.cursor is None:
            held = None
            with suppress(ApiError):
                held = await self._upstream.ask("matching", "account", account=seat.of)
            seat.cursor = head
            self._say(seat, "snapshot", head, held)
        else:
            self._require_remembered(seat.cursor, head)

    async def _join_auctions(self, seat: Seat) -> Running:
        await self._directory.require(seat.of)
        found = await self._upstream.ask("matching", "auctions", market=seat.of)
        head, held = int(found["as_of_seq"]), found["auctions"]
        if seat.cursor is None:
            seat.cursor = head
            self._say(seat, "snapshot", head, held)
        else:
            self._require_remembered(seat.cursor, head)
        missed = (event for event in self._since(seat.cursor) if event.get("market") == seat.of)
        return Running((auction["auction_id"] for auction in held), missed)

    def _require_remembered(self, cursor: int, head: int) -> None:
        """ApiError 409 when one cannot go on from there; `head` is the last event that there is."""
        if cursor > head:
            raise ApiError(409, "after_seq_beyond_feed", "Subscribe again without after_seq.", {"head": head})
        if cursor < head and not self._remembers(cursor + 1):
            raise ApiError(409, "after_seq_too_old", "Subscribe again without after_seq.", {"head": head})

    async def _join_trades(self, seat: Seat) -> None:
        await self._directory.require(seat.of)
        limit = NEWEST_TRADES if seat.cursor is None else MOST_TRADES
        found = await self._upstream.ask("analytics", "recent_trades", market=seat.of, limit=limit)
        after = seat.cursor or 0
        rows = [{name: row[name] for name in _PUBLIC_TRADE} for row in found["trades"][::-1]]
        whole = seat.cursor is None or len(rows) < limit or rows[0]["seq"] <= after
        rows = [row for row in rows if row["seq"] > after]
        seat.cursor = rows[-1]["seq"] if rows else after
        self._say(seat, "snapshot", seat.cursor, rows, complete=whole)

    def hear(self, places: Sequence[TailEvent], data: bytes) -> None:
        """What the tail says."""
        first, last = max(places[0].seq, self.seq + 1), places[-1].seq
        if first > last:
            return
        if self.seq and first != self.seq + 1:
            self._lost()
        self.seq = last
        self._freshness.hear(places)
        self._remember(first, last, data)
        for market in {place.market for place in places if place.type == "TradeExecuted" and place.market}:
            self._traded(market)
        for event in _events.decode(data) if self._rooms else ():
            for name in _audience(event, self._auctioned):
                if (room := self._rooms.get(name)) is not None:
                    room.add(self._told(name, event))
                    self._beat.add(room)

    def _remember(self, first: int, last: int, data: bytes) -> None:
        self._remembered.append((first, last, data))
        self._bytes += len(data)
        while self._bytes > REMEMBERED_BYTES and len(self._remembered) > 1:
            self._bytes -= len(self._remembered.popleft()[2])

    def _remembers(self, seq: int) -> bool:
        return bool(self._remembered) and self._remembered[0][0] <= seq

    def _since(self, cursor: int) -> Iterator[Event]:
        """What came after it."""
        for _, last, data in self._remembered:
            if last > cursor:
                yield from (event for event in _events.decode(data) if event["seq"] > cursor)

    def _lost(self) -> None:
        """An event did not come: everybody begins again."""
        self._remembered.clear()
        self._bytes = 0
        self._freshness.missed()
        log.warning("tape_gap", seats=sum(len(room.seats) for room in self._rooms.values()))
        for room in self._rooms.values():
            room.tell()
            for seat in room.seats:
                body = error_body("events_missed", "Subscribe again.", seat.head)
                seat.mailbox.offer(msgspec.json.encode({"op": "error", **body}))
        self._rooms.clear()
        self._auctioned.clear()

    def _told(self, name: Name, event: Event) -> Told:
        """An event as all seats of a name are told it."""
        channel, of = name
        grid = self._directory.known(event.get("market") or "")
        topic, more = _topic(event["type"]), {}
        data = auction_view(event, grid) if channel == "auctions" else told(event, grid)
        if channel == "trades":
            data = {part: data[part] for part in _PUBLIC_TRADE if part in data} | {"at": event["occurred_at"]}
        elif channel == "account":
            more = {"topic": topic}
        head = {"op": "update", **head_of(channel, of), "seq": event["seq"]}
        return Told(event["seq"], topic, msgspec.json.encode({**head, **more, "data": data}))

    def _say(self, seat: Seat, op: str, seq: int, data: Any, **more: Any) -> None:
        seat.mailbox.offer(msgspec.json.encode({"op": op, **seat.head, "seq": seq, **more, "data": data}))


def _audience(event: Event, auctioned: Mapping[str, Running]) -> list[Name]:
    """Whose business an event is; `auctioned` by the markets whose auctions somebody follows."""
    names: list[Name] = []
    if event["type"] == "TradeExecuted":
        names.append(("trades", event["market"]))
    elif event["type"] == "FundingSettled":
        names.append(("funding", event["market"]))
    elif account := whose(event):
        names.append(("account", account))
    running = auctioned.get(event.get("market") or "")
    if running is not None and running.hear(event):
        names.append(("auctions", event["market"]))
    return names


def _topic(kind: str) -> Topic:
    return next((topic for start, topic in _TOPICS if kind.startswith(start)), "other")
