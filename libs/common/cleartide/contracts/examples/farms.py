"""Examples of farms: carol funds one with 100 USDC, alice stakes half of her shares and claims 8."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import DAY, OPENED, said, sent
from cleartide.contracts.farms import (
    ClaimFarmRewards,
    FarmFunded,
    FarmOpened,
    FarmRewardsPaid,
    FundFarm,
    OpenFarm,
    SharesStaked,
    StakeShares,
    UnstakeShares,
)

_HELD: Final = {"account": "alice", "vault": "calm"}
_SHARES: Final = 499_500_000_000


def _event(contract: type[Message], seq: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, OPENED, cause, vault="calm", **body)


FARM_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(OpenFarm, "farm-1", "operator", vault="calm", platform_fee_bps=2_000),
    sent(FundFarm, "farm-2", "gateway", account="carol", vault="calm", amount="100", seconds=86_400),
    sent(StakeShares, "farm-3", "gateway", **_HELD, shares=_SHARES),
    sent(UnstakeShares, "farm-4", "gateway", **_HELD, shares=_SHARES),
    sent(ClaimFarmRewards, "farm-5", "gateway", **_HELD),
    _event(FarmOpened, 58, "farm-1", platform_fee_bps=2_000),
    _event(
        FarmFunded,
        59,
        "farm-2",
        account="carol",
        amount_quanta=100_000_000,
        to_come_quanta=100_000_000,
        ends_at=OPENED + DAY,
    ),
    _event(SharesStaked, 60, "farm-3", account="alice", change_shares=_SHARES, staked_shares=_SHARES),
    _event(
        FarmRewardsPaid,
        61,
        "farm-5",
        account="alice",
        gross_quanta=10_000_000,
        platform_fee_quanta=2_000_000,
        amount_quanta=8_000_000,
    ),
)
