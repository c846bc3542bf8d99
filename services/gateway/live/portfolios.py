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
Ask = Callable[..., Awaitable[Any]]
"""A service's answer to a query, as `Upstream.ask` gives it; ApiError where there is none."""


@dataclass(eq=False)
class PortfolioSeat:
    """One client's interest in an account's portfolio."""

    mailbox: Mailbox
    account: str


class PortfolioHub:
    """Portfolios that somebody watches, as `GET /accounts/{account}/portfolio` tells them."""

    def __init__(self, ask: Ask, pace_seconds: float = PACE_SECONDS) -> None:
        self._service, self._pace_seconds = ask, pace_seconds
        self._seats: dict[str, set[PortfolioSeat]] = {}
        self._told: dict[str, dict[str, Any]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Broadcast until cancelled."""
        while True:
            await asyncio.sleep(self._pace_seconds)
            async with asyncio.TaskGroup() as tasks:
                for account in self._seats:
                    tasks.create_task(self._broadcast(account))

    async def join(self, seat: PortfolioSeat) -> None:
        """The portfolio now, then whenever it has changed. Pair with `leave`."""
        found = await self._ask(seat.account)
        seat.mailbox.offer(_frame("snapshot", seat.account, found))
        self._seats.setdefault(seat.account, set()).add(seat)
        self._told.pop(seat.account, None)  # not everybody was told the same: the next one is for all

    def leave(self, seat: PortfolioSeat) -> None:
        """Deliver nothing more."""
        seats = self._seats.get(seat.account, set())
        seats.discard(seat)
        if not seats:
            self._seats.pop(seat.account, None)
            self._told.pop(seat.account, None)

    async def _broadcast(self, account: str) -> None:
        try:
            found = await self._ask(account)
        except ApiError as error:
            log.info("portfolio_not_known", error=str(error))
            return
        seats, told = self._seats.get(account), self._told.get(account)
        if not seats or (told is not None and {**told, AS_OF: 0} == {**found, AS_OF: 0}):
            return
        self._told[account] = found
        frame = _frame("update", account, found)
        for seat in seats:
            seat.mailbox.offer(frame, f"portfolio:{account}")

    async def _ask(self, account: str) -> dict[str, Any]:
        async with self._room:
            found: dict[str, Any] = await self._service("analytics", "portfolio", account=account)
            return found


def _frame(op: str, account: str, found: dict[str, Any]) -> bytes:
    head = {"op": op, "channel": "portfolio", "account": account, "seq": found[AS_OF]}
    return msgspec.json.encode({**head, "data": found})
