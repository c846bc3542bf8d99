"""Who watches a portfolio is told what changed, and no more."""

import asyncio
from typing import Any

import msgspec
import pytest

from services.gateway.edge.errors import ApiError
from services.gateway.live.mailbox import Mailbox
from services.gateway.live.portfolios import PortfolioHub, PortfolioSeat


class Source:
    """Analytics with one account."""

    def __init__(self) -> None:
        self.equity, self.failing, self._asked = "1", False, asyncio.Semaphore(0)
        self._clock = 0

    async def ask(self, service: str, query: str, *, account: str, days: int) -> dict[str, Any]:
        """Its portfolio, a moment later each time."""
        assert (service, query) == ("analytics", "portfolio")
        self._asked.release()
        if self.failing:
            raise ApiError(503, "service_unavailable", "The analytics service is not running.")
        self._clock += 1
        return {"account": account, "as_of": self._clock, "equity": self.equity, "days": list(range(days))}

    async def asked(self, times: int) -> None:
        """Until it was asked so often again."""
        while self._asked.locked() is False:
            await self._asked.acquire()
        for _ in range(times):
            await self._asked.acquire()
        await asyncio.sleep(0)


def told(seat: PortfolioSeat) -> list[tuple[str, str]]:
    frames = [msgspec.json.decode(frame) for frame in seat.mailbox.take_all(10)]
    return [(frame["op"], frame["data"]["equity"]) for frame in frames]


async def test_a_portfolio_is_told_again_only_when_it_has_changed() -> None:
    """GW-ROOM-006"""
    source = Source()
    hub = PortfolioHub(source.ask, pace_seconds=0)
    early, late = PortfolioSeat(Mailbox(8), "a1", 90), PortfolioSeat(Mailbox(8), "a1", 90)
    await hub.join(early)
    source.equity = "2"
    await hub.join(late)
    source.equity = "1"
    running = asyncio.create_task(hub.run())
    await source.asked(5)
    assert told(early) == [
        ("snapshot", "1"),
        ("update", "1"),
    ]
    assert told(late) == [
        ("snapshot", "2"),
        ("update", "1"),
    ]
    source.failing, source.equity = True, "3"
    await source.asked(2)
    source.failing = False
    await source.asked(2)
    assert told(early) == [("update", "3")]
    hub.leave(early)
    source.equity = "4"
    await source.asked(2)
    hub.leave(late)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not early.mailbox
    assert told(late)[-1] == ("update", "4")


async def test_each_is_told_as_many_days_as_he_asked_for() -> None:
    """GW-ROOM-006"""
    source = Source()
    hub = PortfolioHub(source.ask, pace_seconds=0)
    week, month = PortfolioSeat(Mailbox(8), "a1", 7), PortfolioSeat(Mailbox(8), "a1", 30)
    await hub.join(week)
    await hub.join(month)
    running = asyncio.create_task(hub.run())
    await source.asked(4)
    running.cancel()
    for seat in (week, month):
        frames = [msgspec.json.decode(frame) for frame in seat.mailbox.take_all(10)]
        assert [frame["op"] for frame in frames] == ["snapshot", "update"]
        assert [(frame["days"], len(frame["data"]["days"])) for frame in frames] == [(seat.days, seat.days)] * 2


async def test_an_account_that_analytics_does_not_know_is_refused_to_who_asks() -> None:
    """GW-ROOM-006"""
    source = Source()
    source.failing = True
    with pytest.raises(ApiError, match="not running"):
        await PortfolioHub(source.ask).join(PortfolioSeat(Mailbox(8), "a1", 90))
