"""What other venues' books bear, what they say of their funding, and how they are followed.

Written by `make client` from the API's document: do not edit.
"""

from cleartide.answers.liquidity import (
    FeedList,
    GapPage,
    LiquidityHistory,
    LiquidityStatistics,
    LiquidityView,
    VenueFundingList,
    VenueFundingPage,
    VenueInstrument,
)
from cleartide.rest.transport import Transport


class LiquidityOperations:
    """What other venues' books bear, what they say of their funding, and how they are followed."""

    _transport: Transport

    async def liquidity(
        self,
        *,
        base: str | None = None,
        symbol: str | None = None,
        venue: str | None = None,
        fees: bool | None = None,
        after: int | None = None,
    ) -> LiquidityView:
        """Depth, slippage and spread now, of a coin, a symbol or a venue, and the venues' parts."""
        told: LiquidityView = await self._transport.ask(
            "GET", "/api/v1/liquidity", {"base": base, "symbol": symbol, "venue": venue, "fees": fees}, after=after
        )
        return told

    async def liquidity_history(
        self,
        *,
        venue: str,
        symbol: str,
        before: int | None = None,
        limit: int | None = None,
        fees: bool | None = None,
        after: int | None = None,
    ) -> LiquidityHistory:
        """One instrument's depth, slippage and spread as stored, newest first."""
        told: LiquidityHistory = await self._transport.ask(
            "GET",
            "/api/v1/liquidity/history",
            {"venue": venue, "symbol": symbol, "before": before, "limit": limit, "fees": fees},
            after=after,
        )
        return told

    async def liquidity_feeds(self, *, after: int | None = None) -> FeedList:
        """Every venue's feeds: state, last heard of, gaps so far."""
        told: FeedList = await self._transport.ask("GET", "/api/v1/liquidity/feeds", after=after)
        return told

    async def liquidity_gaps(
        self,
        *,
        symbol: str | None = None,
        venue: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> GapPage:
        """What feeds have missed, newest first, and why."""
        told: GapPage = await self._transport.ask(
            "GET",
            "/api/v1/liquidity/gaps",
            {"symbol": symbol, "venue": venue, "before": before, "limit": limit},
            after=after,
        )
        return told

    async def liquidity_funding(
        self, *, base: str | None = None, symbol: str | None = None, venue: str | None = None, after: int | None = None
    ) -> VenueFundingList:
        """What venues say of their funding now: mark, index, rate, when it is due, and the predicted next one."""
        told: VenueFundingList = await self._transport.ask(
            "GET", "/api/v1/liquidity/funding", {"base": base, "symbol": symbol, "venue": venue}, after=after
        )
        return told

    async def liquidity_funding_history(
        self, *, venue: str, symbol: str, before: int | None = None, limit: int | None = None, after: int | None = None
    ) -> VenueFundingPage:
        """What a venue said of one instrument's funding, newest first."""
        told: VenueFundingPage = await self._transport.ask(
            "GET",
            "/api/v1/liquidity/funding/history",
            {"venue": venue, "symbol": symbol, "before": before, "limit": limit},
            after=after,
        )
        return told

    async def liquidity_statistics(
        self, *, venue: str, symbol: str, hours: int | None = None, after: int | None = None
    ) -> LiquidityStatistics:
        """Funding, open interest over volume, and how far mark and last leave the index."""
        told: LiquidityStatistics = await self._transport.ask(
            "GET", "/api/v1/liquidity/statistics", {"venue": venue, "symbol": symbol, "hours": hours}, after=after
        )
        return told

    async def liquidity_instruments(
        self, *, base: str | None = None, symbol: str | None = None, venue: str | None = None, after: int | None = None
    ) -> list[VenueInstrument]:
        """What is followed at the venues: grids, kinds and fees."""
        told: list[VenueInstrument] = await self._transport.ask(
            "GET", "/api/v1/liquidity/instruments", {"base": base, "symbol": symbol, "venue": venue}, after=after
        )
        return told
