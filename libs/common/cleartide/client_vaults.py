"""Vaults of the venue, as a holder and as a manager: the part of `cleartide.client` about them."""

import uuid
from abc import ABC, abstractmethod
from typing import Any

from cleartide.client_orders import Receipt
from cleartide.contracts.base import Message
from cleartide.contracts.farms import ClaimFarmRewards, FundFarm, StakeShares, UnstakeShares
from cleartide.contracts.vaults import (
    CancelVaultExit,
    CompoundVault,
    CreateVault,
    DepositToVault,
    HarvestVault,
    ManagedState,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    VaultCommand,
    VaultTerms,
    WithdrawFromVault,
)


class VaultCommands(ABC):
    """Amounts are decimal text, shares whole numbers. A `request_id` is applied once; each answer is an event."""

    async def create_vault(
        self, *, account: str, vault: str, terms: VaultTerms | None = None, request_id: str = ""
    ) -> Receipt:
        """Open a vault that the account manages; it trades as the delegate of `vault--<vault>`."""
        return await self._ask_vault(CreateVault, account, vault, request_id, terms=terms or VaultTerms())

    async def set_vault_terms(self, *, account: str, vault: str, terms: VaultTerms, request_id: str = "") -> Receipt:
        """New terms; no fee rises while shares are out."""
        return await self._ask_vault(SetVaultTerms, account, vault, request_id, terms=terms)

    async def set_vault_state(self, *, account: str, vault: str, state: ManagedState, request_id: str = "") -> Receipt:
        """Stop or resume what comes in."""
        return await self._ask_vault(SetVaultState, account, vault, request_id, state=state)

    async def pay_into_vault(self, *, account: str, vault: str, amount: str, request_id: str = "") -> Receipt:
        """Cash for shares."""
        return await self._ask_vault(DepositToVault, account, vault, request_id, amount=amount)

    async def leave_vault(self, *, account: str, vault: str, shares: int, request_id: str = "") -> Receipt:
        """Shares for cash, at once or by the queue."""
        return await self._ask_vault(WithdrawFromVault, account, vault, request_id, shares=shares)

    async def stay_in_vault(self, *, account: str, vault: str, exit_id: int, request_id: str = "") -> Receipt:
        """Leave the queue."""
        return await self._ask_vault(CancelVaultExit, account, vault, request_id, exit_id=exit_id)

    async def rebalance_vault(self, *, account: str, vault: str, amount: str, request_id: str = "") -> Receipt:
        """Cash from the reserve to the strategy, below zero back."""
        return await self._ask_vault(RebalanceVault, account, vault, request_id, amount=amount)

    async def harvest_vault(self, *, account: str, vault: str, request_id: str = "") -> Receipt:
        """Gains to the reserve, then who waits is paid, then fees."""
        return await self._ask_vault(HarvestVault, account, vault, request_id)

    async def compound_vault(self, *, account: str, vault: str, request_id: str = "") -> Receipt:
        """What was harvested goes to work again."""
        return await self._ask_vault(CompoundVault, account, vault, request_id)

    async def fund_farm(self, *, account: str, vault: str, amount: str, seconds: int, request_id: str = "") -> Receipt:
        """A reward for who stakes, evenly over a time."""
        return await self._ask_vault(FundFarm, account, vault, request_id, amount=amount, seconds=seconds)

    async def stake_shares(self, *, account: str, vault: str, shares: int, request_id: str = "") -> Receipt:
        """Put shares into the vault's farm."""
        return await self._ask_vault(StakeShares, account, vault, request_id, shares=shares)

    async def unstake_shares(self, *, account: str, vault: str, shares: int, request_id: str = "") -> Receipt:
        """Take shares out of the farm."""
        return await self._ask_vault(UnstakeShares, account, vault, request_id, shares=shares)

    async def claim_farm_rewards(self, *, account: str, vault: str, request_id: str = "") -> Receipt:
        """What was earned by staking, less the platform's fee."""
        return await self._ask_vault(ClaimFarmRewards, account, vault, request_id)

    async def own_vaults(self) -> list[dict[str, Any]]:
        """Every vault of the venue, and what its shares are worth now."""
        found: list[dict[str, Any]] = (await self._ask("matching", "own_vaults"))["vaults"]
        return found

    async def vault_holdings(self, account: str) -> dict[str, Any]:
        """What an account holds of vaults, and which of its exits wait."""
        found: dict[str, Any] = await self._ask("matching", "vault_holdings", account=account)
        return found

    async def _ask_vault(
        self, contract: type[VaultCommand], account: str, vault: str, request_id: str, **wish: Any
    ) -> Receipt:
        envelope = self._envelope(f"{self._source}-{contract.__name__}-{request_id or uuid.uuid4().hex}")
        return await self._publish(contract.model_validate({**envelope, "account": account, "vault": vault, **wish}))

    _source: str

    @abstractmethod
    async def _ask(self, service: str, query: str, **params: Any) -> Any:
        """A service's answer to a question."""

    @abstractmethod
    def _envelope(self, message_id: str) -> dict[str, Any]:
        """What every message of this publisher carries."""

    @abstractmethod
    async def _publish(self, message: Message) -> Receipt:
        """Send until the bus has it."""
