"""The listed markets and their steps, as matching knows them: what turns ticks and lots into decimals."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

import structlog
from cleartide.money import Grid

from services.gateway.edge.errors import ApiError
from services.gateway.edge.upstream import Upstream

log = structlog.get_logger()

REFRESH_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 1.0


class MarketDirectory:
    """Grids by market. A market's steps never change, so what was learned once stays true."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._grids: dict[str, Grid] = {}
        self._answered_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    @property
    def learned(self) -> bool:
        """Whether any market is known."""
        return bool(self._grids)

    def known(self, market: str) -> Grid | None:
        """The market's grid if it has been learned."""
        return self._grids.get(market)

    def learn(self, spec: Mapping[str, Any]) -> None:
        """Take a market's steps from its definition."""
        self._grids[spec["market"]] = Grid.of(spec["tick_size"], spec["lot_size"])

    async def require(self, market: str) -> Grid:
        """The market's grid; ApiError 404 when it is not listed."""
        if (grid := self._grids.get(market)) is None:
            await self.refresh()
            grid = self._grids.get(market)
        if grid is None:
            raise ApiError(404, "unknown_market", f"Market {market} is not listed.", {"market": market})
        return grid

    async def refresh(self) -> None:
        """Ask matching, unless it was answered within the last second; who comes meanwhile shares the answer."""
        if self._asking is None:
            if monotonic() - self._answered_at < RETRY_SECONDS:
                return
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._done)
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        for market in (await self._upstream.ask("matching", "markets"))["markets"]:
            self.learn(market)
        self._answered_at = monotonic()

    def _done(self, asking: "asyncio.Task[None]") -> None:
        self._asking = None
        if not asking.cancelled():
            asking.exception()  # whoever waited has it; if nobody does any more, it is nobody's

    async def run(self) -> None:
        """Stay up to date until cancelled; while matching is away, keep what is known."""
        while True:
            try:
                await self.refresh()
                wait = REFRESH_SECONDS
            except ApiError as error:
                log.info("markets_not_known_yet", error=str(error))
                wait = RETRY_SECONDS
            await asyncio.sleep(wait)
