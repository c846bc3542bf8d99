"""Examples of what an indexer reads on a chain, and of the day that becomes of it.

carol pays 1,000 USDC into a vault for a fee of 1, stakes her shares, is paid rewards, and takes a quarter out again.
"""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.chain import (
    ChainEvent,
    ChainEventRetracted,
    EmergencyActionTaken,
    FarmRewardsClaimed,
    FeeConfigUpdated,
    KaminoDeposited,
    KaminoStaked,
    KaminoUnstaked,
    KaminoWithdrawn,
    PlatformFeeUpdated,
    PlatformFeeWalletUpdated,
    ProtocolConfigUpdated,
    VaultDeposited,
    VaultHarvested,
    VaultRebalanced,
    VaultStateUpdated,
    VaultSwapped,
    VaultWithdrawn,
    WithdrawalQueued,
    YieldDayRecorded,
)
from cleartide.contracts.examples.story import DAY, HOUR, OPENED, said

_USDC: Final = {"vault": "usdc-main", "protocol": "mars", "asset": "USDC"}
_KAMINO: Final = {"vault": "usdc-prime", "protocol": "kamino", "asset": "USDC"}
_CAROL: Final = {"owner": "carol"}


def _read(contract: type[ChainEvent], number: int, **body: Any) -> Message:
    at = OPENED + number * HOUR
    return contract(
        id=f"solana-sig{number}-0",
        occurred_at=at,
        source="indexer",
        chain="solana",
        signature=f"sig{number}",
        event_index=0,
        slot=300_000_000 + number,
        block_time=at,
        program="marsvaults",
        **body,
    )


_IN: Final = {"amount_units": 1_000_000_000, "fee_units": 1_000_000, "shares_received": 999_000_000}
_OUT: Final = {"shares_burned": 250_000_000, "amount_units": 250_100_000, "fee_units": 0}

CHAIN_EXAMPLES: Final[tuple[Message, ...]] = (
    _read(
        FeeConfigUpdated,
        1,
        vault="usdc-main",
        deposit_fee_bps=10,
        withdraw_fee_bps=0,
        management_fee_bps=50,
        performance_fee_bps=1_000,
        recipient="treasury",
    ),
    _read(ProtocolConfigUpdated, 2, vault="usdc-main", to_protocol="kamino", weight_bps=6_000, target_bps=5_500),
    _read(
        VaultStateUpdated,
        3,
        **_USDC,
        total_assets_units=5_000_000_000,
        total_shares=4_990_000_000,
        virtual_assets_units=1,
        virtual_shares=1_000,
        lending_apy_bps=480,
        incentives_apy_bps=120,
        price_quanta=1_000_000,
        decimals=6,
    ),
    _read(VaultDeposited, 4, **_USDC, **_CAROL, **_IN),
    _read(KaminoDeposited, 5, **_KAMINO, **_CAROL, **_IN),
    _read(KaminoStaked, 6, **_KAMINO, **_CAROL, farm="farm-1", shares=999_000_000),
    _read(
        FarmRewardsClaimed,
        7,
        **_KAMINO,
        **_CAROL,
        farm="farm-1",
        reward_asset="KMNO",
        gross_units=4_000_000,
        platform_fee_units=1_000_000,
    ),
    _read(KaminoUnstaked, 8, **_KAMINO, **_CAROL, farm="farm-1", shares=250_000_000),
    _read(KaminoWithdrawn, 9, **_KAMINO, **_CAROL, **_OUT),
    _read(WithdrawalQueued, 10, **_USDC, **_CAROL, shares=250_000_000, ready_at=OPENED + DAY),
    _read(VaultWithdrawn, 11, **_USDC, **_CAROL, **_OUT),
    _read(
        VaultSwapped,
        12,
        **_USDC,
        **_CAROL,
        swap="swap_and_deposit",
        from_asset="SOL",
        to_asset="USDC",
        amount_in_units=5_000_000_000,
        amount_out_units=1_000_000_000,
        slippage_bps=30,
    ),
    _read(
        VaultRebalanced,
        13,
        **_USDC,
        from_protocol="jupiter",
        to_protocol="kamino",
        amount_units=400_000_000,
        executor="keeper-1",
        reason="better_rate",
    ),
    _read(
        VaultHarvested,
        14,
        **_USDC,
        farm="farm-1",
        reward_asset="KMNO",
        gross_units=8_000_000,
        platform_fee_units=2_000_000,
        compounded_units=1_500_000,
    ),
    _read(EmergencyActionTaken, 15, vault="usdc-main", action="pause"),
    _read(PlatformFeeUpdated, 16, platform_fee_bps=2_500),
    _read(PlatformFeeWalletUpdated, 17, wallet="treasury-2"),
    _read(ChainEventRetracted, 18, retracted_signature="sig11", retracted_index=0, reason="fork"),
    said(
        YieldDayRecorded,
        "vaults",
        "vaults",
        1,
        OPENED + DAY,
        "solana-sig20-0",
        owner="carol",
        protocol="mars",
        asset="USDC",
        day=OPENED,
        revision=0,
        equity_start_units=0,
        equity_end_units=750_450_000,
        deposits_units=1_000_000_000,
        withdrawals_units=250_100_000,
        fees_units=1_000_000,
        yield_units=1_550_000,
        return_1e12=780_000_000,
    ),
)
