"""What the fields of the venue's own vaults mean; part of `glossary`."""

from collections.abc import Mapping
from typing import Final

OWN_VAULTS: Final[Mapping[str, str]] = {
    "terms": "fees, lock, capacity and reserve",
    "deposit_fee_bps": "fee on what comes in, in basis points, 1e-4",
    "withdraw_fee_bps": "fee on what goes out, in basis points, 1e-4",
    "management_fee_bps": "fee for a year of 365 days, in basis points of the assets, 1e-4",
    "performance_fee_bps": "fee on the gain above the highest price a share has had, in basis points, 1e-4",
    "lock_seconds": "how long a deposit stays, in seconds",
    "capacity": "most assets that the vault takes, in quote; null is no limit",
    "reserve_bps": "part of the assets that the manager has to leave in reserve, in basis points, 1e-4",
    "virtual_shares": "shares that nobody has, beside one quantum that is nobody's: they set the first price",
    "manager": "account that manages the vault",
    "strategy": "account that trades for the vault; its manager may place and cancel orders there",
    "halted": "whether the vault takes nothing in and lets nothing out",
    "SetVaultState.state": "active, paused (takes nothing in) or closed (for good)",
    "VaultStateChanged.state": "active, paused, closed, or halted by the operator",
    "RebalanceVault.amount": "decimal number in quote from the reserve to the strategy; below zero back",
    "exit_id": "number of the withdrawal",
    "VaultExitChanged.status": "queued, or canceled by its owner",
    "balance_shares": "what the account holds of the vault afterwards, in smallest units of its shares",
    "locked_until": "until when the account's shares stay, in microseconds since the Unix epoch, UTC",
    "move": "why the money moved",
    "allocated_quanta": "cash at work less what came back, in quote quanta, 1e-6",
    "harvested_quanta": "gains in the reserve that were not put to work again, in quote quanta, 1e-6",
    "assets_quanta": "what all shares together are worth, in quote quanta, 1e-6",
    "reserve_quanta": "cash of the vault that no position can touch, in quote quanta, 1e-6",
    "fees_owed_quanta": "fees taken and not paid yet, in quote quanta, 1e-6",
    "management_fee_quanta": "fee for the time since the last step, in quote quanta, 1e-6",
    "performance_fee_quanta": "fee on what was gained since the last step, in quote quanta, 1e-6",
    "waiting_shares": "shares whose withdrawal waits, in smallest units of the vault's shares",
}
