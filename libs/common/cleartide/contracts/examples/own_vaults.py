"""Examples of the venue's own vaults: carol manages one, alice pays 1,000 USDC in and takes half out."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import DAY, OPENED, said, sent
from cleartide.contracts.vaults import (
    CancelVaultExit,
    CompoundVault,
    CreateVault,
    DepositToVault,
    HaltVault,
    HarvestVault,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    VaultCreated,
    VaultExitChanged,
    VaultFundsMoved,
    VaultSharesIssued,
    VaultSharesRedeemed,
    VaultStateChanged,
    VaultTerms,
    VaultTermsSet,
    VaultValued,
    WithdrawFromVault,
)

_VAULT: Final = "calm"
_TERMS: Final = VaultTerms(
    deposit_fee_bps=10, performance_fee_bps=2_000, lock_seconds=86_400, capacity="5000000", reserve_bps=1_000
)
_MANAGED: Final = {"account": "carol", "vault": _VAULT}
_HELD: Final = {"account": "alice", "vault": _VAULT}
_SHARES: Final = 999_000_000_000


def _event(contract: type[Message], seq: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, OPENED, cause, vault=_VAULT, **body)


OWN_VAULT_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(CreateVault, "vault-1", "gateway", **_MANAGED, terms=_TERMS),
    sent(SetVaultTerms, "vault-2", "gateway", **_MANAGED, terms=_TERMS),
    sent(SetVaultState, "vault-3", "gateway", **_MANAGED, state="paused"),
    sent(HaltVault, "vault-4", "operator", vault=_VAULT, halted=True),
    sent(DepositToVault, "vault-5", "gateway", **_HELD, amount="1000"),
    sent(WithdrawFromVault, "vault-6", "gateway", **_HELD, shares=_SHARES // 2),
    sent(CancelVaultExit, "vault-7", "gateway", **_HELD, exit_id=1),
    sent(RebalanceVault, "vault-8", "gateway", **_MANAGED, amount="800"),
    sent(HarvestVault, "vault-9", "gateway", **_MANAGED),
    sent(CompoundVault, "vault-10", "gateway", **_MANAGED),
    _event(VaultCreated, 50, "vault-1", manager="carol", strategy="vault--calm", terms=_TERMS),
    _event(VaultTermsSet, 51, "vault-2", terms=_TERMS),
    _event(VaultStateChanged, 52, "vault-3", state="paused"),
    _event(
        VaultSharesIssued,
        53,
        "vault-5",
        account="alice",
        amount_quanta=10**9,
        fee_quanta=10**6,
        shares=_SHARES,
        balance_shares=_SHARES,
        locked_until=OPENED + DAY,
    ),
    _event(
        VaultSharesRedeemed,
        54,
        "vault-6",
        account="alice",
        amount_quanta=499_500_000,
        fee_quanta=0,
        shares=_SHARES // 2,
        balance_shares=_SHARES // 2,
        exit_id=1,
    ),
    _event(VaultExitChanged, 55, "vault-6", account="alice", exit_id=2, shares=_SHARES // 2, status="queued"),
    _event(
        VaultFundsMoved,
        56,
        "vault-8",
        move="rebalance",
        amount_quanta=800_000_000,
        allocated_quanta=800_000_000,
        harvested_quanta=0,
    ),
    _event(
        VaultValued,
        57,
        "vault-5",
        assets_quanta=999_000_000,
        shares=_SHARES,
        reserve_quanta=10**9,
        fees_owed_quanta=10**6,
        management_fee_quanta=0,
        performance_fee_quanta=0,
        waiting_shares=0,
    ),
)
