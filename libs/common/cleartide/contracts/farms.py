"""Farms of the venue's vaults: rewards for those who stake shares there, evenly over a time, by what they have staked.

A staked share stays its owner's and keeps its value; it cannot be taken out of the vault until it is unstaked. Rewards
are cash that somebody has put in; of each claim the platform keeps a fee.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.chain import Bps, Shares
from cleartide.contracts.trading import TradingEvent
from cleartide.contracts.types import JSON_SAFE, AccountId, Micros, NonNegativeQuanta, PositiveDecimal
from cleartide.contracts.vaults import OwnVaultName, PositiveShares, VaultCommand
from cleartide.contracts.venue import AdminCommand


class OpenFarm(AdminCommand):
    """Give a vault its farm, with the platform's fee on rewards for good."""

    subject_template: ClassVar[str] = "admin.vaults"
    type: Literal["OpenFarm"] = "OpenFarm"
    version: Literal[1] = 1
    vault: OwnVaultName
    platform_fee_bps: Annotated[int, Field(ge=0, le=5_000)]


class FundFarm(VaultCommand):
    """Put cash into a farm; all that is still to come then flows evenly over the time, or to the old end if later."""

    type: Literal["FundFarm"] = "FundFarm"
    version: Literal[1] = 1
    amount: PositiveDecimal
    seconds: Annotated[int, Field(gt=0, le=31_536_000)]


class StakeShares(VaultCommand):
    """Put shares of the vault into its farm."""

    type: Literal["StakeShares"] = "StakeShares"
    version: Literal[1] = 1
    shares: PositiveShares


class UnstakeShares(VaultCommand):
    """Take shares out of the farm; what they have earned waits to be claimed."""

    type: Literal["UnstakeShares"] = "UnstakeShares"
    version: Literal[1] = 1
    shares: PositiveShares


class ClaimFarmRewards(VaultCommand):
    """Have what was earned by staking, less the platform's fee."""

    type: Literal["ClaimFarmRewards"] = "ClaimFarmRewards"
    version: Literal[1] = 1


class FarmOpened(TradingEvent):
    """A vault has a farm from here on."""

    type: Literal["FarmOpened"] = "FarmOpened"
    version: Literal[1] = 1
    vault: OwnVaultName
    platform_fee_bps: Bps


class FarmFunded(TradingEvent):
    """A reward was put in: what is to come flows evenly until the end."""

    type: Literal["FarmFunded"] = "FarmFunded"
    version: Literal[1] = 1
    account: AccountId
    vault: OwnVaultName
    amount_quanta: NonNegativeQuanta
    to_come_quanta: NonNegativeQuanta
    ends_at: Micros


class SharesStaked(TradingEvent):
    """Shares went into the farm, below zero out of it."""

    type: Literal["SharesStaked"] = "SharesStaked"
    version: Literal[1] = 1
    account: AccountId
    vault: OwnVaultName
    change_shares: Annotated[int, Field(ge=-JSON_SAFE, le=JSON_SAFE)]
    staked_shares: Shares


class FarmRewardsPaid(TradingEvent):
    """A claim: gross, of which the platform's fee was kept and the amount reached the account's cash."""

    type: Literal["FarmRewardsPaid"] = "FarmRewardsPaid"
    version: Literal[1] = 1
    account: AccountId
    vault: OwnVaultName
    gross_quanta: NonNegativeQuanta
    platform_fee_quanta: NonNegativeQuanta
    amount_quanta: NonNegativeQuanta


FARM_COMMANDS: tuple[type[Message], ...] = (OpenFarm, FundFarm, StakeShares, UnstakeShares, ClaimFarmRewards)
FARM_EVENTS: tuple[type[Message], ...] = (FarmOpened, FarmFunded, SharesStaked, FarmRewardsPaid)
