"""What an account has earned, by day and month, and in vaults on chains.

Written by `make client` from the API's document: do not edit.
"""

from typing import Literal, overload

from cleartide.answers.earnings import ChainMoves, EarnedDays, EarnedMonths, EarningsSummary, VaultPositions
from cleartide.rest.transport import Transport, part


class EarningsOperations:
    """What an account has earned, by day and month, and in vaults on chains."""

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
