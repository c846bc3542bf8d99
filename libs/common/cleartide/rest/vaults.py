"""The venue's own vaults.

Written by `make client` from the API's document: do not edit.
"""

from typing import Literal, overload

from cleartide.answers.shapes import TransferOutcome
from cleartide.answers.vaults import (
    OwnVault,
    OwnVaultHistory,
    OwnVaultPerformance,
    OwnVaults,
    VaultHoldings,
    VaultMoves,
)
from cleartide.rest.transport import Transport, given, part


class VaultOperations:
    """The venue's own vaults."""

    _transport: Transport

    @overload
    async def venue_vaults(self, *, format: Literal["json"] | None = None, after: int | None = None) -> OwnVaults: ...

    @overload
    async def venue_vaults(self, *, format: Literal["csv", "parquet"], after: int | None = None) -> str | bytes: ...

    async def venue_vaults(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> OwnVaults | str | bytes:
        """Every vault of the venue: terms, state, and what a share is worth now."""
        told: OwnVaults | str | bytes = await self._transport.ask(
            "GET", "/api/v1/vaults/venue", {"format": format}, after=after
        )
        return told

    async def venue_vault(self, vault: str, *, after: int | None = None) -> OwnVault:
        """One vault of the venue."""
        told: OwnVault = await self._transport.ask("GET", f"/api/v1/vaults/venue/{part(vault)}", after=after)
        return told

    @overload
    async def venue_vault_history(
        self,
        vault: str,
        *,
        start: int | None = None,
        end: int | None = None,
        step: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> OwnVaultHistory: ...

    @overload
    async def venue_vault_history(
        self,
        vault: str,
        *,
        start: int | None = None,
        end: int | None = None,
        step: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

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
    ) -> OwnVaultHistory | str | bytes:
        """What a vault's shares were worth, the oldest first, and now."""
        told: OwnVaultHistory | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/vaults/venue/{part(vault)}/history",
            {"start": start, "end": end, "step": step, "limit": limit, "format": format},
            after=after,
        )
        return told

    @overload
    async def venue_vault_performance(
        self, *, format: Literal["json"] | None = None, after: int | None = None
    ) -> OwnVaultPerformance: ...

    @overload
    async def venue_vault_performance(
        self, *, format: Literal["csv", "parquet"], after: int | None = None
    ) -> str | bytes: ...

    async def venue_vault_performance(
        self, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> OwnVaultPerformance | str | bytes:
        """How the venue's vaults have done: returns over 24h, 7d, 30d, APR, APY."""
        told: OwnVaultPerformance | str | bytes = await self._transport.ask(
            "GET", "/api/v1/venue/vaults", {"format": format}, after=after
        )
        return told

    @overload
    async def account_venue_vaults(
        self, account: str, *, format: Literal["json"] | None = None, after: int | None = None
    ) -> VaultHoldings: ...

    @overload
    async def account_venue_vaults(
        self, account: str, *, format: Literal["csv", "parquet"], after: int | None = None
    ) -> str | bytes: ...

    async def account_venue_vaults(
        self, account: str, *, format: Literal["json", "csv", "parquet"] | None = None, after: int | None = None
    ) -> VaultHoldings | str | bytes:
        """What an account holds of vaults, and which exits wait."""
        told: VaultHoldings | str | bytes = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/vaults", {"format": format}, after=after
        )
        return told

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
    ) -> TransferOutcome:
        """Open a vault and manage it."""
        told: TransferOutcome = await self._transport.ask(
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

    @overload
    async def account_venue_vault_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> VaultMoves: ...

    @overload
    async def account_venue_vault_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def account_venue_vault_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> VaultMoves | str | bytes:
        """What an account paid in and took out, newest first."""
        told: VaultMoves | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/vaults/moves",
            {"before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    async def deposit_in_vault(
        self, account: str, vault: str, *, amount: str, once: str | None = None
    ) -> TransferOutcome:
        """Pay cash into a vault."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/deposits",
            body={"amount": amount},
            once=once,
        )
        return told

    async def withdraw_from_vault(
        self, account: str, vault: str, *, shares: int, once: str | None = None
    ) -> TransferOutcome:
        """Give shares back, or join the queue."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/withdrawals",
            body={"shares": shares},
            once=once,
        )
        return told

    async def leave_vault_queue(
        self, account: str, vault: str, exit_id: int, *, once: str | None = None
    ) -> TransferOutcome:
        """Leave the queue."""
        told: TransferOutcome = await self._transport.ask(
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
    ) -> TransferOutcome:
        """Give a vault new terms."""
        told: TransferOutcome = await self._transport.ask(
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
    ) -> TransferOutcome:
        """Stop or resume what comes in."""
        told: TransferOutcome = await self._transport.ask(
            "PUT", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/state", body={"state": state}, once=once
        )
        return told

    async def rebalance_vault(
        self, account: str, vault: str, *, amount: str, once: str | None = None
    ) -> TransferOutcome:
        """Move cash to work and back."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/rebalances",
            body={"amount": amount},
            once=once,
        )
        return told

    async def harvest_vault(self, account: str, vault: str, *, once: str | None = None) -> TransferOutcome:
        """Bring gains home, pay who waits and fees."""
        told: TransferOutcome = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/harvests", once=once
        )
        return told

    async def compound_vault(self, account: str, vault: str, *, once: str | None = None) -> TransferOutcome:
        """Put what was harvested to work."""
        told: TransferOutcome = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/compounds", once=once
        )
        return told

    async def create_account_vaults_stakes(
        self, account: str, vault: str, *, shares: int, once: str | None = None
    ) -> TransferOutcome:
        """Stake shares in the vault's farm."""
        told: TransferOutcome = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/stakes", body={"shares": shares}, once=once
        )
        return told

    async def create_account_vaults_unstakes(
        self, account: str, vault: str, *, shares: int, once: str | None = None
    ) -> TransferOutcome:
        """Take shares out of the farm."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/unstakes",
            body={"shares": shares},
            once=once,
        )
        return told

    async def create_account_vaults_claims(
        self, account: str, vault: str, *, once: str | None = None
    ) -> TransferOutcome:
        """Have what was earned by staking."""
        told: TransferOutcome = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/claims", once=once
        )
        return told

    async def create_account_vaults_rewards(
        self, account: str, vault: str, *, amount: str, seconds: int, once: str | None = None
    ) -> TransferOutcome:
        """Put a reward into the farm."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/vaults/{part(vault)}/rewards",
            body={"amount": amount, "seconds": seconds},
            once=once,
        )
        return told
