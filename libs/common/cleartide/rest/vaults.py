"""Vaults, on chains and the venue's own.

Written by `make client` from the API's document: do not edit.
"""

from typing import Any, Literal

from cleartide.rest.transport import Json, Transport, given, part


class VaultOperations:
    """Vaults, on chains and the venue's own."""

    _transport: Transport

    async def venue_vaults(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> Any:
        """Every vault of the venue: terms, state, and what a share is worth now."""
        return await self._transport.ask("GET", "/api/v1/vaults/venue", {"format": format}, after=after)

    async def venue_vault(self, vault: str, *, after: int | None = None) -> Json:
        """One vault of the venue."""
        told: Json = await self._transport.ask("GET", f"/api/v1/vaults/venue/{part(vault)}", after=after)
        return told

    async def venue_vault_history(
        self,
        vault: str,
        *,
        start: int | None = None,
        end: int | None = None,
        step: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Any:
        """What a vault's shares were worth, the oldest first, and now."""
        return await self._transport.ask(
            "GET",
            f"/api/v1/vaults/venue/{part(vault)}/history",
            {"start": start, "end": end, "step": step, "limit": limit, "format": format},
            after=after,
        )

    async def venue_vault_performance(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> Any:
        """How the venue's vaults have done: returns over 24h, 7d, 30d, APR, APY."""
        return await self._transport.ask("GET", "/api/v1/venue/vaults", {"format": format}, after=after)

    async def account_venue_vaults(
        self, account: str, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> Any:
        """What an account holds of vaults, and which exits wait."""
        return await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/vaults", {"format": format}, after=after
        )

    async def open_vault(
        self,
        account: str,
        *,
        vault: str,
        deposit_fee_bps: int | None = None,
        withdraw_fee_bps: int | None = None,
        management_fee_bps: int | None = None,
        performance_fee_bps: int | None = None,
        lock_seconds: int | None = None,
        capacity: str | None = None,
        reserve_bps: int | None = None,
        virtual_shares: int | None = None,
        once: str | None = None,
    ) -> Json:
        """Open a vault and manage it."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults",
            body={
                "vault": vault,
                **given(
                    {
                        "deposit_fee_bps": deposit_fee_bps,
                        "withdraw_fee_bps": withdraw_fee_bps,
                        "management_fee_bps": management_fee_bps,
                        "performance_fee_bps": performance_fee_bps,
                        "lock_seconds": lock_seconds,
                        "capacity": capacity,
                        "reserve_bps": reserve_bps,
                        "virtual_shares": virtual_shares,
                    }
                ),
            },
            once=once,
        )
        return told

    async def account_venue_vault_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Any:
        """What an account paid in and took out, newest first."""
        return await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/vaults/moves",
            {"before": before, "limit": limit, "format": format},
            after=after,
        )

    async def deposit_in_vault(self, account: str, vault: str, *, amount: str, once: str | None = None) -> Json:
        """Pay cash into a vault."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/deposits",
            body={"amount": amount},
            once=once,
        )
        return told

    async def withdraw_from_vault(self, account: str, vault: str, *, shares: int, once: str | None = None) -> Json:
        """Give shares back, or join the queue."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/withdrawals",
            body={"shares": shares},
            once=once,
        )
        return told

    async def leave_vault_queue(self, account: str, vault: str, exit_id: int, *, once: str | None = None) -> Json:
        """Leave the queue."""
        told: Json = await self._transport.ask(
            "DELETE", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/withdrawals/{part(exit_id)}", once=once
        )
        return told

    async def set_vault_terms(
        self,
        account: str,
        vault: str,
        *,
        deposit_fee_bps: int | None = None,
        withdraw_fee_bps: int | None = None,
        management_fee_bps: int | None = None,
        performance_fee_bps: int | None = None,
        lock_seconds: int | None = None,
        capacity: str | None = None,
        reserve_bps: int | None = None,
        virtual_shares: int | None = None,
        once: str | None = None,
    ) -> Json:
        """Give a vault new terms."""
        told: Json = await self._transport.ask(
            "PUT",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/terms",
            body={
                **given(
                    {
                        "deposit_fee_bps": deposit_fee_bps,
                        "withdraw_fee_bps": withdraw_fee_bps,
                        "management_fee_bps": management_fee_bps,
                        "performance_fee_bps": performance_fee_bps,
                        "lock_seconds": lock_seconds,
                        "capacity": capacity,
                        "reserve_bps": reserve_bps,
                        "virtual_shares": virtual_shares,
                    }
                )
            },
            once=once,
        )
        return told

    async def set_vault_state(
        self, account: str, vault: str, *, state: Literal["active", "paused", "closed"], once: str | None = None
    ) -> Json:
        """Stop or resume what comes in."""
        told: Json = await self._transport.ask(
            "PUT", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/state", body={"state": state}, once=once
        )
        return told

    async def rebalance_vault(self, account: str, vault: str, *, amount: str, once: str | None = None) -> Json:
        """Move cash to work and back."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/rebalances",
            body={"amount": amount},
            once=once,
        )
        return told

    async def harvest_vault(self, account: str, vault: str, *, once: str | None = None) -> Json:
        """Bring gains home, pay who waits and fees."""
        told: Json = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/harvests", once=once
        )
        return told

    async def compound_vault(self, account: str, vault: str, *, once: str | None = None) -> Json:
        """Put what was harvested to work."""
        told: Json = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/compounds", once=once
        )
        return told

    async def create_account_vaults_stakes(
        self, account: str, vault: str, *, shares: int, once: str | None = None
    ) -> Json:
        """Stake shares in the vault's farm."""
        told: Json = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/stakes", body={"shares": shares}, once=once
        )
        return told

    async def create_account_vaults_unstakes(
        self, account: str, vault: str, *, shares: int, once: str | None = None
    ) -> Json:
        """Take shares out of the farm."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/unstakes",
            body={"shares": shares},
            once=once,
        )
        return told

    async def create_account_vaults_claims(self, account: str, vault: str, *, once: str | None = None) -> Json:
        """Have what was earned by staking."""
        told: Json = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/claims", once=once
        )
        return told

    async def create_account_vaults_rewards(
        self, account: str, vault: str, *, amount: str, seconds: int, once: str | None = None
    ) -> Json:
        """Put a reward into the farm."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/rewards",
            body={"amount": amount, "seconds": seconds},
            once=once,
        )
        return told

    async def earnings_vaults(
        self, account: str, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> Any:
        """What an owner has in each vault now."""
        return await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}/vaults", {"format": format}, after=after
        )

    async def vaults(self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None) -> Any:
        """Every vault's totals, and how much went in and out, in smallest units."""
        return await self._transport.ask("GET", "/api/v1/vaults", {"format": format}, after=after)

    async def vaults_offers(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Any:
        """TVL and APY per protocol and asset now: raw, fee, net, APR, best and mean."""
        return await self._transport.ask(
            "GET", "/api/v1/vaults/offers", {"protocol": protocol, "asset": asset, "format": format}, after=after
        )

    async def vaults_history(
        self,
        *,
        protocol: str | None = None,
        asset: str | None = None,
        start: int | None = None,
        end: int | None = None,
        step: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Any:
        """TVL and APY per protocol and asset over time, the oldest first."""
        return await self._transport.ask(
            "GET",
            "/api/v1/vaults/history",
            {"protocol": protocol, "asset": asset, "start": start, "end": end, "step": step, "format": format},
            after=after,
        )

    async def vaults_liquidity(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> Any:
        """Swaps per vault and pair of assets, in smallest units."""
        return await self._transport.ask("GET", "/api/v1/vaults/liquidity", {"format": format}, after=after)

    async def vaults_sync(self, *, after: int | None = None) -> Json:
        """How far each chain has been read, and how late its newest block came."""
        told: Json = await self._transport.ask("GET", "/api/v1/vaults/sync", after=after)
        return told
