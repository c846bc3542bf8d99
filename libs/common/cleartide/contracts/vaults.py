"""Vaults of the venue itself: shares in an account that somebody else trades, with their money in matching's ledger.

A vault's assets are its reserve and the equity of its strategy account, less fees that are owed (domain
rule R36). Fees are basis points of what comes in, goes out, lies there for a year of 365 days, or is gained above the
highest price a share has had. Requests travel on the asker's own subject; what moves cash is told by `TransferApplied`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.base import Contract, Message
from cleartide.contracts.chain import Bps, Shares
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import (
    AccountId,
    Micros,
    NonNegativeQuanta,
    PositiveDecimal,
    Quanta,
    Seq,
    SignedDecimal,
)
from cleartide.contracts.venue import AdminCommand

OwnVaultName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,23}$")]
VaultState = Literal["active", "paused", "closed", "halted"]
ManagedState = Literal["active", "paused", "closed"]
VaultMove = Literal["rebalance", "harvest", "compound", "recall", "fee"]
PositiveShares = Annotated[int, Field(gt=0, le=2**53 - 1, description="smallest units of the vault's shares")]


class VaultTerms(Contract):
    """What a vault promises to those who pay in.

    lock_seconds: how long a deposit stays. capacity: most assets it takes, null is no limit. reserve_bps: what part
    of the assets the manager has to leave in reserve. virtual_shares: against whoever would set the first price (15.1).
    """

    deposit_fee_bps: Annotated[int, Field(ge=0, le=1_000)] = 0
    withdraw_fee_bps: Annotated[int, Field(ge=0, le=1_000)] = 0
    management_fee_bps: Annotated[int, Field(ge=0, le=2_000)] = 0
    performance_fee_bps: Annotated[int, Field(ge=0, le=5_000)] = 0
    lock_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = 0
    capacity: PositiveDecimal | None = None
    reserve_bps: Bps = 0
    virtual_shares: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000


class VaultCommand(Message):
    """Base of what somebody asks of a vault; the account is the one that pays in or takes out, or the manager's."""

    subject_template: ClassVar[str] = "transfers.{account}"
    account: AccountId
    vault: OwnVaultName
    actor: AccountId | None = None


class CreateVault(VaultCommand):
    """Open a vault that this account manages: it may trade `vault--<vault>`, and never take anything out of it."""

    type: Literal["CreateVault"] = "CreateVault"
    version: Literal[1] = 1
    terms: VaultTerms = VaultTerms()


class SetVaultTerms(VaultCommand):
    """Give a vault new terms. While shares are out no fee rises; what is locked keeps its time."""

    type: Literal["SetVaultTerms"] = "SetVaultTerms"
    version: Literal[1] = 1
    terms: VaultTerms


class SetVaultState(VaultCommand):
    """Stop and resume what comes in (`paused`), or stop it for good (`closed`). Who is in may always go."""

    type: Literal["SetVaultState"] = "SetVaultState"
    version: Literal[1] = 1
    state: ManagedState


class HaltVault(AdminCommand):
    """The operator's stop of a vault, in and out; taken back, the vault is as it was before."""

    subject_template: ClassVar[str] = "admin.vaults"
    type: Literal["HaltVault"] = "HaltVault"
    version: Literal[1] = 1
    vault: OwnVaultName
    halted: bool


class DepositToVault(VaultCommand):
    """Pay cash into a vault for shares: floor(amount less fee * (T + v) / (A + 1))."""

    type: Literal["DepositToVault"] = "DepositToVault"
    version: Literal[1] = 1
    amount: PositiveDecimal


class WithdrawFromVault(VaultCommand):
    """Give shares back: paid at once as far as money is free and nobody waits, else in the queue's order."""

    type: Literal["WithdrawFromVault"] = "WithdrawFromVault"
    version: Literal[1] = 1
    shares: PositiveShares


class CancelVaultExit(VaultCommand):
    """Leave the queue and keep the shares."""

    type: Literal["CancelVaultExit"] = "CancelVaultExit"
    version: Literal[1] = 1
    exit_id: Seq


class RebalanceVault(VaultCommand):
    """Move cash from the reserve to the strategy, below zero back."""

    type: Literal["RebalanceVault"] = "RebalanceVault"
    version: Literal[1] = 1
    amount: SignedDecimal


