"""Markets, prices, funding, vaults, risk and the venue: what is asked of no account.

Written by `make client` from the API's document: do not edit.
"""

from typing import Literal, overload

from cleartide.answers.accounts import InsuranceFunds
from cleartide.answers.analytics import Leaderboard, MarketDays, VenueDays
from cleartide.answers.markets import (
    AuctionList,
    BookView,
    CandlePage,
    DepthView,
    FundingList,
    ImpactView,
    MarketFunding,
    MarketList,
    MarketStatistics,
    StatisticsList,
    TradePage,
)
from cleartide.answers.operations import ServiceList
from cleartide.answers.risk import ExposureView, InsuranceHistory, LiquidationMap, RiskSummary, RuleList, StressView
from cleartide.answers.shapes import HealthReport, PriceList
from cleartide.rest.transport import Transport, part


class MarketOperations:
    """Markets, prices, funding, vaults, risk and the venue: what is asked of no account."""

    _transport: Transport

    async def health(self) -> HealthReport:
        """Health of every dependency."""
        told: HealthReport = await self._transport.ask("GET", "/api/health")
        return told

    async def metrics(self) -> str:
        """Prometheus metrics of the gateway process."""
        told: str = await self._transport.ask("GET", "/api/metrics")
        return told

    async def services(self, *, after: int | None = None) -> ServiceList:
        """Position, lag and last commit of every service."""
        told: ServiceList = await self._transport.ask("GET", "/api/v1/services", after=after)
        return told

    async def markets(self, *, after: int | None = None) -> MarketList:
        """Every market: its rules, latest prices and last 24 hours."""
        told: MarketList = await self._transport.ask("GET", "/api/v1/markets", after=after)
        return told

    @overload
    async def market_candles(
        self,
        market: str,
        *,
        interval: int | None = None,
        limit: int | None = None,
        series: str | None = None,
        before: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> CandlePage: ...

    @overload
    async def market_candles(
        self,
        market: str,
        *,
        interval: int | None = None,
        limit: int | None = None,
        series: str | None = None,
        before: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def market_candles(
        self,
        market: str,
        *,
        interval: int | None = None,
        limit: int | None = None,
        series: str | None = None,
        before: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> CandlePage | str | bytes:
        """The newest candles, oldest first."""
        told: CandlePage | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/markets/{part(market)}/candles",
            {"interval": interval, "limit": limit, "series": series, "before": before, "format": format},
            after=after,
        )
        return told

    async def market_book(self, market: str, *, depth: int | None = None, after: int | None = None) -> BookView:
        """The order book, best prices first."""
        told: BookView = await self._transport.ask(
            "GET", f"/api/v1/markets/{part(market)}/book", {"depth": depth}, after=after
        )
        return told

    @overload
    async def market_trades(
        self,
        market: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> TradePage: ...

    @overload
    async def market_trades(
        self,
        market: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def market_trades(
        self,
        market: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> TradePage | str | bytes:
        """The newest trades, newest first."""
        told: TradePage | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/markets/{part(market)}/trades",
            {"before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    @overload
    async def market_funding(
        self,
        market: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> MarketFunding: ...

    @overload
    async def market_funding(
        self,
        market: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def market_funding(
        self,
        market: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> MarketFunding | str | bytes:
        """The rate in force, the predicted one, and past intervals; these as a file."""
        told: MarketFunding | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/markets/{part(market)}/funding",
            {"before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    async def market_auctions(self, market: str, *, after: int | None = None) -> AuctionList:
        """Orders that are auctioned now, and what is offered for them."""
        told: AuctionList = await self._transport.ask("GET", f"/api/v1/markets/{part(market)}/auctions", after=after)
        return told

    async def prices(self, *, market: str | None = None, after: int | None = None) -> PriceList:
        """Every market's latest prices, as the live channel tells them."""
        told: PriceList = await self._transport.ask("GET", "/api/v1/prices", {"market": market}, after=after)
        return told

    @overload
    async def statistics(
        self, *, format: Literal["json"] | None = None, after: int | None = None
    ) -> StatisticsList: ...

    @overload
    async def statistics(self, *, format: Literal["csv", "parquet"], after: int | None = None) -> str | bytes: ...

    async def statistics(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> StatisticsList | str | bytes:
        """Every market's last 24 hours: volume, trades, range, liquidations."""
        told: StatisticsList | str | bytes = await self._transport.ask(
            "GET", "/api/v1/statistics", {"format": format}, after=after
        )
        return told

    @overload
    async def market_statistics(
        self, market: str, *, format: Literal["json"] | None = None, after: int | None = None
    ) -> MarketStatistics: ...

    @overload
    async def market_statistics(
        self, market: str, *, format: Literal["csv", "parquet"], after: int | None = None
    ) -> str | bytes: ...

    async def market_statistics(
        self, market: str, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> MarketStatistics | str | bytes:
        """A market's last 24 hours."""
        told: MarketStatistics | str | bytes = await self._transport.ask(
            "GET", f"/api/v1/markets/{part(market)}/statistics", {"format": format}, after=after
        )
        return told

    @overload
    async def funding(self, *, format: Literal["json"] | None = None, after: int | None = None) -> FundingList: ...

    @overload
    async def funding(self, *, format: Literal["csv", "parquet"], after: int | None = None) -> str | bytes: ...

    async def funding(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> FundingList | str | bytes:
        """Every market's funding rate: in force, predicted, and when it settles."""
        told: FundingList | str | bytes = await self._transport.ask(
            "GET", "/api/v1/funding", {"format": format}, after=after
        )
        return told

    async def market_depth(self, market: str, *, after: int | None = None) -> DepthView:
        """How much rests within 5 to 200 basis points of the middle."""
        told: DepthView = await self._transport.ask("GET", f"/api/v1/markets/{part(market)}/depth", after=after)
        return told

    async def market_impact(self, market: str, *, notional: str | None = None, after: int | None = None) -> ImpactView:
        """The price of taking an amount out of the book, both ways."""
        told: ImpactView = await self._transport.ask(
            "GET", f"/api/v1/markets/{part(market)}/impact", {"notional": notional}, after=after
        )
        return told

    async def risk(self, *, after: int | None = None) -> RiskSummary:
        """Accounts per level, and how health factors are spread."""
        told: RiskSummary = await self._transport.ask("GET", "/api/v1/risk", after=after)
        return told

    async def risk_stress(self, *, after: int | None = None) -> StressView:
        """What falls and rises would do, and whether the insurance funds suffice."""
        told: StressView = await self._transport.ask("GET", "/api/v1/risk/stress", after=after)
        return told

    async def risk_exposure(self, *, after: int | None = None) -> ExposureView:
        """Long, short and concentration by market; the largest accounts' tails."""
        told: ExposureView = await self._transport.ask("GET", "/api/v1/risk/exposure", after=after)
        return told

    async def risk_liquidation_map(self, *, market: str, after: int | None = None) -> LiquidationMap:
        """What becomes liquidatable at each percent from the mark price."""
        told: LiquidationMap = await self._transport.ask(
            "GET", "/api/v1/risk/liquidation-map", {"market": market}, after=after
        )
        return told

    async def risk_insurance(
        self,
        *,
        market: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> InsuranceHistory:
        """What was in the insurance funds, oldest first."""
        told: InsuranceHistory = await self._transport.ask(
            "GET", "/api/v1/risk/insurance", {"market": market, "before": before, "limit": limit}, after=after
        )
        return told

    async def insurance(self, *, after: int | None = None) -> InsuranceFunds:
        """Every market's insurance fund: balance, position, and what it is worth."""
        told: InsuranceFunds = await self._transport.ask("GET", "/api/v1/insurance", after=after)
        return told

    @overload
    async def market_days(
        self,
        market: str,
        *,
        limit: int | None = None,
        from_day: int | None = None,
        to_day: int | None = None,
        before: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> MarketDays: ...

    @overload
    async def market_days(
        self,
        market: str,
        *,
        limit: int | None = None,
        from_day: int | None = None,
        to_day: int | None = None,
        before: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def market_days(
        self,
        market: str,
        *,
        limit: int | None = None,
        from_day: int | None = None,
        to_day: int | None = None,
        before: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> MarketDays | str | bytes:
        """A market's UTC days, newest first."""
        told: MarketDays | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/markets/{part(market)}/days",
            {"limit": limit, "from_day": from_day, "to_day": to_day, "before": before, "format": format},
            after=after,
        )
        return told

    @overload
    async def venue_days(
        self,
        *,
        limit: int | None = None,
        before: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> VenueDays: ...

    @overload
    async def venue_days(
        self,
        *,
        limit: int | None = None,
        before: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def venue_days(
        self,
        *,
        limit: int | None = None,
        before: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> VenueDays | str | bytes:
        """The venue's UTC days, newest first: volume, traders, fees, revenue."""
        told: VenueDays | str | bytes = await self._transport.ask(
            "GET", "/api/v1/venue/days", {"limit": limit, "before": before, "format": format}, after=after
        )
        return told

    @overload
    async def leaderboard(
        self,
        *,
        by: Literal["volume", "pnl", "fees", "trades", "realized", "funding", "yield"] | None = None,
        days: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> Leaderboard: ...

    @overload
    async def leaderboard(
        self,
        *,
        by: Literal["volume", "pnl", "fees", "trades", "realized", "funding", "yield"] | None = None,
        days: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def leaderboard(
        self,
        *,
        by: Literal["volume", "pnl", "fees", "trades", "realized", "funding", "yield"] | None = None,
        days: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Leaderboard | str | bytes:
        """The accounts that lead by one figure over the last days."""
        told: Leaderboard | str | bytes = await self._transport.ask(
            "GET", "/api/v1/leaderboard", {"by": by, "days": days, "limit": limit, "format": format}, after=after
        )
        return told

    async def risk_rules(self, *, after: int | None = None) -> RuleList:
        """The operators' alert rules, how many alerts of each hold, and its last."""
        told: RuleList = await self._transport.ask("GET", "/api/v1/risk/rules", after=after)
        return told
