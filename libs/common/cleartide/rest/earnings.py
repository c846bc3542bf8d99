"""What an account has earned, by day and month, and vaults on chains.

Written by `make client` from the API's document: do not edit.
"""

from typing import Literal, overload

from cleartide.answers.earnings import (
    ChainCursors,
    ChainMoves,
    ChainVaults,
    Commissions,
    CommissionSums,
    EarnedDays,
    EarnedMonths,
    EarningsSummary,
    Offers,
    RateHistory,
    SwapPairs,
    VaultPositions,
)
from cleartide.rest.transport import Transport, part


class EarningsOperations:
    """What an account has earned, by day and month, and vaults on chains."""

    _transport: Transport

    @overload
    async def earnings(
        self, account: str, *, limit: int | None = None, format: Literal["json"] | None = None, after: int | None = None
    ) -> EarningsSummary: ...

    @overload
    async def earnings(
        self, account: str, *, limit: int | None = None, format: Literal["csv", "parquet"], after: int | None = None
    ) -> str | bytes: ...

    async def earnings(
        self,
        account: str,
        *,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> EarningsSummary | str | bytes:
        """One account's earnings: now, since its first day, and by day; now and since then as a file."""
        told: EarningsSummary | str | bytes = await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}", {"limit": limit, "format": format}, after=after
        )
        return told

    @overload
    async def earnings_days(
        self,
        account: str,
        *,
        month: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> EarnedDays: ...

    @overload
    async def earnings_days(
        self,
        account: str,
        *,
        month: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def earnings_days(
        self,
        account: str,
        *,
        month: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> EarnedDays | str | bytes:
        """An owner's days, trading and yield in one form, newest first."""
        told: EarnedDays | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/earnings/{part(account)}/days",
            {"month": month, "before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    async def earnings_days_csv(
        self, account: str, *, month: str | None = None, limit: int | None = None, after: int | None = None
    ) -> str:
        """The same as a file."""
        told: str = await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}/days.csv", {"month": month, "limit": limit}, after=after
        )
        return told

    @overload
    async def earnings_months(
        self,
        account: str,
        *,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> EarnedMonths: ...

    @overload
    async def earnings_months(
        self,
        account: str,
        *,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def earnings_months(
        self,
        account: str,
        *,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> EarnedMonths | str | bytes:
        """An owner's months: balances, flows, earnings, APR and APY."""
        told: EarnedMonths | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/earnings/{part(account)}/months",
            {"before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    async def earnings_months_csv(self, account: str, *, limit: int | None = None, after: int | None = None) -> str:
        """The same as a file."""
        told: str = await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}/months.csv", {"limit": limit}, after=after
        )
        return told

    @overload
    async def earnings_vaults(
        self, account: str, *, format: Literal["json"] | None = None, after: int | None = None
    ) -> VaultPositions: ...

    @overload
    async def earnings_vaults(
        self, account: str, *, format: Literal["csv", "parquet"], after: int | None = None
    ) -> str | bytes: ...

    async def earnings_vaults(
        self, account: str, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> VaultPositions | str | bytes:
        """What an owner has in each vault now."""
        told: VaultPositions | str | bytes = await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}/vaults", {"format": format}, after=after
        )
        return told

    @overload
    async def earnings_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> ChainMoves: ...

    @overload
    async def earnings_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def earnings_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> ChainMoves | str | bytes:
        """An owner's events on chains, newest first."""
        told: ChainMoves | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/earnings/{part(account)}/moves",
            {"before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    @overload
    async def vaults(self, *, format: Literal["json"] | None = None, after: int | None = None) -> ChainVaults: ...

    @overload
    async def vaults(self, *, format: Literal["csv", "parquet"], after: int | None = None) -> str | bytes: ...

    async def vaults(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> ChainVaults | str | bytes:
        """Every vault's totals, and how much went in and out, in smallest units."""
        told: ChainVaults | str | bytes = await self._transport.ask(
            "GET", "/api/v1/vaults", {"format": format}, after=after
        )
        return told

    @overload
    async def vaults_offers(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> Offers: ...

    @overload
    async def vaults_offers(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def vaults_offers(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Offers | str | bytes:
        """TVL and APY per protocol and asset now: raw, fee, net, APR, best and mean."""
        told: Offers | str | bytes = await self._transport.ask(
            "GET", "/api/v1/vaults/offers", {"protocol": protocol, "asset": asset, "format": format}, after=after
        )
        return told

    @overload
    async def vaults_history(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        start: int | None = None,
        end: int | None = None,
        step: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> RateHistory: ...

    @overload
    async def vaults_history(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        start: int | None = None,
        end: int | None = None,
        step: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def vaults_history(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        start: int | None = None,
        end: int | None = None,
        step: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> RateHistory | str | bytes:
        """TVL and APY per protocol and asset over time, the oldest first."""
        told: RateHistory | str | bytes = await self._transport.ask(
            "GET",
            "/api/v1/vaults/history",
            {
                "protocol": protocol,
                "asset": asset,
                "start": start,
                "end": end,
                "step": step,
                "before": before,
                "limit": limit,
                "format": format,
            },
            after=after,
        )
        return told

    @overload
    async def vaults_liquidity(
        self, *, format: Literal["json"] | None = None, after: int | None = None
    ) -> SwapPairs: ...

    @overload
    async def vaults_liquidity(self, *, format: Literal["csv", "parquet"], after: int | None = None) -> str | bytes: ...

    async def vaults_liquidity(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> SwapPairs | str | bytes:
        """Swaps per vault and pair of assets, in smallest units."""
        told: SwapPairs | str | bytes = await self._transport.ask(
            "GET", "/api/v1/vaults/liquidity", {"format": format}, after=after
        )
        return told

    @overload
    async def vaults_sync(self, *, format: Literal["json"] | None = None, after: int | None = None) -> ChainCursors: ...

    @overload
    async def vaults_sync(self, *, format: Literal["csv", "parquet"], after: int | None = None) -> str | bytes: ...

    async def vaults_sync(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> ChainCursors | str | bytes:
        """How far each chain has been read, and how late its newest block came."""
        told: ChainCursors | str | bytes = await self._transport.ask(
            "GET", "/api/v1/vaults/sync", {"format": format}, after=after
        )
        return told

    @overload
    async def vaults_commissions(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        vault: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> Commissions: ...

    @overload
    async def vaults_commissions(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        vault: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def vaults_commissions(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        vault: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Commissions | str | bytes:
        """Every fee that events on chains brought in, newest first."""
        told: Commissions | str | bytes = await self._transport.ask(
            "GET",
            "/api/v1/vaults/commissions",
            {"protocol": protocol, "asset": asset, "vault": vault, "before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    @overload
    async def vaults_commissions_sums(
        self,
        *,
        by: Literal["asset", "vault", "owner", "day"] | None = None,
        start: int | None = None,
        end: int | None = None,
        protocol: str | None = None,
        asset: str | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> CommissionSums: ...

    @overload
    async def vaults_commissions_sums(
        self,
        *,
        by: Literal["asset", "vault", "owner", "day"] | None = None,
        start: int | None = None,
        end: int | None = None,
        protocol: str | None = None,
        asset: str | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def vaults_commissions_sums(
        self,
        *,
        by: Literal["asset", "vault", "owner", "day"] | None = None,
        start: int | None = None,
        end: int | None = None,
        protocol: str | None = None,
        asset: str | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> CommissionSums | str | bytes:
        """Fees of all owners by asset, vault, owner or UTC day."""
        told: CommissionSums | str | bytes = await self._transport.ask(
            "GET",
            "/api/v1/vaults/commissions/sums",
            {"by": by, "start": start, "end": end, "protocol": protocol, "asset": asset, "format": format},
            after=after,
        )
        return told