class HarvestVault(VaultCommand):
    """Bring what the strategy has gained and can spare to the reserve, pay who waits, then the fees that are owed."""

    type: Literal["HarvestVault"] = "HarvestVault"
    version: Literal[1] = 1


class CompoundVault(VaultCommand):
    """Put what was harvested to work again."""

    type: Literal["CompoundVault"] = "CompoundVault"
    version: Literal[1] = 1


class VaultCreated(TradingEvent):
    """A vault opened: its strategy may be traded for from here on, by its manager."""

    type: Literal["VaultCreated"] = "VaultCreated"
    version: Literal[1] = 1
    vault: OwnVaultName
    manager: AccountId
    strategy: AccountId
    terms: VaultTerms


class VaultTermsSet(TradingEvent):
    """The terms from here on."""

    type: Literal["VaultTermsSet"] = "VaultTermsSet"
    version: Literal[1] = 1
    vault: OwnVaultName
    terms: VaultTerms


class VaultStateChanged(TradingEvent):
    """Paused and closed take nothing in; halted lets nothing out either."""

    type: Literal["VaultStateChanged"] = "VaultStateChanged"
    version: Literal[1] = 1
    vault: OwnVaultName
    state: VaultState


class VaultSharesIssued(TradingEvent):
    """A deposit: `amount_quanta` left the account's cash, the fee is part of it."""

    type: Literal["VaultSharesIssued"] = "VaultSharesIssued"
    version: Literal[1] = 1
    account: AccountId
    vault: OwnVaultName
    amount_quanta: NonNegativeQuanta
    fee_quanta: NonNegativeQuanta
    shares: Shares
    balance_shares: Shares
    locked_until: Micros


class VaultSharesRedeemed(TradingEvent):
    """A withdrawal: `amount_quanta` reached the account's cash, the fee was kept beside it."""

    type: Literal["VaultSharesRedeemed"] = "VaultSharesRedeemed"
    version: Literal[1] = 1
    account: AccountId
    vault: OwnVaultName
    amount_quanta: NonNegativeQuanta
    fee_quanta: NonNegativeQuanta
    shares: Shares
    balance_shares: Shares
    exit_id: Seq | None = None


class VaultExitChanged(TradingEvent):
    """A withdrawal waits, or waits no more because its owner stays; what is paid is told by `VaultSharesRedeemed`."""

    type: Literal["VaultExitChanged"] = "VaultExitChanged"
    version: Literal[1] = 1
    account: AccountId
    vault: OwnVaultName
    exit_id: Seq
    shares: Shares
    status: Literal["queued", "canceled"]


class VaultFundsMoved(TradingEvent):
    """Cash went from the reserve to the strategy, below zero back; of a fee, to the manager."""

    type: Literal["VaultFundsMoved"] = "VaultFundsMoved"
    version: Literal[1] = 1
    vault: OwnVaultName
    move: VaultMove
    amount_quanta: Quanta
    allocated_quanta: NonNegativeQuanta
    harvested_quanta: NonNegativeQuanta


class VaultValued(TradingEvent):
    """What a vault holds after a step, at the marks of now; and what fees this step took of it.

    A share is worth (assets + 1) / (shares + virtual shares); assets and fees owed are reserve and strategy together.
    """

    type: Literal["VaultValued"] = "VaultValued"
    version: Literal[1] = 1
    vault: OwnVaultName
    assets_quanta: NonNegativeQuanta
    shares: Shares
    reserve_quanta: NonNegativeQuanta
    fees_owed_quanta: NonNegativeQuanta
    management_fee_quanta: NonNegativeQuanta
    performance_fee_quanta: NonNegativeQuanta
    waiting_shares: Shares


OWN_VAULT_COMMANDS: tuple[type[Message], ...] = (
    CreateVault,
    SetVaultTerms,
    SetVaultState,
    HaltVault,
    DepositToVault,
    WithdrawFromVault,
    CancelVaultExit,
    RebalanceVault,
    HarvestVault,
    CompoundVault,
)
OWN_VAULT_EVENTS: tuple[type[Message], ...] = (
    VaultCreated,
    VaultTermsSet,
    VaultStateChanged,
    VaultSharesIssued,
    VaultSharesRedeemed,
    VaultExitChanged,
    VaultFundsMoved,
    VaultValued,
)
