"""Candles as they grow: those of analytics, told again while their market trades."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from services.gateway.edge.errors import ApiError
from services.gateway.edge.upstream import Upstream
from services.gateway.live.mailbox import Mailbox

log = structlog.get_logger()

PACE_SECONDS: Final = 1.0
SNAPSHOT: Final = 100
NEWEST: Final = 2
LOOKS: Final = 2
"""How often analytics is asked after a trade: it may not have come so far the first time."""
Name = tuple[str, int]


@dataclass(eq=False)
class CandleSeat:
    """One client's interest in a market's candles of one width, in seconds."""

    mailbox: Mailbox
    market: str
    interval: int

    @property
    def name(self) -> Name:
        """What is shared with others."""
        return self.market, self.interval


class CandleHub:
    """Candles that somebody watches."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._seats: dict[Name, set[CandleSeat]] = {}
        self._looks: Counter[str] = Counter()

    async def run(self) -> None:
        """Broadcast until cancelled."""
        while True:
            await asyncio.sleep(PACE_SECONDS)
            due = {market for market, left in self._looks.items() if left > 0}
            for name in [name for name in self._seats if name[0] in due]:
                await self._broadcast(name)
            self._looks = Counter({market: self._looks[market] - 1 for market in due})

    def traded(self, market: str) -> None:
        """Something happened that candles will know."""
        if any(market == watched for watched, _ in self._seats):
            self._looks[market] = LOOKS

    async def join(self, seat: CandleSeat) -> None:
        """The newest candles, then those that change. ApiError for an unknown market; pair with `leave`."""
        seat.mailbox.offer(await self._frame("snapshot", seat.name, SNAPSHOT))
        self._seats.setdefault(seat.name, set()).add(seat)
        self._looks[seat.market] = LOOKS

    def leave(self, seat: CandleSeat) -> None:
        """Deliver nothing more."""
        seats = self._seats.get(seat.name, set())
        seats.discard(seat)
        if not seats:
            self._seats.pop(seat.name, None)

    async def _broadcast(self, name: Name) -> None:
        try:
            frame = await self._frame("update", name, NEWEST)
        except ApiError as error:
            log.info("candles_not_known", error=str(error))
            return
        for seat in self._seats.get(name, ()):
            seat.mailbox.offer(frame, f"candles:{name[0]}:{name[1]}")

    async def _frame(self, op: str, name: Name, limit: int) -> bytes:
        market, interval = name
        found: dict[str, Any] = await self._upstream.ask(
            "analytics", "candles", market=market, interval_seconds=interval, limit=limit
        )
        head = {"op": op, "channel": "candles", "market": market, "interval": interval}
        candles = found["candles"]
        return msgspec.json.encode({**head, "seq": candles[-1]["open_time"] if candles else 0, "data": candles})
