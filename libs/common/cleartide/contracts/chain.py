"""Vaults and farms on chains: what an indexer reads there, event by event, and what became of it day by day.

A chain's ledger is a third party's: nothing here moves money of this venue. An event is known by (chain, signature,
event_index), however often it is sent and in whatever order. Amounts are smallest units of the named asset; a share
count is in smallest units of the vault's own share token; rates say their unit in their name (bps are 1e-4).
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from cleartide.contracts.assets import AssetId
from cleartide.contracts.base import Message
from cleartide.contracts.types import JSON_SAFE, Micros, NonNegativeQuanta, ReasonCode, Seq

ChainName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,23}$")]
TxSignature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,128}$")]
Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
ProtocolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,23}$")]
EventIndex = Annotated[int, Field(ge=0, le=65_535)]
TokenUnits = Annotated[int, Field(ge=0, le=JSON_SAFE, description="smallest units of the asset")]
SignedTokenUnits = Annotated[int, Field(ge=-JSON_SAFE, le=JSON_SAFE, description="smallest units, signed")]
Shares = Annotated[int, Field(ge=0, le=JSON_SAFE, description="smallest units of the vault's share token")]
Bps = Annotated[int, Field(ge=0, le=10_000, description="basis points, 1e-4: 10,000 are the whole")]
RateBps = Annotated[int, Field(ge=-10_000, le=10**7, description="a year's rate in basis points, 1e-4")]
VaultStatus = Literal["active", "paused", "closed"]


class ChainEvent(Message):
    """Base of everything an indexer reads: where on which chain it stands, and when its block was made."""

    subject_template: ClassVar[str] = "chain.{chain}"
    chain: ChainName
    signature: TxSignature
    event_index: EventIndex
    slot: Seq
    block_time: Micros
    program: Address


class VaultEvent(ChainEvent):
    """Base of what happens in one vault: its protocol and asset never change."""

    vault: Address
    protocol: ProtocolName
    asset: AssetId


class VaultInflow(VaultEvent):
    """Base of a deposit: `amount_units` left the owner's wallet, the fee is part of it."""

    owner: Address
    amount_units: TokenUnits
    fee_units: TokenUnits = 0
    shares_received: Shares


class VaultOutflow(VaultEvent):
    """Base of a withdrawal: `amount_units` reached the owner's wallet, the fee was kept beside it."""

    owner: Address
    shares_burned: Shares
    amount_units: TokenUnits
    fee_units: TokenUnits = 0


class FarmMove(VaultEvent):
    """Base of staking: shares change their place, not their owner."""

    owner: Address
    farm: Address
    shares: Shares


class VaultDeposited(VaultInflow):
    """Somebody paid into a vault."""

    type: Literal["VaultDeposited"] = "VaultDeposited"
    version: Literal[1] = 1


class VaultWithdrawn(VaultOutflow):
    """Somebody took out of a vault."""

    type: Literal["VaultWithdrawn"] = "VaultWithdrawn"
    version: Literal[1] = 1


class KaminoDeposited(VaultInflow):
    """A deposit that the program made in a Kamino vault for its owner."""

    type: Literal["KaminoDeposited"] = "KaminoDeposited"
    version: Literal[1] = 1


class KaminoWithdrawn(VaultOutflow):
    """A withdrawal that the program made from a Kamino vault for its owner."""

    type: Literal["KaminoWithdrawn"] = "KaminoWithdrawn"
    version: Literal[1] = 1


class KaminoStaked(FarmMove):
    """Shares of a Kamino vault went into its farm."""

    type: Literal["KaminoStaked"] = "KaminoStaked"
    version: Literal[1] = 1


class KaminoUnstaked(FarmMove):
    """Shares of a Kamino vault came back from its farm."""

    type: Literal["KaminoUnstaked"] = "KaminoUnstaked"
    version: Literal[1] = 1


class FarmRewardsClaimed(VaultEvent):
    """A farm paid rewards out: gross, of which the platform's fee was kept and the rest reached the wallet."""

    type: Literal["FarmRewardsClaimed"] = "FarmRewardsClaimed"
    version: Literal[1] = 1
    owner: Address
    farm: Address
    reward_asset: AssetId
    gross_units: TokenUnits
    platform_fee_units: TokenUnits = 0


class VaultStateUpdated(VaultEvent):
    """What a vault holds by its own ledger: a share is worth (assets + virtual) / (shares + virtual) (rule R36).

    The year's rates are those the vault reports; lending and incentives together are its raw APY. The price is that of
    one whole asset, 10^decimals units, in quote quanta; null is not known. A state without a status says nothing of it:
    a brake that somebody pulled stays pulled. A vault of which no status was ever said is active.
    """

    unsaid: ClassVar[frozenset[str]] = frozenset({"status"})
    type: Literal["VaultStateUpdated"] = "VaultStateUpdated"
    version: Literal[1] = 1
    total_assets_units: TokenUnits
    total_shares: Shares
    virtual_assets_units: TokenUnits = 0
    virtual_shares: Shares = 0
    lending_apy_bps: RateBps
    incentives_apy_bps: RateBps = 0
    price_quanta: NonNegativeQuanta | None = None
    decimals: int = Field(ge=0, le=18)
    status: VaultStatus = "active"


