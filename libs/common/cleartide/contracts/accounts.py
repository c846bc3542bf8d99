"""Accounts: sub-accounts, and who else may act for an account.

Requests travel on the account's own subject; whoever may publish there has been let in by the venue's edge. `actor`
names who acts; without one it is the account's owner.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.assets import ASSET_COMMANDS, ASSET_EVENTS
from cleartide.contracts.audit import AUDIT_COMMANDS, AUDIT_EVENTS
from cleartide.contracts.base import Message
from cleartide.contracts.custody import CUSTODY_COMMANDS, CUSTODY_EVENTS
from cleartide.contracts.farms import FARM_COMMANDS, FARM_EVENTS
from cleartide.contracts.fees import FEE_COMMANDS, FEE_EVENTS
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import AccountId, MarketId, ReasonCode
from cleartide.contracts.vaults import OWN_VAULT_COMMANDS, OWN_VAULT_EVENTS
from cleartide.contracts.watching import WATCHING_COMMANDS, WATCHING_EVENTS

SubaccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:-?[a-z0-9_]){0,23}$")]
MarginMode = Literal["cross", "isolated"]
Leverage = Annotated[int, Field(ge=1, le=1_000)]
Right = Literal["deposit", "trade", "cancel", "withdraw", "transfer"]


class OpenSubaccount(Message):
    """Open `<account>--<name>` under an account. An isolated one trades one market and margins it alone (R12)."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["OpenSubaccount"] = "OpenSubaccount"
    version: Literal[1] = 1
    account: AccountId
    name: SubaccountName
    margin_mode: MarginMode = "cross"
    market: MarketId | None = None
    actor: AccountId | None = None


class GrantDelegate(Message):
    """Let another act for an account; a second grant replaces the first. Only the owner may grant."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["GrantDelegate"] = "GrantDelegate"
    version: Literal[1] = 1
    account: AccountId
    delegate: AccountId
    deposit: bool = True
    trade: bool = True
    cancel: bool = True
    withdraw: bool = False
    transfer: bool = False
    actor: AccountId | None = None


class RevokeDelegate(Message):
    """Take every right back from a delegate. Only the owner may revoke."""

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["RevokeDelegate"] = "RevokeDelegate"
    version: Literal[1] = 1
    account: AccountId
    delegate: AccountId
    actor: AccountId | None = None


class SetLeverage(Message):
    """Choose how much initial margin a position asks for at least: notional / leverage (3.6).

    Null takes the choice back. Maintenance margin never depends on it.
    """

    subject_template: ClassVar[str] = "transfers.{account}"
    type: Literal["SetLeverage"] = "SetLeverage"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    leverage: Leverage | None
    actor: AccountId | None = None


class SubaccountOpened(TradingEvent):
    """A sub-account opened. `market` is the one that an isolated account is pinned to, null for a cross one."""

    type: Literal["SubaccountOpened"] = "SubaccountOpened"
    version: Literal[1] = 1
    account: AccountId
    parent: AccountId
    margin_mode: MarginMode
    market: MarketId | None


class DelegateChanged(TradingEvent):
    """What a delegate may do for an account from here on; no rights: revoked."""

    type: Literal["DelegateChanged"] = "DelegateChanged"
    version: Literal[1] = 1
    account: AccountId
    delegate: AccountId
    rights: tuple[Right, ...]


class LeverageSet(TradingEvent):
    """The leverage of an account in a market from here on; null: the market's brackets alone."""

    type: Literal["LeverageSet"] = "LeverageSet"
    version: Literal[1] = 1
    account: AccountId
    market: MarketId
    leverage: Leverage | None


class AccountRequestRejected(TradingEvent):
    """A request about an account was refused; nothing changed."""

    type: Literal["AccountRequestRejected"] = "AccountRequestRejected"
    version: Literal[1] = 1
    account: AccountId
    request: str
    reason: ReasonCode


ACCOUNT_COMMANDS: tuple[type[Message], ...] = (
    OpenSubaccount,
    GrantDelegate,
    RevokeDelegate,
    SetLeverage,
    *ASSET_COMMANDS,
    *CUSTODY_COMMANDS,
    *FEE_COMMANDS,
    *AUDIT_COMMANDS,
    *WATCHING_COMMANDS,
    *OWN_VAULT_COMMANDS,
    *FARM_COMMANDS,
)
ACCOUNT_EVENTS: tuple[type[Message], ...] = (
    SubaccountOpened,
    DelegateChanged,
    LeverageSet,
    AccountRequestRejected,
    *ASSET_EVENTS,
    *CUSTODY_EVENTS,
    *FEE_EVENTS,
    *AUDIT_EVENTS,
    *WATCHING_EVENTS,
    *OWN_VAULT_EVENTS,
    *FARM_EVENTS,
)
