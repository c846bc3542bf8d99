"""Examples of what follows when a margin is not enough, on the story's second day."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import DAY, LIQUIDATED, MARKET, said, sent
from cleartide.contracts.solvency import (
    InsuranceChanged,
    InsuranceQuoted,
    KeeperRewarded,
    LossSocialized,
    PositionDeleveraged,
    RequestLiquidation,
)


def _event(contract: type[Message], seq: int, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, LIQUIDATED + DAY, "keeper-1", market=MARKET, **body)


SOLVENCY_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(RequestLiquidation, "keeper-1", "gateway", keeper="carol", account="alice", market=MARKET),
    _event(
        PositionDeleveraged,
        80,
        account="bob",
        against="alice",
        trade_id=4,
        lots=19,
        price_ticks=610_333,
        rank=1,
        candidates=1,
    ),
    _event(LossSocialized, 81, account="alice", loss_quanta=1_000, charged_quanta=1_000, accounts=1),
    _event(KeeperRewarded, 82, keeper="carol", account="alice", reward_quanta=375_900, cash_quanta=100_375_900),
    _event(InsuranceChanged, 83, change_quanta=1_503_600, balance_quanta=3_383_100, reason="liquidation"),
    _event(
        InsuranceQuoted,
        84,
        order_id=9,
        side="sell",
        price_ticks=610_400,
        size_lots=2,
        held_lots=19,
        mark_ticks=610_400,
        reason="taken_over",
    ),
)