class ProtocolConfigUpdated(ChainEvent):
    """How much of a vault is to be with one protocol."""

    type: Literal["ProtocolConfigUpdated"] = "ProtocolConfigUpdated"
    version: Literal[1] = 1
    vault: Address
    to_protocol: ProtocolName
    weight_bps: Bps
    target_bps: Bps


class FeeConfigUpdated(ChainEvent):
    """What a vault keeps of what comes in, goes out, lies there for a year, and is gained."""

    type: Literal["FeeConfigUpdated"] = "FeeConfigUpdated"
    version: Literal[1] = 1
    vault: Address
    deposit_fee_bps: Bps
    withdraw_fee_bps: Bps
    management_fee_bps: Bps
    performance_fee_bps: Bps
    recipient: Address


class EmergencyActionTaken(ChainEvent):
    """Somebody with the right pulled a vault's brake, or let it go."""

    type: Literal["EmergencyActionTaken"] = "EmergencyActionTaken"
    version: Literal[1] = 1
    vault: Address
    action: Literal["pause", "resume", "emergency_withdraw", "force_rebalance"]


class PlatformFeeUpdated(ChainEvent):
    """What the platform keeps of farm rewards from here on."""

    type: Literal["PlatformFeeUpdated"] = "PlatformFeeUpdated"
    version: Literal[1] = 1
    platform_fee_bps: Bps


class PlatformFeeWalletUpdated(ChainEvent):
    """Where the platform's fees go from here on."""

    type: Literal["PlatformFeeWalletUpdated"] = "PlatformFeeWalletUpdated"
    version: Literal[1] = 1
    wallet: Address


class VaultSwapped(VaultEvent):
    """A deposit or withdrawal went through a swap; the deposit or withdrawal itself is an event of its own."""

    type: Literal["VaultSwapped"] = "VaultSwapped"
    version: Literal[1] = 1
    owner: Address
    swap: Literal["swap_and_deposit", "withdraw_with_swap"]
    from_asset: AssetId
    to_asset: AssetId
    amount_in_units: TokenUnits
    amount_out_units: TokenUnits
    slippage_bps: Bps


class VaultRebalanced(VaultEvent):
    """A vault moved assets from one protocol to another; what its shares are worth does not change."""

    type: Literal["VaultRebalanced"] = "VaultRebalanced"
    version: Literal[1] = 1
    from_protocol: ProtocolName
    to_protocol: ProtocolName
    amount_units: TokenUnits
    executor: Address
    reason: ReasonCode


class VaultHarvested(VaultEvent):
    """A vault collected its farm's rewards: what was put back to work makes every share worth more (compounding)."""

    type: Literal["VaultHarvested"] = "VaultHarvested"
    version: Literal[1] = 1
    farm: Address
    reward_asset: AssetId
    gross_units: TokenUnits
    platform_fee_units: TokenUnits = 0
    compounded_units: TokenUnits


class WithdrawalQueued(VaultEvent):
    """Somebody asked for shares back that the vault cannot pay at once; they stay the owner's until they are paid."""

    type: Literal["WithdrawalQueued"] = "WithdrawalQueued"
    version: Literal[1] = 1
    owner: Address
    shares: Shares
    ready_at: Micros


class ChainEventRetracted(ChainEvent):
    """An event that was told is not on the chain: its block was forked away, or the indexer had read it wrongly.

    What holds instead is an event of its own, under another index.
    """

    type: Literal["ChainEventRetracted"] = "ChainEventRetracted"
    version: Literal[1] = 1
    retracted_signature: TxSignature
    retracted_index: EventIndex
    reason: ReasonCode


class YieldDayRecorded(Message):
    """One owner's closed UTC day with one protocol and asset, the same form as a trading day's (domain rule R34).

    equity_end - equity_start = deposits - withdrawals + yield - fees, exactly. Revision 0 is the first telling; a late,
    corrected or retracted event tells the days that it changed again, under the place of that event in its stream.
    The return is the day's by Modified Dietz in 1e-12 (R35); null where nothing was at work.
    """

    subject_template: ClassVar[str] = "vaults.daily.{owner}"
    type: Literal["YieldDayRecorded"] = "YieldDayRecorded"
    version: Literal[1] = 1
    owner: Address
    protocol: ProtocolName
    asset: AssetId
    day: Micros
    revision: Seq
    equity_start_units: SignedTokenUnits
    equity_end_units: SignedTokenUnits
    deposits_units: SignedTokenUnits
    withdrawals_units: SignedTokenUnits
    fees_units: SignedTokenUnits
    yield_units: SignedTokenUnits
    return_1e12: int | None = Field(ge=-JSON_SAFE, le=JSON_SAFE)


CHAIN_EVENTS: tuple[type[ChainEvent], ...] = (
    VaultDeposited,
    VaultWithdrawn,
    VaultStateUpdated,
    ProtocolConfigUpdated,
    FeeConfigUpdated,
    EmergencyActionTaken,
    KaminoDeposited,
    KaminoWithdrawn,
    KaminoStaked,
    KaminoUnstaked,
    FarmRewardsClaimed,
    PlatformFeeUpdated,
    PlatformFeeWalletUpdated,
    VaultSwapped,
    VaultRebalanced,
    VaultHarvested,
    WithdrawalQueued,
    ChainEventRetracted,
)
VAULT_EVENTS: tuple[type[Message], ...] = (YieldDayRecorded,)
