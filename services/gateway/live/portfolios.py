"""Portfolios as they change: those of analytics, told again every few seconds while somebody watches."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from services.gateway.edge.errors import ApiError
from services.gateway.live.mailbox import Mailbox

log = structlog.get_logger()

PACE_SECONDS: Final = 5.0
AT_ONCE: Final = 8
"""How many accounts analytics is asked about at a time: who watches waits rather than who reads."""
AS_OF: Final = "as_of"
Watched = tuple[str, int]
"""An account, and of how many days: who watches the same is told the same."""
Ask = Callable[..., Awaitable[Any]]
"""A service's answer to a query, as `Upstream.ask` gives it; ApiError where there is none."""


@dataclass(eq=False)
class PortfolioSeat:
    """One client's interest in an account's portfolio over its last days."""

    mailbox: Mailbox
    account: str
    days: int

    @property
    def watched(self) -> Watched:
        """What is told here."""
        return self.account, self.days


class PortfolioHub:
    """Portfolios that somebody watches, as `GET /accounts/{account}/portfolio` tells them."""

    def __init__(self, ask: Ask, pace_seconds: float = PACE_SECONDS) -> None:
        self._service, self._pace_seconds = ask, pace_seconds
        self._seats: dict[Watched, set[PortfolioSeat]] = {}
        self._told: dict[Watched, dict[str, Any]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Broadcast until cancelled."""
        while True:
            await asyncio.sleep(self._pace_seconds)
            async with asyncio.TaskGroup() as tasks:
                for watched in self._seats:
                    tasks.create_task(self._broadcast(watched))

    async def join(self, seat: PortfolioSeat) -> None:
        """The portfolio now, then whenever it has changed. Pair with `leave`."""
        found = await self._ask(seat.watched)
        seat.mailbox.offer(_frame("snapshot", seat.watched, found))
        self._seats.setdefault(seat.watched, set()).add(seat)
        self._told.pop(seat.watched, None)  # not everybody was told the same: the next one is for all

    def leave(self, seat: PortfolioSeat) -> None:
        """Deliver nothing more."""
        seats = self._seats.get(seat.watched, set())
        seats.discard(seat)
        if not seats:
            self._seats.pop(seat.watched, None)
            self._told.pop(seat.watched, None)

    async def _broadcast(self, watched: Watched) -> None:
        try:
            found = await self._ask(watched)
        except ApiError as error:
            log.info("portfolio_not_known", error=str(error))
            return
        seats, told = self._seats.get(watched), self._told.get(watched)
        if not seats or (told is not None and {**told, AS_OF: 0} == {**found, AS_OF: 0}):
            return
        self._told[watched] = found
        frame = _frame("update", watched, found)
        for seat in seats:
            seat.mailbox.offer(frame, f"portfolio:{watched[0]}")

    async def _ask(self, watched: Watched) -> dict[str, Any]:
        account, days = watched
        async with self._room:
            found: dict[str, Any] = await self._service("analytics", "portfolio", account=account, days=days)
            return found


def _frame(op: str, watched: Watched, found: dict[str, Any]) -> bytes:
    account, days = watched
    head = {"op": op, "channel": "portfolio", "account": account, "days": days, "seq": found[AS_OF]}
    return msgspec.json.encode({**head, "data": found})
